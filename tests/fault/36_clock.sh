#!/bin/bash
# The clock is wrong for a while: nothing is deleted for its age, times stay believable, and the
# hub says so in its log, in status and to the doctor.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

SHIM=$BIN/../tests/fault/clock_shim.so
if [ -n "${SANITIZE-}" ] || [ ! -e "$SHIM" ]; then
    echo "SKIPPED: needs clock_shim.so, in a build without a sanitizer"
    exit 77
fi
export CLOCK_SHIFT=$T/shift
YEAR=$((365 * 86400))
STORED=yes

# The hub alone sees another time.
start_shifted() { # SECONDS
    set_shift "$1"
    local others=${LD_PRELOAD-}
    export LD_PRELOAD=$SHIM${others:+:$others}
    start_hub
    LD_PRELOAD=$others
}

set_shift() {
    echo "$1" >"$CLOCK_SHIFT.new"
    mv "$CLOCK_SHIFT.new" "$CLOCK_SHIFT"
}

restart_shifted() {
    stop_hub
    start_shifted "$1"
}

n_precious() {
    earshot --name alice history bob --json 2>/dev/null | jq -r .text | grep -c precious
}

trouble() {
    earshot status --json | jq .counters.clock_trouble
}

trouble_is() {
    [ "$(trouble)" = "$1" ]
}

log_has() {
    grep -q "$1" "$HUB/state/earshotd.log"
}

# Years in which alice's messages to bob were written.
years() {
    earshot --name alice history bob --json | jq -r '.at[0:4]' | sort -u | paste -sd ,
}

say_three() {
    for i in 1 2 3; do earshot --name alice -q send bob "precious $1 $i"; done
}

start_shifted 0
earshot --name bob -q send bob hi
say_three first
this=$(date -u +%Y)
is "all is well" "$(trouble)" 0

restart_shifted $((2 * YEAR))
wait_for "two years ahead: the log says so" log_has 'days ahead of what was expected'
is "status, too" "$(trouble)" 1
earshot doctor >"$T/doctor" 2>&1
check "and the doctor" grep -q 'clock.*leapt' "$T/doctor"
is "nothing is deleted" "$(n_precious)" 3
restart_shifted 0
is "nothing was deleted" "$(n_precious)" 3
is "the trouble is over" "$(trouble)" 0

set_shift $((-$(date +%s)))
earshot --name alice -q send bob "precious 4"
wait_for "back to 1970 while it runs: the log says so" log_has 'days behind what was expected'
is "what is written has a believable time" "$(years)" "$this"
set_shift 0
wait_for "it is put right" trouble_is 0
wait_for "the log says so" log_has 'believed again'

set_shift $((3 * YEAR))
wait_for "ahead while it runs" trouble_is 1
kill -9 "$HUB_PID"
ends "$HUB_PID"
start_shifted 0
is "after a kill all is there" "$(n_precious)" 4
is "and the clock believed" "$(trouble)" 0

# A store that was begun by a clock that nobody had set.
stop_hub
rm -rf "$HUB/state"
start_shifted $((-$(date +%s)))
earshot --name bob -q send bob hi
say_three 1970
is "in 1970 it can be told that it is not" "$(trouble)" 1
restart_shifted 0
is "in 1970: all is there" "$(n_precious)" 3
restart_shifted 0
is "also at the next start" "$(n_precious)" 3
stop_hub
