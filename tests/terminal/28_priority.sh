#!/usr/bin/env bash
# Title and priority in the window; what rings, and what does in quiet hours.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

notified() { # N
    [ -e "$T/notified" ] && [ "$(wc -l <"$T/notified")" -ge "$1" ]
}

# rings WHAT WORD...: it does, for what is sent so; again, for only one in two seconds does.
rings() {
    local what=$1
    shift
    : >"$T/notified"
    await "$what" sent_and_rang "$@"
}

sent_and_rang() { # WORD...
    earshot --name "${FROM:-ben}" send "$@"
    notified 1
}

# is_silent WHAT TEXT WORD...
is_silent() {
    local what=$1 text=$2
    shift 2
    : >"$T/notified"
    earshot --name ben send "$@" "$text"
    sees "$what: it is shown" ann "$text"
    is "$what" "$(cat "$T/notified")" ''
}

hours() { # FROM UNTIL, from now
    echo "$(date -d "$1 hours" +%H:%M)-$(date -d "$2 hours" +%H:%M)"
}

start_hub
cat >"$T/notify" <<END
#!/bin/bash
echo "\$1: \$2" >>$T/notified
END
chmod +x "$T/notify"
printf '%s\n' '[notify]' "command = $T/notify" 'except = #alerts, carl' >"$T/config"
terminal ann 100 40
tm set-environment -g EARSHOT_CONFIG "$T/config"
command_in ann "EARSHOT_CONFIG=$T/config $BIN/earshot --hub $HUB --name ann chat '#ops' '#alerts'"
sees "ann has joined" ann "you are ann at"
wait_for "the window runs" has_window ann
WINDOWS+=("$(pid_in ann)")
SEEN+=("${WINDOWS[-1]}")
wait_for "ann is in" has_members '#alerts' 1

earshot --name ben send '#ops' --title "The disk is full" --priority high "/srv has 0 bytes"
sees "the title is a line above the text" ann "<ben> [high] The disk is full"
sees "the text" ann "/srv has 0 bytes"
await "it rings as a mention does" notified 1
is "with its title" "$(cat "$T/notified")" "ben: The disk is full: /srv has 0 bytes"
is_silent "a direct message of low priority" "rather quiet" ann --priority low
is_silent "a mention of the lowest" "ann: never mind" '#ops' --priority min

enter ann "/set quiet $(hours -1 1)"
sees "the hours are told" ann "notify.quiet = "
is_silent "in quiet hours a direct message" "are you awake?" ann
is_silent "nor one that is urgent" "quick, please" ann --priority high
rings "the most urgent one rings" ann --priority max "fire"
FROM=carl rings "who is excepted rings" ann "it is me"
rings "and where" '#alerts' "ann: smoke"
enter ann "/notify #ops off"
sees "a conversation may be off" ann "#ops does not ring"
is_silent "then the most urgent does not ring, either" "a drill" '#ops' --priority max
enter ann "/set quiet $(hours 2 3)"
sees "other hours" ann "notify.quiet = $(hours 2 3)"
rings "out of them it rings" ann "good morning"
enter ann "/set quiet late"
sees "what is no time is refused" ann "quiet cannot be that; give hours, as 22:00-07:00, or off"
enter ann "/set quiet off"
sees "none" ann "notify.quiet = off"

# What waited is kept until it is shown, each with the title that it has.
key ann C-d
await "the window has ended" bottom_is ann '$'
earshot --name ben send ann --title "Of the first" "this is one"
earshot --name ben send ann "this is two, without a title"
earshot --name ben send ann --title "Of the third" "this is three"
earshot --name ben send ann "this is four, without a title"
chat ann ann '#ops'
sees "the last one" ann "@ben <ben> this is four, without a title"
sees "the first has its title" ann "@ben <ben> Of the first"
sees "the third has its own" ann "@ben <ben> Of the third"
sees "the second has none" ann "@ben <ben> this is two, without a title"
check "once each" shows_times ann "Of the " 2
