#!/usr/bin/env bash
# The hub is stopped, and more is said than its queue holds: the window never blocks.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

# What a System V queue holds, and then some.
limit=$(cat /proc/sys/kernel/msgmnb)
text=$(printf '%0900d' 0)
n=$((limit / 900 + 15))

start_hub
run_earshot ben --name ben tail --json '#ops'
wait_for "ben listens" has_members '#ops' 1
terminal ann 80 24
chat ann ann '#ops'
sees "the room is entered" ann "#ops: you and ben"
kill -STOP "$HUB_PID"
enter ann "into the void"
sees "it says what it waits for" ann "waiting for the hub: 1 message not yet accepted"
for i in $(seq "$n"); do
    enter ann "$i $text"
done
sees "the window takes them all" ann "#ops <ann> $n $text"
type_in ann "still usable"
still_typed "the window is usable" ann "[#ops] still usable"
key ann C-c
enter ann "/status"
sees "it tells what waits" ann "$((n + 1)) messages wait for the hub"
enter ann "/help msg"
sees "commands work" ann "several handles are one conversation"
enter ann "/join #elsewhere"
still_typed "requests do not block" ann "[#elsewhere]"
kill -CONT "$HUB_PID"
sees "it goes on with the hub" ann "the hub has accepted everything"
sees "and the request is done" ann "#elsewhere: nobody else is here yet"
wait_for "all is heard" has_lines "$T/ben.out" $((n + 1))
is "all was said, once and in order" "$(jq -r '.text | split(" ")[0]' "$T/ben.out" | tail -n +2 | xargs)" \
    "$(seq "$n" | xargs)"

enter ann "/join #ops"
sees "back in the room" ann "[#ops]"
kill -STOP "$HUB_PID"
for i in $(seq $((n + 5))); do
    enter ann "$i $text"
done
sees "all are shown" ann "#ops <ann> $((n + 5)) $text"
type_in ann "what others typed"
kill -CONT "$HUB_PID"
wait_for "all is heard" has_lines "$T/ben.out" $((2 * n + 6))
still_typed "the line is whole" ann "[#ops] what others typed"
key ann C-c

# As many wait as may wait: what is too much stays where it was typed.
kill -STOP "$HUB_PID"
paste_in ann "$(seq 4500)"
sees "a block asks" ann "4500 lines pasted"
key ann l
sees "what is too much is not sent, and said" ann \
    "4096 messages not yet accepted; this text is not sent yet, the Up key brings it back"
still_typed "the window is usable" ann "[#ops]"
enter ann "a short line"
sees "a line that is too much" ann "this line is not sent yet, try again later"
still_typed "it stays where it was typed" ann "[#ops] a short line"
kill -CONT "$HUB_PID"
sees "it goes on with the hub" ann "the hub has accepted everything"
still_typed "the line is still there" ann "[#ops] a short line"
key ann Enter
sees "and can be sent now" ann "#ops <ann> a short line"

kill -STOP "$HUB_PID"
enter ann "last words"
key ann C-d
sees "leaving waits for the hub, and says so" ann "not yet accepted; Ctrl-C leaves without"
key ann C-c
sees "Ctrl-C leaves without" ann "not accepted by the hub and given up"
await "the shell is back" bottom_is ann '$'
kill -CONT "$HUB_PID"
