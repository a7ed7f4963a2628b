#!/usr/bin/env bash
# Job control: a window that is continued, or started, in the background waits there, and is whole
# again after fg.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

start_hub
terminal ann 80 30
chat ann ann '#ops'
sees "the room is entered" ann "#ops: nobody else is here yet"
type_in ann "half"
still_typed "half a line" ann "[#ops] half"
key ann C-z
sees "Ctrl-Z stops it" ann "Stopped"
enter ann "clear; bg"
sees "bg continues it" ann "&"
is_stopped() { # PID
    [ "$(ps -o stat= -p "$1" | cut -c1)" = T ]
}
await "in the background it stops itself" is_stopped "${WINDOWS[0]}"
enter ann "clear; fg"
still_typed "bg, fg: the line is back" ann "[#ops] half"
type_in ann " and half"
still_typed "and what is typed is seen" ann "[#ops] half and half"
key ann Enter
sees "and said" ann "#ops <ann> half and half"
key ann C-d
await "Ctrl-D leaves" bottom_is ann '$'

command_in ann "$BIN/earshot --hub $HUB --name ann chat '#ops' &"
wait_for "it was started" has_window ann
WINDOWS+=("$(pid_in ann)")
key ann Enter
enter ann "fg"
sees "started in the background, then fg: it has joined" ann "you are ann at"
type_in ann "from the front"
still_typed "and there is a prompt" ann "[#ops] from the front"
key ann C-c C-d
await "it leaves" bottom_is ann '$'
