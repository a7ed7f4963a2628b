#!/usr/bin/env bash
# Where something is new: counters in the prompt, /unread, /next, Alt-A and Alt-1; /mute and
# /notify, which are remembered; /mentions, /whois; /query of nobody.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

start_hub
terminal ann 90 40
chat ann ann '#build' '#ops'
still_typed "in the last of them" ann "[#ops]"
run_earshot ben --name ben tail
ben=$PID
sees "ben is here" ann "+ ben came"
earshot --name ben send '#build' one
earshot --name ben send '#build' two
still_typed "so many are new in #build" ann "[#ops | #build 2]"
earshot --name ben send ann psst
still_typed "and from ben" ann "[#ops | #build 2 @ben 1]"
earshot --name ben send '#ops' here
sees "where she is" ann "#ops <ben> here"
still_typed "is not counted" ann "[#ops | #build 2 @ben 1]"
type_in ann "half a line"
still_typed "what is typed stays" ann "[#ops | #build 2 @ben 1] half a line"
enter ann ""
sees "half a line" ann "#ops <ann> half a line"
enter ann "/unread"
sees "/unread: #build" ann "-- 1 #build: 2 new"
sees "/unread: where she is" ann "-- 2 #ops, where you are"
sees "/unread: ben" ann "-- 3 @ben: 1 new"
key ann M-a
still_typed "Alt-A goes to who wrote to her first" ann "[@ben | #build 2]"
enter ann "/next"
still_typed "/next to the next" ann "[#build]"
key ann M-a
still_typed "there is no other: back to where she was" ann "[#ops]"
enter ann "/next"
sees "and that is all" ann "nothing is new elsewhere"
key ann M-1
still_typed "Alt-1" ann "[#build]"
key ann M-2
still_typed "Alt-2" ann "[#ops]"
earshot --name ben send '#build' "ann: please look"
still_typed "a mention is marked" ann "[#ops | #build 1!]"
enter ann "/msg #build done"
still_typed "an answer has seen it" ann "[#ops]"

enter ann "/mute #BUILD"
sees "muted, however it is spelled" ann "#BUILD is not shown while you are elsewhere"
earshot --name ben send '#build' "noise"
earshot --name ben send '#build' "for ann this"
sees "what names her is shown" ann "#build <ben> for ann this"
check "the other is not" hides ann "<ben> noise"
key ann C-u C-d
await "the window has ended" bottom_is ann '$'
chat ann ann '#ops'
earshot --name ben send '#build' "more noise"
earshot --name ben send '#ops' "in #ops"
sees "#ops" ann "#ops <ben> in #ops"
check "#build is muted still" hides ann "more noise"
enter ann "/unmute #build"
sees "not any more" ann "#build rings as /bell says"
earshot --name ben send '#build' "words"
sees "it is shown" ann "#build <ben> words"
enter ann "/notify #build mentions"
sees "/notify" ann "#build rings for what names you"
enter ann "/notify #build loud"
sees "/notify of something else" ann "usage: /notify"

enter ann "/clear"
enter ann "/mentions"
sees "/mentions" ann "#build <ben> ann: please look"
sees "the other one" ann "2 messages name you"
enter ann "/whois ben"
sees "/whois" ann "-- ben: uid $(id -u) (your own), here"
sees "and the program" ann "--   earshot, pid $ben"
enter ann "/who ben"
enter ann "/whois bem"
sees "nobody" ann "there is nobody called bem"
enter ann "/query bem"
sees "/query of nobody" ann "there is nobody called bem; near: ben"
await "leads nowhere" bottom_is ann "[#ops]"
enter ann "between us"
sees "and what follows is held" ann "not sent yet, for the command before it was not done"
key ann C-u
enter ann "/msg ben,#build both"
await "/msg to two: ben" shows ann "@ben <ann> both"
await "/msg to two: #build" shows ann "#build <ann> both"
enter ann "/ignore #build"
sees "/ignore of a room" ann "people are ignored, by their handle; /mute #build hides a room"
