#!/usr/bin/env bash
# Edits and removals in the window: a calm line, no bell, no torn prompt.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

start_hub
for name in ann ben; do
    terminal "$name" 90 30
    chat "$name" "$name" '#ops'
done
wait_for "both are in" has_members '#ops' 2

enter ann "the word is tulip"
sees "ben reads it" ben "<ann> the word is tulip"
type_in ben "half a li"
kept_has() { # TEXT: in what the windows keep
    grep -rqF -e "$1" "$XDG_STATE_HOME/earshot/window"
}
kept_lacks() {
    ! kept_has "$1"
}
check "the line is kept, for the Up key" kept_has "the word is tulip"
enter ann "/edit the word is rose"
sees "ann is told what she did" ann "#ops: ann edited: the word is rose"
sees "ben is told" ben "#ops: ann edited: the word is rose"
check "what he types is not torn" bottom_is ben "[#ops] half a li"
await "the line that said it first is forgotten" kept_lacks tulip
check "and no other one" kept_has "/edit the word is rose"
type_in ben "ne"
key ben Enter
sees "and goes as it was typed" ann "<ben> half a line"

enter ben "/reply 1 which word?"
sees "a quote has the new text" ann "> <ann> the word is rose"

enter ann "/edit"
await "the old text is put into the line" bottom_is ann "[#ops] /edit the word is rose"
type_in ann "s"
key ann Enter
sees "and changed there" ben "#ops: ann edited: the word is roses"

enter ann "/delete a secret"
sees "a removal is told with its reason" ben "#ops: ann removed a message: a secret"
enter ann "/delete"
sees "it is removed once, and nothing is left" ann "this window has shown nothing of yours in #ops"

earshot --name ben --json history '#ops' >"$T/past"
check "the past says so" has "$(cat "$T/past")" "(removed by ann)"
enter ben "/edit half a line, whole"
sees "ben's own" ann "#ops: ben edited: half a line, whole"

enter ben "/me is at Cedar"
sees "what was said behind a command" ann "ben is at Cedar"
check "is kept, too" kept_has "/me is at Cedar"
earshot --name ben delete "$(earshot --name ben --json history '#ops' -n 1 | jq -r .id)"
sees "removed by another program" ben "#ops: ben removed a message"
await "it is forgotten as well" kept_lacks Cedar
key ben Up
await "and the Up key finds what was before" bottom_is ben "[#ops] /edit half a line, whole"
