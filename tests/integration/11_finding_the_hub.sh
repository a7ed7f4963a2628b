#!/bin/bash
# No hub, a hub to be started, a private hub that starts by itself.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

exits 69 "no hub in a named directory" earshot who
check "names the directory" has "$ERR" "$HUB"
try earshot who --json
check "--json names the error no-hub" json '.type == "error" and .code == "no-hub"' "$ERR"
try env EARSHOT_HUB="$HUB" "$BIN/earshot" who
check "EARSHOT_HUB names a directory, too" test "$STATUS" -eq 69
check "nothing was made" test ! -e "$HUB"

try earshot --start -q who
check "--start starts a hub in a named directory" test "$STATUS" -eq 0
check "--start says nothing about it" test -z "$ERR"
try earshot status --json
check "the hub lives" json '.mode == "private"' "$OUT"
HUB_PID=$(jq .pid <<<"$OUT")
SEEN+=("$HUB_PID")
try earshot --start status --json
check "--start keeps a hub that lives" test "$(jq .pid <<<"$OUT")" = "$HUB_PID"
exits 73 "a second hub on the directory" "$BIN/earshotd" --dir "$HUB" --ephemeral
check "names the first one's process" has "$ERR" "$HUB_PID"
stop_hub
exits 69 "after a stop" earshot who

HUB=$XDG_RUNTIME_DIR/earshot
for i in 1 2 3 4; do
    run "first$i" "$BIN/earshot" status --json
    pids[i]=$PID
done
for i in 1 2 3 4; do
    ends "${pids[i]}"
    check "one of four that come at once to no private hub" test "$STATUS" -eq 0
done
is "all four met in one hub" "$(cat "$T"/first?.out | jq .pid | sort -u | wc -l)" 1
HUB_PID=$(jq .pid "$T/first1.out")
SEEN+=("$HUB_PID")
check "its directory is private" test "$(stat -c %a "$HUB")" = 700
is "it is there for who names it" "$(earshot status --json | jq .pid)" "$HUB_PID"
