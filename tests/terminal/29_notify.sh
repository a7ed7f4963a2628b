#!/usr/bin/env bash
# `earshot notify`: a line on the terminal when somebody begins to write, if mesg(1) allows it; and
# what came still waits for the window.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

start_hub
terminal ann 90 30
type_in ann "chmod g+w \"\$(tty)\"; '$BIN/earshot' --hub '$HUB' --name ann notify"
key ann Enter
wait_for "she is here" is_here ann
earshot --name ben send ann psst
sees "a line" ann "[ben writes to you; to read it: earshot]"
earshot --name ben send ann "psst again"
earshot --name carl send ann hello
sees "another sender" ann "[carl writes to you"
check "one line for each" shows_times ann "ben writes" 1
is "it still waits" "$(earshot --name ann unread --prompt)" "@ben 2 @carl 1"
earshot --name ann --json tail --dm --count 3 >/dev/null
unread_is() { [ "$(earshot --name ann unread --prompt)" = "$1" ]; }
wait_for "it was read elsewhere" unread_is ""
earshot --name ben send ann "a new beginning"
await "and is told of again" shows_times ann "ben writes" 2

exits 0 "to several" earshot --name ben send @ann,carl "the three of us"
sees "what several talk directly is told of, too" ann "[ben writes to you and others; to read"

key ann C-c
gone() { ! is_here ann; }
wait_for "it ends" gone
type_in ann "chmod g-w \"\$(tty)\"; '$BIN/earshot' --hub '$HUB' --name ann notify"
key ann Enter
wait_for "she is here again" is_here ann
earshot --name dora send --wait delivered ann "mesg n"
earshot --name dora send --wait delivered ann "mesg n, too"
check "nothing is written where nobody may" hides ann "dora writes"
key ann C-c
wait_for "it ends again" gone

# Whoever is told of nothing now is told of the most urgent all the same.
echo "[notify]
quiet = $(date -d '-2 hours' +%H:%M)-$(date -d '+2 hours' +%H:%M)" >"$T/quiet"
type_in ann "chmod g+w \"\$(tty)\"; EARSHOT_CONFIG='$T/quiet' '$BIN/earshot' --hub '$HUB' --name ann notify"
key ann Enter
wait_for "she is here in her quiet hours" is_here ann
earshot --name emil send ann "it can wait"
earshot --name fay send ann --priority max "it burns"
sees "of the priority max she is told" ann "[fay writes to you"
check "of another one she is not" hides ann "emil writes"
key ann C-c
wait_for "it ends once more" gone
exits 64 "without a terminal" earshot --name ann notify
