#!/usr/bin/env bash
# A window begins where the last one was, knows its rooms, shows the last screenful of what waited,
# and pages back.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

leaves() { # NAME
    key "$1" C-u C-d
    await "the window of $1 has ended" bottom_is "$1" '$'
}

sees_all() { # NAME TEXT...
    local name=$1 text
    shift
    for text; do
        shows "$name" "$text" || return 1
    done
}

tells_rooms() {
    whole_lines ann | grep -q -E \
        "you are in (#ops, #lunch|#lunch, #ops); what you type goes to #lunch"
}

STORED=1
start_hub
terminal ann 110 30
chat ann ann
still_typed "a first time" ann ">"
sees "the hint of a newcomer" ann "-- /join #lobby enters a room"
enter ann "/join #ops"
sees "in #ops" ann "#ops: nobody else is here yet"
enter ann "/join #lunch"
sees "in #lunch" ann "#lunch: nobody else is here yet"
enter ann "a word in #lunch"
sees "it is said" ann "#lunch <ann> a word in #lunch"
leaves ann

chat ann ann
still_typed "where she was" ann "[#lunch]"
sees "its last lines" ann "#lunch <ann> a word in #lunch"
await "the rooms" tells_rooms
enter ann "/rooms"
sees "which are marked" ann "-- #ops, 1 member, joined"
leaves ann
earshot --name ann chat <<<"/part #lunch" >/dev/null 2>&1
chat ann ann
still_typed "#lunch was left elsewhere: the only room" ann "[#ops]"
run_earshot ben --name ben tail
enter ann "/query ben"
enter ann "hello ben"
sees "said" ann "@ben <ann> hello ben"
leaves ann
chat ann ann
still_typed "with ben, where she was" ann "[@ben]"
sees "and its last line" ann "@ben <ann> hello ben"
sees "her rooms" ann "you are in #ops; what you type goes to @ben"
leaves ann

tm resize-window -t ann -x 110 -y 45
seq 1 2000 | earshot --name ben send --lines '#ops'
seq 5001 5004 | earshot --name ben send --lines ann
key ann C-l
enter ann "clear; $BIN/earshot --hub $HUB --name ann"
sees "the newest of what waited" ann "#ops <ben> 2000"
sees "how much more there was" ann "-- 1965 more in #ops: /history"
sees "the first that is shown" ann "#ops <ben> 1966"
check "and not what is before" hides ann "<ben> 1965"
await "all of the few" sees_all ann "<ben> 5001" "<ben> 5004"
enter ann "/query #ops"
still_typed "in #ops" ann "[#ops]"
enter ann "/history"
sees "a page" ann "-- what was said in #ops before:"
sees "that ends where the others begin" ann "#ops <ben> 1965"
sees "and begins so many before" ann "#ops <ben> 1946"
sees "and tells" ann "-- 20 messages; /history goes further back"
enter ann "/history"
sees "the page before" ann "#ops <ben> 1926"
enter ann "/history 1"
sees "a number is from the end" ann "#ops <ben> 2000"
enter ann "/history 5000"
sees "a page has its bound, which is told" ann "messages, no more at a time; /history goes further back"
enter ann "/query ben"
enter ann "/clear"
enter ann "/history 100"
sees "all there is" ann "5 messages; this is the beginning of @ben, as far as it is kept: for 365 days"
enter ann "/clear"
still_typed "an empty screen" ann "[@ben]"
enter ann "/history"
sees "and no more" ann "-- this is the beginning of @ben, as far as it is kept"
