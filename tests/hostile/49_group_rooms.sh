#!/bin/bash
# Rooms of Unix groups through the programs: who is in the group joins and reads, and nobody else
# finds the room; who is in it no more loses it, also in the session that he has; also after a
# restart, with two thousand members, and while the directory hangs.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"
# shellcheck source=../harness/directory.sh
. "${HARNESS:-$(dirname "$0")/../harness}/directory.sh"

ALICE=61001 BOB=61002 CAROL=61003 MALLORY=61004 LAB=71000

start() {
    install -d -o 61000 -m 755 "$HUB"
    as_known 61000 "$BIN/earshotd" --dir "$HUB" --mode open || exit 99
}

say() { # UID WORD...
    local uid=$1
    shift
    as_known "$uid" timeout -k 5 60 "$BIN/earshot" --hub "$HUB" "$@"
}

groups() { # MEMBERS: of the lab; the students are carol's own group
    printf 'lab %s %s\nstudents %s none\n' "$LAB" "$1" "$CAROL" >"$PASSWD_SHIM.new"
    mv "$PASSWD_SHIM.new" "$PASSWD_SHIM.groups"
}

room() { # UID JQ
    say "$1" --json room '#lab' 2>/dev/null | jq -r "$2"
}

texts() { # UID
    say "$1" --json history '#lab' 2>/dev/null | jq -r .text | paste -sd,
}

enters() { # UID
    say "$1" chat '#lab' </dev/null >/dev/null 2>&1
}

is_out() { # UID
    say "$1" history '#lab' >/dev/null 2>&1
    [ $? -eq 67 ]
}

hears() { # TEXT
    grep -qxF -- "$1" "$T/bob.out"
}

directory 0 zz-alice "$ALICE" zz-bob "$BOB" zz-carol "$CAROL" zz-mallory "$MALLORY"
groups "zz-alice,zz-bob,$(seq -s, -f 'zz-member%g' 2000)"
start
say $BOB who >/dev/null
say $MALLORY who >/dev/null

# What mallory is answered, before and after, but for what time changes.
look() {
    local words
    for words in "room #lab" "room #lab~zz-alice" "history #lab" "search --in #lab secret" \
        "search secret" "who #lab" "rooms" "unread" "topic #lab" "room #lab --close" \
        "room #lab --rename #mine" "put --no-wait #lab /etc/hostname" "get --timeout 1" \
        "room #lab --group lab" "complete -- who #l"; do
        # shellcheck disable=SC2086 # they are words
        say $MALLORY --json $words 2>&1
        echo "$words: $?"
    done | sed 's/"idle_s":[0-9]*//g'
}
before=$(look)

try say $ALICE --json room '#lab' --group lab
is "a member makes a room of the group: exit status" "$STATUS" 0
is "and it is shown" "$(jq -c '[.name,.form,.group,.owner]' <<<"$OUT")" \
    '["#lab","group","lab","zz-alice"]'
is "in a list, too" "$(say $BOB --json rooms | jq -r '.name,.form,.group' | xargs)" "#lab group lab"
try say $ALICE room '#other' --group students
is "not one of a group of others: exit status" "$STATUS" 77
try say $ALICE room '#other' --group nosuch
is "nor of none: exit status" "$STATUS" 67
try say $CAROL room '#mine' --group students
is "but of one's primary group: exit status" "$STATUS" 0
try say $ALICE send '#lab' "secret one"
is "she speaks there: exit status" "$STATUS" 0
enters $BOB
is "another member joins, whom nobody has invited" "$(room $BOB .members)" 1
is "and reads its past" "$(texts $BOB)" "secret one"
is "mallory is answered as before" "$(look)" "$before"

run bob say $BOB tail --jq .text
wait_for "bob listens" is_here zz-bob
say $ALICE send '#lab' "secret two"
wait_for "and hears" hears "secret two"
groups zz-alice
wait_for "who is in the group no more finds the room no more" is_out $BOB
say $ALICE send '#lab' "secret three"
is "the old session, too, hears nothing" "$(hears "secret three" && echo heard)" ""
is "and search finds nothing" "$(say $BOB --json search secret)" ""
is "mallory is answered as before, again" "$(look)" "$before"

"$BIN/earshotd" --dir "$HUB" --stop
start
is "after a restart a member reads all" "$(texts $ALICE)" "secret one,secret two,secret three"
is_out $BOB
is "who is none, nothing: exit status" $? 0
groups zz-alice,zz-bob
reads_all() { # UID
    [ "$(texts "$1")" = "secret one,secret two,secret three" ]
}
wait_for "who is in the group again reads it again" reads_all $BOB

run alice say $ALICE tail --jq .text
wait_for "alice is here" is_here zz-alice
: >"$PASSWD_SHIM.hangs"
run carol say $CAROL send zz-alice "from who is not known yet"
carol=$PID
try as 0 timeout 20 "$BIN/earshot" --hub "$HUB" send zz-alice "from root"
is "while the directory hangs nobody else waits: exit status" "$STATUS" 0
rm "$PASSWD_SHIM.hangs"
ends "$carol"
is "and who waited goes on when it answers: exit status" "$STATUS" 0
"$BIN/earshotd" --dir "$HUB" --stop
pkill -f -- "--hub $HUB tail" # they are below the shells that were started
HUB_PID=
