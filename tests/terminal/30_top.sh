#!/usr/bin/env bash
# `top` on a terminal: in its place, sorted by keys; q gives the terminal back as it was.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

start_hub
earshot --name ben send ben "hello"
terminal ann 200 30
command_in ann "$BIN/earshot --hub $HUB top --every 0.2"
sees "the head" ann "messages/s in"
sees "the users" ann "REFUSED/S"
sees "the queues" ann "LAST SENDER"
sees "the keys" ann "q ends"
key ann m
sees "it goes on after a key" ann "q ends"
key ann q
await "q ends it, and the screen is as before" bottom_is ann '$'
check "nothing of it is left" hides ann "REFUSED/S"
enter ann "echo still echoed"
await "what is typed is seen again" shows ann "$ echo still echoed"
command_in ann "$BIN/earshot --hub $HUB inspect --watch --every 0.2"
sees "the road" ann "sleeps"
key ann q
await "q ends it" bottom_is ann '$'
