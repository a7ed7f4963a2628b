#!/bin/bash
# Files and directories from one session to another, and to several.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

umask 022
start_hub
src=$T/src dst=$T/dst
mkdir -p "$src/tree/deep" "$dst"
head -c 3000001 /dev/urandom >"$src/a.bin"
head -c 200000 /dev/urandom >"$src/b.bin"
chmod 6751 "$src/b.bin"
touch -d '2001-02-03 04:05:06.789' "$src/b.bin"
echo inside >"$src/tree/deep/file"
ln -s deep/file "$src/tree/link"
mkfifo "$src/tree/fifo" "$src/tree/deep/pipe"
python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' \
    "$src/tree/socket" 2>/dev/null
mknod "$src/tree/device" c 1 3 2>/dev/null
odd=$src/tree/$'odd \e[31m\n\xff name'
echo odd >"$odd"
truncate -s 300M "$src/sparse"
printf end | dd of="$src/sparse" bs=1 seek=$((300 << 20)) conv=notrunc status=none
for handle in alice bob carol; do earshot --name "$handle" -q rooms 2>/dev/null; done

nothing_is_shared() { # no segment of our processes is left
    [ -z "$(awk -v pids=" ${SEEN[*]} " 'FNR > 1 && index(pids, " " $5 " ") { print $2 }' \
        /proc/sysvipc/shm)" ]
}
is_member() { # HANDLE
    earshot who '#ops' --json 2>/dev/null | grep -q "\"handle\":\"$1\""
}
nobody_is_here() { [ -z "$(earshot who --json)" ]; }
offered() { # NAME: put says so
    grep -qs '"state":"offered"' "$T/$1.out"
}

run_earshot put --name alice --json put bob "$src/a.bin"
wait_for "it is offered" offered put
try earshot --name bob --json get --dir "$dst" --timeout 20
check "get takes it" test "$STATUS" -eq 0
check "and says so" json '.type == "file" and .from == "alice" and .to == "bob" and
    .name == "a.bin" and .size == 3000001 and .via == "shm" and .error == null' "$OUT"
check "in this order" test "$(jq -r .state <<<"$OUT" | paste -sd ,)" = running,done
check "with its path" test "$(tail -n 1 <<<"$OUT" | jq -r .path)" = "$dst/a.bin"
check "it is the same" cmp "$src/a.bin" "$dst/a.bin"
ends "$PID"
check "put ends well" test "$STATUS" -eq 0
is "put told of each step" "$(jq -r .state "$T/put.out" | paste -sd ,)" offered,running,done
is "both have the same digest" "$(jq -r .xxh3 "$T/put.out" | tail -n 1)" \
    "$(tail -n 1 <<<"$OUT" | jq -r .xxh3)"
if command -v xxh128sum >/dev/null; then
    is "it is XXH3-128 of the content" "$(tail -n 1 <<<"$OUT" | jq -r .xxh3)" \
        "$(xxh128sum <"$src/a.bin" | cut -d ' ' -f 1)"
fi

run_earshot get --name bob get --dir "$dst" --timeout 20
exits 0 "put to somebody who waits" earshot --name alice put bob "$src/a.bin" --timeout 20
ends "$PID"
is "nothing is overwritten" "$(cat "$T/get.out")" "$dst/a (2).bin"

run_earshot put --name alice put bob "$src/b.bin" "$src/tree" "$src/sparse" --timeout 30
exits 0 "three at once" earshot --name bob get --dir "$dst" --count 3 --timeout 30
ends "$PID"
check "put ends well" test "$STATUS" -eq 0
is "mode without set-user-id, and time" "$(stat -c '%a %y' "$dst/b.bin")" \
    "$(date -d '2001-02-03 04:05:06.789' '+751 %F %T.%N %z')"
check "the content" cmp "$src/b.bin" "$dst/b.bin"
specials=(fifo deep/pipe)
[ ! -S "$src/tree/socket" ] || specials+=(socket)
[ ! -c "$src/tree/device" ] || specials+=(device)
for special in "${specials[@]}"; do
    check "$special is named" grep -q "tree/$special is not sent to bob" "$T/put.err"
done
is "each once" "$(grep -c 'is not sent' "$T/put.err")" "${#specials[@]}"
run_earshot put --name alice --json put bob "$src/tree" --timeout 30
exits 0 "once more" earshot --name bob get --dir "$T" --timeout 30
ends "$PID"
check "that is no failure" test "$STATUS" -eq 0
is "in JSON, too" \
    "$(jq -r 'select(.type == "skipped" and .to == "bob" and .why == "special") | .path' \
        "$T/put.out" | sort)" "$(printf '%s\n' "${specials[@]}" | sort)"
