#!/bin/bash
# The bots in client/examples do what they say.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

EXAMPLES=$(dirname "${BASH_SOURCE[0]}")/../../client/examples
export EARSHOT_HUB=$HUB PATH=$BIN:$PATH

start_hub
run asker "$BIN/earshot" --name asker tail '#ops' asker --json
wait_for "the asker listens" has_members '#ops' 1
run load-bot "$BIN/../examples/load-bot" '#ops'
load_bot=$PID
wait_for "the bot in C is here" is_here load-bot
wait_for "and in the room" has_members '#ops' 2

try earshot --name alice send '#ops' 'load?' --json
question=$(jq -r .id <<<"$OUT")
wait_for "it answers" has_lines "$T/asker.out" 2
check "with the load of the machine" \
    grep -Eqx '[0-9.]+ [0-9.]+ [0-9.]+' <<<"$(tail -n 1 "$T/asker.out" | jq -r .text)"
is "as a reply" "$(tail -n 1 "$T/asker.out" | jq -r .reply_to)" "$question"
earshot --name alice send '#ops' 'load of what?'
try earshot --name bob --timeout 10 ask load-bot 'load?'
check "a direct question, too" grep -Eq '[0-9.]+ [0-9.]+ [0-9.]+' <<<"$OUT"
is "and nothing else" "$(jq -r 'select(.from == "load-bot") | .id' "$T/asker.out" | wc -l)" 1
kill "$load_bot"
ends "$load_bot"

run disk-bot "$EXAMPLES/disk-bot.sh" '#ops'
wait_for "the bot in shell is in the room" has_members '#ops' 2
wait_for "and here" is_here disk-bot
earshot --name alice send '#ops' 'who is there?'
try earshot --name alice send '#ops' 'disk?' --json
question=$(jq -r .id <<<"$OUT")
is_answered() {
    [ "$(jq -r 'select(.from == "disk-bot") | .reply_to' "$T/asker.out")" = "$question" ]
}
wait_for "it answers the question, and nothing else" is_answered
check "with how full the disk is" \
    grep -q '%' <<<"$(jq -r 'select(.from == "disk-bot") | .text' "$T/asker.out")"
try earshot --name bob --timeout 10 ask disk-bot 'disk?'
check "a direct question, too" has "$OUT" "%"
