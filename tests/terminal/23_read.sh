#!/usr/bin/env bash
# Read means that somebody looked: a key, or the focus, in a window that shows the message. What
# nobody has read comes again to the next window.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

# has_focus NAME yes|no: as the terminal says it.
has_focus() {
    local last=49
    [ "$2" = yes ] || last=4f
    tm send-keys -t "$1" -H 1b 5b "$last"
}

# knows_read TEXT: ann is told that it was read, at its end or in a line of its own.
knows_read() {
    shows ann "$1  read" || shows ann "ben has read: $1"
}

# ends NAME: the window is ended from outside, as when the terminal is closed.
ends() {
    kill -HUP "$(pid_in "$1")"
    await "the window of $1 has ended" bottom_is "$1" '$'
}

STORED=1
start_hub
terminal ann 80 24
terminal ben 80 24
terminal more 80 24
chat ben ben '#ops'
chat ann ann '#ops'
sees "they are together" ann "#ops: you and ben"
enter ann "/query ben"
still_typed "to ben" ann "[@ben]"

enter ann "one, which nobody reads"
sees "it is on ben's screen" ben "@ann <ann> one, which nobody reads"
enter ann "two, in the same way"
sees "another one" ben "two, in the same way"

chat more ben
sees "a second window shows both again" more "@ann <ann> two, in the same way"
sees "the first one, too" more "@ann <ann> one, which nobody reads"
sees "below a line" more "--- new ---"
ends more
ends ben
chat ben ben '#ops'
sees "and so does the next one" ben "@ann <ann> one, which nobody reads"
sees "below a line" ben "--- new ---"
key ben Left
await "a key: it was read" knows_read "two, in the same way"
ends ben
chat ben ben '#ops'
still_typed "a window again" ben "[#ops]"
check "which shows nothing anew" hides ben "--- new ---"
check "for it was read" hides ben "in the same way"

# The focus, which is no key: what is typed or searched for stays.
enter ann "three"
sees "on the screen" ben "@ann <ann> three"
type_in ben "half a line"
await "typing reads it" knows_read "three"
has_focus ben no
enter ann "four"
sees "four" ben "@ann <ann> four"
sees "below a line, for the focus has gone" ben "--- new ---"
key ben C-r
sees "a search" ben "(reverse-i-search)"
await "which is a key" knows_read "four"
enter ann "five"
sees "five" ben "@ann <ann> five"
has_focus ben yes
await "the focus comes back" knows_read "five"
sees "and the search goes on" ben "(reverse-i-search)"
key ben C-g
still_typed "what was typed is there" ben "[#ops] half a line"
key ben C-u

enter ben "/away at lunch"
sees "ben is away" ben "-- you are away"
enter ben "/clear"
still_typed "an empty screen" ben "[#ops]"
enter ben "/away at lunch"
sees "ben is away, once more" ben "-- you are away"
check "nothing is new" hides ben "--- new ---"
enter ann "six"
enter ann "seven"
sees "both are there" ben "@ann <ann> seven"
await "below one line" shows_times ben "--- new ---" 1

# A hub that is started again: what was not read is not lost.
stop_hub
sees "the hub is gone" ben "the hub is gone"
start_hub
sees "and back" ben "the hub is back"
sees "for ann, too" ann "the hub is back"
enter ann "eight"
sees "eight" ben "@ann <ann> eight"
ends ben
chat ben ben '#ops'
sees "six comes again" ben "@ann <ann> six"
sees "and eight" ben "@ann <ann> eight"
key ben Left
await "and is read" knows_read eight
