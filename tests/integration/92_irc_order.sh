#!/bin/bash
# `earshot irc`: order in a room, between two users who each have a door of their own.
# shellcheck source=tests/harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"
# shellcheck source=tests/harness/irc.sh
. "${HARNESS:-$(dirname "$0")/../harness}/irc.sh"

if [ "$(id -u)" -ne 0 ]; then
    echo "SKIPPED: needs root, to be several users"
    exit 77
fi

as() { # UID COMMAND...
    exec setpriv --reuid "$1" --regid "$1" --clear-groups env -u XDG_RUNTIME_DIR HOME=/nonexistent "${@:2}"
}

chmod 755 "$T"
HUB=$T/open
STORED=yes start_hub --mode open
FIRST=$((20000 + RANDOM % 10000))

# Each is a client whose connection is that of a process of the same uid.
open_door() { # UID
    PORT=$((FIRST + $1 % 10))
    as "$1" "$BIN/earshot" --hub "$HUB" irc --listen "127.0.0.1:$PORT" --dir "$T" &
    STARTED+=("$!")
    wait_for "the door of $1 opens" is_open
}

enter() { # FD UID NICK
    mkfifo "$T/$1.out"
    : >"$T/$1.in"
    chmod 666 "$T/$1.in" "$T/$1.out"
    # shellcheck disable=SC2016
    as "$2" bash -c 'exec 3<>/dev/tcp/127.0.0.1/$1; cat <&3 >"$2.in" & exec cat "$2.out" >&3' \
        client "$PORT" "$T/$1" &
    STARTED+=("$!")
    eval "exec $1>$T/$1.out"
    say "$1" "NICK $3"
    say "$1" "USER me 0 * :me"
    wait_for "$3 is welcome" heard "$1" " 376 "
}

open_door 61001
enter 5 61001 ann
open_door 61002
enter 6 61002 bob
say 5 "JOIN #ops"
hears 5 "353 ann = #ops :@ann"
say 6 "JOIN #ops"
hears 6 " 366 bob #ops"
hears 5 ":bob!"
say 5 "MODE #ops +t"
hears 5 " MODE #ops +t"
hears 6 " MODE #ops +t"
say 6 "TOPIC #ops :mine"
hears 6 " 482 bob #ops"
say 6 "KICK #ops ann"
hears 6 " 482 bob #ops :You're not channel operator"
say 5 "MODE #ops +o bob"
hears 5 " MODE #ops +o bob"
hears 6 " MODE #ops +o bob"
say 6 "NAMES #ops"
wait_for "both are operators" grep -qE '353 bob = #ops :(@ann @bob|@bob @ann)' "$T/6.in"
say 6 "TOPIC #ops :ours"
hears 5 " TOPIC #ops :ours"
say 6 "KICK #ops ann"
hears 6 "482 bob #ops :#ops is his, whom no operator acts upon"
say 5 "MODE #ops -o bob"
hears 6 " MODE #ops -o bob"
say 5 "MODE #ops +v bob"
hears 5 " 482 ann #ops :Rooms give no voice"
say 5 "MODE #ops +k secret"
hears 5 " 472 ann k "
say 5 "MODE #ops +m"
hears 5 " MODE #ops +m"
say 6 "PRIVMSG #ops :may I"
hears 6 " 404 bob #ops"
say 5 "MODE #ops -m"
hears 5 " MODE #ops -m"
say 5 "KICK #ops bob :too loud"
hears 5 " KICK #ops bob :too loud"
hears 6 " KICK #ops bob :too loud"
say 6 "PRIVMSG ann :sorry"
hears 5 ":sorry"
check "nothing of it was said twice" test "$(grep -cE 'KICK #ops|PART #ops' "$T/6.in")" = 1
say 5 "MODE #ops +b bob!*@*"
hears 5 " MODE #ops +b *!*@uid61002"
say 5 "MODE #ops b"
hears 5 " 367 ann #ops *!*@uid61002 ann"
hears 5 " 368 ann #ops"
say 6 "JOIN #ops"
hears 6 " 474 bob #ops"
say 5 "MODE #ops +b *!*@*.example"
hears 5 " 482 ann #ops :Bans are by uid"
say 5 "MODE #ops -b *!*@uid61002"
hears 5 " MODE #ops -b *!*@uid61002"
say 6 "JOIN #ops"
comes_again() {
    [ "$(grep -c "JOIN #ops" "$T/6.in")" -ge 2 ]
}
wait_for "he is in again" comes_again
