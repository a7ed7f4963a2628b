#!/usr/bin/env bash
# What people stumbled over who were new: words that are torn at the terminal's edge, news of
# oneself, and commands that said nothing or took half of what was typed.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

# All of these stand in a row of the screen, unbroken.
is_whole() { # NAME TEXT...
    local name=$1 text
    shift
    for text in "$@"; do
        has "$(screen "$name")" "$text" || return 1
    done
}

start_hub
terminal ann 60 200
command_in ann "$BIN/earshot --help"
await "--help breaks no word" is_whole ann "earshot help COMMAND" "directories" "conversation" \
    "interactively" "administrators"
command_in ann "$BIN/earshot help put"
await "nor does that of a command" is_whole ann "or standard input to a handle or" "up to 32 KiB for" \
    "directory are left out, and named."
terminal cleo 40 200
chat cleo cleo
enter cleo "/help mute"
await "/help in a narrow window" is_whole cleo "-- /mute [CONV]|#ROOM HANDLE [10m]" "show nothing of it while" \
    "--     who says nothing there"

terminal dan 90 30
chat dan dan '#ops'
chat ann ann '#ops'
enter ann "/nick rm -rf"
sees "of two words neither is taken" ann "usage: /nick HANDLE"
enter ann "/nick nan"
sees "one is" ann "you are now known as nan"
sees "others are told" dan "= ann is now known as nan"
earshot --name ben send '#ops' "after that"
sees "what comes then" ann "#ops <ben> after that"
check "she did not leave" hides ann "- ann left"
enter ann "/ignore"
sees "/ignore alone" ann "nobody is ignored"
enter ann "/who #nix"
sees "/who of no room" ann "cannot ask who is here in #nix: there is no such room"
head -c 100000 /dev/zero >"$T/big"
enter dan "/put nan $T/big"
sees "a file waits" dan "big is offered to nan"
key dan C-d
sees "who leaves is told that it does no more" dan "big is not offered to nan any more"
command_in dan "$BIN/earshot --hub $HUB --name dan ask nan why?"
sees "a question is no silent wait" dan "waiting for nan, who is here, to answer (/reply in the window, or earshot send dan TEXT); Ctrl-C ends it"
enter ann "/msg dan because"
sees "the answer" dan "<nan> because"
await "ends it" bottom_is dan '$'
