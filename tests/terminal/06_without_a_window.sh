#!/usr/bin/env bash
# TERM=dumb, and pipes on one side or both: plain lines, no readline.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

no_escapes() { # FILE
    ! grep -q $'\033\|\a' "$1"
}

start_hub
run_earshot ben --name ben tail --json '#ops'
wait_for "ben listens" has_members '#ops' 1

try earshot --name ann chat '#ops' <<<$'one\ntwo\n/me waves\n\n//etc'
is "pipes: exit status" "$STATUS" 0
is "pipes: nothing but what others say" "$OUT" ""
wait_for "it is heard" has_lines "$T/ben.out" 4
is "pipes: all lines were said" "$(jq -r .text "$T/ben.out" | xargs)" "one two waves /etc"
is "pipes: /me is an action" "$(jq -r .kind "$T/ben.out" | xargs)" "text text action text"

printf 'no line end' | earshot --name ann chat '#ops'
wait_for "it is heard" has_lines "$T/ben.out" 5
is "pipes: the last line may lack its end" "$(tail -1 "$T/ben.out" | jq -r .text)" "no line end"

n_messages() {
    earshot status --json | jq .counters.messages
}

before=$(n_messages)
try earshot --name ann chat '#alone' < <(seq 5000)
is "pipes: more lines than the hub is given at once: exit status" "$STATUS" 0
is "pipes: all of them were taken" "$(($(n_messages) - before))" 5000
before=$(n_messages)
try earshot --name ann chat '#one' '#two' '#three' < <(seq -f '/msg #one,#two,#three %g' 5000)
is "pipes: more for three rooms than the hub is given at once: exit status" "$STATUS" 0
is "pipes: each was told each once" "$(($(n_messages) - before))" 15000

mkfifo "$T/in"
"$BIN/earshot" --hub "$HUB" --name cleo chat '#ops' <"$T/in" >"$T/cleo.out" 2>"$T/cleo.err" &
pid=$!
STARTED+=("$pid")
SEEN+=("$pid")
exec 3>"$T/in"
wait_for "cleo has joined, whose room ann is a member of" has_members '#ops' 3
earshot --name ann send '#ops' $'to all\nof you \033[2J'
earshot --name ann send cleo 'to you alone'
wait_for "both are shown" has_lines "$T/cleo.out" 3
is "pipes: what comes meanwhile is shown" "$(cut -c 7- "$T/cleo.out")" \
    "#ops <ann> to all
$(printf '%11s' '')of you ^[[2J
@ann <ann> to you alone"
check "pipes: nothing but text" no_escapes "$T/cleo.out"
echo "an answer" >&3
exec 3>&-
ends "$pid"
is "pipes: the end of the input leaves" "$STATUS" 0
wait_for "it is heard" has_lines "$T/ben.out" 7
is "pipes: and all was said" "$(tail -1 "$T/ben.out" | jq -r .text)" "an answer"

try earshot --name ann chat '#ops' < <(head -c 1000000 /dev/zero | tr '\0' z && printf '\nafter it\n')
is "a line that is too long: exit status" "$STATUS" 65
check "a line that is too long: how long it is" has "$ERR" "the line has 1000000 bytes"
wait_for "it is heard" has_lines "$T/ben.out" 8
is "a line that is too long: the next one is said" "$(tail -1 "$T/ben.out" | jq -r .text)" "after it"
try earshot --name ann chat '#a b' </dev/null
is "a room that is none: exit status" "$STATUS" 64
is "a room that is none: it is not made" "$(earshot --json rooms | jq -r .name | grep -c '^#a$')" 0

try earshot --name ann chat '#ops' <<<'/nonsense'
is "an unknown command: exit status" "$STATUS" 64
check "an unknown command: says why" has "$ERR" "no command /nonsense"
try earshot --name ann chat <<<'/msg nobody hello'
is "nobody of this name: exit status" "$STATUS" 67
check "nobody of this name: says why" has "$ERR" 'not delivered to nobody'
try earshot --name ann chat <<<'hello'
is "nowhere to go: exit status" "$STATUS" 64
try earshot --name ann chat '#ops' < <(printf 'bad \xff\n')
is "not UTF-8: exit status" "$STATUS" 65
try earshot --name ann chat '#ops' --json < <(echo hello; echo "/nick 'x")
wait_for "it is heard" has_lines "$T/ben.out" 9
check "--json: errors are objects" json '.type == "error" or .type == "note"' "$ERR"

terminal ann 80 24
command_in ann "TERM=dumb $BIN/earshot --hub $HUB --name ann chat '#ops'"
sees "TERM=dumb: it joins" ann "#ops: you and ben"
enter ann "from a dumb terminal"
wait_for "it is heard" has_lines "$T/ben.out" 10
is "TERM=dumb: lines are said" "$(tail -1 "$T/ben.out" | jq -r .text)" "from a dumb terminal"
earshot --name ben send '#ops' "to a dumb terminal"
sees "TERM=dumb: lines are shown" ann "#ops <ben> to a dumb terminal"
type_in ann "not said"
key ann C-c
enter ann "said"
wait_for "it is heard" has_lines "$T/ben.out" 12
is "TERM=dumb: Ctrl-C clears the line" "$(tail -1 "$T/ben.out" | jq -r .text)" "said"
key ann C-d
await "TERM=dumb: Ctrl-D leaves" bottom_is ann '$'

command_in ann "$BIN/earshot --hub $HUB --name ann chat '#ops' | cat"
wait_for "ann has joined" is_here ann
earshot --name ben send '#ops' "into a pipe"
sees "output in a pipe: plain lines" ann "#ops <ben> into a pipe"
key ann C-c
await "output in a pipe: Ctrl-C ends it" bottom_is ann '$'

command_in ann "echo a line | $BIN/earshot --hub $HUB --name ann chat '#ops'"
wait_for "it is heard" has_lines "$T/ben.out" 14
await "input from a pipe: it ends" bottom_is ann '$'

terminal colours 80 24
command_in colours "NO_COLOR=1 $BIN/earshot --hub $HUB --name dora chat '#ops'"
sees "NO_COLOR: it joins" colours "#ops: you and ben"
earshot --name ben send '#ops' "dora: any colour?"
sees "NO_COLOR: a mention" colours "dora: any colour?"
check "NO_COLOR: no colours" test "$(tm capture-pane -p -e -t colours | grep -c $'\033\\[[0-9;]*[1-9]m.*dora')" -eq 0
