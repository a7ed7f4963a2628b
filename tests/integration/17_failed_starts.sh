#!/bin/bash
# Why a private hub does not start is told by the command that wanted it, and `doctor` finds the same.
if [ -z "${IN_NAMESPACE-}" ] && unshare --mount true 2>/dev/null; then
    IN_NAMESPACE=yes exec unshare --mount "$0"
fi
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"
need_no_machine_hub

runtime=$XDG_RUNTIME_DIR state=$XDG_STATE_HOME

# As an ordinary user, whom permissions keep out.
user=()
if [ "$(id -u)" -eq 0 ]; then
    user=(setpriv --reuid 61023 --regid 61023 --clear-groups)
    chmod 755 "$T"
    cp "$BIN/earshot" "$BIN/earshotd" "$T"
    BIN=$T
fi
own() { # PATH...
    [ "${#user[@]}" -eq 0 ] || chown -R 61023:61023 "$@"
}
ours() { # WORD...
    timeout -k 5 60 "${user[@]}" "$BIN/earshot" "$@"
}
# fails WHAT WANTED...: the command that wants a hub says all that is wanted, and so does doctor.
fails() {
    local what=$1 wanted
    shift
    try ours who
    is "$what: no hub" "$STATUS" 69
    for wanted in "$@"; do
        check "$what: the command says $wanted" has "$ERR" "$wanted"
    done
    try ours doctor --json
    is "$what: doctor fails" "$STATUS" 1
    OUT=$(jq -r 'select(.name == "start" and .state == "problem") | .text + "; " + .fix' <<<"$OUT")
    for wanted in "$@"; do
        check "$what: doctor says $wanted" has "$OUT" "$wanted"
    done
}
starts() { # WHAT
    local pid
    try ours doctor --json
    is "$1: doctor finds nothing in the way" \
        "$(jq -r 'select(.name == "start") | .state' <<<"$OUT")" ok
    try ours status --json
    is "$1: there is a hub" "$STATUS" 0
    pid=$(jq .pid <<<"$OUT")
    SEEN+=("${pid:-0}")
    "${user[@]}" "$BIN/earshotd" --stop
}

own "$runtime" "$state" "$HOME"
starts "at first"

# --- the store
"${user[@]}" "$BIN/earshotd" --dir "$T/runtime/other" --state "$state/earshot" 2>/dev/null
HUB=$T/runtime/other
HUB_PID=$(jq .pid <<<"$(ours --hub "$HUB" status --json)")
SEEN+=("${HUB_PID:-0}")
rm "$state/earshot/place" # else the hub would be found by it
fails "another hub has the store" "another hub keeps its messages in $state/earshot"
"${user[@]}" "$BIN/earshotd" --dir "$HUB" --stop
HUB_PID=

mkfifo "$T/holds"
(
    echo 'PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; UPDATE state SET one = one; SELECT 1;'
    cat "$T/holds"
) | "${user[@]}" sqlite3 "$state/earshot/earshot.db" >"$T/held" 2>&1 &
STARTED+=($!)
exec 8>"$T/holds"
wait_for "another program holds the lock" has_lines "$T/held" 2
fails "another program has the store" "$state/earshot/earshot.db"
exec 8>&-
wait "${STARTED[-1]}"
starts "when it has ended"

mv "$state/earshot" "$state/kept"
echo "no directory" >"$state/earshot"
fails "a file in its place" "$state/earshot" "irectory"
rm "$state/earshot"
mv "$state/kept" "$state/earshot"

chmod 500 "$state/earshot"
fails "a state directory that cannot be written" "$state/earshot" "writ"
chmod 700 "$state/earshot"
export -n XDG_STATE_HOME
chmod 500 "$HOME"
fails "a home directory that cannot be written" "$HOME" "ermission"
chmod 700 "$HOME"
export XDG_STATE_HOME

# --- the directory
rm -r "$runtime/earshot"
chmod 500 "$runtime"
fails "a runtime directory that cannot be written" "$runtime" "ermission"
chmod 700 "$runtime"
starts "all is well again"

# --- disks
[ -n "${IN_NAMESPACE-}" ] || finish
disk() { # AT OPTION
    mount -t tmpfs -o "size=512k,mode=700$2" tmpfs "$1" || exit 99
    [ -n "$2" ] || own "$1"
}
fill() { # AT
    ! cat /dev/zero >"$1/filled" 2>/dev/null
}
disk "$state" ''
fill "$state"
fails "a full disk" "$state" "full"
umount "$state"
disk "$state" ",ro,uid=$("${user[@]}" id -u)"
fails "a disk that is read-only" "$state" "ead-only file system"
umount "$state"
export -n XDG_STATE_HOME
disk "$HOME" ",ro,uid=$("${user[@]}" id -u)"
fails "a home directory that is read-only" "$HOME" "ead-only file system"
umount "$HOME"
export XDG_STATE_HOME
disk "$runtime" ''
fill "$runtime"
fails "a full runtime directory" "$runtime" "full"
umount "$runtime"
disk "$runtime" ",ro,uid=$("${user[@]}" id -u)"
fails "a runtime directory that is read-only" "$runtime" "ead-only file system"
umount "$runtime"
starts "in the end"
