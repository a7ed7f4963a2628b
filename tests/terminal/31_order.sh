#!/usr/bin/env bash
# What administrators do is told in the window of who is concerned: muted, unmuted, kicked; and why
# one is not let in.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

if [ "$(id -u)" -ne 0 ]; then
    echo "SKIPPED: needs root, to be several users"
    exit 77
fi
chmod 755 "$T"
HUB=$T/open
start_hub --mode open
as_ann="setpriv --reuid 61001 --regid 61001 --clear-groups env -u XDG_RUNTIME_DIR HOME=/nonexistent"
terminal ann 150 30
command_in ann "$as_ann $BIN/earshot --hub $HUB --name ann chat"
sees "she is here" ann "you are ann at" || exit 1
earshot mute @hub ann --for 1h --reason "too loud"
sees "she is told that she is muted, and why" ann "too loud"
sees "by whom" ann "is muted on this hub until"
enter ann "/msg ann hello"
sees "what she says is refused" ann "ann: uid 61001 is muted"
earshot unmute @hub ann
sees "that it is undone, too" ann "unmuted uid 61001"
earshot kick @hub ann --reason "go home"
sees "why her session ends" ann "go home"
await "and the window does" bottom_is ann '$'
earshot ban @hub 61001 --reason spam
command_in ann "$as_ann $BIN/earshot --hub $HUB --name other chat"
sees "banned, she is told why" ann "spam"
await "and not let in" bottom_is ann '$'
