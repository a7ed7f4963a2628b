#!/bin/bash
# Private rooms through the programs: members talk, are invited while they are away, and a stranger
# finds nothing, whatever he asks; also after a restart.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"
# shellcheck source=../harness/directory.sh
. "${HARNESS:-$(dirname "$0")/../harness}/directory.sh"

ALICE=61001 BOB=61002 MALLORY=61004

start() {
    install -d -o 61000 -m 755 "$HUB"
    as_known 61000 "$BIN/earshotd" --dir "$HUB" --mode open || exit 99
}

say() { # UID WORD...
    local uid=$1
    shift
    as_known "$uid" timeout -k 5 60 "$BIN/earshot" --hub "$HUB" "$@"
}

room() { # UID JQ
    say "$1" --json room '#plan' 2>/dev/null | jq -r "$2"
}

directory 0 zz-alice "$ALICE" zz-bob "$BOB" zz-mallory "$MALLORY"
start
say $BOB who >/dev/null
say $MALLORY who >/dev/null

# What mallory is answered, before and after, but for what time changes.
look() {
    local words
    for words in "room #plan" "room #plan~zz-alice" "history #plan" "search --in #plan secret" \
        "search secret" "who #plan" "rooms" "unread" "unread #plan" "topic #plan" "topic #plan mine" \
        "invite #plan zz-mallory" "room #plan --owner zz-mallory" "room #plan --close" \
        "room #plan --rename #mine" "release #plan" "put --no-wait #plan /etc/hostname" \
        "get --timeout 1" "mentions" "complete -- who #p"; do
        # shellcheck disable=SC2086 # they are words
        say $MALLORY --json $words 2>&1
        echo "$words: $?"
    done | sed 's/"idle_s":[0-9]*//g'
}
before=$(look)

try say $ALICE --json room '#plan' --private --topic "for us"
is "a private room is made: exit status" "$STATUS" 0
is "and shown" "$(jq -c '[.type,.name,.form,.owner,.members,.topic,.announce]' <<<"$OUT")" \
    '["room","#plan","private","zz-alice",1,"for us",false]'
try say $ALICE send '#plan' "secret one"
is "its maker speaks there: exit status" "$STATUS" 0
try say $ALICE invite '#plan' zz-bob
is "somebody who is away is invited: exit status" "$STATUS" 0
say $ALICE send '#plan' "secret two"
is "mallory is answered as before" "$(look)" "$before"

is "he hears of the invitation when he comes" \
    "$(say $BOB --json tail --dm --count 1 | jq -r '.from,.kind' | paste -sd,)" zz-alice,notice
is "he sees that he is invited" "$(room $BOB .invited)" true
try say $BOB history '#plan'
is "but nothing of it: exit status" "$STATUS" 67
try say $BOB send '#plan' "is this the room?"
is "nor is anything said elsewhere by mistake: exit status" "$STATUS" 77
say $BOB chat '#plan' </dev/null >/dev/null 2>&1
is "he joins" "$(room $BOB '.members,.invited' | paste -sd,)" 2,null
is "and sees what came after the invitation" "$(say $BOB --json history '#plan' | jq -r .text)" "secret two"
is "also when he searches" "$(say $BOB --json search secret | jq -r .text)" "secret two"
is "she sees all" "$(say $ALICE --json history '#plan' | jq -r .text | paste -sd,)" "secret one,secret two"
is "mallory is answered as before, again" "$(look)" "$before"

"$BIN/earshotd" --dir "$HUB" --stop
start
is "after a restart he sees the same" "$(say $BOB --json history '#plan' | jq -r .text)" "secret two"
is "and mallory nothing" "$(look)" "$before"

try say $MALLORY send '#plan' "a room of mine"
is "the name is free for mallory: exit status" "$STATUS" 0
is "who is heard by nobody" "$(say $BOB --json history '#plan' | jq -r .text)" "secret two"
is "her room has its owner's name for him" \
    "$(say $BOB --json history '#plan~zz-mallory' | jq -r '.conv,.text' | paste -sd,)" \
    "#plan~zz-mallory,a room of mine"

try say $BOB room '#plan' --close
is "only the owner closes it: exit status" "$STATUS" 77
try say $ALICE room '#plan' --owner zz-bob
is "it is passed on: exit status" "$STATUS" 0
try say $BOB room '#plan' --rename '#plans'
is "renamed by who owns it now: exit status" "$STATUS" 0
is "with what was said" "$(say $ALICE --json history '#plans' | jq -r .text | wc -l)" 2
try say $BOB room '#plans' --close
is "and closed: exit status" "$STATUS" 0
try say $ALICE history '#plans'
is "nobody sees it any more: exit status" "$STATUS" 67
"$BIN/earshotd" --dir "$HUB" --stop
