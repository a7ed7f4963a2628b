#!/usr/bin/env bash
# Tab completes commands, handles and rooms; a long list is cut.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

start_hub
n=0
for handle in ben benny cleo 'zoë'; do
    run_earshot "$handle" --name "$handle" tail '#ops'
    n=$((n + 1))
    wait_for "$handle listens" has_members '#ops' "$n"
done
run_earshot dev --name ben tail '#development'
wait_for "there is another room" has_members '#development' 1
terminal ann 90 30
chat ann ann '#ops'
sees "who is here is known" ann "#ops: you and"

completes ann "/he" "/help"
completes ann "/unig" "/unignore"
key ann C-u
enter ann "/rooms"
sees "the rooms are listed" ann "#development, 1 member"
completes ann "/j #dev" "/j #development"
completes ann "cl" "cleo:"
completes ann "CL" "cleo:"
completes ann "hello cl" "hello cleo"
completes ann "zo" "zoë:"
completes ann "@cl" "@cleo:"
completes ann "/msg be" "/msg ben"
sees "several are listed" ann "-- ben  benny"
completes ann "/msg #o" "/msg #ops"
completes ann "/bell d" "/bell dm"
completes ann "/help top" "/help topic"
completes ann "nothing/like/th" "nothing/like/th"
completes ann "/etc/pass" "/etc/pass"
key ann C-u
type_in ann "/"
key ann Tab
sees "all commands are listed" ann "/unignore"
still_typed "the line stays" ann "[#ops] /"

for i in $(seq 60); do
    run_earshot "crowd$i" --name "crowd$i" tail --dm
done
for i in $(seq 60); do
    wait_for "crowd$i is here" is_here "crowd$i"
done
key ann C-u
enter ann "/who"
sees "many are listed" ann "crowd"
key ann C-u
type_in ann "crowd"
is_cut() { # they come in any order, so nothing tells that all are known
    key ann Tab
    shows ann "more"
}
await "the list is cut" is_cut
still_typed "the line stays" ann "[#ops] crowd"
