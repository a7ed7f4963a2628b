#!/bin/bash
# `when`: tells of the end of a process.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

is_watched() { # PID of `when`: it waits
    [[ $(cat "/proc/$1/wchan" 2>/dev/null) == *poll* ]]
}

exits 64 "what is no number" earshot when init
exits 64 "a number that no process has" earshot when 0
exits 67 "a process that there is not" earshot when 4194300
sleep 300 &
SLEEPER=$!
exits 75 "one that goes on" earshot when "$SLEEPER" --timeout 0.2
exits 64 "a conversation that cannot be one" earshot when "$SLEEPER" --to '-x'
exits 69 "no hub to send it to" earshot when "$SLEEPER" --to bob

run_earshot text when "$SLEEPER" "it is" over
TEXT=$PID
run_earshot json when "$SLEEPER" --json
JSON=$PID
wait_for "both wait" is_watched "$TEXT"
wait_for "both do" is_watched "$JSON"
kill "$SLEEPER"
ends "$TEXT"
is "exit status" "$STATUS" 0
check "it is told, behind the text" grep -Eqx \
    "it is over: sleep \(pid $SLEEPER, user $(id -un)\) has ended after [0-9.]+ (s|min.*)" "$T/text.out"
ends "$JSON"
check "as JSON" json '.type == "process" and .pid == '"$SLEEPER"' and .program == "sleep" and .uid == '"$(id -u)"'
    and .ran_ms >= 0 and (.began | test("Z$")) and .ended >= .began' "$(cat "$T/json.out")"

STORED=yes start_hub
sh -c 'sleep 300; :' &
SLEEPER=$!
run_earshot send --name ann when "$SLEEPER" --to '#ops' "your turn"
SEND=$PID
wait_for "it waits" is_watched "$SEND"
pkill -P "$SLEEPER" sleep
ends "$SEND"
is "exit status" "$STATUS" 0
check "it is said there" grep -Eqx "your turn: sh \(pid $SLEEPER, user .*\) has ended after .*" \
    <<<"$(earshot history '#ops' --json | jq -r .text)"

# Of another user.
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
    setpriv --reuid=61001 --regid=61001 --clear-groups sleep 300 &
    OTHER=$!
    comm_is() { [ "$(cat "/proc/$1/comm")" = "$2" ]; }
    wait_for "another user's process runs" comm_is "$OTHER" sleep
    run_earshot other when "$OTHER"
    wait_for "it waits" is_watched "$PID"
    kill "$OTHER"
    ends "$PID"
    check "another user's" grep -q "sleep (pid $OTHER, user 61001) has ended" "$T/other.out"
fi
