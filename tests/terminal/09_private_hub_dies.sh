#!/usr/bin/env bash
# The private hub is killed: the windows that wait for it start it again, one of them. When it was
# stopped they say so and wait; and one in a directory that was named is not theirs to start.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"
need_no_machine_hub

window() { # NAME [OPTION...]: in its private hub
    command_in "$1" "$BIN/earshot ${*:2} --name $1 chat '#ops'"
    sees "$1 has joined" "$1" "you are $1 at the private hub" || exit 1
    sees "$1 is in the room" "$1" "#ops"
}

is_other_hub() { # PID
    [ "$(hub_pid)" -gt 0 ] && [ "$(hub_pid)" -ne "$1" ]
}

hub_pid() {
    earshot status --json 2>/dev/null | jq -r .pid | grep . || echo 0
}

n_hubs() {
    pgrep -c -f "^[^ ]*earshotd --dir $HUB( |\$)"
}

HUB=$XDG_RUNTIME_DIR/earshot
terminal ann
terminal ben
window ann
HUB_PID=$(hub_pid)
SEEN+=("$HUB_PID")
window ben
wait_for "both are here" has_members '#ops' 2

kill -9 "$HUB_PID"
sees "ann is told that it is gone" ann "the hub is gone"
type_in ann "said without a hub"
still_typed "the line is whole" ann "[#ops] said without a hub"
key ann Enter
sees "ann starts it again" ann "starting the hub again"
sees "it is back" ann "the hub is back"
sees "for ben too" ben "the hub is back"
sees "and what was said arrives" ben "#ops <ann> said without a hub"
wait_for "it answers" is_other_hub "$HUB_PID"
HUB_PID=$(hub_pid)
SEEN+=("$HUB_PID")
is "it is one" "$(n_hubs)" 1
is "nothing is wrong" "$(whole_lines ann | grep -c "does not start")" 0
wait_for "both are here again" has_members '#ops' 2

"$BIN/earshotd" --dir "$HUB" --stop
sees "a stop is told as such" ann "it was stopped; any other \`earshot\` command starts it again"
sees "ben sees that, too" ben "it was stopped"
is "none is started" "$(n_hubs)" 0
try env -u EARSHOT_HUB timeout 60 "$BIN/earshot" status --json
HUB_PID=$(jq .pid <<<"$OUT")
SEEN+=("$HUB_PID")
await "another command starts it" shows_times ann "the hub is back" 2
key ann C-d
key ben C-d
await "ann has left" bottom_is ann '$'
await "ben has left" bottom_is ben '$'
stop_hub

window ann
HUB_PID=$(hub_pid)
SEEN+=("$HUB_PID")
n_back=$(whole_lines ann | grep -c "the hub is back")
for _ in 1 2 3; do
    kill -9 "$HUB_PID"
    n_back=$((n_back + 1))
    await "it is back" shows_times ann "the hub is back" "$n_back"
    HUB_PID=$(hub_pid)
    SEEN+=("$HUB_PID")
done
is "it is started each time" "$(whole_lines ann | grep -c "it has ended soon")" 0
kill -9 "$HUB_PID"
sees "but that does not go on so for ever" ann "it has ended soon after its start several times"
await "it comes later" shows_times ann "the hub is back" "$((n_back + 1))"
key ann C-d
await "ann has left again" bottom_is ann '$'
HUB_PID=$(hub_pid)
SEEN+=("$HUB_PID")
stop_hub

window ann
HUB_PID=$(hub_pid)
SEEN+=("$HUB_PID")
mv "$XDG_STATE_HOME/earshot" "$T/kept"
echo "no directory" >"$XDG_STATE_HOME/earshot"
kill -9 "$HUB_PID"
sees "when it cannot be started the window says so" ann "the hub does not start: earshotd: cannot start"
sees "and why" ann "Not a directory"
rm "$XDG_STATE_HOME/earshot"
mv "$T/kept" "$XDG_STATE_HOME/earshot"
key ann C-d
await "ann has left once more" bottom_is ann '$'
HUB_PID=
rm -f "$HUB/hub"

private=$HUB
HUB=$T/named
start_hub
command_in ann "$BIN/earshot --hub $HUB --name ann chat '#ops'"
sees "ann has joined the named one" ann "you are ann at the private hub"
kill -9 "$HUB_PID"
sees "ann is told" ann "the hub is gone"
enter ann "is anybody there?"
sees "the window goes on without it" ann "waiting for the hub: 1 message not yet accepted"
is "it does not start a named one" "$(whole_lines ann | grep -c "starting the hub")" 0
start_hub
sees "it is back with whoever starts it" ann "the hub is back"
key ann C-d
await "ann has left again" bottom_is ann '$'
check "the private place was not touched" test ! -e "$private/hub"
