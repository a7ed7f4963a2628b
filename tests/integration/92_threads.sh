#!/bin/bash
# Replies: the thread that one is in, its number, who sees it, and that a new hub knows.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

STORED=yes
start_hub
for name in alice bob carol; do earshot --name "$name" -q who >/dev/null; done
texts() {
    earshot "$@" --json 2>/dev/null | jq -r .text | paste -sd ,
}
id_of() { # NAME WORDS...
    earshot --name "$1" send --json "${@:2}" | jq -r .id
}

run_earshot bob --name bob --json tail '#ops'
wait_for "bob is in" has_members '#ops' 1
root=$(id_of alice '#ops' "is it up?")
yes=$(id_of carol --reply-to "$root" '#ops' yes)
earshot --name alice send '#ops' "something else"
earshot --name alice send --reply-to "$yes" '#ops' thanks
wait_for "all have come" has_lines "$T/bob.out" 4
check "who listens is told the thread" json '.thread == "'"$root"'" and .reply_to == "'"$root"'" and .n == 10' \
    "$(sed -n 2p "$T/bob.out")"
check "also of a reply to a reply" json '.thread == "'"$root"'" and .reply_to == "'"$yes"'" and .n == 11' \
    "$(sed -n 4p "$T/bob.out")"
check "what answers nothing is in none" json 'has("thread") or has("n") | not' \
    "$(sed -n 3p "$T/bob.out")"
is "thread" "$(texts --name bob thread --in '#ops' "$root")" "is it up?,yes,thanks"
is "of a reply, the same" "$(texts --name bob thread --in '#ops' "$yes")" "is it up?,yes,thanks"
is "history --thread" "$(texts --name bob history '#ops' --thread "$yes")" "is it up?,yes,thanks"
is "the last ones" "$(texts --name bob thread --in '#ops' "$root" -n 2)" "yes,thanks"
check "the past has the numbers" has "$(earshot --name bob --json history '#ops' | jq -r .n | paste -sd ,)" \
    "null,10,null,11"

direct=$(id_of alice bob "between us")
earshot --name bob send --reply-to "$direct" alice "between us, too"
is "of two, for the two" "$(texts --name alice thread "$direct")" "between us,between us, too"
is "and for nobody else" "$(texts --name carol thread "$direct")" ""
is "numbers are of the conversation" "$(earshot --name bob history alice --json | jq -r .n | tail -1)" 10

earshot --name alice room '#plan' --private >/dev/null
secret=$(id_of alice '#plan' plan)
earshot --name alice send --reply-to "$secret" '#plan' "a plan of a plan"
is "who is not in a room does not find what is said there, unless it is named" "$(texts --name carol thread "$secret")" ""
earshot --name bob send --reply-to "$secret" '#ops' "of what is not here"
wait_for "it has come" has_lines "$T/bob.out" 5
check "a reply to it elsewhere is in no thread" json 'has("thread") or has("n") | not' \
    "$(sed -n 5p "$T/bob.out")"

"$BIN/earshotd" --dir "$HUB" --stop
start_hub
earshot --name carol send --reply-to "$yes" '#ops' "still up"
is "a new hub goes on" "$(texts --name bob thread --in '#ops' "$root")" "is it up?,yes,thanks,still up"
is "with the numbers" "$(earshot --name bob history '#ops' --json | jq -r .n | tail -1)" 12
earshot --name carol delete "$(earshot --name bob history '#ops' --json -n 1 | jq -r .id)"
earshot --name carol edit "$yes" "yes!"
is "what was edited stays in it, and what was removed is a mark" \
    "$(texts --name bob thread --in '#ops' "$root")" "is it up?,yes!,thanks,(removed by carol)"
exits 64 "an id is wanted" earshot thread nonsense
