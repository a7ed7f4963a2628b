#!/bin/bash
# What outlives a command holds nothing that the command was started with: no lock of the caller's,
# no pipe whose reader waits for its end.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

# LOCK is taken by whoever runs COMMAND, with its output in a pipe that is open as descriptor 7,
# too. The command ends with the end of that pipe.
holding() { # LOCK COMMAND...
    (
        exec 9>"$1"
        flock 9
        "${@:2}" 7>&1
    ) | cat >"$T/holding.out"
    STATUS=${PIPESTATUS[0]}
}
is_free() { # LOCK
    flock -n "$1" true
}
lets_go() { # WHAT COMMAND...
    run holding bash -c "$(declare -f holding); T='$T' HUB='$HUB' BIN='$BIN'; $(declare -f earshot); holding \"\$@\"; exit \$STATUS" \
        - "$T/lock" "${@:2}"
    ends "$PID"
    is "$1 ends, and its pipe with it" "$STATUS" 0
    STATUS='' check "the lock of the caller is free again" is_free "$T/lock"
}

export HUB
HUB=$XDG_RUNTIME_DIR/earshot
lets_go "a command that starts the private hub" earshot --start status
HUB_PID=$(earshot status --json | jq .pid)
SEEN+=("$HUB_PID")
is "which lives" "$(earshot status --json | jq .pid)" "$HUB_PID"
stop_hub

HUB=$T/hub
lets_go "a hub that goes into the background" "$BIN/earshotd" --dir "$HUB" --ephemeral
HUB_PID=$(earshot status --json | jq .pid)
SEEN+=("$HUB_PID")

earshot --name bob status >/dev/null
echo "for bob" >"$T/file"
mkdir "$T/dst"
head -c 1000000 /dev/zero >>"$T/file"
lets_go "an offer that waits in the background" earshot --name alice put --no-wait bob "$T/file"
exits 0 "which is there" earshot --name bob get --dir "$T/dst" --timeout 20
check "whole" cmp "$T/file" "$T/dst/file"

# Who stays in the foreground passes on what the caller gave, as nohup(1) does.
# shellcheck disable=SC2016 # the other shell expands it
exits 0 "a command that is run" bash -c 'exec 5>"$1"; shift; "$@"' - "$T/five" \
    "$BIN/earshot" --hub "$HUB" --name alice run --to bob -- sh -c 'echo said >&5'
is "has the caller's other files" "$(cat "$T/five")" said
