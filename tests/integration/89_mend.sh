#!/bin/bash
# edit and delete: what is said is changed or taken back, everywhere, and in no file any more.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

STORED=yes
start_hub
SECRET=correcthorsebattery
for name in alice bob carol; do earshot --name "$name" -q who >/dev/null; done
id_of() { # of what alice says: WORDS...
    earshot --name alice send --json "$@" | jq -r .id
}
texts() {
    earshot "$@" --json 2>/dev/null | jq -r .text | paste -sd ,
}

run_earshot bob --name bob --json tail '#ops'
TAIL_PID=$PID
wait_for "bob is in" has_members '#ops' 1
room=$(id_of '#ops' "the $SECRET of the day")
wait_for "a line comes" has_lines "$T/bob.out" 1
try earshot --name alice edit "$room" "the word of the day"
check "edit: exit status 0, nothing printed" test "$STATUS" -eq 0 -a -z "$OUT"
wait_for "a line comes" has_lines "$T/bob.out" 2
check "who listens is told" json '.type == "edited" and .id == "'"$room"'" and .by == "alice"
    and .conv == "#ops" and .text == "the word of the day" and .seq > 0 and (.at | test("Z$"))' \
    "$(sed -n 2p "$T/bob.out")"
is "history shows the new text" "$(texts --name bob history '#ops')" "the word of the day"
check "and says so" json '.edited' "$(earshot --name bob --json history '#ops')"
check "to people, too" has "$(earshot --name bob history '#ops')" "the word of the day (edited)"
is "the search finds it" "$(texts --name bob search word)" "the word of the day"
is "and nothing else" "$(texts --name bob search "$SECRET")" ""
try earshot --name alice --json send '#ops' --edit "$room" "the words of the day"
check "send --edit does the same" json '.type == "sent" and .state == "stored"' "$OUT"
wait_for "a line comes" has_lines "$T/bob.out" 3
exits 77 "in another conversation it is not found" \
    earshot --name alice send bob --edit "$room" "elsewhere"

earshot --name alice delete "$room" --reason "a mistake"
wait_for "a line comes" has_lines "$T/bob.out" 4
check "a removal is told" json '.type == "removed" and .id == "'"$room"'" and .by == "alice"
    and .reason == "a mistake"' "$(sed -n 4p "$T/bob.out")"
check "history says by whom" has "$(earshot --name bob history '#ops')" "<alice> (removed by alice)"
check "in JSON, too" json '.removed and .text == "(removed by alice)"' \
    "$(earshot --name bob --json history '#ops')"
exits 77 "it is removed once" earshot --name alice delete "$room"
exits 77 "and not edited any more" earshot --name alice edit "$room" again
kill "$TAIL_PID"
ends "$TAIL_PID"

away=$(id_of bob "first $SECRET")
gone=$(id_of bob "second $SECRET")
earshot --name alice edit "$away" "first word"
earshot --name alice edit "$away" "last word"
earshot --name alice delete "$gone"
kill -9 "$HUB_PID"
ends "$HUB_PID"
start_hub
earshot --name bob --json tail --timeout 3 >"$T/away" 2>/dev/null
is "who was away gets what it is now" "$(jq -r '[.type, .id, .text // ""] | join(" ")' "$T/away" | grep -v ops)" \
    "message $away last word
edited $away last word
removed $gone "
is "once" "$(earshot --name bob --json tail --timeout 1 2>/dev/null)" ""

no_secret() {
    ! cat "$HUB"/state/earshot.db* | strings | grep -q horsebatt
}
wait_for "the secret is gone" no_secret
check "nothing of it is in a file of the hub" no_secret

exits 77 "what was never said" earshot --name alice edit 01900000-0000-7000-8000-000000000001 x
exits 64 "an id that is none" earshot --name alice edit 17 x
exits 64 "no text" earshot --name alice edit "$away"
exits 65 "an empty text" earshot --name alice edit "$away" ''
exits 64 "--edit of several" earshot --name alice send bob,carol --edit "$away" x
exits 67 "--from nobody" earshot --name alice delete "$away" --from nobody-at-all
