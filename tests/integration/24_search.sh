#!/bin/bash
# Finding what was said.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

STORED=yes
start_hub
for name in alice bob carol; do earshot --name "$name" -q who >/dev/null; done
run_earshot ops --name carol tail --json '#ops'
wait_for "#ops is there" has_members '#ops' 1

found() { # the texts found, newest first
    earshot --name alice search --json "$@" 2>"$T/search.err" | jq -r .text | paste -sd ,
}

earshot --name alice send bob 'the red apple'
earshot --name bob send alice 'a green apple'
earshot --name alice send bob 'a green pear'
earshot --name carol send bob 'a secret apple'
earshot --name alice send '#ops' 'apple pie in the room'
earshot --name carol send '#ops' 'Äpfel und Birnen'
earshot --name alice send bob '東京は晴れです'

is "one word, newest first, not what others said to each other" "$(found apple --in bob)" \
    "a green apple,the red apple"
is "all words" "$(found green apple)" "a green apple"
is "as one argument too" "$(found 'green apple')" "a green apple"
is "their order does not matter" "$(found apple green)" "a green apple"
is "letters are compared without case" "$(found APPLE GREEN)" "a green apple"
is "other alphabets, without case" "$(found äpfel --in '#ops')" "Äpfel und Birnen"
is "scripts without spaces" "$(found 東京は)" "東京は晴れです"
is "in a room" "$(found apple --in '#ops')" "apple pie in the room"
is "from somebody" "$(found apple --in bob --from alice)" "the red apple"
is "-n" "$(found apple --in bob -n 1)" "a green apple"
is "a message can be found at once" "$(earshot --name alice send bob 'zebra one' && found zebra)" \
    "zebra one"
try earshot --name alice search --json apple --in bob
check "what is found are messages" json '.type == "message" and .conv == "bob" and (.seq > 0)' "$OUT"
try earshot --name alice search apple --in bob
check "people see lines" has "$OUT" "<bob> a green apple"
try earshot --name alice search nothing-like-this
check "nothing found is no error" test "$STATUS" -eq 0 -a -z "$OUT"
check "but said" test -n "$ERR"
for words in '"' "'" '*' 'a AND' 'NEAR(' '-x' 'col:x' '(' '^' '%' "\\" 'a"b' 'OR OR'; do
    try earshot --name alice search --json -- "$words"
    check "search: $words is no syntax" test "$STATUS" -eq 0
done
exits 64 "no word" earshot --name alice search
exits 64 "an empty word" earshot --name alice search ''
exits 67 "in a conversation with nobody" earshot --name alice search apple --in nobody-at-all
exits 67 "from nobody" earshot --name alice search apple --from nobody-at-all

for i in $(seq 1 30); do echo "many $i"; done | earshot --name alice send bob --lines
is "20 without -n" "$(found many | tr ',' '\n' | wc -l)" 20
is "newest first" "$(found many -n 3)" "many 30,many 29,many 28"

# Twenty times 20 KB are more than one answer of the hub; 1,500 messages, too.
long=$(printf '%20000s' '' | tr ' ' x)
for i in $(seq 1 20); do echo "long $i $long"; done | earshot --name alice send bob --lines
is "long messages come all" "$(found long | tr ',' '\n' | cut -d ' ' -f 2 | paste -sd ' ')" \
    "$(seq -s ' ' 20 -1 1)"
is "as many as wanted" "$(found long -n 13 | tr ',' '\n' | wc -l)" 13
is "found by parts of words, too" "$(found lon -n 15 | tr ',' '\n' | wc -l)" 15
for i in $(seq 1 1500); do echo "count$i short"; done | earshot --name alice send bob --lines
is "-n 1400" "$(found short -n 1400 | tr ',' '\n' | cut -d ' ' -f 1 | paste -sd ' ')" \
    "$(seq -f 'count%.0f' -s ' ' 1500 -1 101)"
is "-n 5000: all there are, once" "$(found short -n 5000 | tr ',' '\n' | sort -u | wc -l)" 1500
is "the end of whole words is no reason to look for parts" \
    "$(earshot --name alice send bob 'shortly' && found short -n 5000 | tr ',' '\n' | wc -l)" 1500

kill -9 "$HUB_PID"
ends "$HUB_PID"
start_hub
is "what was stored is found after a crash" "$(found green)" "a green pear,a green apple"
is "up to the last message" "$(found many -n 1)" "many 30"
