#!/usr/bin/env bash
# How far one's own messages have come: a mark at the end of the last line, changed in place.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

# line_is NAME TEXT LINE: the line with this text is, behind its time, exactly this.
line_is() {
    [ "$(whole_lines "$1" | grep -F -e "$2" | cut -c 7-)" = "$3" ]
}

n_rows() { # NAME
    screen "$1" | grep -c .
}

start_hub
terminal ann 80 30
terminal ben 80 30
chat ann ann '#ops'
chat ben ben '#ops'
sees "they are together" ann "+ ben joined #ops"
enter ann "/msg ben hello"
await "it is on the screen of a window where nobody is" line_is ann hello "@ben <ann> hello  delivered"
key ben Left
await "a key there, and it was read" line_is ann hello "@ben <ann> hello  read"
run_earshot tess --name tess tail
tess=$PID
sees "tess is here" ann "+ tess came"
enter ann "/query tess"
still_typed "to tess" ann "[@tess]"
rows=$(n_rows ann)
kill -STOP "$tess"
enter ann "are you there?"
await "it is shown at once, without a mark" line_is ann "are you there?" "@tess <ann> are you there?"
type_in ann "half a line"
kill -CONT "$tess"
await "the mark comes later" line_is ann "are you there?" "@tess <ann> are you there?  read"
still_typed "what is typed stays" ann "[@tess] half a line"
is "no line was added for it" "$(n_rows ann)" $((rows + 1))
key ann C-u
enter ann "a text that is wider than the terminal, so that the mark would have no place in it, ok"
wait_for "it is read" grep -q "would have no place" "$T/tess.out"
earshot --name tess send ann "an answer"
sees "is answered" ann "@tess <tess> an answer"
await "and has no mark" hides ann "ok  read"

run_earshot carl --name carl listen --exec 'cat >/dev/null' 
sees "carl is here" ann "+ carl came"
enter ann "/msg carl to a program"
await "a program has read it" line_is ann "to a program" "@carl <ann> to a program  read"

# When something stands below it, nothing above moves.
kill -STOP "$tess"
enter ann "the last one for now"
sees "said" ann "<ann> the last one for now"
earshot --name dora send '#ops' "something else"
sees "something comes in between" ann "<dora> something else"
kill -CONT "$tess"
sees "then a line tells" ann "tess has read: the last one for now"
await "and no mark" line_is ann "<ann> the last one" "@tess <ann> the last one for now"

kill -STOP "$tess"
enter ann "before the screen is cleared"
sees "said" ann "before the screen is cleared"
key ann C-l
still_typed "Ctrl-L" ann "[@tess]"
kill -CONT "$tess"
sees "a line tells" ann "tess has read: before the screen is cleared"
is "and that is all" "$(n_rows ann)" 2

kill -STOP "$tess"
enter ann "before it is made narrow"
sees "said" ann "@tess <ann> before it is made narrow"
tm resize-window -t ann -x 60 -y 30
kill -CONT "$tess"
sees "after another size: a line tells" ann "tess has read: before it is made narrow"

enter ann "/query #ops"
enter ann "to all of you"
sees "a room" ben "#ops <ann> to all of you"
enter ben "seen"
sees "an answer" ann "#ops <ben> seen"
await "has no marks" line_is ann "to all of you" "#ops <ann> to all of you"
