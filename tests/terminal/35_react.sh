#!/usr/bin/env bash
# Reactions in the window: a quiet line, no bell, no torn prompt; the same again takes one back.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

start_hub
for name in ann ben; do
    terminal "$name" 90 30
    chat "$name" "$name" '#ops'
done
wait_for "both are in" has_members '#ops' 2

enter ann "the backup is done"
sees "ben reads it" ben "<ann> the backup is done"
type_in ann "half a li"
enter ben "/react :tada:"
sees "ben is told what he did" ben "#ops: ben 🎉 ann's \"the backup is done\""
sees "ann is told" ann "#ops: ben 🎉 your \"the backup is done\""
check "what she types is not torn" bottom_is ann "[#ops] half a li"
key ann C-c

enter ben "/react 1 👍"
sees "a number says to which" ann "#ops: ben 👍 your \"the backup is done\""
enter ann "/history 1"
sees "the past counts them" ann "<ann> the backup is done  [🎉 1, 👍 1]"
enter ben "/react :tada:"
sees "the same again takes it back" ann "#ops: ben took back 🎉 from your \"the backup is done\""
enter ben "/react fine"
sees "a word is no emoji" ben "fine is no emoji"
enter ben "/react 7 👍"
sees "nor is there any message" ben "this window has shown no such message"
type_in ben "/react :checkered"
key ben Tab
await "a name is completed" bottom_is ben "[#ops] /react :checkered_flag:"
