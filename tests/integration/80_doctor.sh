#!/bin/bash
# doctor: a healthy hub, no hub, what kill -9 leaves, a directory that others can write to, logout.
# shellcheck source=tests/harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

state() { # NAME: of the check in OUT, which is JSON
    jq -r "select(.name == \"$1\") | .state" <<<"$OUT"
}

fix() { # NAME
    jq -r "select(.name == \"$1\") | .fix" <<<"$OUT"
}

# finds CODE WHAT COMMAND...: what it finds is data, so nothing is on standard error.
finds() {
    local code=$1 what=$2
    shift 2
    try "$@"
    check "$what: exit status $code" test "$STATUS" -eq "$code"
    check "$what: something to do, or nothing" test "$(jq -s 'any(.[]; .state == "problem")' \
        <<<"$OUT")" = "$([ "$code" -eq 0 ] && echo false || echo true)"
}

is_dead() { # PID
    ! kill -0 "$1" 2>/dev/null
}

# --- a healthy hub
STORED=yes start_hub
finds 0 "a healthy hub" earshot doctor --json
check "every line is a check" json '.type == "check" and (.name | length > 0) and
    (.state | IN("ok", "warning", "problem")) and (.text | length > 0) and has("fix")' "$OUT"
check "what is ok needs no fix" json '(.state == "ok") == (.fix == null)' "$OUT"
for name in queue-limits segment-limits queues segments leftover-queues leftover-hub directory hub \
    queue namespace join store versions; do
    is "$name is ok" "$(state "$name")" ok
done
is "the disk is looked at" "$(jq -r 'select(.name == "disk") | .text | endswith("'"$HUB/state"'")' \
    <<<"$OUT")" true
is "the logout is looked at" "$(jq -c 'select(.name == "logout") | has("text")' <<<"$OUT")" true
check "the hub's process is named" has "$(jq -r 'select(.name == "hub") | .text' <<<"$OUT")" \
    "PID $HUB_PID "
exits 0 "the same for people" earshot doctor
check "a line for the queue" grep -q "^ok  *queue: " <<<"$OUT"
check "nothing is said twice" test -z "$(sed -n 's/^[a-z]*  *\([a-z-]*\): .*/\1/p' <<<"$OUT" | sort |
    uniq -d)"
exits 64 "it takes no words" earshot doctor now

# --- a directory that others can write to
chmod g+w "$HUB"
finds 1 "a directory that the group can write to" earshot doctor --json
is "is a problem" "$(state directory)" problem
is "and the way out is named" "$(fix directory)" "chmod go-w $HUB"
is "the hub is not trusted" "$(state hub)" problem
check "all that is not ok has a way out" json '(.state == "ok") == (.fix == null)' "$OUT"
chmod g-w "$HUB"
finds 0 "the permissions are right again" earshot doctor --json

# --- a hub that does not answer
kill -STOP "$HUB_PID"
finds 1 "a hub that is stopped" earshot --timeout 0.5 doctor --json
is "does not answer" "$(state join)" problem
kill -CONT "$HUB_PID"

# --- leftovers
run_earshot bob --name bob tail
bob=$PID
wait_for "bob is here" is_here bob
try earshot inspect --json
well_known=$(jq 'select(.role == "well-known") | .id' <<<"$OUT")
mailbox=$(jq 'select(.handle == "bob") | .id' <<<"$OUT")
try earshot doctor --fix --json
check "--fix leaves the living alone" test "$STATUS" -eq 0 -a "$(state leftover-queues)" = ok
check "bob is still here" is_here bob

has_queue() { # ID
    awk -v id="$1" '$2 == id { found = 1 } END { exit !found }' /proc/sysvipc/msg
}

is_gone() { # ID
    ! has_queue "$1"
}

