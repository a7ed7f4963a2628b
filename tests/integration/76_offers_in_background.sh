#!/bin/bash
# `put --no-wait` of more than may be offered at a time comes back as well, tells what it cannot
# read, and can be interrupted before it comes back.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

N=40
mkdir "$T/src" "$T/dst"
for i in $(seq 10 $((N + 9))); do
    head -c 40000 /dev/urandom >"$T/src/file-$i"
done

is_stopped() { # PID: all threads; the signal takes a moment
    ! grep -h ^State: "/proc/$1/task/"*/status | grep -qv T
}
has_a_child() {
    [ -n "$(cat "/proc/$PID/task/$PID/children")" ]
}

start_hub
earshot --name bob status >/dev/null # whose handle it is

exits 65 "many, and one that is not there" \
    earshot --name alice put --no-wait bob "$T/src"/file-* "$T/src/nothing"
check "names it" has "$ERR" "$T/src/nothing"
check "tells of the others" has "$ERR" "32 are offered now, 8 more as these are taken"
exits 0 "all are there for bob" earshot --name bob get --count "$N" --dir "$T/dst" --timeout 60
check "each as it was" diff -r "$T/src" "$T/dst"

# All are open from the offer on: what was put in the place of the last ones does not go over, and
# what is left out of them is told before put comes back, however few may be open at first.
rm -rf "$T/dst" && mkdir "$T/dst" "$T/src/zz" && mkfifo "$T/src/zz/pipe"
cp -r "$T/src" "$T/copy" && rm "$T/copy/zz/pipe"
few_open() { # N WORD...
    (ulimit -Sn "$1" && shift && earshot "$@")
}
exits 0 "many, where few files may be open" few_open 24 --name alice put --no-wait bob "$T/src"/*
check "what is left out of the last is told" has "$ERR" "zz/pipe is not sent to bob"
for i in $(seq 10 $((N + 9))); do
    echo "another" >"$T/src/new" && mv "$T/src/new" "$T/src/file-$i"
done
exits 0 "all are there for bob" earshot --name bob get --count $((N + 1)) --dir "$T/dst" --timeout 60
check "each as it was when it was offered" diff -r "$T/copy" "$T/dst"

# More than may be open are refused, in one line.
mkdir "$T/many"
truncate -s 40000 $(seq -f "$T/many/%g" 2000)
few_at_all() { # N WORD...
    (ulimit -n "$1" && shift && earshot "$@")
}
exits 75 "2,000 with 64 open files" few_at_all 64 --name alice put --no-wait bob "$T/many"/*
check "it is told what is to be done" has "$ERR" "64 may be open here (ulimit -n)"
check "once" test "$(grep -c ulimit <<<"$ERR")" -eq 1
exits 0 "what was offered is there" earshot --name bob get --count 10 --dir "$T/dst" --timeout 60
n_offered() {
    test "$(grep -c '"state":"offered"' "$T/many.out")" -eq 32
}
earshot --name carol status >/dev/null
run_earshot many --name alice --json put carol "$T/many"/*
wait_for "2,000 are offered, 32 at a time" n_offered
exits 0 "the others come as these go" earshot --name carol get --count 50 --dir "$T/dst" --timeout 60
kill -INT "$PID"
ends "$PID"
check "interrupted: 130" test "$STATUS" -eq 130

kill -STOP "$HUB_PID"
wait_for "the hub answers nobody" is_stopped "$HUB_PID"
run_earshot put --name alice put --no-wait bob "$T/src/file-10"
wait_for "put has gone into the background" has_a_child
kill -INT "$PID"
ends "$PID"
check "interrupted: 130" test "$STATUS" -eq 130
kill -CONT "$HUB_PID"
