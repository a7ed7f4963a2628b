#!/usr/bin/env bash
# Notifications as configured: sequences for the terminal, a command; for what is worth it only.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

# chat_with LINE...: ann's window with this configuration; what it writes is in $T/raw.
chat_with() {
    printf '%s\n' "$@" >"$T/config"
    : >"$T/raw"
    command_in ann "EARSHOT_CONFIG=$T/config $BIN/earshot --hub $HUB --name ann chat '#ops'"
    sees "ann has joined" ann "you are ann at"
    wait_for "the window runs" has_window ann
    WINDOWS+=("$(pid_in ann)")
    SEEN+=("${WINDOWS[-1]}")
    wait_for "ann is here" is_here ann
}

leave() {
    key ann C-d
    await "ann has left" bottom_is ann '$'
}

wrote() { # BYTES
    grep -q -a -F "$1" "$T/raw"
}

is_silent() { # no sequence that notifies
    ! grep -q -a -e $'\033\]9' -e $'\033\]77' "$T/raw"
}

notified() { # N
    [ -e "$T/notified" ] && [ "$(grep -c '^--' "$T/notified")" -ge "$1" ]
}

start_hub
cat >"$T/notify" <<END
#!/bin/bash
{
    echo "-- \$EARSHOT_CONV"
    printf '%s\n' "\$@"
} >>$T/notified
END
cat >"$T/stuck" <<END
#!/bin/bash
echo \$\$ >$T/stuck.pid
exec sleep 1000
END
chmod +x "$T/notify" "$T/stuck"
terminal ann 100 30
tm pipe-pane -t ann "cat >>$T/raw"

chat_with '[notify]' 'how = osc9, osc777 osc99'
earshot --name ben send '#ops' "nothing special"
sees "an ordinary message" ann "nothing special"
check "does not notify" is_silent
earshot --name ben send '#ops' $'Ann, look; \033]0;bad\007'
sees "a mention" ann "Ann, look"
await "OSC 9" wrote $'\033]9;ben: Ann, look; ^[]0;bad^G\033\\'
await "OSC 777" wrote $'\033]777;notify;ben;Ann, look; ^[]0;bad^G\033\\'
await "OSC 99" wrote $'\033]99;i=1:d=0;ben\033\\\033]99;i=1:p=body;Ann, look; ^[]0;bad^G\033\\'
leave

began=$SECONDS
chat_with 'rooms = #never' '[notify]' 'how =' "command = $T/notify one two"
earshot --name ben send '#ops' "nothing special"
earshot --name ann send '#ops' "ann says it elsewhere"
sees "one's own from elsewhere" ann "ann says it elsewhere"
check "does not notify" test ! -e "$T/notified"
# shellcheck disable=SC2016
earshot --name ben send ann '$(touch '"$T"'/bad); "x" -- $HOME'
await "a direct message runs the command" notified 1
# shellcheck disable=SC2016
is "sender and text are arguments, and no shell sees them" "$(cat "$T/notified")" \
    "-- ben
one
two
ben
\$(touch $T/bad); \"x\" -- \$HOME"
check "nothing was run" test ! -e "$T/bad"
check "the bell is off" is_silent
printf '%s\n' "-n number "{1..9} | earshot --name ben send ann --lines
sees "all of them are shown" ann "number 9"
# One in two seconds, however long all of this takes.
check "few of them notify" test "$(grep -c '^--' "$T/notified")" -le $(((SECONDS - began) / 2 + 2))
enough() {
    printf '%s\n' again again again | earshot --name ben send ann --lines
    grep -q 'more)$' "$T/notified"
}
await "the next one tells how many there were" enough
check "none can be an option of the command" test "$(grep -c '^-n' "$T/notified")" -eq 0
leave

rm "$T/notified"
chat_with '[notify]' 'when = every' "command = $T/notify"
earshot --name ben send '#ops' "nothing special this time"
await "when = every" notified 1
leave
rm "$T/notified"
chat_with '[notify]' 'when = off' "command = $T/notify"
earshot --name ben send ann "are you there, ann?"
sees "a direct message" ann "are you there, ann?"
check "when = off" test ! -e "$T/notified"
leave

chat_with '[notify]' "command = $T/stuck"
earshot --name ben send ann "this one hangs"
wait_for "the command runs" test -s "$T/stuck.pid"
leave
is_ended() {
    ! kill -0 "$(cat "$T/stuck.pid")" 2>/dev/null
}
await "a command that hangs ends with the window" is_ended
chat_with '[notify]' "command = $T/there-is-none"
earshot --name ben send ann "no command for this"
sees "a command that is not there does no harm" ann "no command for this"
enter ann "/bell"
sees "the bell as configured" ann "the bell rings for direct messages and mentions"
leave

chat_with 'ignore = ben' 'rooms = #lobby, #tea' 'time = <%Y>' 'color = never'
earshot --name ben send ann "ignored from the start"
earshot --name carl send ann "not ignored"
sees "the ignore list" ann "> @carl <carl> not ignored"
check "the ignore list" hides ann "ignored from the start"
check "the time format" shows ann "<$(date +%Y)> @carl"
leave
command_in ann "EARSHOT_CONFIG=$T/config $BIN/earshot --hub $HUB --name ann"
sees "the rooms that were configured" ann "#tea: nobody else is here yet"
sees "all of them" ann "#lobby: nobody else is here yet"
leave
