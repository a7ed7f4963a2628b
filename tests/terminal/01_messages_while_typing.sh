#!/usr/bin/env bash
# A message that arrives leaves what is being typed whole: a short line, a wrapped one, one of wide
# characters, and a search in the history.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

arrives() { # TEXT
    earshot --name ben send '#ops' "$1"
    sees "\"$1\" is shown" ann "#ops <ben> $1"
}

start_hub
terminal ann 60 24
chat ann ann '#ops'
sees "the room is entered" ann "#ops: nobody else is here yet"
still_typed "the prompt names the room" ann "[#ops]"

type_in ann "a short line"
arrives "first"
still_typed "a short line" ann "[#ops] a short line"
type_in ann ", longer"
still_typed "a short line goes on" ann "[#ops] a short line, longer"
key ann Enter
sees "it is said" ann "#ops <ann> a short line, longer"

long="this line is so long that it takes more than two rows of this narrow terminal, and the words in it are still all there"
type_in ann "$long"
still_typed "a wrapped line" ann "[#ops] $long"
arrives "second"
still_typed "a wrapped line, after a message" ann "[#ops] $long"
key ann Home
type_in ann "See: "
arrives "third"
still_typed "a wrapped line, changed at its start" ann "[#ops] See: $long"
is "the cursor stays in the line" "$(cursor ann | cut -d, -f1)" 12
key ann Enter
sees "it is said whole" ann "#ops <ann> See: $long"

wide="日本語の行は幅が広い、端末の幅を超えても壊れない、漢字とかなが混ざる長い行"
type_in ann "$wide"
arrives "fourth"
still_typed "a line of wide characters" ann "[#ops] $wide"
key ann BSpace BSpace
arrives "fifth"
still_typed "a shorter line of wide characters" ann "[#ops] ${wide%??}"
key ann Enter
sees "it is said" ann "#ops <ann> ${wide%??}"
type_in ann "ok 👍🏽 é done"
arrives "sixth"
still_typed "emoji and combining marks" ann "[#ops] ok 👍🏽 é done"
key ann C-u

key ann C-r
type_in ann "short"
search="(reverse-i-search)\`short': a short line, longer"
await "a search" bottom_is ann "$search"
arrives "seventh"
await "a search, after a message" bottom_is ann "$search"
type_in ann " line"
await "a search goes on" bottom_is ann "(reverse-i-search)\`short line': a short line, longer"
arrives "eighth"
key ann Enter
await "what was found is said again" shows_times ann "#ops <ann> a short line, longer" 2
still_typed "the prompt is back" ann "[#ops]"

type_in ann "during a burst"
seq -f 'line %g' 300 | earshot --name ben send '#ops' --lines
sees "the burst is shown" ann "#ops <ben> line 300"
still_typed "a line during a burst" ann "[#ops] during a burst"
