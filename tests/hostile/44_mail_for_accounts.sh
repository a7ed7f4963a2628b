#!/bin/bash
# Mail to accounts that never joined: it is kept for that uid alone, over a restart, in every
# spelling; and somebody who writes to everybody gets only so far.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"
# shellcheck source=../harness/directory.sh
. "${HARNESS:-$(dirname "$0")/../harness}/directory.sh"

ALICE=61001 BOB=61002 CAROL=61003 MALLORY=61004 LATE=61005

start() {
    install -d -o 61000 -m 755 "$HUB"
    as_known 61000 "$BIN/earshotd" --dir "$HUB" --mode open || exit 99
}

say() { # UID WORD...
    local uid=$1
    shift
    as_known "$uid" timeout -k 5 60 "$BIN/earshot" --hub "$HUB" "$@"
}

account() { # UID KIND
    say "$1" status --json | jq ".counters.account_$2"
}

PEOPLE=(zz-alice "$ALICE" zz-bob "$BOB" zz-Carol "$CAROL" zz-mallory "$MALLORY")
CROWD=()
for n in $(seq 100); do CROWD+=("zz-login$n" $((62000 + n))); done
directory 0 "${PEOPLE[@]}" "${CROWD[@]}"
start

try say $ALICE send zz-bob "are you there?"
is "to a login that never joined: exit status" "$STATUS" 0
try say $ALICE --json send --wait stored ZZ-BOB "in capitals"
is "in another spelling: exit status" "$STATUS" 0
is "it is stored" "$(jq -r .state <<<"$OUT")" stored
try say $ALICE send zz-Carol "the account is written zz-Carol"
is "an account with a capital: exit status" "$STATUS" 0
is "is one handle in every spelling" "$(say $ALICE --json send zz-CAROL "once more" | jq -r .state)" stored
try say $ALICE send zz-bo hi
is "no account: exit status" "$STATUS" 67
check "and the sentence as ever" has "$ERR" "is nobody's handle"
is "it is charged to who sent it" "$(account $ALICE mailed)" 2
is "and to nobody else" "$(account $MALLORY mailed)" 0
is "nobody is told whom it waits for" "$(say $MALLORY who --all --json | jq -r .handle | grep -ci zz-bob)" 0

try say $MALLORY --name zz-bob history
is "somebody else is not zz-bob: exit status" "$STATUS" 77
is "and reads nothing" "$(say $MALLORY --json history 2>/dev/null)" ""

"$BIN/earshotd" --dir "$HUB" --stop
start
is "the charge outlives the hub" "$(account $ALICE mailed)" 2
is "the uid gets it" "$(say $BOB --json tail --count 2 | jq -r .text | paste -sd,)" "are you there?,in capitals"
is "nothing comes twice" "$(say $BOB --timeout 1 --json tail --count 1 2>/dev/null)" ""
is "the other one gets her own" "$(say $CAROL --json tail --count 2 | jq -r .text | paste -sd,)" "the account is written zz-Carol,once more"
is "and she is called as her account is" "$(say $CAROL who --all --json | jq -r "select(.uid==$CAROL).handle")" zz-Carol
is "all is given back" "$(account $ALICE mailed),$(account $ALICE mail)" "0,0"

# Everybody of the user database.
full=0 taken=0
for n in $(seq 40); do
    say $MALLORY -q send "zz-login$n" "buy this" 2>/dev/null
    case $? in
    0) taken=$((taken + 1)) ;;
    75) full=$((full + 1)) ;;
    esac
done
is "so many are reached" "$taken" "$(say $MALLORY status --json | jq .counters.limit_mailed)"
is "and not one more" "$((taken + full))" 40
try say $MALLORY send zz-login39 "buy this"
check "why not" has "$ERR" "limit_mailed"
seq 100 | say $MALLORY -q send --lines zz-login1 2>/dev/null
is "to one of them so much" "$(say 62001 --timeout 2 --json tail --count 100 2>/dev/null | wc -l)" 64
try say $ALICE send zz-login39 "from somebody else"
is "others still reach everybody: exit status" "$STATUS" 0
say $MALLORY send --lines zz-login1 < <(seq 3)
is "who has joined is reached as ever" "$(say 62001 --json tail --count 3 | jq -r .text | paste -sd,)" 1,2,3

# Names that are nobody's, and an account that is made later.
seq 1000 | sed 's/.*/name&/' >"$T/names"
try say $MALLORY -q send "$(head -n 60 "$T/names" | paste -sd,)" hi
is "a list of names that nobody has: exit status" "$STATUS" 67
try say $ALICE send zz-late hi
is "no account yet: exit status" "$STATUS" 67
directory 0 "${PEOPLE[@]}" "${CROWD[@]}" zz-late $LATE
reaches_late() { say $ALICE -q send zz-late hi 2>/dev/null; }
wait_for "an account that is made later is reached" reaches_late
is "and gets its mail" "$(say $LATE --json tail --count 1 | jq -r .text)" hi

directory 5 # EIO
try say 0 send zz-login50 hi
is "a database that does not tell: exit status" "$STATUS" 75
check "and why" has "$ERR" "does not tell"
directory 0 "${PEOPLE[@]}" "${CROWD[@]}"
"$BIN/earshotd" --dir "$HUB" --stop

# A hub that only one user may join.
HUB=$T/private
install -d -o $ALICE -m 755 "$HUB"
as_known $ALICE "$BIN/earshotd" --dir "$HUB" --ephemeral || exit 99
try say $ALICE --name other send zz-bob hi
is "who can never join a private hub: exit status" "$STATUS" 67
try say $ALICE --name other send zz-alice hi
is "one's own login name: exit status" "$STATUS" 0
is "finds it there" "$(say $ALICE --json tail --count 1 | jq -r .text)" hi
"$BIN/earshotd" --dir "$HUB" --stop
