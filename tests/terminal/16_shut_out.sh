#!/usr/bin/env bash
# The hub comes back for a group that one is not in: the window and a command say why they stay
# outside, once, and come back when they may.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

if [ "$(id -u)" -ne 0 ]; then
    echo "SKIPPED: needs a second user, and so root"
    exit 77
fi

OUTSIDER=(setpriv --reuid=nobody --regid=nogroup --clear-groups env "HOME=$T"
    "XDG_STATE_HOME=$T/nobody" "$BIN/earshot" --hub "$HUB")

restart_hub() { # OPTION...
    "$BIN/earshotd" --dir "$HUB" --ephemeral "$@" >>"$T/hub.log" 2>&1
    HUB_PID=$(earshot status --json | jq -r .pid)
    SEEN+=("$HUB_PID")
}

told_times() { # TEXT N
    [ "$(grep -c -F -e "$1" "$T/tail.err")" -eq "$2" ]
}

chmod a+x "$T" "$(dirname "$T")"
install -d -m 700 -o nobody -g nogroup "$T/nobody"
start_hub --mode open
run tail "${OUTSIDER[@]}" --name erik tail
wait_for "erik is here" is_here erik
terminal nob 160 24
command_in nob "${OUTSIDER[*]@Q} chat '#ops'"
sees "the window is there" nob "#ops: nobody else is here yet"
WINDOWS+=("$(pid_in nob)")
SEEN+=("${WINDOWS[-1]}")

why="no permission to talk to the hub in $HUB; ask its owner (uid 0)"
kill -9 "$HUB_PID"
sees "the hub is gone" nob "the hub is gone"
check "as long as there is none, that is all" shows_times nob "no permission" 0
restart_hub --mode group --group root
sees "the window says why it stays outside" nob "$why"
wait_for "so does the command" told_times "$why" 1
type_in nob "kept"
still_typed "what is typed stays" nob "[#ops] kept"
kill -9 "$HUB_PID"
restart_hub --mode open
sees "it comes back when it may" nob "the hub is back"
wait_for "so does the command" told_times "the hub is back" 1
wait_for "erik is here again" is_here erik
check "the window said it once" shows_times nob "no permission" 1
check "so did the command" told_times "no permission" 1
kill -9 "$HUB_PID"
restart_hub --mode group --group root
await "another time it is told again" shows_times nob "no permission" 2
key nob C-u
key nob C-d
