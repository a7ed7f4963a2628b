#!/bin/bash
# The key file of a user's own hub names another process. `earshotd --stop`, by root or by anybody,
# ends nothing but that user's hub.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

if [ "$(id -u)" -ne 0 ]; then
    echo "SKIPPED: needs root"
    exit 77
fi
MALLORY=61003
ALICE=61001
chmod 755 "$T"
install -d -o $MALLORY -m 755 "$T/forged"

as() { # UID COMMAND...
    setpriv --reuid "$1" --regid "$1" --clear-groups "${@:2}"
}

# The process itself, so that $PID is its number.
run_as() { # NAME UID COMMAND...
    run "$1" setpriv --reuid "$2" --regid "$2" --clear-groups "${@:3}"
}

# The record names this process; it is written in place, as a hub does.
forge() { # PID
    as $MALLORY sed "s/^pid .*/pid $1/" "$T/forged/hub" >"$T/record"
    as $MALLORY dd of="$T/forged/hub" status=none <"$T/record"
}

is_asleep() { # PID
    [ "$(cat "/proc/$1/comm" 2>/dev/null)" = sleep ]
}

stop_forged() { # WHOSE PID
    forge "$2"
    wait_for "a process of $1 sleeps" is_asleep "$2"
    exits 77 "--stop on a record that names a process of $1" "$BIN/earshotd" --dir "$T/forged" --stop
    check "the process of $1 lives" is_asleep "$2"
    check "the hub lives" kill -0 "$M"
}

run_as hub $MALLORY "$BIN/earshotd" --dir "$T/forged" --mode open --ephemeral --foreground
M=$PID
wait_for "her hub answers" test -s "$T/forged/hub"
run root sleep 1000
stop_forged root "$PID"
run_as alice $ALICE sleep 1000
stop_forged "another user" "$PID"
run_as mallory $MALLORY sleep 1000
stop_forged "its own user that is no hub" "$PID"
# Open for writing, but without the lock.
run_as opened $MALLORY sleep 1000 3<>"$T/forged/hub"
stop_forged "its own user that has the file open" "$PID"
forge 2147483646
exits 77 "--stop on a record that names no process" "$BIN/earshotd" --dir "$T/forged" --stop
check "the hub lives" kill -0 "$M"
forge "$M"
exits 77 "--stop by a third user" as $ALICE "$BIN/earshotd" --dir "$T/forged" --stop
check "the hub lives" kill -0 "$M"
exits 0 "--stop by root on a true record" "$BIN/earshotd" --dir "$T/forged" --stop
ends "$M"
is "the hub has ended" "$STATUS" 0
