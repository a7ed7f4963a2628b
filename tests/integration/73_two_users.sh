#!/bin/bash
# On an open hub a file goes from one Unix user to another; a third one cannot get at it.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

if [ "$(id -u)" -ne 0 ] || ! command -v setpriv perl >/dev/null; then
    echo "# SKIPPED: only root can be two users"
    exit 77
fi
try true
umask 022
chmod 755 "$T"
start_hub --mode open

alice=61001 bob=61002 mallory=61003
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
for uid in $alice $bob $mallory; do
    mkdir "$T/$uid" "$T/state-$uid"
    chown "$uid:$uid" "$T/$uid" "$T/state-$uid"
    chmod 700 "$T/$uid"
    user "$uid" -q rooms 2>/dev/null
done
head -c 3000000 /dev/urandom >"$T/$alice/secret"
chown "$alice:$alice" "$T/$alice/secret"
chmod 600 "$T/$alice/secret"

check "bob cannot read it" fails as "$bob" cat "$T/$alice/secret"
run put user "$alice" --json put "user-$bob" "$T/$alice/secret" --timeout 30
put=$PID
wait_for "it is offered" grep -qs '"state":"offered"' "$T/put.out"
exits 0 "mallory is offered nothing" user "$mallory" get --all --dir "$T/$mallory"
is "nothing" "$OUT" ""
exits 0 "bob gets it" user "$bob" --json get --dir "$T/$bob" --timeout 30
ends "$put"
check "alice hears of it" test "$STATUS" -eq 0
check "it is the same" cmp "$T/$alice/secret" "$T/$bob/secret"
is "bob owns it, and only he may read it" "$(stat -c '%u %a' "$T/$bob/secret")" "$bob 600"

# While a stream is open, its segment can be looked at.
mkfifo "$T/in"
chmod 666 "$T/in"
setpriv --reuid="$alice" --regid="$alice" --clear-groups env HOME="$T" \
    "$BIN/earshot" --hub "$HUB" --name "user-$alice" pipe "user-$bob" <"$T/in" 2>/dev/null &
sender=$!
: >"$T/get.out"
run get user "$bob" pipe --from "user-$alice"
receiver=$PID
exec 7>"$T/in"
echo secret >&7
wait_for "it has begun" has_lines "$T/get.out" 1
segment() { # id, mode, attached, owner, creator
    awk -v uid="$alice" 'FNR > 1 && $10 == uid { print $2, $3, $7, $8, $10 }' /proc/sysvipc/shm
}
read -r id mode attached owner creator <<<"$(segment)"
is "it is alice's, given to bob" "$owner $creator" "$bob $alice"
is "mode 0600, removed already" "$mode" 1600
is "two are attached" "$attached" 2
attach() { # UID
    as "$1" perl -e "my \$b; exit(shmread($id, \$b, 0, 1) ? 0 : 1)"
}
check "bob could attach it" attach "$bob"
check "mallory cannot" fails attach "$mallory"
exec 7>&-
ends "$receiver"
check "the receiver ends well" test "$STATUS" -eq 0
wait "$sender" 2>/dev/null
check "mallory cannot attach it afterwards" fails attach "$mallory"
check "nor can bob" fails attach "$bob"
is "and there is none" "$(segment)" ""

# What lies in a directory of mallory's: he cannot have something else than what was offered.
mkdir "$T/shared" "$T/shared/project" "$T/shared/private"
head -c 100000 /dev/zero >"$T/shared/report"
cp "$T/shared/report" "$T/shared/project/x"
cp "$T/shared/report" "$T/copy"
cp "$T/$alice/secret" "$T/shared/private/key"
chown -R "$mallory:$mallory" "$T/shared"
chown "$alice:$alice" "$T/shared/private/key"
chmod 600 "$T/shared/private/key"
run put user "$alice" --json put "user-$mallory" "$T/shared/report" "$T/shared/project" --timeout 30
put=$PID
both_are_offered() { [ "$(grep -s -c '"state":"offered"' "$T/put.out")" -eq 2 ]; }
wait_for "both are offered" both_are_offered
as "$mallory" ln -sf "$T/$alice/secret" "$T/shared/report"
as "$mallory" mv "$T/shared/private/key" "$T/shared/project/y"
exits 0 "mallory takes both" user "$mallory" get --count 2 --dir "$T/$mallory" --timeout 30
ends "$put"
check "alice is told what was not given" json '.type == "skipped" and .why == "replaced" and .path == "y"' \
    "$(grep '"skipped"' "$T/put.out")"
check "that is a failure" test "$STATUS" -eq 1
check "he has the file that was offered" cmp "$T/copy" "$T/$mallory/report"
is "and of the directory what was in it" "$(ls "$T/$mallory/project")" x