(cd "$src/tree" && rm "${specials[@]}")
check "the tree, without the pipe" diff -r --no-dereference "$src/tree" "$dst/tree"
is "a link stays a link" "$(readlink "$dst/tree/link")" deep/file
check "zeros" cmp "$src/sparse" "$dst/sparse"
check "holes stay holes" test "$(du -k "$dst/sparse" | cut -f 1)" -lt 1024

for n in 0 1 4095 4096 4097 65535 65536 65537 262143 262144 262145 524287 524288 524289; do
    head -c "$n" /dev/urandom >"$src/size-$n"
done
sizes=("$src"/size-*)
run_earshot put --name alice put bob "${sizes[@]}" --timeout 40
exits 0 "all sizes" earshot --name bob get --dir "$dst" --count "${#sizes[@]}" --timeout 40
ends "$PID"
check "put ends well" test "$STATUS" -eq 0
for file in "${sizes[@]}"; do
    check "${file##*-} bytes" cmp "$file" "$dst/${file##*/}"
done

mkdir "$T/bob" "$T/carol"
run_earshot bob --name bob get --dir "$T/bob" --timeout 20
bob=$PID
run_earshot carol --name carol get --dir "$T/carol" --timeout 20
exits 0 "to two people" earshot --name alice put bob,carol "$src/a.bin" --timeout 20
ends "$bob"
check "the first has it" cmp "$src/a.bin" "$T/bob/a.bin"
ends "$PID"
check "the second has it" cmp "$src/a.bin" "$T/carol/a.bin"

mkfifo "$T/talk"
exec 8<>"$T/talk"
for handle in bob carol; do
    run "chat-$handle" "$BIN/earshot" --hub "$HUB" --name "$handle" chat '#ops'
    wait_for "$handle is in the room" is_member "$handle"
done
exec 8>&-
wait_for "both have left the window" nobody_is_here
run_earshot put --name alice --json put '#ops' "$src/b.bin"
wait_for "it is offered to the room" offered put
exits 0 "one of the room" earshot --name bob get --dir "$T/bob" --timeout 20
check "has it" cmp "$src/b.bin" "$T/bob/b.bin"
check "put waits for the other one" kill -0 "$PID"
exits 0 "the other one" earshot --name carol get --dir "$T/carol" --timeout 20
check "has it, too" cmp "$src/b.bin" "$T/carol/b.bin"
ends "$PID"
check "then it is done" test "$STATUS" -eq 0

run_earshot put --name alice --json put bob "$src/a.bin"
wait_for "it is offered" offered put
exits 0 "declined" earshot --name bob get --decline --timeout 20
ends "$PID"
check "put fails" test "$STATUS" -eq 1
is "and says why" "$(jq -r .state "$T/put.out" | paste -sd ,)" offered,declined

exits 0 "in the background" earshot --name alice put --no-wait bob "$src/a.bin" "$src/b.bin"
rm "$dst"/*.bin
exits 0 "all that is offered" earshot --name bob get --all --dir "$dst" --timeout 20
check "has come" cmp "$src/a.bin" "$dst/a.bin"
exits 0 "nothing is offered" earshot --name bob get --all --dir "$dst" --timeout 20

run_earshot put --name alice --json put bob "$src/a.bin"
wait_for "it is offered" offered put
exits 75 "only from somebody else" earshot --name bob get --from carol --dir "$dst" --timeout 0.5
exits 73 "a place that is not there" earshot --name bob get --dir "$T/nowhere" --timeout 20
kill -INT "$PID"
ends "$PID"
check "interrupted: 130" test "$STATUS" -eq 130
exits 0 "and then nothing is offered" earshot --name bob get --all --dir "$dst"
is "nothing" "$OUT" ""

exits 65 "a file that is not there" earshot --name alice put bob "$src/none"
exits 67 "nobody" earshot --name alice put nobody "$src/a.bin"
exits 67 "no room" earshot --name alice put '#none' "$src/a.bin"
exits 64 "no path" earshot --name alice put bob
mkfifo "$T/fifo"
exits 75 "nobody writes" earshot --name alice put bob "$T/fifo" --timeout 0.5
check "the pipe is named" has "$ERR" "the pipe \"$T/fifo\""
exits 75 "nobody takes it" earshot --name alice put bob "$src/a.bin" --timeout 0.5
exits 75 "nobody offers" earshot --name bob get --timeout 0.5
wait_for "no segment is left" nothing_is_shared
