#!/usr/bin/env bash
# Small things of every day: rooms with topics and members, colours that stay the same, a search
# without accents, and what a command on a terminal says of its past, its limits and its input.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

# The colour in which a handle is shown: the sequence before it.
colour_of() { # NAME HANDLE
    tm capture-pane -p -e -t "$1" | sed -n "s/.*\(\[[0-9;]*m\)<$2>.*/\1/p" | tail -1
}

STORED=yes
start_hub
as="$BIN/earshot --hub $HUB --name"
earshot --name ben chat '#ops' '#lab' </dev/null 2>"$T/chat.err"
terminal ann 100 40
enter ann "export TERM=xterm-256color"
chat ann ann '#ops'
enter ann "/topic what works"
sees "a topic" ann "topic of #ops: what works"
enter ann "/list"
sees "/list: members and topic" ann "-- #ops, 2 members, joined: what works"
sees "/list: where one is not" ann "-- #lab, 1 member"
enter ann "/names"
sees "/names: who is here" ann "-- ann (you) on pts/"
sees "/names: and who is not" ann "-- ben"
enter ann "/names #lab"
await "/names of another room" shows_times ann "-- ben" 2

earshot --name ben send '#ops' "a crème brûlée"
earshot --name cat send '#ops' "not okay"
earshot --name BEN send '#ops' "once more"
sees "they have spoken" ann "<ben> once more"
colour=$(colour_of ann ben)
check "a handle has a colour" test -n "$colour"
check "another one another" test "$colour" != "$(colour_of ann cat)"
check "that of the table, which can be read on light and on dark" test "${#colour}" -ge 8
enter ann "/search creme"
sees "a search without accents" ann "1 message found with: creme"
enter ann "/search brul"
sees "of the beginning of a word" ann "1 message found with: brul"
enter ann "/search ok"
sees "of a part" ann "1 message found with: ok"
earshot --name cat send '#ops' "ok then"
sees "somebody says the word itself" ann "<cat> ok then"
enter ann "/clear"
still_typed "an empty screen" ann "[#ops]"
enter ann "/search ok"
sees "whole words first" ann "1 message found with: ok"
check "and no other then" hides ann "not okay"
enter ann "/search ok*"
sees "a star asks for both" ann "2 messages found with: ok*"
key ann C-d
await "the window has ended" bottom_is ann '$'
chat ann ann '#ops'
earshot --name ben send '#ops' "the next day"
sees "ben speaks again" ann "<ben> the next day"
is "his colour is the same in the next window" "$(colour_of ann ben)" "$colour"
key ann C-d
await "the window has ended" bottom_is ann '$'

seq 1 30 | earshot --name ben send --lines ann
command_in ann "$as ann history"
sees "plain history on a terminal: the latest" ann "<ben> 30"
sees "and how to see all" ann "earshot: the last 20; -n N shows more, --before"
sees "all" ann "\`earshot history | less\` all"
command_in ann "sleep 1000 | $as ann --timeout 0.5 send ben; echo it was \$?"
sees "--timeout holds for standard input, too" ann "standard input did not end within 0.5 s; nothing was sent"
key ann C-c
command_in ann "yes | head -c 70000 | $as ann send ben; echo it was \$?"
sees "a text that is too long is told its size" ann "the message has 70000 bytes, of at most 65536"
command_in ann "$as ann chat '#a b' </dev/null; echo it was \$?"
sees "a room that cannot be" ann "\"#a b\" is no handle or room: it"
command_in ann "$as ann tail -n 2 ben"
sees "tail -n: in order" ann "<ben> 29"
is "the last below" "$(screen ann | grep -n -e '<ben> 29' -e '<ben> 30' | sed 's/.*<ben> //' | tr '\n' ' ')" "29 30 "
key ann C-c
