#!/usr/bin/env bash
# A pasted block: few lines are one line of typing, more of them ask first.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

six=$'one\ntwo\nthree\nfour\nfive\nsix\n'

heard() { # N
    has_lines "$T/ben.out" "$1"
}

last_heard() {
    tail -1 "$T/ben.out" | jq -r .text
}

asks() {
    sees "$1" ann "$2 lines pasted. Send: [o]ne message"
}

start_hub
run_earshot ben --name ben tail --json '#ops'
wait_for "ben listens" has_members '#ops' 1
terminal ann 70 30
chat ann ann '#ops'
sees "the room is entered" ann "#ops: you and ben"

paste_in ann $'just one line\n'
still_typed "one line is not sent by its line end" ann "[#ops] just one line"
key ann Enter
wait_for "it is heard" heard 1
is "one line" "$(last_heard)" "just one line"

paste_in ann $'a\nb\nc\n'
key ann Enter
wait_for "they are heard" heard 2
is "three lines are one message, unasked" "$(last_heard)" $'a\nb\nc'

paste_in ann "$six"
asks "six lines ask" 6
earshot --name cleo send '#ops' "in between"
sees "a message meanwhile" ann "#ops <cleo> in between"
asks "the question stays" 6
key ann x Enter
asks "other keys are no answer" 6
paste_in ann $'o\nl\n'
asks "a second block is no answer, but belongs to it" 8
key ann n
still_typed "no: nothing is left" ann "[#ops]"

type_in ann "look: "
paste_in ann "$six"
asks "again" 6
key ann o
wait_for "it is heard" heard 4
is "one message, with what was typed before it" "$(last_heard)" \
    "look: $(printf '%s' "${six%?}")"
await "further lines are indented" shows ann $'#ops <ann> look: one\n                 two'

paste_in ann "$six"
asks "again" 6
key ann l
wait_for "they are heard" heard 10
is "line by line" "$(tail -6 "$T/ben.out" | jq -r .text)" "${six%?}"

paste_in ann $'/quit\n/nothing\n/like\n/this\n'
asks "lines like commands" 4
key ann l
wait_for "they are heard" heard 14
is "what was pasted is no command" "$(last_heard)" "/this"
paste_in ann $'/quit\n/nothing\n/like\n/this\n'
key ann o
wait_for "it is heard" heard 15
is "nor is it as one message" "$(last_heard)" $'/quit\n/nothing\n/like\n/this'

paste_in ann "$six"
asks "again" 6
key ann C-c
still_typed "Ctrl-C: nothing is left" ann "[#ops]"
type_in ann "/msg ben "
paste_in ann "$six"
asks "after a command" 6
await "line by line makes no sense there" hides ann "[l]ine by line"
key ann l
asks "and is no answer" 6
key ann o
wait_for "it is heard" shows ann "@ben <ann> one"
still_typed "the prompt is back" ann "[#ops]"

type_in ann "half a line"
paste_in ann "$six"
asks "again" 6
key ann f
sees "as a file" ann ".txt was sent to #ops"
still_typed "what was typed stays" ann "[#ops] half a line"
mkdir "$T/small" "$T/got"
earshot --name ben --timeout 60 get --dir "$T/small" >"$T/get.out"
is "it holds the lines" "$(cat "$T/small"/pasted-*.txt)" "${six%?}"
is "and stands nowhere else" "$(compgen -G "$TMPDIR/pasted-*")" ''
key ann C-u
paste_in ann "$(seq 300000)"
asks "more lines than a message may have" 300000
key ann f
sees "are a file, too" ann ".txt is offered to #ops"
earshot --name ben --timeout 60 get --dir "$T/got" >"$T/get.out"
is "all of them" "$(cat "$T/got"/pasted-*.txt | md5sum)" "$(seq 300000 | md5sum)"

paste_in ann "$(seq 30000)"
asks "a block that is too long asks too" 30000
key ann o
sees "and is refused with its size" ann "the message has 168893 bytes"
still_typed "the window goes on" ann "[#ops]"
