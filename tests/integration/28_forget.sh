#!/bin/bash
# forget: one's own view of a direct conversation.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

STORED=yes
start_hub
for name in alice bob carol; do earshot --name "$name" -q who >/dev/null; done
earshot --name alice send bob 'the old words'
earshot --name bob send alice 'an old answer'
earshot --name carol send alice 'the old words of carol'
earshot --name bob --json tail --count 1 --timeout 20 >/dev/null

lines() {
    earshot "$@" --json 2>/dev/null | jq -r .text | paste -sd ,
}
try earshot --name alice forget bob
check "forget: exit status 0, nothing printed" test "$STATUS" -eq 0 -a -z "$OUT"
is "history has nothing" "$(lines --name alice history bob)" ""
is "nor has all of it" "$(lines --name alice history)" "the old words of carol"
is "nor the search" "$(lines --name alice search old)" "the old words of carol"
is "the other one still has it" "$(lines --name bob history alice)" "the old words,an old answer"
earshot --name bob send alice new
is "what is said afterwards is there" "$(lines --name alice history bob)" new

kill -9 "$HUB_PID"
ends "$HUB_PID"
start_hub
is "it stays forgotten after a crash" "$(lines --name alice history bob)" new
earshot --name bob forget alice
is "both have forgotten" "$(lines --name bob history alice)" ""
is "the search finds nothing of it" "$(lines --name bob search old)" ""

exits 67 "a handle that nobody knows" earshot --name alice forget nobody-at-all
exits 77 "a room" earshot --name alice forget '#ops'
exits 64 "no handle" earshot --name alice forget

try earshot who --all --json
is "who --all names those who are away" "$(jq -r .handle <<<"$OUT" | grep -E 'alice|bob|carol' | sort | paste -sd ,)" \
    alice,bob,carol
check "as offline" json '.type == "user" and (.handle == "'"$(id -un)"'" or .state == "offline")' "$OUT"
exits 64 "who --all of a room" earshot who --all '#ops'
