#!/bin/bash
# No hub, a hub to be started, a private hub that starts by itself.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"
need_no_machine_hub

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
exits 73 "below what is not there" "$BIN/earshotd" --dir "$T/no/such/dir" --ephemeral
check "it is named" has "$ERR" "there is no directory $T/no/such; make it"
exits 78 "a group that is not there" "$BIN/earshotd" --dir "$T/none" --mode group --group no-such-group
check "it is named, too" has "$ERR" 'no Unix group "no-such-group"'
stop_hub
exits 69 "a second stop" "$BIN/earshotd" --dir "$HUB" --stop
is "says that there is none" "$ERR" "earshotd: no hub runs in $HUB"
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

# A job of cron(8) and a login: two environments, one hub.
earshot_of() { # RUNTIME_DIR or "" COMMAND...
    local runtime=(-u XDG_RUNTIME_DIR)
    [ -z "$1" ] || runtime=("XDG_RUNTIME_DIR=$1")
    shift
    timeout -k 5 60 env "${runtime[@]}" "$BIN/earshot" "$@"
}
mkdir -m 700 "$T/other"
try earshot_of "" status --json
is "without XDG_RUNTIME_DIR the same hub is found" "$(jq .pid <<<"$OUT")" "$HUB_PID"
try earshot_of "$T/other" status --json
is "and with another one" "$(jq .pid <<<"$OUT")" "$HUB_PID"
check "no second place was made" test ! -e "$T/other/earshot"
try env -u XDG_RUNTIME_DIR "$BIN/earshotd" --stop
is "it is stopped from there, too" "$STATUS" 0
ends "$HUB_PID"

HUB=$T/other/earshot
for i in 1 2 3 4; do
    where=$XDG_RUNTIME_DIR
    [ $((i % 2)) -eq 0 ] || where=$T/other
    run "second$i" env XDG_RUNTIME_DIR="$where" "$BIN/earshot" status --json
    pids[i]=$PID
done
for i in 1 2 3 4; do
    ends "${pids[i]}"
    is "one of four that come at once from two environments" "$STATUS" 0
done
is "all four met in one hub" "$(cat "$T"/second?.out | jq .pid | sort -u | wc -l)" 1
HUB_PID=$(jq .pid "$T/second1.out")
SEEN+=("$HUB_PID")
env XDG_RUNTIME_DIR="$T/other" "$BIN/earshotd" --stop
ends "$HUB_PID"
HUB_PID=

printf '/etc\n' >"$XDG_STATE_HOME/earshot/place"
chmod 666 "$XDG_STATE_HOME/earshot/place"
try earshot_of "$T/other" status --json
is "a place that others may have written leads nowhere" "$STATUS" 0
HUB=$T/other/earshot
HUB_PID=$(jq .pid <<<"$OUT")
SEEN+=("$HUB_PID")
env XDG_RUNTIME_DIR="$T/other" "$BIN/earshotd" --stop
ends "$HUB_PID"
HUB_PID=

# Why a private hub does not start is told by the command that wanted it.
echo "no directory" >"$T/file"
try env XDG_RUNTIME_DIR="$T/other" XDG_STATE_HOME="$T/file" "$BIN/earshot" who
is "a state directory that cannot be" "$STATUS" 69
check "is named" has "$ERR" "$T/file"
check "with the reason" has "$ERR" "Not a directory"
"$BIN/earshotd" --dir "$T/third" --state "$XDG_STATE_HOME/earshot"
HUB=$T/third
HUB_PID=$(earshot status --json | jq .pid)
SEEN+=("$HUB_PID")
exits 75 "a second hub with the same state" "$BIN/earshotd" --dir "$T/fourth" --state "$XDG_STATE_HOME/earshot"
check "is told where the first one is" has "$ERR" "$T/third"
stop_hub
