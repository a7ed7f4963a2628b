#!/bin/bash
# Standard output: who reads it, when it ends, what colour it has.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

start_hub
run_earshot bob --name bob tail --json
wait_for "bob is here" is_here bob

try earshot who
check "no colour when it is no terminal" test "$OUT" = "${OUT//$'\e'/}"
try script -qec "$BIN/earshot --hub $HUB who" /dev/null
check "colour on a terminal" has "$OUT" $'\e['
try env NO_COLOR=1 script -qec "$BIN/earshot --hub $HUB who" /dev/null
check "NO_COLOR" test "$OUT" = "${OUT//$'\e'/}"
try script -qec "$BIN/earshot --hub $HUB who --no-color" /dev/null
check "--no-color" test "$OUT" = "${OUT//$'\e'/}"
on_a_terminal() { # WORD...
    try script -qec "$(printf '%q ' "$BIN/earshot" --hub "$HUB" --timeout 1 "$@")" /dev/null
}
on_a_terminal --name ann get
check "a person is told what is waited for" has "$OUT" "waiting for somebody to put something (there: earshot put ann PATH); Ctrl-C ends it"
head -c 100000 /dev/zero >"$T/big"
earshot --name ben -q rooms
on_a_terminal --name ann put ben "$T/big"
check "and for whom" has "$OUT" "waiting for ben, who is not here now, to take big (earshot get, or /get in the window); Ctrl-C"
earshot --name cleo -q rooms
cp "$T/big" "$T/also"
on_a_terminal --name ann put ben,cleo "$T/big"
check "for how many" has "$OUT" "waiting for ben, who is not here now, and 1 other to take big ("
on_a_terminal --name ann put ben "$T/big" "$T/also"
check "and with how much" has "$OUT" "waiting for ben, who is not here now, to take big and 1 more ("
on_a_terminal --name ann -q put ben "$T/big"
check "not with -q" test "$OUT" = "${OUT/waiting for/}"
try env TERM=dumb script -qec "$BIN/earshot --hub $HUB who" /dev/null
check "TERM=dumb" test "$OUT" = "${OUT//$'\e'/}"

earshot --name alice send bob flushed
wait_for "a line is written when it comes" has_lines "$T/bob.out" 1
check "a line is written when it comes" test -s "$T/bob.out"

to_full() { earshot help >/dev/full; }
try to_full
check "a full disk: exit status 1" test "$STATUS" -eq 1
check "a full disk: says so" has "$ERR" "standard output"
to_nowhere() { earshot who --json >&-; }
try to_nowhere
check "standard output closed: exit status 1" test "$STATUS" -eq 1

mkfifo "$T/pipe"
"$BIN/earshot" --hub "$HUB" --name carol tail --json >"$T/pipe" 2>"$T/carol.err" &
carol=$!
STARTED+=("$carol")
SEEN+=("$carol")
exec 5<"$T/pipe"
wait_for "carol is here" is_here carol
earshot --name alice send carol one
read -r -u 5 -t "$DEADLINE" line
check "a pipe gets the line" json '.text == "one"' "$line"
exec 5<&-
ends "$carol"
check "tail ends when its reader leaves" test "$STATUS" -eq 0
check "and says nothing" test ! -s "$T/carol.err"
STATUS=
