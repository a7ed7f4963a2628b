#!/bin/bash
# One file, or one directory, to several at once: it is read once for all of them, and what happens to
# one of them is nothing to the others.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

STORED=yes
start_hub
size=$((24 << 20))
head -c "$size" /dev/urandom >"$T/big"
everybody=(bob carol dave)
for handle in alice "${everybody[@]}" erin; do earshot --name "$handle" -q rooms 2>/dev/null; done

says() { # NAME WORD N: so often
    [ "$(grep -cs "\"$2\"" "$T/$1.out")" -ge "$3" ]
}
bytes_read() { # PID: with any call
    sed -n 's/^rchar: //p' "/proc/$1/io"
}
no_segment() { # of the sender
    [ -z "$(awk -v pid="$sender" 'FNR > 1 && $5 == pid { print $2 }' /proc/sysvipc/shm)" ]
}

# All of them take it, and have it under way, but none goes on before its pipe is read (which is
# open for reading, too, so that nobody waits for the other end to be opened).
begin() { # RECIPIENTS
    local handle n=0
    rm -f "$T/put.out"
    for handle in "${everybody[@]}"; do
        rm -f "$T/$handle"*
        mkfifo "$T/$handle"
        "$BIN/earshot" --hub "$HUB" --name "$handle" get --stdout --timeout 60 \
            1<>"$T/$handle" 2>"$T/$handle.err" &
        taker[n]=$!
        STARTED+=("$!")
        SEEN+=("$!")
        n=$((n + 1))
    done
    run_earshot put --name alice --json put "$1" "$T/big" --timeout 60
    sender=$PID
    wait_for "all have begun" says put running "$n"
}

drain() { # NUMBER...: what comes out of their pipes
    local number
    for number in "$@"; do
        cat <"$T/${everybody[$number]}" >"$T/${everybody[$number]}.copy" &
        reader[number]=$!
    done
}

expect_whole() { # NUMBER...
    local number
    for number in "$@"; do
        ends "${taker[$number]}"
        check "${everybody[$number]} ends well" test "$STATUS" -eq 0
        wait "${reader[$number]}"
        check "${everybody[$number]} has it" cmp "$T/big" "$T/${everybody[$number]}.copy"
    done
}

put_ends() {
    ends "$sender"
    wait_for "no segment is left" no_segment
}

begin bob,carol,dave,erin
drain 0 1 2
expect_whole 0 1 2
n=$(bytes_read "$sender")
check "to three: the file was read once" test "$n" -ge "$size" -a "$n" -lt $((size * 5 / 4))
exits 0 "the fourth, later" earshot --name erin get --dir "$T" --timeout 20
check "has it, too" cmp "$T/big" "$T/big (2)"
put_ends
check "put ends well" test "$STATUS" -eq 0

begin bob,carol,dave
drain 1 2
expect_whole 1 2
check "one does not read: the others have it" kill -0 "${taker[0]}"
drain 0
expect_whole 0
put_ends
check "put ends well" test "$STATUS" -eq 0

begin bob,carol,dave
kill -9 "${taker[0]}"
drain 1 2
expect_whole 1 2
put_ends
check "one was killed: put fails" test "$STATUS" -eq 1

begin bob,carol,dave
truncate -s $((size / 2)) "$T/big"
drain 0 1 2
for number in 0 1 2; do
    ends "${taker[$number]}"
    check "it was cut meanwhile: ${everybody[$number]} fails" test "$STATUS" -eq 1
    wait "${reader[$number]}"
done
put_ends
check "put fails, too" test "$STATUS" -eq 1
is "for each" "$(grep -c '"failed"' "$T/put.out")" 3
head -c "$size" /dev/urandom >"$T/big"

begin bob,carol,dave
kill -9 "$sender"
drain 0 1 2
for number in 0 1 2; do
    ends "${taker[$number]}"
    check "the sender was killed: ${everybody[$number]} fails" test "$STATUS" -eq 1
    wait "${reader[$number]}"
done
put_ends

# One goes on where an earlier attempt has ended, one declines, one takes all of it.
mkdir "$T/to-bob" "$T/to-carol"
run_earshot put --name alice put bob "$T/big"
(
    trap '' XFSZ
    ulimit -f 8000 # KiB
    earshot --name bob get --dir "$T/to-bob" --timeout 20 2>"$T/get.err"
)
ends "$PID"
check "a part is there" test -s "$T/to-bob/big.part"
run_earshot bob --name bob --json get --dir "$T/to-bob" --timeout 20
bob=$PID
run_earshot carol --name carol get --dir "$T/to-carol" --timeout 20
carol=$PID
run_earshot dave --name dave get --decline --timeout 20
run_earshot put --name alice --json put bob,carol,dave "$T/big" --timeout 20
sender=$PID
ends "$bob"
check "the first has it" cmp "$T/big" "$T/to-bob/big"
check "and went on where it was" json '.resumed == true' "$(tail -n 1 "$T/bob.out")"
ends "$carol"
check "the second has it" cmp "$T/big" "$T/to-carol/big"
ends "$sender"
is "the third declined" "$(grep -c '"declined"' "$T/put.out")" 1
wait_for "no segment is left" no_segment

# A directory to three who wait for it: it is read once, too, if they take it at the same time.
mkdir -p "$T/tree/deep/er"
head -c $((size / 4)) /dev/urandom >"$T/tree/large"
for number in $(seq 50); do head -c 20000 /dev/urandom >"$T/tree/deep/er/$number"; done
tree_size=$((size / 4 + 50 * 20000))

take_tree() { # tree_read: how much the sender read
    local handle n=0
    for handle in "${everybody[@]}"; do
        rm -rf "$T/tree-$handle"
        mkdir "$T/tree-$handle"
        run_earshot "$handle" --name "$handle" get --dir "$T/tree-$handle" --timeout 60
        taker[n]=$PID
        n=$((n + 1))
    done
    run_earshot put --name alice --json put bob,carol,dave,erin "$T/tree" --timeout 60
    sender=$PID
    for number in 0 1 2; do
        ends "${taker[$number]}"
        check "${everybody[$number]} ends well" test "$STATUS" -eq 0
        check "${everybody[$number]} has it" diff -r "$T/tree" "$T/tree-${everybody[$number]}/tree"
    done
    tree_read=$(bytes_read "$sender")
    run_earshot erin --name erin get --decline --timeout 20
    ends "$PID"
    put_ends
}

for _ in $(seq 10); do
    take_tree
    [ "$tree_read" -ge $((tree_size * 3 / 2)) ] || break
done
check "to three: the directory was read once" \
    test "$tree_read" -ge "$tree_size" -a "$tree_read" -lt $((tree_size * 3 / 2))
