#!/usr/bin/env bash
# Order in a room, by real users: its owner and his operators mute, ban and put out a uid, whatever
# handle it uses. Who is banned gets nowhere in it with another handle, an old session, offers,
# edits, claims or an invitation; an operator who is one no more can do nothing; each act is told,
# stands in the hub's log, and outlives the hub.
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
start() {
    as 61000 "$BIN/earshotd" --dir "$HUB" --state "$T/state" --mode open || exit 99
}
listen() { # NAME UID HANDLE: what is said in the room, as JSON; PID
    run "$1" setpriv --reuid "$2" --regid "$2" --clear-groups env -u XDG_RUNTIME_DIR HOME=/nonexistent \
        "$BIN/earshot" --hub "$HUB" --name "$3" tail '#plan' --json
}
heard() { # NAME TEXT
    grep -qF "$2" "$T/$1.out"
}
logged() { # TEXT
    grep -qF "$1" "$T/state/earshotd.log"
}
laid() { # KEY: of the room
    say 61001 own-er room '#plan' --json | jq -c ".$1"
}
refused() { # WHAT CODE COMMAND...
    local what=$1 code=$2
    shift 2
    try "$@"
    is "$what" "$STATUS" "$code"
}

start
say 61001 own-er room '#plan' --open >/dev/null
say 61001 own-er send '#plan' "welcome" >/dev/null
for user in "61002 op-er" "61003 bad-er" "61004 mem-ber"; do
    # shellcheck disable=SC2086 # the two words of it
    set -- $user
    say "$1" "$2" send '#plan' "here is $2" >/dev/null
    listen "$2" "$1" "$2"
    eval "PID_$1=$PID"
done
are_in() { # N
    [ "$(say 61001 own-er who '#plan' --json | wc -l)" -ge "$1" ]
}
wait_for "three are in the room" are_in 3

# Who may not.
refused "a member cannot mute" 77 say 61004 mem-ber mute '#plan' bad-er
refused "nor make an operator, of himself" 77 say 61004 mem-ber op '#plan' mem-ber
refused "nor lock the topic" 77 say 61004 mem-ber room '#plan' --lock-topic on
refused "a room that is not there is told as that" 67 say 61004 mem-ber ban '#nothing' bad-er

# An operator.
say 61001 own-er op '#plan' op-er
is "the room names him" "$(laid operators)" '["op-er"]'
refused "he cannot act upon the owner" 77 say 61002 op-er kick '#plan' own-er
refused "nor make another one" 77 say 61002 op-er op '#plan' mem-ber
say 61002 op-er mute '#plan' bad-er --for 1h --reason "too loud"
refused "who is muted says nothing" 77 say 61003 bad-er send '#plan' "I am loud"
check "and is told why, and by whom" has "$ERR" "too loud"
refused "under no other handle" 77 say 61003 another-one send '#plan' "I am loud"
check "but he reads on" eval 'say 61003 bad-er history "#plan" | grep -q welcome'
refused "he cannot undo it" 77 say 61003 bad-er unmute '#plan' bad-er
say 61002 op-er unmute '#plan' bad-er
say 61003 bad-er send '#plan' "I am quiet" >/dev/null
ID=$(say 61003 bad-er history '#plan' --json | jq -r 'select(.text == "I am quiet") | .id')

# Banned, with an old session, and everything else that he could come with.
say 61002 op-er ban '#plan' bad-er --reason "spam"
wait_for "the members are told" heard mem-ber '"I am quiet"'
refused "he says nothing" 77 say 61003 bad-er send '#plan' "still here"
check "and is told why" has "$ERR" "spam"
refused "under no other handle" 77 say 61003 fresh-one send '#plan' "still here"
refused "nor does he hear" 77 say 61003 fresh-one tail '#plan' --count 1 --timeout 5
refused "nor read" 77 say 61003 bad-er history '#plan'
refused "nor set the topic" 77 say 61003 bad-er topic '#plan' "mine"
refused "nor see who is there" 77 say 61003 bad-er who '#plan'
check "and is told why" has "$ERR" "spam"
echo content >"$T/file"
chmod 644 "$T/file"
head -c 100000 /dev/zero >"$T/large"
chmod 644 "$T/large"
refused "nor hand over a small file" 77 say 61003 bad-er put '#plan' "$T/file" --no-wait
refused "nor offer a large one" 77 say 61003 bad-er put '#plan' "$T/large" --no-wait
refused "nor edit what he has said" 77 say 61003 bad-er edit "$ID" "spam"
refused "nor invite" 77 say 61003 bad-er invite '#plan' fresh-one
is "nothing is found there" "$(say 61003 bad-er search welcome -q)" ""
say 61001 own-er send '#plan' "after the ban" >/dev/null
wait_for "the others hear" heard mem-ber "after the ban"
check "his old session does not" eval '! heard bad-er "after the ban"'
check "nothing of his came" eval '! heard mem-ber "still here" && ! heard mem-ber "I am loud"'
say 61003 bad-er send mem-ber "directly" >/dev/null
check "elsewhere he talks as before" eval 'say 61004 mem-ber history bad-er | grep -q directly'

# The operator is one no more in the middle of it.
say 61001 own-er deop '#plan' op-er
refused "he can undo nothing" 77 say 61002 op-er unban '#plan' bad-er
refused "and lay nothing" 77 say 61002 op-er mute '#plan' mem-ber
refused "and remove nothing" 77 say 61002 op-er delete "$ID" --from bad-er

# It outlives the hub.
"$BIN/earshotd" --dir "$HUB" --stop || exit 99
check "each act stands in the log" eval 'logged "spam" && logged "too loud"'
start
refused "the ban does" 77 say 61003 bad-er send '#plan' "back again"
is "and is shown" "$(laid 'banned | length')" 1
say 61001 own-er unban '#plan' bad-er
say 61003 bad-er send '#plan' "forgiven" >/dev/null
is "until it is undone" "$(laid 'banned | length')" 0
say 61001 own-er room '#plan' --lock-topic on
refused "a locked topic is not for members" 77 say 61004 mem-ber topic '#plan' "mine"
say 61001 own-er topic '#plan' "ours"
is "but for the owner" "$(laid topic)" '"ours"'
"$BIN/earshotd" --dir "$HUB" --stop || exit 99
HUB_PID=
