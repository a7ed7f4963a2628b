#!/usr/bin/env bash
# Pins and stars, by real users: what a stranger, a guest, one who has left and one who is muted or
# banned can do and see, in a private room and in an open one; with forged ids, and under the id of
# somebody else's message.
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
refused() { # WHAT CODE COMMAND...
    local what=$1 code=$2
    shift 2
    try "$@"
    is "$what" "$STATUS" "$code"
}
id_of() { # UID HANDLE CONV TEXT
    say "$1" "$2" send --json "$3" "$4" | jq -r .id
}
texts() { # UID HANDLE COMMAND...
    say "$@" --json 2>/dev/null | jq -r .text | paste -sd ,
}
listen() { # NAME UID HANDLE ROOM
    run "$1" setpriv --reuid "$2" --regid "$2" --clear-groups env -u XDG_RUNTIME_DIR HOME=/nonexistent \
        "$BIN/earshot" --hub "$HUB" --name "$3" chat "$4"
}
is_in() { # UID HANDLE ROOM
    say "$1" "$2" who "$3" --json 2>/dev/null | grep -q "\"$2\""
}

start
# A private room.
say 61001 own-er room '#plan' --private >/dev/null
before=$(id_of 61001 own-er '#plan' before)
say 61001 own-er pin --in '#plan' "$before"
unknown=00000000-0000-4000-8000-000000000001
refused "a stranger sees no pins" 67 say 61002 stran-ger pins '#plan'
plan=$ERR
refused "as of a room that is not there" 67 say 61002 stran-ger pins '#none'
is "in the same words" "${plan//plan/}" "${ERR//none/}"
refused "he pins nothing there" 77 say 61002 stran-ger pin "$before"
known=$ERR
refused "as under an id that is nobody's" 77 say 61002 stran-ger pin "$unknown"
is "in the same words, too" "${known//$before/}" "${ERR//$unknown/}"
refused "nor does he star it" 77 say 61002 stran-ger star "$before"
say 61001 own-er invite '#plan' stran-ger
refused "a guest who has not joined sees none" 67 say 61002 stran-ger pins '#plan'
run joins setpriv --reuid 61002 --regid 61002 --clear-groups env -u XDG_RUNTIME_DIR HOME=/nonexistent \
    "$BIN/earshot" --hub "$HUB" --name stran-ger chat '#plan'
wait_for "he is in" is_in 61002 stran-ger '#plan'
after=$(id_of 61001 own-er '#plan' after)
say 61001 own-er pin --in '#plan' "$after"
is "he sees the pins since his invitation" "$(texts 61002 stran-ger pins '#plan')" after
is "the owner sees all" "$(texts 61001 own-er pins '#plan')" after,before
refused "he unpins nothing from before" 77 say 61002 stran-ger unpin --in '#plan' "$before"
say 61002 stran-ger star --in '#plan' "$after"
is "his star" "$(texts 61002 stran-ger stars)" after
say 61001 own-er kick '#plan' stran-ger
is "who was put out sees no star of there" "$(texts 61002 stran-ger stars)" ""
refused "nor a pin" 67 say 61002 stran-ger pins '#plan'
refused "and pins nothing" 77 say 61002 stran-ger pin "$after"

# Under the id of somebody else's message another one can be said; it is known whose is meant.
say 61001 own-er room '#tea' --open >/dev/null
mine=$(id_of 61001 own-er '#tea' "from the owner")
listen forger 61003 for-ger '#tea'
wait_for "the forger is in" is_in 61003 for-ger '#tea'
say 61003 for-ger send --id "$mine" '#tea' "from the forger" >/dev/null
refused "two messages with one id" 64 say 61001 own-er pin --in '#tea' "$mine"
say 61001 own-er pin --in '#tea' --from own-er "$mine"
is "the one that was meant is pinned" "$(texts 61001 own-er pins '#tea')" "from the owner"

refused "who is not in an open room reads it, and pins nothing" 77 say 61002 stran-ger pin --in '#tea' --from for-ger "$mine"
check "and is told what to do" has "$ERR" "join it first"

# Order.
say 61001 own-er mute '#tea' for-ger
refused "who is muted pins nothing" 77 say 61003 for-ger pin --in '#tea' --from for-ger "$mine"
refused "nor unpins" 77 say 61003 for-ger unpin --in '#tea' --from own-er "$mine"
say 61001 own-er unmute '#tea' for-ger
say 61001 own-er room '#tea' --lock-topic on >/dev/null
refused "where the topic is locked a member pins nothing" 77 say 61003 for-ger pin --in '#tea' --from for-ger "$mine"
say 61003 for-ger star --in '#tea' --from own-er "$mine"
is "but stars" "$(texts 61003 for-ger stars)" "from the owner"
say 61001 own-er ban '#tea' for-ger
is "who is banned does not see it" "$(texts 61003 for-ger stars)" ""
refused "nor the pins" 77 say 61003 for-ger pins '#tea'
is "others do" "$(texts 61002 stran-ger pins '#tea')" "from the owner"

as 61000 "$BIN/earshotd" --dir "$HUB" --stop
start
is "a new hub shows no more of it" "$(texts 61002 stran-ger stars),$(texts 61003 for-ger stars)" ","
refused "nor of the room" 67 say 61002 stran-ger pins '#plan'
is "the owner has both" "$(texts 61001 own-er pins '#plan')" after,before
say 61001 own-er room '#plan' --close >/dev/null
refused "a room that was closed has no pins" 67 say 61001 own-er pins '#plan'
as 61000 "$BIN/earshotd" --dir "$HUB" --stop
