#!/usr/bin/env bash
# Escape codes and direction controls from others are shown, not obeyed, wherever they stand.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

clear_screen=$'\033[2J\033[H'
title=$'\033]0;gotcha\007'

start_hub
terminal ann 100 30
chat ann ann '#ops'
sees "the room is entered" ann "#ops: nobody else is here yet"
type_in ann "typing"
earshot --name ben send '#ops' "a${clear_screen}b${title}c"
sees "in a text" ann '#ops <ben> a^[[2J^[[Hb^[]0;gotcha^Gc'
earshot --name ben send '#ops' $'x\u202ey\u200bz\u0085w'
sees "invisible characters in a text" ann '#ops <ben> x<U+202E>y<U+200B>z<U+0085>w'
earshot --name ben send '#ops' $'one\n23:59 #ops <root> two\r\ttab'
await "no line can pose as another" shows ann $'#ops <ben> one\n                 23:59 #ops <root> two^M'
earshot --name ben send ann "${clear_screen}dm"
sees "in a direct message" ann '@ben <ben> ^[[2J^[[Hdm'
still_typed "nothing was obeyed" ann "[#ops] typing"
is "the title is not changed" "$(tm display-message -p -t ann '#{pane_title}' | grep -c gotcha)" 0
key ann C-c

try earshot --name $'e\033[31mvil' send '#ops' hello
is "a handle with an escape is refused" "$STATUS" 64
run_earshot room --name ben tail '#ops'
wait_for "ben is in the room" has_members '#ops' 2
run_earshot ben --name ben tail --dm
wait_for "ben listens" is_here ben
earshot --name ben away "${clear_screen}lunch"
sees "in the text of an absence" ann 'ben is away: ^[[2J^[[Hlunch'
enter ann "/who"
sees "in the list of users" ann 'away: ^[[2J^[[Hlunch'
enter ann "/query ben"
still_typed "a direct conversation" ann "[@ben]"
enter ann "/query #ops"
earshot --name ben topic '#ops' "${clear_screen}topic"
sees "in a topic" ann 'the topic of #ops: ^[[2J^[[Htopic'
enter ann "/rooms"
sees "in the list of rooms" ann '#ops, 2 members, joined: ^[[2J^[[Htopic'
enter ann "/msg nobody${title//$'\007'/}x hello"
await "in a name of one's own" shows ann "not sent"
