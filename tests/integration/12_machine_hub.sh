#!/bin/bash
# The hub of the machine is found without being named; while it is started again after its death
# commands wait for it, instead of being alone in a private one.
if [ -z "${IN_NAMESPACE-}" ]; then
    unshare --mount true 2>/dev/null || {
        echo "SKIPPED: /run/earshot needs a mount namespace, which is not permitted"
        exit 77
    }
    IN_NAMESPACE=yes exec unshare --mount "$0"
fi
mount -t tmpfs -o mode=755 tmpfs /run || exit 99
# shellcheck source=tests/harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

kill_hub() {
    kill -9 "$HUB_PID"
    wait_for "it is dead" is_dead
}

is_dead() {
    ! kill -0 "$HUB_PID" 2>/dev/null
}

HUB=/run/earshot
private=$XDG_RUNTIME_DIR/earshot

# As the unit starts it: what names no mode leaves it open to everybody.
unit=$(dirname "$0")/../../server/systemd/system.service.in
words=$(sed -n 's|^ExecStart=@bindir@/earshotd --foreground \(.*\) .EARSHOTD_OPTIONS$|\1|p' "$unit")
for options in "--keep-days 30" "--keep-bytes 1G --name lab" ""; do
    # shellcheck disable=SC2086 # words of their own
    start_hub $words $options
    is "with options \"$options\" the machine's hub is open" \
        "$(earshot status --json | jq -r .mode)" open
    stop_hub
done
# shellcheck disable=SC2086
start_hub $words --mode group --group daemon
is "a mode that is named counts" "$(earshot status --json | jq -r .mode)" group
stop_hub

# A private one there is told of, and not taken for dead.
if [ "$(id -u)" -eq 0 ]; then
    start_hub --mode private
    check "its log tells" grep -q 'is private: only uid 0 can join' "$T/hub.log"
    chmod 755 "$T"
    cp "$BIN/earshot" "$BIN/earshotd" "$T"
    stranger() {
        setpriv --reuid 12012 --regid 12012 --clear-groups env -u XDG_RUNTIME_DIR -u XDG_STATE_HOME HOME=/nonexistent \
            "$T/earshot" "$@"
    }
    try stranger --json status
    is "who may not join has a private hub" "$STATUS" 0
    SEEN+=("$(jq -r .pid <<<"$OUT")")
    check "and is told why" has "$ERR" "the hub in /run/earshot is private, only root may join it"
    try stranger -q --json status
    is "with -q he is not" "$ERR" ''
    try stranger doctor --json
    is "doctor tells it, too" "$(jq -r 'select(.name == "machine") | .state' <<<"$OUT")" warning
    check "and what to do" has "$OUT" "--mode open"
    setpriv --reuid 12012 --regid 12012 --clear-groups env -u XDG_RUNTIME_DIR -u XDG_STATE_HOME \
        "$T/earshotd" --dir /tmp/earshot-12012 --stop
    rm -rf /tmp/earshot-12012
    stop_hub
fi

start_hub --mode open
try "$BIN/earshot" status
check "it is found" has "$OUT" "in /run/earshot (open)"
exits 77 "another user's hub beside it" setpriv --reuid 12012 --clear-groups "$BIN/earshotd" --ephemeral
check "is told to join it" has "$ERR" "the machine's hub runs in /run/earshot already (pid $HUB_PID"

for i in 1 2 3; do
    kill_hub
    run "waits$i" "$BIN/earshot" --json status
    waits=$PID
    start_hub --mode open
    ends "$waits"
    is "a command waits for it to be back" "$(jq -r .pid "$T/waits$i.out")" "$HUB_PID"
done
check "no private one was started" test ! -e "$private"

kill_hub
HUB_PID=
try "$BIN/earshot" status
check "when it stays dead, there is the private one" has "$OUT" "in $private (private)"
check "which is told" has "$ERR" "the machine's hub, in /run/earshot, has died"
SEEN+=("$("$BIN/earshot" -q --json status | jq -r .pid)")
"$BIN/earshotd" --dir "$private" --stop
start_hub --mode open
stop_hub
try "$BIN/earshot" status
check "one that was stopped is not waited for" test -z "$ERR"
SEEN+=("$("$BIN/earshot" --json status | jq -r .pid)")
"$BIN/earshotd" --dir "$private" --stop
