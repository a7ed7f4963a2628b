#!/bin/bash
# react: told once and in order, counted in the past, kept across kills, and gone with the message.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

STORED=yes
start_hub
for name in alice bob carol; do earshot --name "$name" -q who >/dev/null; done
id_of() { # of what alice says: WORDS...
    earshot --name alice send --json "$@" | jq -r .id
}
reactions() { # to the last message: WORDS...
    earshot "$@" -n 1 --json | jq -c '.reactions // [] | map([.emoji, .n] + .by)'
}

run_earshot bob --name bob --json tail '#ops'
TAIL_PID=$PID
wait_for "bob is in" has_members '#ops' 1
id=$(id_of '#ops' "the backup is done")
wait_for "a line comes" has_lines "$T/bob.out" 1
try earshot --name carol react "$id" :tada:
check "react: exit status 0, nothing printed" test "$STATUS" -eq 0 -a -z "$OUT"
wait_for "a line comes" has_lines "$T/bob.out" 2
check "who listens is told" json '.type == "reaction" and .id == "'"$id"'" and .by == "carol"
    and .conv == "#ops" and .emoji == "🎉" and .on and .seq > 0' "$(sed -n 2p "$T/bob.out")"
try earshot --name alice react "$id" 👍 --json
check "with --json it says what it did" json '.type == "reaction" and .id == "'"$id"'"
    and .emoji == "👍" and .by == "alice" and .on' "$OUT"
wait_for "a line comes" has_lines "$T/bob.out" 3
try earshot --name alice react "$id" 👍
check "again: it is done" test "$STATUS" -eq 0
is "history has them" "$(reactions --name bob history '#ops')" '[["🎉",1,"carol"],["👍",1,"alice"]]'
check "for people, too" has "$(earshot --name bob history '#ops')" "the backup is done  [🎉 1, 👍 1]"
try earshot --name alice react "$id" 👍 --off --json
check "it can be taken back" json '.on == false' "$OUT"
wait_for "a line comes" has_lines "$T/bob.out" 4
check "which is told" json '.type == "reaction" and .on == false and .emoji == "👍"' \
    "$(sed -n 4p "$T/bob.out")"
is "and nothing else was" "$(wc -l <"$T/bob.out")" 4
is "nothing of it is unread" "$(earshot --name bob --json unread | jq -s length)" 0
is "nor to be found" "$(earshot --name bob --json search 🎉 2>/dev/null)" ""

exits 65 "a word is no emoji" earshot --name alice react "$id" fine
exits 65 "nor is a name that there is not" earshot --name alice react "$id" :nothing:
exits 65 "nor are two" earshot --name alice react "$id" 👍👍
exits 77 "there must be a message" earshot --name alice react 01900000-0000-7000-8000-00000000abcd 👍
exits 64 "with an id" earshot --name alice react 12 👍
kill "$TAIL_PID"
ends "$TAIL_PID"

away=$(id_of bob "for bob")
earshot --name alice react "$away" :eyes:
kill -9 "$HUB_PID"
ends "$HUB_PID"
start_hub
earshot --name bob --json tail --dm --timeout 3 >"$T/away" 2>/dev/null
is "who was away gets it behind the message" \
    "$(jq -r '[.type, .id, .emoji // ""] | join(" ")' "$T/away")" \
    "message $away 
reaction $away 👀"
is "after a kill they are still there" "$(reactions --name bob history '#ops')" '[["🎉",1,"carol"]]'
earshot --name alice delete "$id"
is "a removed message has none" "$(reactions --name bob history '#ops')" '[]'
exits 77 "and gets none" earshot --name carol react "$id" 👍
