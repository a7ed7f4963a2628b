#!/usr/bin/env bash
# Order on the hub: administrators are root, its owner and the members of its --admin-group, as the
# user database has them at that moment. A banned user with other handles, old sessions, offers and
# walls gets nowhere; what was laid on him outlives the hub; a flooder with a rate limit loses
# nothing and keeps nobody waiting.
# shellcheck source=tests/harness/shell.sh
. "$(dirname "$0")/../harness/shell.sh"

if [ "$(id -u)" -ne 0 ]; then
    echo "SKIPPED: needs root, to be several users"
    exit 77
fi
chmod 755 "$T"
HUB=$T/hub
install -d -o 61000 -m 755 "$HUB"
install -d -o 61000 -m 700 "$T/state"
CONF=$T/hub.conf

as() { # UID COMMAND...
    local uid=$1
    shift
    setpriv --reuid "$uid" --regid "$uid" --clear-groups env -u XDG_RUNTIME_DIR HOME=/nonexistent "$@"
}

say() { # UID HANDLE COMMAND...
    local uid=$1 handle=$2
    shift 2
    as "$uid" "$BIN/earshot" --hub "$HUB" --name "$handle" "$@"
}

conf() { # LINE...
    printf '%s\n' 'mode = open' "$@" >"$CONF"
    chmod 644 "$CONF"
}

start() {
    as 61000 "$BIN/earshotd" --dir "$HUB" --state "$T/state" --config "$CONF" || exit 99
}

stop() {
    "$BIN/earshotd" --dir "$HUB" --stop || exit 99
}

logged() { # TEXT
    grep -qF "$1" "$T/state/earshotd.log"
}

conf 'admin-group = nosuchgroup-of-earshot'
try as 61000 "$BIN/earshotd" --dir "$HUB" --state "$T/state" --config "$CONF" --check
is "a group that is not there is told" "$STATUS" 78
conf
start
NOBODY=$(id -u nobody)
say 61001 ann send ann "hello"
say 61002 ben send ben "hello"
try say 61001 ann ban @hub ben
is "who is no administrator may not ban: exit status" "$STATUS" 77
check "and is told who may" has "$ERR" "members of its --admin-group"
try say 61001 ann users
is "nor see the accounts of others" "$STATUS" 77
try say 61001 ann ban '#ops' ben
is "a room that is not there: exit status" "$STATUS" 67
try say 61000 boss kick @hub 0
is "nobody acts upon root: exit status" "$STATUS" 77
try say 0 root ban @hub boss
is "nor upon the hub's owner: exit status" "$STATUS" 77
try say 0 root mute @hub nosuchname
is "nobody of this name: exit status" "$STATUS" 67

# The right of a group: by hub.conf, read again by SIGHUP.
try say "$NOBODY" admin users
is "before nobody is in the group: exit status" "$STATUS" 77
conf "admin-group = $(id -gn nobody)"
pid=$(jq -r .pid < <(say 0 root --json status))
kill -HUP "$pid"
wait_for "the file is read again" logged "SIGHUP"
try say "$NOBODY" admin users
is "a member of the --admin-group may: exit status" "$STATUS" 0
try say "$NOBODY" admin mute @hub admin
is "but nothing upon himself: exit status" "$STATUS" 77
conf "admin-group = no such"
kill -HUP "$pid"
wait_for "the file is read once more" test "$(grep -c SIGHUP "$T/state/earshotd.log")" -ge 1
wait_for "a group that is gone has no members" \
    sh -c "! setpriv --reuid $NOBODY --regid $NOBODY --clear-groups '$BIN/earshot' --hub '$HUB' --name admin users >/dev/null 2>&1"
conf "admin-group = $(id -gn nobody)"
kill -HUP "$pid"
wait_for "and it may again" say "$NOBODY" admin users

