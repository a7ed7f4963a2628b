#!/bin/bash
# A build bot of a few lines of shell: it runs what it is asked to, lets the room watch, keeps the
# log in the room and says how it went, also while its hub is killed.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

cat >"$T/bot" <<'END'
#!/bin/sh
# Builds what it is told to in a direct message, one at a time; `build` in its directory does it.
exec earshot --name ci-bot listen ci-bot --jobs 1 --exec '
    target=$(jq -r .text)
    if earshot --name ci-bot run --to "#build" -- ./build "$target" >"log.$EARSHOT_ID" 2>&1; then
        verdict="$target is built"
    else
        verdict="$target is broken (exit code $?)"
    fi
    earshot --name ci-bot send "#build-log" --lines <"log.$EARSHOT_ID"
    earshot --name ci-bot send "$EARSHOT_FROM" --reply-to "$EARSHOT_ID" "$verdict"'
END
cat >"$T/build" <<'END'
#!/bin/sh
case $1 in
docs) seq -f 'page %g' 300 ;;
slow) echo begun; read -r word <go; echo "$word" ;;
*) echo "no rule to make $1" >&2; exit 2 ;;
esac
END
chmod +x "$T/bot" "$T/build"

texts_of() { # KIND: of what the room saw
    jq -r --arg kind "$1" 'select(.kind == $kind) | .text' "$T/room.out"
}

saw() { # TEXT
    jq -r .text "$T/room.out" | grep -qF "$1"
}

logged() { # N
    [ "$(jq -r .conv "$T/log.out" | wc -l)" -ge "$1" ]
}

ask() { # TARGET: in the background; the answer in $T/TARGET.out
    run_earshot "$1" --name alice --json --timeout 60 ask ci-bot "$1"
}

STORED=yes
start_hub
OUT='' ERR=''
run_earshot room --name rita tail '#build' --json
wait_for "somebody watches #build" has_members '#build' 1
run_earshot log --name laura tail '#build-log' --json
wait_for "somebody reads #build-log" has_members '#build-log' 1
run bot env -C "$T" EARSHOT_HUB="$HUB" PATH="$BIN:$PATH" ./bot
bot=$PID
wait_for "the bot is here" is_here ci-bot

ask docs
ends "$PID"
is "the question is answered" "$STATUS" 0
check "the answer is a reply that says how it went" \
    json '.text == "docs is built" and .from == "ci-bot" and .reply_to != null' "$(cat "$T/docs.out")"
wait_for "the room saw the end" saw 'is done: exit code 0'
is "all that was printed was streamed" "$(texts_of notice)" "$(seq -f 'page %g' 300)"
check "in calm batches" test "$(texts_of notice | wc -l)" -eq 300 -a \
    "$(jq -r 'select(.kind == "notice") | .id' "$T/room.out" | wc -l)" -le 30
wait_for "the log is there" logged 300
is "a message for each line, in order" "$(jq -r .text "$T/log.out")" "$(seq -f 'page %g' 300)"

ask nonsense
ends "$PID"
check "a broken build is told of" json '.text == "nonsense is broken (exit code 2)"' \
    "$(cat "$T/nonsense.out")"
wait_for "the room saw its end" saw 'is done: exit code 2'
check "and why" saw 'no rule to make nonsense'
wait_for "and so does the log" logged 301

# The hub is killed in the middle of a build: nobody has to do anything, and nothing is missing.
mkfifo "$T/go"
ask slow
slow=$PID
wait_for "the room sees its beginning while it runs" saw begun
kill -9 "$HUB_PID"
ends "$HUB_PID"
start_hub
wait_for "the rooms are watched again" has_members '#build-log' 1
wait_for "both of them" has_members '#build' 1
run_earshot next --name amy --json --timeout 60 ask ci-bot nonsense
next=$PID
echo ended >"$T/go"
ends "$slow"
is "the question is answered all the same" "$STATUS" 0
check "with how it went" json '.text == "slow is built"' "$(cat "$T/slow.out")"
wait_for "the room saw the rest" saw ended
is "once" "$(texts_of notice | grep -cx ended)" 1
wait_for "the log is there, too" logged 303
is "its lines once" "$(jq -r .text "$T/log.out" | grep -cx -e begun -e ended)" 2
ends "$next"
check "who asked while it was busy gets an answer, too" \
    json '.text == "nonsense is broken (exit code 2)"' "$(cat "$T/next.out")"
wait_for "the log has it all" logged 304

kill "$bot"
ends "$bot"
is "the bot ends when it is told to" "$STATUS" 143