kill -STOP "$bob"
kill -9 "$HUB_PID"
wait_for "the hub is dead" is_dead "$HUB_PID"
kill -9 "$bob"
ends "$bob" 2>/dev/null
HUB_PID=
finds 1 "a hub that died, in a directory that was named" earshot doctor --json
is "its key file is told of" "$(state leftover-hub)" warning
is "the queues are told of" "$(state leftover-queues)" warning
is "there is no hub" "$(state hub)" problem
check "what to do is said" has "$(fix leftover-hub)" "doctor --fix"
check "nothing was removed without --fix" test -e "$HUB/hub"
check "no queue either" has_queue "$mailbox"
try earshot doctor --json --fix
is "--fix removes the queues" "$(state leftover-queues)" ok
is "and what the hub left" "$(state leftover-hub)" ok
check "the key file is gone" test ! -e "$HUB/hub"
STATUS='' check "the well-known queue is gone" is_gone "$well_known"
STATUS='' check "the mailbox is gone" is_gone "$mailbox"
check "the log is still there" test -e "$HUB/state/earshot.db"
try earshot doctor --json
is "the second time nothing is left: queues" "$(state leftover-queues)" ok
is "the second time nothing is left: key file" "$(state leftover-hub)" ok
check "and nothing was removed then" has "$(jq -r 'select(.name == "leftover-hub") | .text' \
    <<<"$OUT")" "no key file"

# --- no hub
HUB=$T/nowhere
finds 1 "no hub in a named directory" earshot doctor --json
is "the directory is a problem" "$(state directory)" problem
is "the hub is a problem" "$(state hub)" problem
check "what to do is said" has "$(fix hub)" "start a hub"
check "nothing was made" test ! -e "$HUB"
if [ ! -e /run/earshot/hub ]; then
    try "$BIN/earshot" doctor --json
    check "no private hub yet: exit status 0" test "$STATUS" -eq 0
    is "which is as it should be" "$(state hub)" ok
    check "none was started" test ! -e "$XDG_RUNTIME_DIR/earshot"
fi

# --- logout, with a systemd of our own making
if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null && [ -d /etc/systemd ]; then
    logout_of() { # UID RemoveIPC-LINE: the state of the check for this user's private hub
        # shellcheck disable=SC2016 # the inner shell's
        unshare -m bash -c '
            mount -t tmpfs none /run && mkdir -p /run/systemd/system &&
            mount -t tmpfs none /etc/systemd && mkdir /etc/systemd/logind.conf.d &&
            printf "[Login]\n%s\n" "$2" >/etc/systemd/logind.conf.d/50-test.conf &&
            exec setpriv --reuid "$1" --clear-groups env -u XDG_RUNTIME_DIR "$3" doctor --json' \
            bash "$1" "$2" "$BIN/earshot" 2>/dev/null </dev/null
    }
    chmod 755 "$T"
    cp "$BIN/earshot" "$BIN/earshotd" "$T"
    BIN=$T
    OUT=$(logout_of 61234 'RemoveIPC=yes')
    is "an ordinary user's hub ends at logout" "$(state logout)" warning
    check "and what can be done is said" has "$(fix logout)" linger
    OUT=$(logout_of 61234 'RemoveIPC=no')
    is "unless RemoveIPC says no" "$(state logout)" ok
    OUT=$(logout_of 998 'RemoveIPC=yes')
    is "or it is a system user's" "$(state logout)" ok
fi

# --- limits, in an IPC namespace whose limits are our own
if unshare --ipc sh -c 'echo 6 >/proc/sys/kernel/msgmni' 2>/dev/null; then
    with_queues() { # N: of 6 queues in use, all by this user; OUT is what doctor says
        # shellcheck disable=SC2016 # the inner shell's
        try unshare --ipc bash -c '
            echo 6 >/proc/sys/kernel/msgmni
            for ((i = 0; i < $1; i++)); do ipcmk -Q >/dev/null; done
            exec "$2" doctor --json' bash "$1" "$BIN/earshot"
    }
    with_queues 3
    is "half of the queues may be one user's" "$(state queues)" ok
    is "few are left" "$(state queue-limits)" warning
    with_queues 4
    is "more than half is worth a warning" "$(state queues)" warning
    check "that names the user" has "$(fix queues)" "$(id -un) holds"
    check "warnings are no failure" test "$STATUS" -eq 0
    with_queues 6
    is "when none is left that is a problem" "$(state queue-limits)" problem
    check "and the limit to raise is named" has "$(fix queue-limits)" kernel.msgmni
    check "with the exit status 1" test "$STATUS" -eq 1
fi

# --- versions
mkdir "$T/other"
cp "$BIN/earshot" "$T/other/earshot"
printf '#!/bin/sh\necho "earshotd 0.0.1"\n' >"$T/other/earshotd"
chmod +x "$T/other/earshotd"
try "$T/other/earshot" doctor --json
is "another release of the hub is told of" "$(state versions)" warning
check "by its number" has "$(jq -r 'select(.name == "versions") | .text' <<<"$OUT")" 0.0.1
