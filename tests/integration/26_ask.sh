#!/bin/bash
# ask: a question, and its answer.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

STORED=yes
start_hub
for name in alice erin; do earshot --name "$name" -q who >/dev/null; done
earshot --name bob send alice 'old mail'
run_earshot bob --name bob tail --json
wait_for "bob is here" is_here bob
OUT='' ERR=''

question() { # TEXT: bob has got it; its id in ID
    wait_for "bob gets: $1" grep -qF "\"text\":\"$1\"" "$T/bob.out"
    ID=$(jq -r --arg text "$1" 'select(.text == $text) | .id' "$T/bob.out")
}

run_earshot ask --name alice --json ask bob what time is it
question 'what time is it'
earshot --name carol send alice 'not an answer'
earshot --name bob send alice --reply-to 0190c2a1-0000-7000-8000-000000000001 'to somebody else'
earshot --name carol send alice --reply-to "$ID" 'nobody asked carol'
earshot --name bob send alice --reply-to "$ID" noon
ends "$PID"
check "it ends with status 0" test "$STATUS" -eq 0
check "and prints the reply, alone" json '.text == "noon" and .from == "bob" and .reply_to == "'"$ID"'"' \
    "$(cat "$T/ask.out")"
is "one line" "$(wc -l <"$T/ask.out")" 1
is "what it passed over is there for the next one" \
    "$(earshot --name alice --json tail --count 4 --timeout 20 | jq -r .text | paste -sd ,)" \
    "old mail,not an answer,to somebody else,nobody asked carol"

run_earshot plain --name erin ask bob 'plain?'
question 'plain?'
earshot --name bob send erin yes
ends "$PID"
is "without a reply the next message is the answer, bare where no terminal is" \
    "$(cat "$T/plain.out")" yes
exits 75 "an answer that has come does not come again" earshot --name erin tail --timeout 0.5

exits 75 "nobody answers" earshot --name frank ask bob 'hello?' --timeout 0.5
exits 67 "nobody to ask" earshot --name frank ask nobody-at-all 'hello?'
exits 64 "no question" earshot --name frank ask bob

run_earshot ops --name bob tail --json '#ops'
wait_for "#ops is there" has_members '#ops' 1
run_earshot room --name gina --json ask '#ops' 'who is on call?'
wait_for "the room gets it" has_lines "$T/ops.out" 1
earshot --name bob send '#ops' 'I am'
ends "$PID"
check "a room can be asked" json '.text == "I am" and .conv == "#ops"' "$(cat "$T/room.out")"

run_earshot crash --name hugo --json ask bob 'still there?'
question 'still there?'
kill -9 "$HUB_PID"
ends "$HUB_PID"
start_hub
earshot --name bob send hugo 'yes, still'
ends "$PID"
check "the answer comes after a crash of the hub" json '.text == "yes, still"' "$(cat "$T/crash.out")"
