#!/bin/bash
# `earshot irc`: a client registers, joins and talks with the other commands; what was said while it
# was away comes when it is back, and again after the hub was killed.
# shellcheck source=tests/harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"
# shellcheck source=tests/harness/irc.sh
. "${HARNESS:-$(dirname "$0")/../harness}/irc.sh"

PORT=$((20000 + RANDOM % 10000))

hang_up() { # FD
    say "$1" "QUIT :bye"
    hears "$1" "ERROR :Closing link"
    eval "exec $1>&-"
}

says() { # TEXT: the newest message
    has "$(earshot history --json '#ops' -n 1 2>/dev/null)" "$1"
}

STORED=yes start_hub
run_earshot door irc --listen "127.0.0.1:$PORT" --dir "$T/files"
door=$PID
wait_for "the door opens" is_open

connect 5 alice
hears 5 "CASEMAPPING=ascii"
say 5 "JOIN #ops"
hears 5 "353 alice = #ops :@alice"
is "the room is there" "$(earshot rooms --json | jq -r .name)" '#ops'
earshot send --name bob '#ops' "from a shell"
hears 5 "PRIVMSG #ops :from a shell"
say 5 "PRIVMSG #ops :from a client"
wait_for "the log has it" says "from a client"
is "it is alice's" "$(earshot history --json '#ops' | jq -r 'select(.text == "from a client").from')" alice
say 5 "PRIVMSG #ops :$(printf '\001ACTION waves\001')"
wait_for "an action arrives" says '"kind":"action"'
is "without its frame" "$(earshot history --json '#ops' -n 1 | jq -r .text)" waves
say 5 "TOPIC #ops :what we do"
hears 5 "TOPIC #ops :what we do"
is "the hub has the topic" "$(earshot rooms --json | jq -r .topic)" "what we do"
say 5 "PRIVMSG nobody-at-all :hello"
hears 5 " 401 alice nobody-at-all "
say 5 "NICK 1up"
hears 5 " 432 alice 1up "
say 5 "AWAY :at lunch"
hears 5 " 306 alice "
is "the hub knows that she is away" "$(earshot who --json | jq -r 'select(.handle == "alice").away')" "at lunch"
say 5 "LAUGH"
hears 5 " 421 alice LAUGH "
printf 'PRIVMSG #ops :caf\351\r\n' >&5
hears 5 "FAIL PRIVMSG INVALID_UTF8"

connect 6 alice_ message-tags server-time batch draft/multiline echo-message draft/chathistory draft/read-marker
say 6 "JOIN #ops"
hears 5 "JOIN #ops"
say 6 "BATCH +1 draft/multiline #ops"
say 6 "@batch=1 PRIVMSG #ops :one"
say 6 "@batch=1 PRIVMSG #ops :two"
say 6 "BATCH -1"
hears 6 "draft/multiline #ops"
hears 5 "PRIVMSG #ops :two"
is "two lines are one message" "$(earshot history --json '#ops' -n 1 | jq -r .text)" $'one\ntwo'
long=$(head -c 5000 /dev/zero | tr '\0' x)
earshot send --name bob '#ops' "$long"
wait_for "5,000 characters arrive" eval \
    "[ \$(grep -o 'PRIVMSG #ops :x*' '$T/5.in' | sed 's/.*://' | tr -d '\n' | wc -c) -ge 5000 ]"
is "and no line is longer than 512 bytes" "$(LC_ALL=C awk 'length > 511' "$T/5.in" | wc -l)" 0
say 6 "CHATHISTORY LATEST #ops * 3"
hears 6 " chathistory #ops"
STATUS='' check "it is unread as long as the client has not marked it" \
    test -n "$(earshot unread --name alice_ '#ops')"
say 6 "MARKREAD #ops timestamp=2999-01-01T00:00:00.000Z"
hears 6 "MARKREAD #ops timestamp=2999-01-01T00:00:00.000Z"
nothing_is_unread() {
    [ -z "$(earshot unread --name alice_ '#ops')" ]
}
wait_for "what is marked is read" nothing_is_unread
say 6 "MARKREAD #ops"
hears 6 "MARKREAD #ops timestamp=20"
hang_up 5
hears 6 "QUIT :"

