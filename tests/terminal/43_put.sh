#!/usr/bin/env bash
# /put: never makes the window wait, and says that something was sent once the hub has it.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

is_stopped() { # PID: all threads; the signal takes a moment
    ! grep -h ^State: "/proc/$1/task/"*/status | grep -qv T
}

start_hub
mkfifo "$T/pipe"
echo small >"$T/small"
head -c 3000000 /dev/urandom >"$T/large"
terminal ann 100 40
terminal ben 100 40
command_in ann "cd $T"
chat ann ann '#ops'
chat ben ben '#ops'
sees "they see each other" ann "ben"

enter ann "/put ben pipe"
sees "a pipe is not waited for" ann "pipe is a pipe; from a shell: earshot put ben pipe"
enter ann "/put ben /dev/zero"
sees "nor is a device" ann "/dev/zero is a device; from a shell: earshot put ben /dev/zero"
enter ann "/put ben $TMUX_SERVER"
sees "a socket" ann "tmux is a socket, which cannot be sent"
enter ann "does it live?"
sees "the window lives" ben "<ann> does it live?"

enter ann "/put nosuch small"
sees "who is not known" ann "not delivered to nosuch"
check "the file is named" shows ann "(file small)"
check "it was not sent" hides ann "was sent to nosuch"
enter ann "/put nosuch large"
sees "nor a large one" ann "cannot offer a file to nosuch"
check "it is not offered" hides ann "is offered to nosuch"

kill -STOP "$HUB_PID"
wait_for "the hub takes nothing" is_stopped "$HUB_PID"
enter ann "/put ben small"
sees "it waits" ann "waiting for the hub: 1 message not yet accepted"
check "it is not said to be sent" hides ann "small was sent to ben"
kill -CONT "$HUB_PID"
sees "now it is" ann "small was sent to ben"
sees "and it is there" ben "[file small, 6 bytes]"
