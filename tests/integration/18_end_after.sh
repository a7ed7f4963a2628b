#!/bin/bash
# A hub ends when nobody has been there for a while; not while somebody is, and nothing is lost.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

has_ended() { # DIR
    [ ! -e "$1/hub" ]
}

# A second hub, in which nobody is, begins after the first one, and ends: so that one would have, too.
time_passes() {
    "$BIN/earshotd" --dir "$T/clock" --ephemeral --end-after 1s 2>/dev/null
    wait_for "a hub that nobody is in ends" has_ended "$T/clock"
    "$BIN/earshotd" --dir "$T/clock" --ephemeral --end-after 1s 2>/dev/null
    wait_for "and once more" has_ended "$T/clock"
}

lives() {
    kill -0 "$HUB_PID" 2>/dev/null && [ -e "$HUB/hub" ]
}

# The private hub, which whoever comes too late starts again.
HUB=$XDG_RUNTIME_DIR/earshot
STATE=$XDG_STATE_HOME/earshot
mkdir -p "$HOME/.config/earshot"
conf() { # LINE...
    printf '%s\n' "$@" >"$HOME/.config/earshot/hub.conf"
}
bob_listens() { # [OPTION...]
    run_earshot bob --start --name bob tail --dm --json "$@"
    bob=$PID
    wait_for "bob is here" is_here bob
    HUB_PID=$(earshot status --json | jq .pid)
    SEEN+=("${HUB_PID:-0}")
}

# --- nobody ever comes, or the last one leaves
time_passes
conf 'end-after = 1s'
bob_listens
time_passes
check "a hub lives while somebody is there" lives
kill "$bob"
ends "$bob"
wait_for "when he has left it ends" has_ended "$HUB"
check "it says why" grep -q 'nobody has been here for 1 s' "$STATE/earshotd.log"
check "its log has its start, too" grep -q "info hub $HUB: pid $HUB_PID, queue" "$STATE/earshotd.log"
check "and what it was" grep -q 'private, state in ' "$STATE/earshotd.log"
wait_for "no queue is left" no_queue_is_left
HUB_PID=

# --- mail for who is away
earshot --start --name alice send bob "when you are back"
wait_for "it ends with mail in its store" has_ended "$HUB"
try earshot --start --name bob tail --dm --count 1 --json
is "the next hub delivers it" "$(jq -r .text <<<"$OUT")" "when you are back"
wait_for "and ends" has_ended "$HUB"

# --- what is in memory only
conf 'end-after = 1s' 'ephemeral = yes'
bob_listens --count 1
earshot --name alice send bob "in memory"
ends "$bob"
time_passes
check "a hub that would lose a message lives" lives
is "and has it" "$(earshot --name bob history alice --json | jq -r .text)" "in memory"
stop_hub

# --- the private hub that clients start, again and again while the last one is just ending
conf 'end-after = 1s'
for i in 1 2 3 4; do
    for j in 1 2 3; do
        run "send$j" timeout 60 "$BIN/earshot" --hub "$HUB" --start --name alice send bob "$i.$j"
        pids[j]=$PID
    done
    for j in 1 2 3; do
        ends "${pids[j]}"
        is "message $i.$j is sent" "$STATUS" 0
    done
    wait_for "hub $i ends" has_ended "$HUB"
done
try earshot --start --name bob tail --dm --count 12 --json
is "all are there, once" "$(jq -r .text <<<"$OUT" | sort | uniq | wc -l)" 12
wait_for "the last hub ends" has_ended "$HUB"
