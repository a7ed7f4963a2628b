#!/bin/bash
# who, rooms, topic, away, back.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

start_hub
try earshot who
check "nobody is here: exit status 0, no data" test "$STATUS" -eq 0 -a -z "$OUT"
try earshot who -q
check "-q: no remark" test -z "$OUT$ERR"

run_earshot bob --name bob tail
bob=$PID
run_earshot bob2 --name bob tail '#ops' bob
wait_for "bob is here" is_here bob
wait_for "#ops is there" has_members '#ops' 1
try earshot who --json
check "who --json" json '.type == "user" and .handle == "bob" and .uid == '"$(id -u)"'
    and .login == "'"$(id -un)"'" and .state == "online" and .away == null
    and (.idle_s | type == "number") and (.sessions | length == 2)' "$OUT"
check "its sessions" json '.sessions | any(.pid == '"$bob"' and .program == "earshot"
    and .tty == null)' "$OUT"
try earshot who
check "who, for people" has "$OUT" "bob"
try earshot who --json --name alice
check "a command does not show itself" test "$(jq -s length <<<"$OUT")" = 1

try earshot --name bob away at lunch
check "away: exit status 0" test "$STATUS" -eq 0
try earshot who --json
check "who tells the reason" json '.state == "away" and .away == "at lunch"' "$OUT"
try earshot --name bob back
check "back: exit status 0" test "$STATUS" -eq 0
try earshot who --json
check "who tells that bob is back" json '.state == "online" and .away == null' "$OUT"
try earshot --name bob away $'\e]0;x\a\u202e'
try earshot who
check "a reason is made safe" has "$OUT" '^[]0;x^G<U+202E>'
try earshot who --json
check "in JSON it is escaped" has "$OUT" '\u202e'
check "and the same when decoded" json '.away == "\u001b]0;x\u0007\u202e"' "$OUT"
try earshot --name bob away $'tag \U000e0041, \ufeff, plain \u00e4'
try earshot who --json
check "what is never seen, too" has "$OUT" 'tag \udb40\udc41, \ufeff, plain ä'
check "and the same when decoded" json '.away == "tag \udb40\udc41, \ufeff, plain \u00e4"' "$OUT"

try earshot rooms --json
check "rooms --json" json '.type == "room" and .name == "#ops" and .topic == null and .form == "open" and .group == null
    and (.members | type == "number")' "$OUT"
exits 77 "topic: not by who is not in the room" earshot --name alice topic '#ops' mine now
check "which says what to do" has "$ERR" "join it first"
try earshot --name bob topic '#ops' who is on call
check "topic: set by who is" test "$STATUS" -eq 0
try earshot topic '#OPS'
check "topic: shown" test "$OUT" = "who is on call"
try earshot rooms
check "rooms shows the topic" has "$OUT" "who is on call"
try earshot --name bob topic '#ops' ''
try earshot rooms --json
check "topic: removed" json '.topic == null' "$OUT"
exits 67 "topic of a room that is not there" earshot topic '#nowhere'
exits 67 "setting it" earshot topic '#nowhere' x
exits 67 "members of a room that is not there" earshot who '#nowhere'
