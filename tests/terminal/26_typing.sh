#!/usr/bin/env bash
# What helps with typing: an editor for a long message, the lines of earlier windows, aliases,
# settings; and a prompt on a terminal that can do nothing.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

grep_screen() { # NAME PATTERN
    screen "$1" | grep -q -e "$2"
}

start_hub
cat >"$T/editor" <<'EOF'
#!/bin/sh
echo "$1" >"$EDITED"
grep -q 'the end' "$1" && kill -9 $$
yes 2>"$EDITED.errors" | head -1 >>"$EDITED"
printf 'and a second line\n' >>"$1"
EOF
chmod +x "$T/editor"
terminal ann 90 40
mkdir -m 777 "$T/shared"
chmod 777 "$T/shared"
enter ann "export EDITOR=$T/editor VISUAL= EDITED=$T/edited TMPDIR=$T/shared"
chat ann ann '#ops'
type_in ann "the first line"
key ann C-x C-e
await "the editor has added to the line" shows ann "and a second line"
edited=$(head -1 "$T/edited")
is "a pipe of the editor's that nobody reads ends who writes" "$(<"$T/edited.errors")" ""
is "not where others could put something else in the file's place" "$(dirname "$edited")" /tmp
check "the file is gone" test ! -e "$edited"
key ann Enter
sees "it is one message" ann "#ops <ann> the first line"
is "of two lines" "$(earshot --name ann history '#ops' --json | jq -r 'select(.text | test("second")) | .text')" \
    $'the first line\nand a second line'

type_in ann "the end"
key ann C-x C-e
sees "an editor that was killed" ann "did not end well; the line is as it was"
still_typed "the line is as it was" ann "[#ops] the end"
check "its file is gone, too" test ! -e "$(<"$T/edited")"
key ann C-u

enter ann "/alias hi me waves to"
sees "an alias" ann "-- /hi is /me waves to"
enter ann "/hi all"
sees "stands for a command" ann "#ops * ann waves to all"
enter ann "/alias who me"
sees "no command is lost" ann "/who is a command; call it otherwise"
enter ann "/set time %Y-%m-%dT%H:%M:%S and a format that is too long"
sees "/set of a wrong value" ann "time cannot be that; give a format of strftime(3)"
enter ann "/set time"
enter ann "what is the time"
await "changes nothing" grep_screen ann '^[0-2][0-9]:[0-5][0-9] #ops <ann> what is the time'
enter ann "/set time %Hh%M"
sees "/set" ann "-- time = %Hh%M"
enter ann "what time is it"
await "holds at once" grep_screen ann '^[0-2][0-9]h[0-5][0-9] #ops <ann> what time'
enter ann "/set notify.when loud"
sees "/set of what cannot be" ann "notify.when cannot be that; give off, dm, all or every"
enter ann "/set colour never"
sees "/set of nothing" ann "there is no colour to be set"
enter ann "/nonsense $(printf '%05000d' 0)"
sees "a long line" ann "no command /nonsense"
enter ann "/alias"
enter ann "the password is blue"
sees "said" ann "<ann> the password is blue"
enter ann "last words"
sees "said" ann "<ann> last words"
key ann C-d
await "the window has ended" bottom_is ann '$'
memory=$(compgen -G "$XDG_STATE_HOME/earshot/window/ann*")
remembered=$(<"$memory")
{
    seq -f $'level\t#room%g\tmute' $((1000 - $(wc -l <<<"$remembered")))
    echo "$remembered"
} >"$memory"
chat ann ann '#ops'
key ann Up
still_typed "the last line of the last window" ann "[#ops] last words"
key ann Up
still_typed "what looks like a secret is left out" ann "[#ops] /alias"
lines=$XDG_STATE_HOME/earshot/window/lines
is "nobody else reads them" "$(stat -c %a "$lines")" 600
is "the secret is not there" "$(grep -c password "$lines")" 0
is "nor a line that is too long to be read back whole" "$(grep -c 0000 "$lines")" 0
key ann C-u
enter ann "/hi again"
sees "the alias is known still" ann "#ops * ann waves to again"
enter ann "/alias full me is full of"
sees "and another one" ann "-- /full is /me is full of"
is "so many things are remembered, and no more" "$(wc -l <"$memory")" 1000
tm resize-window -t ann -x 50 -y 60
enter ann "/clear"
enter ann "/help get"
await "in a narrow window" grep_screen ann '^-- /get \[N'
check "no word is broken" grep_screen ann 'this number in$\|with this$\|offered, or$\|number in /files$'
key ann C-d
await "the window has ended" bottom_is ann '$'

tm resize-window -t ann -x 90 -y 40
enter ann "TERM=dumb $BIN/earshot --hub $HUB --name ann chat '#ops'"
sees "on a dumb terminal" ann "#ops: nobody else is here yet"
await "there is a prompt" bottom_is ann "[#ops]"
earshot --name ben send '#ops' "hello dumb one"
sees "what comes stands on its own line" ann "#ops <ben> hello dumb one"
await "and the prompt below it" bottom_is ann "[#ops]"
enter ann "/alias"
sees "what was remembered last is known, for what was oldest" ann "-- /full is /me is full of"
enter ann "typed there"
await "what is typed stands behind it" grep_screen ann '^\[#ops\] typed there'
enter ann "/quit"
await "it ends" bottom_is ann '$'
