#!/bin/bash
# send --title and --priority: with the message wherever it is shown, and found by a search.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

STORED=yes start_hub
run_earshot bob --name bob tail --json
run_earshot text --name bob tail
wait_for "bob is here" is_here bob
for priority in min low default high max; do
    try earshot --name alice send bob --title "The disk of $priority" --priority "$priority" "it is full"
    check "--priority $priority" test "$STATUS" -eq 0 -a -z "$OUT$ERR"
done
try earshot --name alice send bob --priority high "no title"
try earshot --name alice send bob --title '[low] and a bracket' --notice "no priority"
printf 'one\ntwo\n' | earshot --name alice send bob --lines --title "Each"
wait_for "all of them came" has_lines "$T/bob.out" 9
wait_for "in both forms" has_lines "$T/text.out" 17
is "title and priority are members where they apply" \
    "$(jq -r '[.title, .priority, .text] | @csv' "$T/bob.out")" '"The disk of min","min","it is full"
"The disk of low","low","it is full"
"The disk of default",,"it is full"
"The disk of high","high","it is full"
"The disk of max","max","it is full"
,"high","no title"
"[low] and a bracket",,"no priority"
"Each",,"one"
"Each",,"two"'
check "else they are not there" test "$(jq 'select(.text == "no title") | has("title")' "$T/bob.out")" = false
is "for people the title is a line above" "$(sed -n 's/^..:.. //; 7,11p' "$T/text.out")" \
    "<alice> [high] The disk of high
      it is full
<alice> [max] The disk of max
      it is full
<alice> [high] no title"
try earshot --name bob history alice --jq 'select(.priority == "max") | .title'
is "they are stored" "$OUT" "The disk of max"
try earshot --name bob search disk max --jq .text
is "and found" "$OUT" "it is full"

exits 64 "a priority that is none" earshot --name alice send bob --priority urgent x
check "it says which there are" has "$ERR" "give min|low|default|high|max"
exits 65 "a title of two lines" earshot --name alice send bob --title $'a\nb' x
exits 65 "one that is too long" earshot --name alice send bob --title "$(printf '%0256d' 0)" x
try earshot --name alice send bob --title "$(printf '%0255d' 0)" x
check "the longest" test "$STATUS" -eq 0
exits 65 "title and text have to fit together" \
    earshot --name alice send bob --title t < <(head -c 65536 /dev/zero | tr '\0' x)
try earshot --name alice send bob --title $'\e[2Jbad' x
run_earshot again --name bob tail --since 0 --count 11
ends "$PID"
check "a title is made safe" grep -q '\^\[\[2Jbad' "$T/again.out"
