#!/bin/bash
# An environment that came along from somebody else and odd things in the state directory keep
# nobody from having a private hub, and leave nothing in another's directories. A place in /tmp that
# somebody else has made is not used. Needs several users, and so root.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

if [ "$(id -u)" -ne 0 ]; then
    echo "SKIPPED: needs root, to be several users"
    exit 77
fi
ALICE=61021 MALLORY=61022
chmod 755 "$T"
cp "$BIN/earshot" "$BIN/earshotd" "$T"
install -d -o $ALICE -m 700 "$T/alice"
install -d -o $MALLORY -m 700 "$T/mallory"
PLACE=/tmp/earshot-$ALICE

as() { # UID VARIABLE=VALUE... COMMAND...
    timeout -k 5 60 setpriv --reuid "$1" --regid "$1" --clear-groups env -i LC_ALL=C.UTF-8 "${@:2}"
}
# In NAME the state directory is $T/alice/.local/state/earshot.
alice() { # VARIABLE=VALUE... -- WORD...
    local environment=(HOME="$T/alice")
    while [ "$1" != -- ]; do
        environment+=("$1")
        shift
    done
    as $ALICE "${environment[@]}" "$T/earshot" "${@:2}"
}
stop_of() { # UID WORD...
    as "$1" "${@:2}" "$T/earshotd" --stop
}
no_file_of() { # UID DIRECTORY
    [ -z "$(find "$2" -uid "$1")" ]
}

# In the place of her hub in /tmp is something that is not hers.
taken_by() { # WHAT COMMAND...
    rm -rf "$PLACE"
    as $MALLORY "${@:2}"
    try alice -- --json status
    is "$1: is refused" "$STATUS" 77
    check "and she is told what to do" has "$ERR" XDG_RUNTIME_DIR
    install -d -o $ALICE -m 700 "$T/runtime-alice"
    try alice XDG_RUNTIME_DIR="$T/runtime-alice" -- --json status
    is "in a place that is hers there is a hub" "$STATUS" 0
    local pid
    pid=$(jq .pid <<<"$OUT")
    SEEN+=("$pid")
    try alice -- --json status
    is "which is then found" "$(jq .pid <<<"$OUT")" "$pid"
    stop_of $ALICE HOME="$T/alice" >/dev/null
    check "nothing of mallory's was used" no_file_of $MALLORY "$T/alice"
    rm -rf "$T/alice/.local" "$PLACE"
}
taken_by "a directory" mkdir -m 777 "$PLACE"
taken_by "a file" touch "$PLACE"
taken_by "a link to her home" ln -s "$T/alice" "$PLACE"
taken_by "a link to nothing" ln -s /nowhere/x "$PLACE"
taken_by "a pipe" mkfifo -m 666 "$PLACE"

# Who keeps alice's HOME makes nothing below it, and has a hub all the same.
try as $MALLORY HOME="$T/alice" XDG_STATE_HOME="$T/alice/state" "$T/earshot" --json status
is "mallory with the environment of alice has a hub" "$STATUS" 0
SEEN+=("$(jq .pid <<<"$OUT")")
stop_of $MALLORY >/dev/null
rm -rf "/tmp/earshot-$MALLORY"
chmod 711 "$T/alice"
try env -i LC_ALL=C.UTF-8 HOME="$T/alice" XDG_STATE_HOME="$T/alice/none/state" \
    XDG_RUNTIME_DIR="$T/runtime" "$T/earshotd" --dir "$T/named" --state "$T/alice/none/state"
is "root makes no state directory in hers" "$STATUS" 73
check "and is told why" has "$ERR" "directory of another user"
check "nothing is there" no_file_of 0 "$T/alice"

# A pipe where the hub writes down its place, and where its log goes.
install -d -o $ALICE -m 700 "$T/alice/.local/state/earshot"
chown -R $ALICE "$T/alice/.local"
as $ALICE mkfifo "$T/alice/.local/state/earshot/place.new" "$T/alice/.local/state/earshot/earshotd.log"
try alice -- --json status
is "pipes in the state directory hold no hub up" "$STATUS" 0
SEEN+=("$(jq .pid <<<"$OUT")")
is "its place is written down" "$(cat "$T/alice/.local/state/earshot/place")" "$PLACE"
stop_of $ALICE HOME="$T/alice" >/dev/null
rm -rf "$PLACE"
