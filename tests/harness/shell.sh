# shellcheck shell=bash
# Sourced by the shell tests: a directory, a hub, checks that count, waiting with a deadline.
#
#   BIN      where the programs are (default: build/bin)
#   T        a temporary directory; removed at the end
#   HUB      the rendezvous directory of the hub; `earshot` below names it
#   HUB_PID  of the hub that start_hub started
#
# Each check prints "ok N - what" or "not ok N - what" with the reason. The exit status is 0 when
# all checks passed. At the end the hub is stopped, and no queue of its processes may be left.
set -u

BIN=$(realpath "${BIN:-$(dirname "${BASH_SOURCE[0]}")/../../build/bin}")
if [ ! -x "$BIN/earshot" ] || [ ! -x "$BIN/earshotd" ]; then
    echo "the programs are not in ${BIN:-build/bin}; run make, or set BIN"
    exit 99
fi
T=$(mktemp -d "${TMPDIR:-/tmp}/earshot-shell.XXXXXX") || exit 99
HUB=$T/hub
HUB_PID=
DEADLINE=${DEADLINE:-20} # seconds, for every wait; more under a sanitizer
[ -z "${SANITIZE-}" ] || DEADLINE=$((DEADLINE * 4))
N_CHECKS=0
N_FAILED=0
STARTED=() # processes of `run`, to be ended
SEEN=()    # processes whose queues must be gone at the end
export LC_ALL=C.UTF-8 XDG_RUNTIME_DIR=$T/runtime XDG_STATE_HOME=$T/state HOME=$T/own-home
unset EARSHOT_HUB EARSHOT_CONFIG XDG_CONFIG_HOME NO_COLOR
mkdir -m 700 "$XDG_RUNTIME_DIR" "$XDG_STATE_HOME" "$HOME"

earshot() {
    timeout -k 5 60 "$BIN/earshot" --hub "$HUB" "$@"
}

# Without a name the machine's hub is found before the private one. tests/isolate hides it if it may.
need_no_machine_hub() {
    [ -e /run/earshot/hub ] || return 0
    trap - EXIT
    rm -rf "$T"
    echo "SKIPPED: a hub runs in /run/earshot, and cannot be hidden"
    exit 77
}

# With STORED=yes it keeps everything in $HUB/state, else nothing on disk.
# shellcheck disable=SC2120 # its options are optional
start_hub() { # [OPTION...]
    local kind=(--ephemeral)
    [ -z "${STORED-}" ] || kind=()
    "$BIN/earshotd" --dir "$HUB" "${kind[@]}" "$@" >"$T/hub.log" 2>&1
    local status=$?
    HUB_PID=$(earshot status --json | jq -r .pid)
    SEEN+=("${HUB_PID:-0}")
    check "the hub starts" test "$status" -eq 0 -a "${HUB_PID:-0}" -gt 0
    if [ "$status" -ne 0 ]; then
        cat "$T/hub.log"
        exit 1
    fi
}

stop_hub() {
    [ -z "$HUB_PID" ] || "$BIN/earshotd" --dir "$HUB" --stop >>"$T/hub.log" 2>&1
    HUB_PID=
}

# run NAME COMMAND...: in the background, output in $T/NAME.out and $T/NAME.err; PID is set.
run() {
    local name=$1
    shift
    "$@" >"$T/$name.out" 2>"$T/$name.err" </dev/null &
    PID=$!
    STARTED+=("$PID")
    SEEN+=("$PID")
}

# The program itself in the background, so that signals to $PID reach it.
run_earshot() { # NAME WORD...
    local name=$1
    shift
    run "$name" "$BIN/earshot" --hub "$HUB" "$@"
}

# try COMMAND...: its exit status in STATUS, output in OUT and ERR.
try() {
    "$@" >"$T/try.out" 2>"$T/try.err"
    STATUS=$?
    OUT=$(cat "$T/try.out")
    ERR=$(cat "$T/try.err")
}

check() { # WHAT COMMAND...
    local what=$1
    shift
    N_CHECKS=$((N_CHECKS + 1))
    if "$@"; then
        echo "ok $N_CHECKS - $what"
    else
        N_FAILED=$((N_FAILED + 1))
        echo "not ok $N_CHECKS - $what"
        echo "#   failed: $*"
        [ -z "${STATUS-}" ] || printf 'status %s\nout: %s\nerr: %s\n' "$STATUS" "${OUT-}" "${ERR-}" | sed 's/^/#   /'
    fi
}

is() { # WHAT GOT WANTED
    STATUS='' check "$1" test "$2" = "$3"
}

has() { # TEXT WANTED
    [[ $1 == *"$2"* ]]
}

json() { # JQ-EXPRESSION TEXT: every object makes it true
    jq -se "length > 0 and all(.[]; $1)" >/dev/null 2>&1 <<<"$2"
}

# exits CODE WHAT COMMAND...: the exit status, and an error line if it is not 0.
exits() {
    local code=$1 what=$2
    shift 2
    try "$@"
    check "$what: exit status $code" test "$STATUS" -eq "$code"
    if [ "$code" -ne 0 ]; then
        check "$what: says why" test -n "$ERR"
    fi
}

# wait_for WHAT COMMAND...: until the command succeeds.
wait_for() {
    local what=$1 end=$((SECONDS + DEADLINE))
    shift
    until "$@"; do
        if [ "$SECONDS" -ge "$end" ]; then
            check "$what within $DEADLINE s" false
            return 1
        fi
        read -r -t 0.02 <> <(:) || true
    done
}

# ends PID: its exit status in STATUS.
ends() {
    local end=$((SECONDS + DEADLINE))
    while kill -0 "$1" 2>/dev/null && [ "$SECONDS" -lt "$end" ]; do
        read -r -t 0.02 <> <(:) || true
    done
    if kill -0 "$1" 2>/dev/null; then
        STATUS=still-running
        return
    fi
    wait "$1" 2>/dev/null
    STATUS=$?
}

is_here() { # HANDLE
    [ "$(earshot who --json 2>/dev/null | jq -r "select(.handle == \"$1\") | .handle")" = "$1" ]
}

has_lines() { # FILE N
    [ "$(wc -l <"$1")" -ge "$2" ]
}

has_members() { # ROOM N
    [ "$(earshot rooms --json 2>/dev/null | jq "select(.name == \"$1\") | .members")" = "$2" ]
}

# Queues whose last sender or receiver is one of the processes that we have seen.
left_queues() {
    awk -v pids=" ${SEEN[*]} " \
        'FNR > 1 && (index(pids, " " $6 " ") || index(pids, " " $7 " ")) { print $2 }' \
        /proc/sysvipc/msg
}

no_queue_is_left() {
    [ -z "$(left_queues)" ]
}

finish() {
    local pid
    trap - EXIT
    for pid in "${STARTED[@]}"; do
        kill -CONT "$pid" 2>/dev/null
        kill "$pid" 2>/dev/null
    done
    [ "${#STARTED[@]}" -eq 0 ] || wait "${STARTED[@]}" 2>/dev/null
    stop_hub
    wait_for "no queue is left" no_queue_is_left && STATUS='' check "no queue is left" true
    rm -rf "$T"
    echo "1..$N_CHECKS"
    # A bare `exit` in a trap gives the status from before the trap, whatever was done in it.
    [ "$N_FAILED" -eq 0 ] || exit 1
    exit
}
trap finish EXIT
