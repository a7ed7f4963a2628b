#!/usr/bin/env bash
# What is unread is the same in all windows of a handle, in a new one, and for `earshot unread`.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

start_hub
terminal one 90 40
terminal two 90 40
chat one ann '#build' '#ops'
still_typed "the first window" one "[#ops]"
chat two ann '#build' '#ops'
still_typed "the second window" two "[#ops]"
earshot --name ben send '#build' one
earshot --name ben send ann psst
still_typed "the first shows what is new" one "[#ops | #build 1 @ben 1]"
still_typed "so does the second" two "[#ops | #build 1 @ben 1]"
is "and the command" "$(earshot --name ann unread --prompt)" "@ben 1 #build 1"
enter one "/query ben"
still_typed "read in the first" one "[@ben | #build 1]"
still_typed "is read in the second" two "[#ops | #build 1]"
is "and for the command" "$(earshot --name ann unread --prompt)" "#build 1"
key one C-u C-d
await "the first window has ended" bottom_is one '$'
earshot --name ben send '#build' "ann: and this"
still_typed "the second goes on" two "[#ops | #build 2!]"
key two C-u C-d
await "the second window has ended" bottom_is two '$'
chat one ann '#ops'
still_typed "a new window begins with it" one "[#ops | #build 2!]"
enter one "/query #build"
still_typed "and ends it" one "[#build]"
nothing_unread() { [ -z "$(earshot --name ann unread)" ]; }
await "for all" nothing_unread
