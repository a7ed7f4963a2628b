#!/usr/bin/env bash
# Text is UTF-8 in the window whatever locale the environment names.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

start_hub
earshot --name ben send ben hello
terminal ann 80 30

talk_in() { # VARIABLE=VALUE...
    command_in ann "env -u LC_ALL -u LC_CTYPE $* $BIN/earshot --hub $HUB --name ann chat '#ops'"
    sees "$*: joined" ann "you are ann at"
    wait_for "the window runs" has_window ann
    WINDOWS+=("$(pid_in ann)")
    type_in ann "aé"
    still_typed "$*: it is typed" ann "[#ops] aé"
    key ann BSpace
    still_typed "$*: a whole letter is taken away" ann "[#ops] a"
    key ann C-u
    type_in ann "漢字 $*"
    still_typed "$*: wide letters" ann "[#ops] 漢字 $*"
    key ann Enter
    sees "$*: it is said" ann "#ops <ann> 漢字 $*"
    key ann C-d
    await "$*: it leaves" bottom_is ann '$'
}

talk_in LANG=C
talk_in LC_ALL=C
talk_in LANG=C.UTF-8 LC_CTYPE=POSIX
talk_in LANG=xx_XX.ISO-8859-1
