#!/usr/bin/env bash
# A name is freed: whoever had it goes on under another one, over a restart of the hub, too.
# shellcheck source=tests/harness/shell.sh
. "$(dirname "$0")/../harness/shell.sh"

STORED=yes
start_hub

said() { # what bob has read of it
    jq -r .text "$T/bob.out" | xargs
}

has_said() { # TEXT
    [ "$(said)" = "$1" ]
}

run_earshot bob --name bob tail --json
BOB=$PID
wait_for "bob is here" is_here bob
earshot --name ann send bob "one"
wait_for "he reads his mail" has_said one
exits 0 "his name is released" earshot --name ann release bob
named=bob.$(id -u)
wait_for "he is here under another one" is_here "$named"
earshot --name ann send "$named" "two"
wait_for "and reads that one's mail" has_said "one two"

kill -9 "$HUB_PID"
start_hub
wait_for "he is back under the name that he has now" is_here "$named"
check "and not under the old one" eval '! is_here bob'
earshot --name ann send "$named" "three"
wait_for "mail to it arrives" has_said "one two three"
kill "$BOB"
ends "$BOB"
is "nothing came twice" "$(said)" "one two three"

earshot --name ann send "$named" "four"
try earshot --name "$named" tail --json --count 1
is "a later session of it gets nothing again" "$(jq -r .text <<<"$OUT")" "four"