# Muted.
say 61002 ben tail --json >"$T/ben.out" 2>"$T/ben.err" &
BEN=$!
wait_for "ben is here" sh -c "'$BIN/earshot' --hub '$HUB' who | grep -q ben"
try say "$NOBODY" admin mute @hub ben --for 1h --reason "too loud"
is "muted: exit status" "$STATUS" 0
try say 61002 another send ann "hi"
is "another handle does not help: exit status" "$STATUS" 77
check "why, and by whom" has "$ERR" "too loud"
check "until when" has "$ERR" "UTC"
try say 61002 ben topic '#ops' "buy this"
is "nor a topic" "$STATUS" 77
check "it is in the log" logged "is muted on this hub"
say 0 root send ben "can you hear me?"
wait_for "but it reads" grep -q 'can you hear me' "$T/ben.out"
try say 0 root unmute @hub 61002
is "undone, by uid: exit status" "$STATUS" 0
try say 61002 ben send ann "thanks"
is "and it may speak" "$STATUS" 0

# Kicked.
try say "$NOBODY" admin kick @hub ben --reason "go home"
is "kicked: exit status" "$STATUS" 0
wait "$BEN"
is "the program ends, with" "$?" 77
check "and was told why" has "$(cat "$T/ben.err")" "go home"
try say 61002 ben send ann "back"
is "it may come again" "$STATUS" 0

# Banned: old sessions, new handles, an offer, a wall.
head -c 100000 /dev/zero >"$T/file"
chmod 644 "$T/file"
say 61002 ben tail --json >"$T/ben.out" 2>"$T/ben.err" &
BEN=$!
say 61002 ben put ann "$T/file" >"$T/put.out" 2>&1 &
PUT=$!
wait_for "ben is here" sh -c "'$BIN/earshot' --hub '$HUB' who | grep -q ben"
wait_for "the offer stands" sh -c "ipcs -q >/dev/null; grep -q offered '$T/put.out' || [ \$('$BIN/earshot' --hub '$HUB' --json status | jq .sessions) -ge 3 ]"
try say 0 root ban @hub ben --reason spam
is "banned: exit status" "$STATUS" 0
wait "$BEN"
is "its sessions end, with" "$?" 77
wait "$PUT"
check "its offers, too" test "$?" -ne 0
try say 61001 ann get --timeout 1
check "and are not there to be taken" test "$STATUS" -ne 0
for handle in ben other third; do
    try say 61002 "$handle" send ann "let me in"
    is "$handle is not let in: exit status" "$STATUS" 77
done
check "why" has "$ERR" "spam"
check "until when" has "$ERR" "until that is undone"
try say 61002 ben wall "let me in"
is "no wall" "$STATUS" 77
try say 61002 ben unread
check "it may not even look" test "$STATUS" -ne 0
stop
start
try say 61002 fourth send ann "let me in"
is "nor after a restart: exit status" "$STATUS" 77
say 0 root --json users >"$T/users"
is "the account says so" "$(jq -r 'select(.uid == 61002) | .banned' "$T/users")" for-ever
json '.type == "account" and (.minute.messages | type) == "number"' "$(cat "$T/users")"
is "undone" "$(say 0 root unban @hub ben >&2; echo $?)" 0
try say 61002 ben send ann "thank you"
is "and it is let in" "$STATUS" 0

# A rate: nothing is lost, and others do not wait.
is "held to 50 a second" "$(say 0 root limit @hub ben 50 --reason slowly >&2; echo $?)" 0
before=$(date +%s%N)
seq 150 | say 61002 ben send --lines ann
after=$(date +%s%N)
check "150 messages take two seconds, for 50 go at once ($(((after - before) / 1000000)) ms)" \
    test $((after - before)) -ge 1500000000
is "and nothing is lost" "$(say 61001 ann --json history ben -n 150 | jq -r .text | paste -sd , | md5sum)" \
    "$(seq 150 | paste -sd , | md5sum)"
is "its account says so" "$(say 0 root --json users | jq -r 'select(.uid == 61002) | .rate')" 50
is "held to 4 a second" "$(say 0 root limit @hub ben 4 >&2; echo $?)" 0
before=$(date +%s%N)
many=()
for i in 1 2 3 4 5 6 7 8; do
    seq 4 | say 61002 "ben$i" send --lines ann &
    many+=($!)
done
wait "${many[@]}"
after=$(date +%s%N)
check "many sessions have no more together ($(((after - before) / 1000000)) ms)" \
    test $((after - before)) -ge 6000000000
is "no limit any more" "$(say 0 root limit @hub ben off >&2; echo $?)" 0
stop
