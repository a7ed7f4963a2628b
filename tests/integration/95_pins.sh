#!/bin/bash
# Pins and stars: who sees them, what becomes of them, and that a new hub knows.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

STORED=yes
start_hub
for name in alice bob carol; do earshot --name "$name" -q who >/dev/null; done
texts() {
    earshot "$@" --json 2>/dev/null | jq -r .text | paste -sd ,
}
id_of() { # NAME WORDS...
    earshot --name "$1" send --json "${@:2}" | jq -r .id
}

run_earshot alice --name alice --json tail '#ops'
wait_for "alice is in" has_members '#ops' 1
run_earshot bob --name bob tail '#ops'
wait_for "bob is in" has_members '#ops' 2
one=$(id_of alice '#ops' "the number is 112")
two=$(id_of bob '#ops' "the door is open")
earshot --name bob pin "$one"
earshot --name alice pin "$two"
earshot --name alice pin "$two"
is "pins, the newest message first" "$(texts --name bob pins '#ops')" "the door is open,the number is 112"
check "each with who and when" json '.type == "message" and .pinned.by == "bob" and (.pinned.at | test("^20.*Z$"))' \
    "$(earshot --name alice pins '#ops' --json | tail -1)"
check "for people, too" has "$(earshot --name alice pins '#ops')" "<alice> the number is 112 (pinned by bob, 20"
is "an open room shows them to all" "$(texts --name carol pins '#ops')" "the door is open,the number is 112"
earshot --name alice edit "$one" "the number is 110"
is "what is edited has its new text" "$(texts --name bob pins '#ops')" "the door is open,the number is 110"
earshot --name bob unpin "$two"
is "unpin" "$(texts --name bob pins '#ops')" "the number is 110"
check "nobody was rung for that" has_lines "$T/bob.out" 3

direct=$(id_of alice bob "between us")
earshot --name bob pin "$direct"
is "of two, for the two" "$(texts --name alice pins bob),$(texts --name bob pins alice)" "between us,between us"
exits 77 "and for nobody else" earshot --name carol pin "$direct"
is "who sees nothing" "$(texts --name carol pins alice)" ""

earshot --name bob star "$one"
earshot --name bob star "$direct"
is "stars" "$(texts --name bob stars)" "between us,the number is 110"
is "of one conversation" "$(texts --name bob stars '#ops')" "the number is 110"
is "are one's own" "$(texts --name alice stars)" ""
check "with when" json '.starred.at and (has("pinned") | not)' "$(earshot --name bob stars --json | tail -1)"

"$BIN/earshotd" --dir "$HUB" --stop
start_hub
is "a new hub knows the pins" "$(texts --name bob pins '#ops')" "the number is 110"
is "and the stars" "$(texts --name bob stars)" "between us,the number is 110"
earshot --name bob unstar "$direct"
is "unstar" "$(texts --name bob stars)" "the number is 110"
earshot --name alice delete "$one"
is "what was removed is pinned no more" "$(texts --name bob pins '#ops')" ""
is "nor starred" "$(texts --name bob stars)" ""
exits 77 "and cannot be" earshot --name bob pin "$one"

seq 50 | earshot --name alice send --lines '#many'
run_earshot many --name alice tail '#many'
wait_for "alice is in" has_members '#many' 1
earshot --name alice --json history '#many' | jq -r .id |
    while read -r id; do earshot --name alice pin "$id"; done
is "a room has fifty" "$(earshot --name alice pins '#many' --json | wc -l)" 50
more=$(id_of alice '#many' more)
exits 75 "and no more" earshot --name alice pin "$more"
check "and it is told what to do" has "$ERR" "unpin one first"
exits 64 "an id is wanted" earshot pin nonsense
