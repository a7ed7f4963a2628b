#!/usr/bin/env bash
# An administrator frees the name of a handle or a room: who had it keeps mail and past, who is in it
# stays in it, nobody else may do so, and a restart of the hub changes nothing.
# shellcheck source=tests/harness/shell.sh
. "$(dirname "$0")/../harness/shell.sh"

if [ "$(id -u)" -ne 0 ]; then
    echo "SKIPPED: needs root, to be several users"
    exit 77
fi
chmod 755 "$T"
HUB=$T/hub
install -d -o 61000 -m 755 "$HUB"
install -d -o 61000 -m 700 "$T/state"

as() { # UID COMMAND...
    local uid=$1
    shift
    setpriv --reuid "$uid" --regid "$uid" --clear-groups env -u XDG_RUNTIME_DIR HOME=/nonexistent "$@"
}

say() { # UID HANDLE COMMAND...
    local uid=$1 handle=$2
    shift 2
    as "$uid" "$BIN/earshot" --hub "$HUB" --name "$handle" "$@"
}

start() {
    as 61000 "$BIN/earshotd" --dir "$HUB" --state "$T/state" --mode open || exit 99
}

stop() {
    "$BIN/earshotd" --dir "$HUB" --stop || exit 99
}

start
say 61001 nightowl send nightowl "a note to myself"
try say 61002 other release nightowl
is "who is no administrator may not: exit status" "$STATUS" 77
check "and is told who may" has "$ERR" "members of its --admin-group may release a name"
try say 61002 nightowl send other hi
is "so the name stays its owner's" "$STATUS" 77

try say 0 boss release nosuchname
is "nobody of this name: exit status" "$STATUS" 67
try say 0 boss release '#room'
is "a room that is not there: exit status" "$STATUS" 67
try say 0 boss release uid61001
is "a handle that is nobody's: exit status" "$STATUS" 67
say 61001 uid61001 send nightowl "more"
try say 0 boss release uid61001
is "what a user is called by default stays: exit status" "$STATUS" 77

try say 0 boss release nightowl
is "root releases it: exit status" "$STATUS" 0
try say 61002 nightowl --json history
is "the next one gets the name" "$STATUS" 0
is "and nothing of the old one's past" "$OUT" ""
stop
start
is "who had it keeps the mail, under another name" \
    "$(say 61001 nightowl.61001 --json history | jq -r .text | paste -sd ,)" "a note to myself,more"
try say 61001 nightowl send nightowl hi
is "and the name is the new one's, after a restart, too" "$STATUS" 77
try say 61000 hubowner release nightowl
is "the hub's owner may, too" "$STATUS" 0
try say 61001 nightowl send nightowl again
is "and its first owner may have it again" "$STATUS" 0

# A Russian room, and one that only looks so: its name is kept from nobody for ever.
CYRILLIC=$'#\u0441\u043e\u0441'
printf '/join #coc\n/msg #coc said before\n/quit\n' | say 61001 squatter chat >/dev/null
printf '/join %s\n/quit\n' "$CYRILLIC" | say 61002 boris chat >"$T/out" 2>&1
check "a room that looks like another is refused" has "$(cat "$T/out")" "the room looks like #coc"
try say 61002 boris release '#coc'
is "who is no administrator may not release a room: exit status" "$STATUS" 77
try say 0 boss release '#coc'
is "root releases it: exit status" "$STATUS" 0
printf '/join %s\n/msg %s hello\n/quit\n' "$CYRILLIC" "$CYRILLIC" | say 61002 boris chat >"$T/out" 2>&1
is "the other one can be made" "$(say 61002 boris --json history "$CYRILLIC" | jq -r .text)" "hello"
stop
start
is "who was in it is so, under another name" \
    "$(say 61001 squatter --json history '#coc.61001' | jq -r .text)" "said before"
try say 61001 squatter send '#coc.61001' "said after"
is "and can go on there: exit status" "$STATUS" 0
try say 61001 squatter history '#coc'
is "the name is nobody's: exit status" "$STATUS" 67
check "and how a room comes to be is told" has "$ERR" "whoever first joins it or writes to it makes it"
stop
