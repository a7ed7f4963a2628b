#!/usr/bin/env bash
# `earshot mentions` and `earshot whois`.
# shellcheck source=tests/harness/shell.sh
. "$(dirname "$0")/../harness/shell.sh"

start_hub
run_earshot ann --name ann tail '#ops'
ann=$PID
earshot --name ben chat '#ops' '#lab' </dev/null
run_earshot ben --name ben tail
ben=$PID
wait_for "both are in the room" has_members '#ops' 2
wait_for "ben is here" is_here ben

exits 0 "nobody has named ann" earshot --name ann mentions
is "so nothing is printed" "$OUT" ""
earshot --name ben send '#ops' "ann: look here"
earshot --name ben send '#ops' "annabel is somebody else"
earshot --name ben send ann "so ann, that is all"
earshot --name ann send '#ops' "I am ann"
earshot --name ben send '#ops' --title "for ann" "the title names her"
exits 0 "mentions" earshot --name ann --json mentions
is "those of others that name her, the newest last" "$(jq -r .text <<<"$OUT")" \
    $'ann: look here\nso ann, that is all\nthe title names her'
check "they are messages" json '.type == "message" and .from == "ben" and .seq > 0' "$OUT"
earshot --name ben send '#ops' "annさん、こんにちは"
is "with a suffix of another alphabet, too" "$(earshot --name ann --json mentions -n 1 | jq -r .text)" \
    "annさん、こんにちは"
exits 0 "the last two" earshot --name ann mentions -n 2
check "as text" has "$OUT" "the title names her"
is "two, one with a title" "$(wc -l <<<"$OUT")" 3
exits 64 "no word" earshot mentions ann

exits 0 "whois" earshot --name ann --json whois BEN
check "who it is" json '.type == "user" and .handle == "ben" and .state == "online"' "$OUT"
check "uid and login" json ".uid == $(id -u) and .login == \"$(id -un)\"" "$OUT"
check "the program" json ".sessions | length == 1 and .[0].pid == $ben and .[0].program == \"earshot\"" "$OUT"
check "since when" json '(.since | test("^20[0-9-]*T[0-9:]*Z$")) and .since == .sessions[0].since' "$OUT"
check "the rooms in common" json '.rooms == ["#ops"]' "$OUT"
check "idle" json '.idle_s >= 0 and .away == null' "$OUT"
exits 0 "as text" earshot --name ann whois ben
check "a line of who it is" has "$OUT" "ben: uid $(id -u), login $(id -un), online, idle"
check "where they meet" has "$OUT" "  with you in #ops"
check "and one of the program" has "$OUT" "  earshot, pid $ben, since 20"
kill "$ann"
ends "$ann"
exits 0 "who is not here" earshot --name ben --json whois ann
check "has no sessions" json '.state == "offline" and .sessions == [] and .since == null' "$OUT"
exits 67 "nobody" earshot whois nobody
exits 64 "a room" earshot whois '#ops'
exits 64 "whom?" earshot whois
