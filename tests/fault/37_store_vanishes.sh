#!/bin/bash
# The files of the store are removed, moved or replaced under a living hub. What it calls stored
# from then on is there after kill -9 and another start; what cannot be stored is refused.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

STORED=yes
STATE=$HUB/state
N=0 # messages that were called stored

say_some() {
    local i
    for i in 1 2 3; do
        earshot --name alice -q send bob "word $N $i" >/dev/null 2>"$T/refused" && N=$((N + 1))
    done
}

n_there() {
    earshot --name alice history bob -n 1000 --json 2>/dev/null | grep -c '"text":"word '
}

kill_and_start() {
    kill -9 "$HUB_PID"
    ends "$HUB_PID"
    start_hub
}

vanish() { # WHAT COMMAND...
    local what=$1 before=$N
    shift
    "$@"
    say_some
    is "$what: all is stored" $((N - before)) 3
    check "$what: the log says so" grep -qs 'put there again' "$STATE/earshotd.log" "$T"/aside*/earshotd.log
    is "$what: all can be read" "$(n_there)" "$N"
    is "$what: no trouble is left" "$(earshot status --json | jq .counters.store_trouble)" 0
    kill_and_start
    is "$what: all is there after kill -9" "$(n_there)" "$N"
    : >"$STATE/earshotd.log"
    rm -rf "$T"/aside*
}

replace() {
    cp "$1" "$1.copy"
    mv "$1.copy" "$1"
}

start_hub
earshot --name bob -q send bob hi
say_some
vanish "database removed" rm "$STATE/earshot.db"
vanish "all its files removed" rm "$STATE"/earshot.db*
vanish "log moved" mv "$STATE/earshot.db-wal" "$T"
vanish "replaced by a copy" replace "$STATE/earshot.db"
vanish "directory moved" mv "$STATE" "$T/aside"

# Nothing can be put there.
mv "$STATE" "$T/away"
ln -s /nowhere/at/all "$STATE"
before=$N
say_some
is "no place for it: nothing is called stored" "$N" "$before"
check "the sender is told" grep -q 'not stored' "$T/refused"
is "status knows" "$(earshot status --json | jq .counters.store_trouble)" 1
check "the log says why" grep -q 'cannot be stored' "$T/away/earshotd.log"
rm "$STATE"
mv "$T/away" "$STATE"
no_trouble() { [ "$(earshot status --json | jq .counters.store_trouble)" = 0 ]; }
say_some
wait_for "put back: it is stored again" no_trouble
kill_and_start
check "and all that was called stored is there" test "$(n_there)" -ge "$N"

# A start with a mode that lets nobody in.
earshot --name alice -q send bob "word with a mode" && N=$((N + 1))
chmod 000 "$STATE/earshot.db"
earshot --name alice -q send bob "word without" && N=$((N + 1))
kill_and_start
check "a mode of 000 is mended" test "$(n_there)" -ge "$N"
is "to 600" "$(stat -c %a "$STATE/earshot.db")" 600
stop_hub
