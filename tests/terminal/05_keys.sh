#!/usr/bin/env bash
# History, Ctrl-C, Ctrl-Z, Ctrl-D, /quit, commands that are none; the terminal is sane afterwards.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

terminal_is_sane() { # NAME
    command_in "$1" 'stty -a | tr " ;" "\n" | grep -x -e "-\?\(echo\|icanon\|isig\|icrnl\|opost\)" | sort | xargs'
    sees "the terminal is as it was" "$1" "echo icanon icrnl isig opost"
}

start_hub
terminal ann 80 30
chat ann ann
sees "what can be done is said" ann "/join #lobby enters a room"
still_typed "no place yet" ann ">"
enter ann "hello?"
sees "a line with nowhere to go says what to do" ann "/join #ROOM or /query HANDLE first"
enter ann "/join #ops"
sees "the room is entered" ann "#ops: nobody else is here yet"
still_typed "the prompt says where one is" ann "[#ops]"

enter ann "first"
enter ann "second"
key ann Up Up
still_typed "history" ann "[#ops] first"
key ann Down
still_typed "history, back" ann "[#ops] second"
type_in ann " again"
earshot --name ben send '#ops' "while in the history"
sees "a message" ann "<ben> while in the history"
still_typed "a line of the history, changed" ann "[#ops] second again"
key ann Enter
sees "it is said" ann "#ops <ann> second again"
key ann Up Up
still_typed "the history is as it was" ann "[#ops] second"
key ann C-c
still_typed "Ctrl-C clears a line of the history" ann "[#ops]"
type_in ann "not to be said"
still_typed "a line" ann "[#ops] not to be said"
key ann C-c
still_typed "Ctrl-C clears the line" ann "[#ops]"
key ann C-c
sees "on an empty line it says how to leave" ann "/quit or Ctrl-D leaves"
still_typed "and stays" ann "[#ops]"
key ann C-r
type_in ann "fir"
await "a search" shows ann "(reverse-i-search)\`fir': first"
key ann C-c
still_typed "Ctrl-C ends a search" ann "[#ops]"
enter ann "still here"
sees "it goes on" ann "#ops <ann> still here"
await "nothing else was said" hides ann "#ops <ann> not to be said"

enter ann "/hlep"
sees "an unknown command names the nearest" ann "no command /hlep; /help? not sent"
enter ann "/usr/bin/env is a path"
sees "and is not sent" ann "no command /usr/bin/env; not sent"
enter ann "//usr/bin/env is a path"
sees "two slashes begin a text" ann "#ops <ann> /usr/bin/env is a path"
enter ann "/be"
sees "a beginning is enough" ann "the bell rings"
enter ann "/q ben"
still_typed "of several the one that people mean most: /q is /query" ann "[@ben]"
enter ann "/p #ops"
sees "/p is /part" ann "you left #ops"
enter ann "/j #ops"
still_typed "/j is /join" ann "[#ops]"
enter ann "/names"
sees "/names: who is in this room" ann "ann (you)"
enter ann "/l"
sees "the beginning of such a name does nothing" ann "no command /l;"
enter ann "/leave #nowhere"
sees "/leave is /part" ann "#nowhere"

enter ann "/qeury ben"
sees "a mistyped command is refused" ann "no command /qeury; /query? not sent"
enter ann "for ben alone"
sees "the next line is held" ann "not sent yet, for the command before it was not done: Enter sends it to #ops"
still_typed "and stands in the line again" ann "[#ops] for ben alone"
key ann C-c
still_typed "where it can be cleared" ann "[#ops]"
enter ann "/query ben "
enter ann "for ben at last"
sees "a command that was done ends the doubt" ann "@ben <ann> for ben at last"
enter ann "/query #ops"
enter ann "/nonsense"
enter ann "meant for all"
still_typed "held again" ann "[#ops] meant for all"
key ann Enter
sees "Enter sends it" ann "#ops <ann> meant for all"
await "what was cleared was never said" hides ann "<ann> for ben alone"
enter ann "/to"
sees "an unambiguous prefix is enough" ann "topic of #ops: none"
enter ann "/help"
sees "/help lists the commands" ann "/quit"

type_in ann "line one"
key ann M-Enter
type_in ann "line two"
key ann Enter
sees "Alt-Enter: two lines in one message" ann "#ops <ann> line one"
is "Alt-Enter: as the hub has it" "$(earshot --name ann --json history '#ops' -n 1 | jq -r .text)" \
    $'line one\nline two'

pid=$(pid_in ann)
type_in ann "half"
key ann C-z
sees "Ctrl-Z stops it" ann "Stopped"
earshot --name ben send '#ops' "while stopped"
enter ann "echo the shell; fg"
sees "the shell works meanwhile" ann "the shell"
sees "what came is shown afterwards" ann "<ben> while stopped"
still_typed "fg: the line is back" ann "[#ops] half"
kill -STOP "$pid"
await "stopped from outside: the shell sees it" shows_times ann "Stopped" 2
enter ann "clear; fg"
still_typed "stopped from outside: fg brings the line back" ann "[#ops] half"
key ann C-c

type_in ann "x"
key ann C-d
still_typed "Ctrl-D in a line is no end" ann "[#ops] x"
key ann C-c C-d
await "Ctrl-D leaves" bottom_is ann '$'
terminal_is_sane ann
chat ann ann '#ops'
enter ann "/quit"
await "/quit leaves" bottom_is ann '$'
terminal_is_sane ann
for signal in TERM HUP QUIT; do
    chat ann ann '#ops'
    type_in ann "half a line"
    kill -"$signal" "$(pid_in ann)"
    await "SIG$signal ends it" bottom_is ann '$'
    terminal_is_sane ann
done
chat ann ann '#ops'
kill -ABRT "$(pid_in ann)"
await "even when it aborts" shows ann "Aborted"
terminal_is_sane ann
