#!/bin/bash
# The leak test: a stranger does the same on two hubs. On one of them others talk in a private room
# and in a direct conversation of several, on the other one the same people say as much to each
# other, two by two. All that he sees is the same: every answer, the numbers of messages, counters,
# news, kernel objects. How long an answer takes is told, and not judged.
#
# That somebody talks at all cannot be hidden, and is not: the kernel shows to everybody when each
# queue was written to and read (/proc/sysvipc/msg), and by whom.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"
# shellcheck source=../harness/directory.sh
. "${HARNESS:-$(dirname "$0")/../harness}/directory.sh"

ALICE=61001 BOB=61002 CAROL=61003 MALLORY=61004

say() { # UID WORD...
    local uid=$1
    shift
    as_known "$uid" timeout -k 5 60 "$BIN/earshot" --hub "$HUB" "$@"
}

# What is another one each time: ids, instants, processes, numbers of kernel objects, and how the
# writer happened to gather commits and batches.
usual() {
    sed -E -e 's/"(idle_s|uptime_s|pid|id|key|store_bytes|commits|batches_in|batches_out|log_bytes|[a-z]+_time|lock_ms|started|bytes)":[^,}]*/"\1":0/g' \
        -e 's/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}/ID/g' -e 's/"(at|since|[a-z]+_at)":"[^"]*"/"\1":0/g' \
        -e 's/"(last_sender|last_receiver)":\{[^}]*\}/"\1":0/g' \
        -e 's/"(minute|hour|day)":\{[^}]*\}/"\1":0/g' -e "s#$HUB#HUB#g"
}

# Every question that he can think of, with the names and without.
look() {
    local words
    for words in "rooms" "who --all" "unread" "mentions" "search secret" "search psst" "history" \
        "room #plan" "room #plan~zz-alice" "history #plan" "search secret --in #plan" "who #plan" \
        "topic #plan" "topic #plan mine" "unread #plan" "invite #plan zz-mallory" \
        "room #plan --close" "room #plan --rename #mine" "room #plan --owner zz-mallory" \
        "release #plan" "put --no-wait #plan /etc/hostname" "whois zz-alice" \
        "room @zz-alice,zz-bob,zz-carol" "history @zz-alice,zz-bob,zz-carol" \
        "history @zz-alice,zz-bob" "search secret --in @zz-alice,zz-bob" \
        "put --no-wait @zz-alice,zz-bob,zz-carol /etc/hostname" "room @zz-alice,zz-bob --close" \
        "complete -- who #p" "complete -- send #p" "complete -- history @z" "claims" \
        "send zz-alice one" "send #own two" "history #own" "status" "inspect" "top -n 1"; do
        # shellcheck disable=SC2086 # they are words
        say $MALLORY --json $words 2>&1 </dev/null
        echo "$words: $?"
    done | usual
}

# Who comes and goes is for all to see; whether a visit is told of depends on how long it took.
window() { # NAME
    sed -e 's/[0-9][0-9]:[0-9][0-9]//g' -e '/^earshot: [-+] /d' "$T/$1.window"
}

has_lane() { # UID: it has joined; nobody else's program is needed to see that
    awk -v uid="$1" '$8 == uid && $10 == 61000 { n++ } END { exit !n }' /proc/sysvipc/msg
}

kernel() { # who may do what with how many queues and segments
    awk 'NR > 1 { n[$3 " " $8 " " $10]++ } END { for (i in n) print n[i], i }' /proc/sysvipc/msg | sort
    awk 'NR > 1 { n[$3 " " $8 " " $7]++ } END { for (i in n) print n[i], i }' /proc/sysvipc/shm | sort
}

in_rooms() { # what is hidden from him
    say $ALICE room '#plan' --private --topic "for us" >/dev/null
    say $ALICE invite '#plan' zz-bob
    say $BOB chat <<<"/join #plan" >/dev/null 2>&1
    for i in $(seq 12); do
        say $ALICE send '#plan' "secret $i psst"
        say $BOB send @zz-alice,zz-carol "secret $i psst"
    done
}

in_pairs() { # as many messages, and as many programs
    say $ALICE who >/dev/null
    say $ALICE send zz-bob "come to us"
    say $BOB chat <<<"/who" >/dev/null 2>&1
    for i in $(seq 12); do
        say $ALICE send zz-bob "secret $i psst"
        say $BOB send zz-carol "secret $i psst"
    done
}

visit() { # NAME HOW
    HUB=$T/$1
    install -d -o 61000 -m 755 "$HUB"
    as_known 61000 "$BIN/earshotd" --dir "$HUB" --mode open || exit 99
    for uid in $ALICE $BOB $CAROL $MALLORY; do
        say "$uid" away "" >/dev/null
    done
    say $MALLORY send '#own' "the first of his"
    mkfifo "$T/$1.in"
    say $MALLORY chat '#own' <"$T/$1.in" >"$T/$1.window" 2>&1 &
    local window=$!
    exec 3>"$T/$1.in"
    wait_for "his window is there" has_lane $MALLORY
    "$2"
    kernel >"$T/$1.kernel"
    look >"$T/$1.seen"
    echo "/quit" >&3
    exec 3>&-
    wait "$window"
    local begin
    begin=$(date +%s%N)
    for _ in $(seq 20); do
        say $MALLORY history '#plan' >/dev/null 2>&1
    done
    echo "# $1: history of a room that is not there for him takes $((($(date +%s%N) - begin) / 20000)) us, with the start of the program"
    "$BIN/earshotd" --dir "$HUB" --stop
}

directory 0 zz-alice "$ALICE" zz-bob "$BOB" zz-carol "$CAROL" zz-mallory "$MALLORY"
visit rooms in_rooms
visit pairs in_pairs

is "he was answered much" "$(($(wc -l <"$T/rooms.seen") > 60))" 1
is "every answer is the same" "$(diff "$T/rooms.seen" "$T/pairs.seen")" ""
is "what his window has told is the same" "$(window rooms)" "$(window pairs)"
is "what the kernel shows is the same" "$(cat "$T/rooms.kernel")" "$(cat "$T/pairs.kernel")"
is "there is nothing of it in what he saw" "$(grep -c "for us\|secret [0-9]* psst" "$T/rooms.seen")" 0
