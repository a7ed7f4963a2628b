#!/bin/bash
# The Python module against a real hub: tests/python without asyncio and with it, by the Python that
# Debian has; its examples; and what of it is text alone.
# test: timeout=240
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
python=/usr/bin/python3
[ -x "$python" ] || python=$(command -v python3)
skip() {
    echo "# SKIPPED: $1"
    exit 77
}
[ -n "$python" ] || skip "there is no python3"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' || skip "python3 is older than 3.9"
export EARSHOT_LIBRARY=${BIN%/bin}/lib/libearshot.so PYTHONPATH=$root/client/python
export PYTHONDONTWRITEBYTECODE=1 BIN
case ${SANITIZE-} in
'') ;;
undefined) ;;
address)
    # An interpreter without the sanitizer takes the library only behind it; what it leaks itself is
    # not ours.
    preload=$("${CC:-gcc}" -print-file-name=libasan.so)
    export ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0:verify_asan_link_order=0
    ;;
*) skip "the interpreter cannot load a library with this sanitizer" ;;
esac
in_python() {
    env ${preload:+LD_PRELOAD="$preload${LD_PRELOAD:+:$LD_PRELOAD}"} timeout -k 5 200 "$python" -X dev -W error::ResourceWarning "$@"
}
"$python" -c '' && in_python -c 'import earshot' >"$T/import" 2>&1
check "the module loads" test "$?" -eq 0
[ "$N_FAILED" -eq 0 ] || cat "$T/import"

for tests in test_header test_link test_aio; do
    (cd "$root/tests/python" && in_python -m unittest -v "$tests") >"$T/$tests.log" 2>&1
    status=$?
    STATUS='' check "$tests" test "$status" -eq 0
    [ "$status" -eq 0 ] || cat "$T/$tests.log"
    check "$tests: all of them ran" grep -Eq '^Ran [1-9][0-9]* tests' "$T/$tests.log"
done

# The examples do what they say.
start_hub
export EARSHOT_HUB=$HUB
example() { # NAME WORD...
    local name=$1
    shift
    run "$name" env ${preload:+LD_PRELOAD="$preload"} "$python" "$root/client/examples/$name.py" "$@"
}
example answer-bot '#ops'
bot=$PID
wait_for "the bot is in its room" has_members '#ops' 1
try earshot --name bob --timeout "$DEADLINE" ask answer-bot 'load?'
check "it answers" grep -Eq '^[0-9.]+ [0-9.]+ [0-9.]+$' <<<"$OUT"
try earshot --name bob --timeout "$DEADLINE" ask '#ops' 'who?'
check "in its room, too" has "$OUT" answer-bot
kill "$bot"

run reader "$BIN/earshot" --hub "$HUB" --name reader tail '#ml' '#cluster' --json
wait_for "a reader is there" has_members '#cluster' 1
example train-report '#ml' --claim gpu0 -- sh -c 'echo step 1; echo loss 0.5; exit 3'
ends "$PID"
is "the training's exit code is handed on" "$STATUS" 3
said() { jq -r 'select(.type != "removed") | .text' "$T/reader.out"; }
failed_is_told() { said | grep -q '^failed with 3 after'; }
wait_for "the room is told how it went" failed_is_told
file_is_there() { said | grep -q 'output.txt'; }
wait_for "and gets the output" file_is_there
check "the message was edited" grep -qx 'loss 0.5' <<<"$(said)"
is "what is urgent is that it failed" "$(jq -r 'select(.text | test("^failed")) | .priority' "$T/reader.out")" high
is "nothing is claimed any more" "$(earshot claims)" ''

printf '1 alice train\n2 bob eval\n' >"$T/queue"
example queue-watch '#cluster' --every 0.05 -- cat "$T/queue"
watch=$PID
came() { said | grep -qxF -- "$1"; }
wait_for "the watcher tells what is in the queue" came '+ 2 bob eval'
printf '2 bob eval\n' >"$T/queue.new" && mv "$T/queue.new" "$T/queue"
wait_for "and what has left it" came '- 1 alice train'
try earshot --name bob --timeout "$DEADLINE" ask queue-watch 'queue?'
is "who asks is told what is in it" "$OUT" '2 bob eval'
kill "$watch"
