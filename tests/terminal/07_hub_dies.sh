#!/usr/bin/env bash
# The hub is killed and started again while somebody types: one line about each, nothing is lost.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

restart_hub() {
    "$BIN/earshotd" --dir "$HUB" --ephemeral >>"$T/hub.log" 2>&1
    HUB_PID=$(earshot status --json | jq -r .pid)
    SEEN+=("$HUB_PID")
}

start_hub
terminal ann 80 24
chat ann ann '#ops'
sees "the room is entered" ann "#ops: nobody else is here yet"
type_in ann "half a line"
kill -9 "$HUB_PID"
sees "it says that the hub is gone" ann "the hub is gone; what you type is kept until it is back"
still_typed "the line is whole" ann "[#ops] half a line"
type_in ann ", and more of it"
key ann Enter
sees "what is said meanwhile is shown" ann "#ops <ann> half a line, and more of it"
enter ann "and another"
sees "it says what it waits for" ann "waiting for the hub: 2 messages not yet accepted"
type_in ann "typing on"
restart_hub
sees "it says that the hub is back" ann "the hub is back (pid $HUB_PID)"
sees "what waited is accepted" ann "the hub has accepted everything"
still_typed "the line is whole" ann "[#ops] typing on"
is "one line about the loss" "$(whole_lines ann | grep -c "the hub is gone")" 1
is "one line about the return" "$(whole_lines ann | grep -c "the hub is back")" 1

wait_for "ann is in the room again" has_members '#ops' 1
earshot --name ben send '#ops' "welcome back"
sees "the room is there again" ann "#ops <ben> welcome back"
run_earshot ben --name ben tail --json '#ops'
wait_for "ben listens" has_members '#ops' 2
key ann Enter
wait_for "it is heard" has_lines "$T/ben.out" 1
is "talk goes on" "$(jq -r .text "$T/ben.out")" "typing on"

for i in 1 2 3; do
    kill -9 "$HUB_PID"
    await "loss $i is told" shows_times ann "the hub is gone" $((i + 1))
    enter ann "said without a hub, $i"
    restart_hub
    await "return $i is told" shows_times ann "the hub is back" $((i + 1))
done
kill -9 "$HUB_PID"
await "the last loss is told" shows_times ann "the hub is gone" 5
HUB_PID=
key ann C-d
await "leaving without a hub: nothing waits" bottom_is ann '$'
restart_hub