earshot send --name bob alice "while you were away"
earshot send --name bob '#ops' "and in the room"
connect 7 alice server-time
hears 7 ":alice!~me@uid$(id -u) JOIN #ops"
hears 7 "PRIVMSG alice :while you were away"
hears 7 "PRIVMSG #ops :and in the room"
check "with the time" grep -q '^@time=.*PRIVMSG alice :while' "$T/7.in"

id=$(earshot send --name bob --json '#ops' "a typo" | jq -r .id)
hears 7 "PRIVMSG #ops :a typo"
earshot edit --name bob "$id" "no typo"
hears 7 "NOTICE #ops :(edited) no typo"

# What others write begins no line of its own.
earshot send --name bob '#ops' "$(printf 'one\r:alice QUIT :two')"
hears 7 "PRIVMSG #ops :one :alice QUIT :two"
earshot topic '#ops' "$(printf 'three\n:alice QUIT :four')" --name alice 2>/dev/null
check "no line begins with what somebody wrote" test -z "$(grep '^:alice QUIT' "$T/7.in")"

mkdir "$T/files"
echo "what is in it" >"$T/small.txt"
earshot put --name bob --no-wait alice "$T/small.txt"
hears 7 "bob has small.txt for you, 14 bytes: /msg *earshot get 1"
say 7 "PRIVMSG *earshot :get 1"
hears 7 "small.txt is $T/files/small.txt"
is "a small file is taken" "$(cat "$T/files/small.txt")" "what is in it"
head -c 200000 /dev/urandom >"$T/large.bin"
run_earshot put put --name bob alice "$T/large.bin"
hears 7 "/msg *earshot get 2"
say 7 "PRIVMSG *earshot :get 2"
hears 7 "large.bin is "
check "a large one, too" cmp "$T/large.bin" "$T/files/large.bin"
say 7 "PRIVMSG *earshot :get 9"
hears 7 "there is no file 9"

kill -9 "$HUB_PID"
hears 7 "the hub is gone"
STORED=yes start_hub
hears 7 "the hub is back"
earshot send --name bob '#ops' "after the crash"
hears 7 "PRIVMSG #ops :after the crash"
say 7 "PRIVMSG #ops :so it is"
wait_for "and the other way about" says "so it is"

say 7 "$(head -c 600 /dev/zero | tr '\0' y)"
hears 7 " 417 alice "
head -c 30000 /dev/urandom | tr -d '\n' >&7
say 7 ""
say 7 "PING alive"
hears 7 ":alive"

# As systemd hands it a socket, and as inetd a connection.
cat >"$T/activate.py" <<'END'
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1] + ".new")
s.listen()
os.rename(sys.argv[1] + ".new", sys.argv[1])
if s.fileno() != 3:
    os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[2], sys.argv[2:])
END
cat >"$T/client.py" <<'END'
import socket, subprocess, sys
if sys.argv[1] == "--inetd":
    ours, theirs = socket.socketpair()
    subprocess.Popen(sys.argv[2:], stdin=theirs)
    theirs.close()
else:
    ours = socket.socket(socket.AF_UNIX)
    ours.connect(sys.argv[1])
ours.sendall(b"NICK carl\r\nUSER a 0 * :b\r\nPING ready\r\nQUIT\r\n")
print(b"".join(iter(lambda: ours.recv(4096), b"")).decode())
END
if command -v python3 >/dev/null; then
    run active python3 "$T/activate.py" "$T/active" "$BIN/earshot" --hub "$HUB" irc
    active=$PID
    wait_for "the socket is there" test -S "$T/active"
    check "a door serves a socket that it was handed" has "$(python3 "$T/client.py" "$T/active")" ":ready"
    kill "$active"
    ends "$active"
    check "and leaves it there" test -S "$T/active"
    check "a door serves its standard input" \
        has "$(python3 "$T/client.py" --inetd "$BIN/earshot" --hub "$HUB" irc --inetd)" ":ready"
fi
exits 77 "standard input that is no socket" "$BIN/earshot" --hub "$HUB" irc --inetd

hang_up 7
hang_up 6
kill "$door"
ends "$door"
is "the door ends" "$STATUS" 0
