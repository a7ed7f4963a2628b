#!/bin/bash
# `top` and `inspect --watch` without a terminal: pictures one after the other, and as JSON.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

start_hub
run_earshot ann --name ann tail --json
wait_for "ann is here" is_here ann
earshot --name ben send ann "hello there"

try earshot top -n 1
is "it ends after -n: exit status" "$STATUS" 0
check "users" has "$OUT" "REFUSED/S"
check "and oneself among them" has "$OUT" "$(id -un)"
check "queues" has "$OUT" "mailbox"
check "no escape without a terminal" test "$(printf %s "$OUT" | tr -cd '\033' | wc -c)" -eq 0

try earshot --json top -n 2 --every 0.1
is "as JSON: exit status" "$STATUS" 0
is "two pictures" "$(jq -r 'select(.type == "top") | .type' <<<"$OUT" | wc -l)" 2
is "an account each" "$(jq -r 'select(.type == "account") | .uid' <<<"$OUT" | sort -u)" "$(id -u)"
check "with what was said" test "$(jq -s '[.[] | select(.type == "account")] | last | .ever.messages' <<<"$OUT")" -ge 1
check "and the queues" test "$(jq -s '[.[] | select(.type == "queue")] | length' <<<"$OUT")" -ge 4

try earshot inspect --watch -n 1
is "the road: exit status" "$STATUS" 0
check "lanes or the door" has "$OUT" "door"
check "the hub" has "$OUT" "hub "
check "mailboxes, and who sleeps" has "$OUT" "sleeps"
exits 64 "a time that is none" earshot top --every 0
exits 69 "no hub" "$BIN/earshot" --hub "$T/nowhere" top -n 1

timeout -s INT 1 "$BIN/earshot" --hub "$HUB" top --every 0.2 >"$T/out" 2>"$T/err"
check "it goes on until it is interrupted" test "$(grep -c 'TIME%' "$T/out")" -ge 2

if [ "$(id -u)" -ne 0 ]; then
    echo "# another user is needed for the rest"
    exit 0
fi
stop_hub
chmod 755 "$T"
HUB=$T/open
start_hub --mode open
as() { # UID WORD...
    local uid=$1
    shift
    timeout 60 setpriv --reuid="$uid" --regid="$uid" --clear-groups \
        env -u XDG_RUNTIME_DIR HOME=/nonexistent "$BIN/earshot" --hub "$HUB" "$@"
}
if ! as 61001 --name ann send ann hello >/dev/null 2>&1; then
    echo "# the programs cannot be reached by another user here"
    exit 0
fi
as 61002 --name ben send ben hello
try as 61001 --name ann --json top -n 1
is "others see themselves" "$(jq -r 'select(.type == "account") | .uid' <<<"$OUT")" 61001
check "and the queues of all" has "$OUT" '"queue"'
is "and are told nothing of that" "$ERR" ""
try earshot --json top -n 1
is "an administrator sees all" \
    "$(jq -r 'select(.type == "account") | .uid' <<<"$OUT" | sort -n | paste -sd ,)" "0,61001,61002"
