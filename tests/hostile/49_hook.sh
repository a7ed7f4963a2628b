#!/bin/bash
# The pipes of `earshot hook` are its user's: nobody else can write into them, read beside them, or
# put others in their place; and a full disk loses nothing.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

if [ "$(id -u)" -ne 0 ] || ! command -v setpriv >/dev/null; then
    echo "# SKIPPED: only root can be two users"
    exit 77
fi
umask 022
chmod 755 "$T"
STORED=yes start_hub --mode open

alice=61001 mallory=61003
as() { # UID COMMAND...
    local uid=$1
    shift
    setpriv --reuid="$uid" --regid="$uid" --clear-groups env HOME="$T" XDG_RUNTIME_DIR= \
        XDG_STATE_HOME="$T/state-$uid" "$@"
}
fails() { ! "$@" >/dev/null 2>&1; }
user() { # UID WORD...
    local uid=$1
    shift
    as "$uid" timeout 60 "$BIN/earshot" --hub "$HUB" --name "user-$uid" "$@"
}
if ! user "$alice" who >/dev/null 2>&1; then
    echo "# SKIPPED: the programs cannot be reached by another user here"
    exit 77
fi
for uid in $alice $mallory; do
    mkdir "$T/$uid" "$T/state-$uid"
    chown "$uid:$uid" "$T/$uid" "$T/state-$uid"
done
mkdir -m 1777 "$T/tmp"
mkdir -m 777 "$T/anybodys"

D=$T/tmp/hook
run hook setpriv --reuid="$alice" --regid="$alice" --clear-groups env HOME="$T" \
    "$BIN/earshot" --hub "$HUB" --name user-$alice hook "$D"
hook=$PID
wait_for "alice's hook is there" grep -qs 'mkdir NAME' "$T/hook.err"
as "$alice" mkdir "$D/user-$mallory"
wait_for "and serves a conversation" test -p "$D/user-$mallory/in"
check "others cannot look into it" fails as "$mallory" ls "$D"
# shellcheck disable=SC2016 # for the other shells
check "nor write into its pipe" fails as "$mallory" timeout 5 bash -c 'echo x >"$0"' "$D/user-$mallory/in"
check "nor remove that" fails as "$mallory" rm -f "$D/user-$mallory/in"
check "nor put another directory there" fails as "$mallory" mv "$D" "$T/$mallory/hook"
user "$mallory" send "user-$alice" '../../escape' >/dev/null
wait_for "what they say is written" grep -qs escape "$D/user-$mallory/out"
check "and they cannot read it" fails as "$mallory" cat "$D/user-$mallory/out"
kill "$hook"
ends "$hook"

as "$mallory" mkdir -m 777 "$T/tmp/trap"
exits 77 "a directory that somebody else has made" user "$alice" hook "$T/tmp/trap"
as "$mallory" ln -s "$T/$alice" "$T/tmp/link"
user "$alice" hook "$T/tmp/link" >/dev/null 2>&1
check "a link that somebody else has made" test "$?" -ne 0 -a ! -e "$T/$alice/.lock"
as "$alice" mkdir -m 700 "$T/anybodys/hook"
exits 77 "one that others can put something else in the place of" user "$alice" hook "$T/anybodys/hook"
as "$alice" mkdir -m 750 "$T/$alice/group"
exits 77 "one that others may enter" user "$alice" hook "$T/$alice/group"
exits 73 "a file" user "$alice" hook "$T/hub.log"
exits 73 "nowhere" user "$alice" hook "$T/nowhere/at/all"
check "nothing of a pipe was made there" test -z "$(find "$T/tmp/trap" "$T/anybodys" "$T/$alice" -name in)"

# A full disk: what was said waits, and comes once.
if unshare --mount true 2>/dev/null; then
    mkdir -m 700 "$T/small"
    # shellcheck disable=SC2016
    run full unshare --mount sh -c 'mount -t tmpfs -o size=64k,mode=700 tmpfs "$1" && exec "$0" --hub "$2" --name door hook "$1"' \
        "$BIN/earshot" "$T/small" "$HUB"
    full=$PID
    wait_for "it is there" grep -qs 'mkdir NAME' "$T/full.err"
    small=/proc/$full/root$T/small
    head -c 40000 /dev/zero | tr '\0' x | earshot --name dave send door -
    wait_for "a large message is there" grep -qs xxxx "$small/dave/out"
    head -c 40000 /dev/zero | tr '\0' y | earshot --name dave send door -
    wait_for "the disk is full" grep -qs 'No space left' "$T/full.err"
    earshot --name dave send door 'after the large ones'
    check "nothing of what has no room is there" test "$(grep -c yyyy "$small/dave/out")" -eq 0
    rm "$small/dave/out"
    wait_for "it goes on when there is room" grep -qs 'after the large ones' "$small/dave/out"
    is "once" "$(grep -c yyyy "$small/dave/out")" 1
    kill "$full"
    ends "$full"
fi
