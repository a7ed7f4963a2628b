#!/bin/bash
# --jq: what --json would print goes through an expression of jq first.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

STORED=yes start_hub
run_earshot bob --name bob tail --jq 'select(.from == "alice") | .text'
wait_for "bob is here" is_here bob

earshot --name carol send bob "not this one"
earshot --name alice send bob $'two\nlines \e[2J'
wait_for "each is printed at once" has_lines "$T/bob.out" 2
is "text is bare, and made safe" "$(cat "$T/bob.out")" $'two\nlines ^[[2J'

try earshot who --jq '[.handle, .state]'
is "what is no text is JSON on a line" "$OUT" '["bob","online"]'
try earshot --jq .handle who
is "before the command, too" "$OUT" bob
try earshot history bob --name alice --jq '.text | @json'
is "several commands have it" "$OUT" '"two\nlines \u001b[2J"'
try earshot send bob --name alice --jq .state hello
is "send" "$OUT" stored
try earshot history bob --name alice --jq 'empty'
check "nothing may come of it" test "$STATUS" -eq 0 -a -z "$OUT$ERR"
try earshot history bob --name alice --jq '.conv, .from'
is "and several values" "$(head -n 2 <<<"$OUT" | paste -s -d ' ')" "bob alice"
try earshot history bob --name alice --jq '{text: "a\u202eb"}'
is "nothing hidden comes out as it is" "$(head -n 1 <<<"$OUT")" '{"text":"a\u202eb"}'

exits 64 "a syntax error" earshot who --jq '.['
check "it says what" has "$ERR" 'earshot: --jq cannot be ".[": syntax error'
check "on one line" test "$(wc -l <"$T/try.err")" -eq 1
exits 64 "an unknown function" earshot who --jq 'foo(1)'
check "it says which" has "$ERR" 'foo/1 is not defined; see jq(1)'
exits 64 "an unknown module" earshot who --jq 'import "nowhere" as n; .'
exits 64 "before anything is done" earshot send bob --jq '][' "never sent"
check "nothing was sent" test "$(earshot --name alice history bob --jq .text | grep -c never)" -eq 0
try earshot who --json --jq '.['
check "with --json errors are objects" json '.type == "error" and .code == "usage"' "$ERR"
exits 67 "other errors are text" earshot send nobody hi --jq .
check "as without --jq" test "${ERR:0:9}" = "earshot: "

exits 65 "an expression that does not fit" earshot who --jq '.handle.nothing'
check "it says why" has "$ERR" 'earshot: --jq: Cannot index string'
run_earshot ops --name carol tail '#ops'
wait_for "#ops is there" has_members '#ops' 1
earshot --name alice send '#ops' 3
earshot --name alice send '#ops' three
earshot --name alice send '#ops' 4
try earshot --name alice history '#ops' --jq '.text | tonumber'
is "the others are printed" "$(paste -s -d ' ' <<<"$OUT")" "3 4"
is "and it ends with 65" "$STATUS" 65
exits 7 "halt_error ends the stream" earshot --name alice history '#ops' --jq '"enough" | halt_error(7)'
check "once" test "$(grep -c enough <<<"$ERR")" -eq 1
try earshot --name alice history '#ops' --jq '.text, halt'
check "halt ends it well" test "$STATUS" -eq 0 -a "$OUT" = 3

# Without an end, but not for others.
run_earshot endless who --jq 'def f: f; f'
endless=$PID
wait_for "it runs" test -e "/proc/$endless"
exits 75 "the time limit ends it" earshot who --timeout 0.5 --jq 'def f: f; f'
check "it says so" has "$ERR" "time limit"
kill -INT "$endless"
ends "$endless"
is "a signal ends it" "$STATUS" 130
run_earshot loud who --jq 'repeat(1)'
wait_for "it prints" has_lines "$T/loud.out" 1000
kill "$PID"
ends "$PID"
is "while it prints, too" "$STATUS" 143
is "it ends with its reader" "$(timeout 20 "$BIN/earshot" --hub "$HUB" who --jq 'repeat(1)' | head -n 1)" 1
check "the hub is well" test -n "$(earshot status --jq .pid)"
