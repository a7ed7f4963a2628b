#!/bin/bash
# tail: where it begins, and that nothing is missing or doubled where past and present meet.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

STORED=yes
start_hub
run_earshot ops --name carol tail --json '#ops'
wait_for "#ops is there" has_members '#ops' 1
earshot --name bob -q who >/dev/null

texts() {
    jq -r .text | paste -sd ,
}
printf '%s\n' r1 r2 r3 | earshot --name alice send '#ops' --lines
printf '%s\n' d1 d2 d3 | earshot --name alice send bob --lines

is "--since in a room that one is not in" \
    "$(earshot --name dave --json tail '#ops' --since 0 --count 3 --timeout 20 | texts)" r1,r2,r3
seq=$(head -n 1 "$T/ops.out" | jq .seq)
is "--since SEQ: what came after it" \
    "$(earshot --name dave --json tail '#ops' --since "$seq" --count 2 --timeout 20 | texts)" r2,r3
is "-n 2 of a room" "$(earshot --name dave --json tail '#ops' -n 2 --count 2 --timeout 20 | texts)" r2,r3
is "-n 1 --count 1 of a handle" \
    "$(earshot --name bob --json tail alice -n 1 --count 1 --timeout 20 | texts)" d3
is "-n 2 of three that were not received: in the order of the log" \
    "$(earshot --name bob --json tail --dm -n 2 --timeout 0.5 2>/dev/null | texts)" d2,d3
is "-n takes no mail away" "$(earshot --name bob --json tail --count 3 --timeout 20 | texts)" d1,d2,d3
is "--since shows again what was received" \
    "$(earshot --name bob --json tail --since 0 --count 3 --timeout 20 | texts)" d1,d2,d3
exits 64 "-n and --since" earshot tail -n 1 --since 1
exits 64 "a --since that is no number" earshot tail --since yesterday

run_earshot mail --name bob tail --json -n 2
wait_for "bob is here" is_here bob
earshot --name alice send bob d4
wait_for "the past, then the present" has_lines "$T/mail.out" 3
is "in order" "$(texts <"$T/mail.out")" d2,d3,d4

earshot --name alice send @bob,carol "to several" >/dev/null
earshot --name alice send '#ops' r4 >/dev/null
is "--dm: what several talk, too, and no room" \
    "$(earshot --name carol --json tail --dm --count 1 --timeout 20 | texts)" "to several"
is "-n counts it, too" \
    "$(earshot --name carol --json tail --dm -n 1 --count 1 --timeout 20 | texts)" "to several"

# Somebody writes all the time; readers begin in the middle of it.
touch "$T/write"
(
    n=0
    while [ -e "$T/write" ]; do
        n=$((n + 1))
        echo "w$n"
    done | earshot --name alice send '#ops' --lines --timeout 50
) &
writer=$!
STARTED+=("$writer")
has_past() { [ "$(earshot --name alice --json history '#ops' -n 100 | jq -r .text | grep -c ^w)" = 100 ]; }
wait_for "the room is busy" has_lines "$T/ops.out" 200
wait_for "what was said there is stored" has_past
for i in 1 2 3 4 5; do
    earshot --name dave --json tail '#ops' -n 50 --count 300 --timeout 30 >"$T/busy.$i"
    first=$(head -n 1 "$T/busy.$i" | jq -r .text)
    is "-n 50 on a busy room, time $i: no gap, no double" \
        "$(jq -r .text "$T/busy.$i" | cksum)" \
        "$(seq -f 'w%.0f' "${first#w}" $((${first#w} + 299)) | cksum)"
    since=$(head -n 10 "$T/busy.$i" | tail -n 1 | jq .seq)
    earshot --name dave --json tail '#ops' --since "$since" --count 300 --timeout 30 >"$T/since.$i"
    is "--since on a busy room, time $i: no gap, no double" \
        "$(jq -r .text "$T/since.$i" | cksum)" \
        "$(seq -f 'w%.0f' $((${first#w} + 10)) $((${first#w} + 309)) | cksum)"
done
rm "$T/write"
ends "$writer"

# A reader that was away for a while, because the hub was.
last=$(earshot --name alice --json history '#ops' -n 1 | jq .seq)
OUT='' ERR=''
run_earshot room --name dave tail --json '#ops' --since "$last"
wait_for "dave listens" has_members '#ops' 2
for round in 1 2 3; do
    kill -9 "$HUB_PID"
    ends "$HUB_PID"
    start_hub
    wait_for "they are in #ops again" has_members '#ops' 2
    earshot --name alice send '#ops' "crash $round a"
    earshot --name alice send '#ops' "crash $round b"
done
wait_for "all of it" has_lines "$T/room.out" 6
is "once, in order" "$(grep crash "$T/room.out" | texts)" \
    "crash 1 a,crash 1 b,crash 2 a,crash 2 b,crash 3 a,crash 3 b"
