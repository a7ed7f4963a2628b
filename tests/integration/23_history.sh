#!/bin/bash
# What was said can be read again: by whom it concerns, in pages of any size, after a restart too.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

STORED=yes
start_hub
run_earshot ops --name carol tail --json '#ops'
wait_for "#ops is there" has_members '#ops' 1
run_earshot bob --name bob tail --json
wait_for "bob is here" is_here bob

texts() { # the texts in OUT, joined by commas
    jq -r .text <<<"$OUT" | paste -sd ,
}

for i in 1 2 3; do earshot --name alice send bob "d$i"; done
earshot --name bob send alice --action d4
earshot --name alice send '#ops' r1
earshot --name bob send '#ops' r2

try earshot --name alice history bob --json
check "history: exit status 0" test "$STATUS" -eq 0
is "a direct conversation, oldest first, of both sides" "$(texts)" d1,d2,d3,d4
check "it is made of messages" json '.type == "message" and .conv == "bob" and .reply_to == null
    and (.seq | type == "number") and (.id | length == 36) and .uid == '"$(id -u)" "$OUT"
is "the kind is kept" "$(jq -r .kind <<<"$OUT" | tail -n 1)" action
check "sequence numbers ascend" test "$(jq .seq <<<"$OUT" | sort -nc 2>&1 | wc -l)" -eq 0
mapfile -t seqs < <(jq .seq <<<"$OUT")
wait_for "bob got them live, his own too" has_lines "$T/bob.out" 4
is "the past has the numbers and ids of the present" \
    "$(jq -c '[.seq, .id, .at, .text]' "$T/bob.out")" \
    "$(jq -c '[.seq, .id, .at, .text]' <<<"$OUT")"

try earshot --name bob history alice --json
is "the other one sees the same" "$(texts)" d1,d2,d3,d4
check "the conversation is named after the other one" json '.conv == "alice"' "$OUT"
try earshot --name alice history BOB --json
is "names are compared without case" "$(texts)" d1,d2,d3,d4
try earshot --name alice history bob --json -n 2
is "-n 2: the last two" "$(texts)" d3,d4
try earshot --name alice history bob --json -n 2 --before "${seqs[3]}"
is "--before" "$(texts)" d2,d3
try earshot --name alice history bob --json --after "${seqs[1]}"
is "--after" "$(texts)" d3,d4
try earshot --name alice history bob --json --after 0 -n 3
is "--after 0 -n 3: the first three" "$(texts)" d1,d2,d3
try earshot --name alice history bob --json --after "${seqs[0]}" --before "${seqs[3]}"
is "--after and --before" "$(texts)" d2,d3
try earshot --name alice history bob --json --before 1
check "before the first there is nothing" test "$STATUS" -eq 0 -a -z "$OUT"
try earshot --name dave history '#ops' --json
is "a room can be read by everybody" "$(texts)" r1,r2
try earshot --name dave history bob --json
check "somebody else's conversation cannot" test "$STATUS" -eq 0 -a -z "$OUT"
try earshot --name carol history --json
check "nor seen among all that one may see" test "$STATUS" -eq 0
is "who listens in a room sees it there" "$(texts)" r1,r2
try earshot --name bob history --json
is "without CONV: all one's own direct ones" "$(texts)" d1,d2,d3,d4

try earshot --name alice history bob
is "people see lines" "$(sed -E 's/^[0-9]{2}:[0-9]{2} //' <<<"$OUT")" \
    "$(printf '@bob <alice> d1\n@bob <alice> d2\n@bob <alice> d3\n* bob d4')"
check "with the time, and no date on the same day" \
    test -z "$(grep -vE '^[0-9]{2}:[0-9]{2} ' <<<"$OUT")"
is "the date stands before the time on another day" \
    "$(TZ=UTC-14 earshot --name alice history bob -n 1 | grep -cE '^([0-9-]{10} )?[0-9:]{5} ')" 1
exits 67 "a conversation with nobody" earshot --name alice history nobody-at-all
exits 67 "a room that is not there" earshot --name alice history '#nowhere'
exits 64 "a name that is none" earshot --name alice history 'no name'
exits 64 "-n 0" earshot --name alice history bob -n 0

seq 1 2500 | earshot --name alice send '#ops' --lines
try earshot --name alice history '#ops'
is "people see the last 20" "$(wc -l <<<"$OUT")" 20
check "which are the last ones" has "$(tail -n 1 <<<"$OUT")" "<alice> 2500"
try earshot --name alice history '#ops' --json
is "everything, over several pages" "$(texts | cksum)" \
    "$( (echo r1; echo r2; seq 1 2500) | paste -sd , | cksum)"
try earshot --name alice history '#ops' --json -n 2100
is "more than a page, from the end" "$(texts | cksum)" "$(seq 401 2500 | paste -sd , | cksum)"
for i in 1 2 3; do
    head -c 60000 /dev/zero | tr '\0' "$i" | earshot --name alice send bob
done
try earshot --name bob history alice --json -n 4
is "long messages come whole, as many as were asked for" \
    "$(jq -r '.text | .[0:2] + (length | tostring)' <<<"$OUT" | paste -sd ,)" \
    "d42,1160000,2260000,3360000"

earshot --name bob history alice --json >"$T/before"
kill -9 "$HUB_PID"
ends "$HUB_PID"
start_hub
earshot --name bob history alice --json >"$T/after"
check "a killed hub has lost nothing" cmp "$T/before" "$T/after"
"$BIN/earshotd" --dir "$HUB" --stop
start_hub
earshot --name bob history alice --json >"$T/after"
check "nor has one that was stopped" cmp "$T/before" "$T/after"
try earshot --name bob history '#ops' --json
is "the room is still there" "$(wc -l <<<"$OUT")" 2502

stop_hub
start_hub
try earshot status --json
check "a hub that has just started knows what it keeps" \
    json '.store.messages > 0 and .store.bytes > 0' "$OUT"

earshot --name zoe -q who >/dev/null
seq -f 'line %g' 30 | earshot --name yan send zoe --lines
try script -qec "$BIN/earshot --hub $HUB --name zoe history yan" /dev/null
check "on a terminal it says how to see more" has "$OUT" "the last 20; -n N shows more, --before "
try script -qec "$BIN/earshot --hub $HUB --name zoe history" /dev/null
is "there it shows the latest of everything, too" "$(grep -c 'line [0-9]' <<<"$OUT")" 20
check "and how to get all" has "$OUT" "\`earshot history | less\` all"
