#!/bin/bash
# Direct conversations of several through the programs: whoever names the people finds it, also who
# is away or has never been here; nobody else finds anything, also after a restart.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"
# shellcheck source=../harness/directory.sh
. "${HARNESS:-$(dirname "$0")/../harness}/directory.sh"

ALICE=61001 BOB=61002 CAROL=61003 MALLORY=61004

start() {
    install -d -o 61000 -m 755 "$HUB"
    as_known 61000 "$BIN/earshotd" --dir "$HUB" --mode open || exit 99
}

say() { # UID WORD...
    local uid=$1
    shift
    as_known "$uid" timeout -k 5 60 "$BIN/earshot" --hub "$HUB" "$@"
}

texts() { # UID CONV
    say "$1" --json history "$2" 2>/dev/null | jq -r .text | paste -sd,
}

directory 0 zz-alice "$ALICE" zz-bob "$BOB" zz-carol "$CAROL" zz-mallory "$MALLORY"
start
say $ALICE who >/dev/null
say $MALLORY who >/dev/null
ALL=@zz-alice,zz-bob,zz-carol

look() {
    local words
    for words in "history $ALL" "history @zz-alice,zz-bob" "search secret" "rooms" "unread" \
        "room $ALL" "room $ALL --close" "topic $ALL mine" "invite $ALL zz-mallory" \
        "release #zz-alice,zz-bob,zz-carol" "complete -- who #zz" "mentions"; do
        # shellcheck disable=SC2086 # they are words
        say $MALLORY --json $words 2>&1
        echo "$words: $?"
    done | sed 's/"idle_s":[0-9]*//g'
}
before=$(look)

try say $ALICE send --together zz-carol,zz-bob "secret one"
is "one that is made, of people who have never been here: exit status" "$STATUS" 0
is "what it is called" "$(say $ALICE --json rooms | jq -r '.name,.members' | paste -sd' ')" "$ALL 3"
is "mallory is answered as before" "$(look)" "$before"
is "who comes hears it" \
    "$(say $CAROL --json tail --count 1 | jq -r '.conv,.text' | paste -sd' ')" "$ALL secret one"
try say $BOB send @zz-alice,zz-carol "secret two"
is "somebody names the others: exit status" "$STATUS" 0
is "and it is the same" "$(texts $CAROL @zz-bob,zz-alice)" "secret one,secret two"
is "several single messages are what they were" \
    "$(say $ALICE send zz-bob,zz-carol "to each" && texts $BOB zz-alice)" "to each"
try say $BOB send --together zz-alice "only two"
is "of two there is none: exit status" "$STATUS" 64
try say $BOB send @zz-alice,nobody-of-this-name "text"
is "somebody who is nobody: exit status" "$STATUS" 67
is "what is unread is told" "$(say $ALICE --json unread | jq -r '.conv + " " + (.unread | tostring)')" \
    "$ALL 1"
is "it is searched" "$(say $CAROL --json search two --in $ALL | jq -r .text)" "secret two"
is "and shown" "$(say $BOB --json room $ALL | jq -c '[.name,.form,.members]')" "[\"$ALL\",\"direct\",3]"
try say $BOB room $ALL --close
is "nobody closes it: exit status" "$STATUS" 77
is "mallory is answered as before, again" "$(look)" "$before"

say $CAROL chat <<<"/part $ALL" >/dev/null 2>&1
is "who has left finds nothing" "$(texts $CAROL $ALL)" ""
say $BOB send $ALL "secret three"
as_known 61000 "$BIN/earshotd" --dir "$HUB" --stop
start
is "it is there after a restart" "$(texts $BOB $ALL)" "secret one,secret two,secret three"
is "who has left is not in it" "$(texts $CAROL $ALL)" ""
say $CAROL send @zz-alice,zz-bob "I am back"
is "until she names them, and not what was said before" "$(texts $CAROL $ALL)" "I am back"
is "who has stayed sees all of it" "$(texts $ALICE $ALL)" \
    "secret one,secret two,secret three,I am back"
is "mallory is answered as before the restart" "$(look)" "$before"
"$BIN/earshotd" --dir "$HUB" --stop
