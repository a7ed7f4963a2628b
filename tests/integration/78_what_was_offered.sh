#!/bin/bash
# What is handed over is what was offered, with the content that it has then; and whatever differs
# from that is told on both sides.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

umask 022
start_hub
src=$T/src dst=$T/dst
mkdir "$src" "$dst"
for handle in alice bob; do earshot --name "$handle" -q rooms 2>/dev/null; done
random() { # FILE [N]
    head -c "${2:-100000}" /dev/urandom >"$1"
}
offered() { # NAME
    grep -qs '"state":"offered"' "$T/$1.out"
}
# offer NAME PATH...: stands when it returns
offer() {
    local name=$1
    shift
    run_earshot "$name" --name alice --json put bob "$@" --timeout 60
    PUT=$PID
    wait_for "$name is offered" offered "$name"
}
# take STATUS WHAT [OPTION...]: bob gets one, and put ends alike
take() {
    local status=$1 what=$2
    shift 2
    rm -rf "$dst"
    mkdir "$dst"
    try earshot --name bob --json get --dir "$dst" --timeout 30 "$@"
    check "$what: get" test "$STATUS" -eq "$status"
    ends "$PUT"
    check "$what: put" test "$STATUS" -eq "$status"
}
last() { # FILE: the last object of it
    tail -n 1 "$T/$1"
}

# Another file in its place.
random "$src/private"
random "$src/file"
cp "$src/file" "$T/copy"
offer link "$src/file"
ln -sf "$src/private" "$src/file"
take 0 "a link in its place"
check "the file that was offered came" cmp "$T/copy" "$dst/file"
rm "$src/file"

random "$src/file"
cp "$src/file" "$T/copy"
offer rename "$src/file"
random "$src/.file.new" 50000
mv "$src/.file.new" "$src/file"
take 0 "a new file of this name"
check "the one that was offered came" cmp "$T/copy" "$dst/file"

mkdir "$src/.keys" "$src/tree"
echo secret >"$src/.keys/id"
random "$src/tree/x"
cp -a "$src/tree" "$T/tree"
offer directory "$src/tree"
mv "$src/tree" "$src/gone"
ln -s "$src/.keys" "$src/tree"
take 0 "a link in place of a directory"
check "the directory that was offered came" diff -r "$T/tree" "$dst/tree"

# The same file, another content.
random "$src/file"
offer touched "$src/file"
touch -d '2001-02-03 04:05:06.789' "$src/file"
take 0 "a file that was touched"
check "it came" cmp "$src/file" "$dst/file"
is "with its present time" "$(stat -c %y "$dst/file")" "$(stat -c %y "$src/file")"
check "nothing else is said" json '.offered == null' "$OUT"

offer grown "$src/file"
echo more >>"$src/file"
take 0 "a file that has grown"
check "all of it came" cmp "$src/file" "$dst/file"
check "get tells" json '.size == 100005 and .bytes == 100005 and .offered == 100000' "$(tail -n 1 <<<"$OUT")"
check "put tells" json '.state == "done" and .bytes == 100005 and .offered == 100000' "$(last grown.out)"

offer truncated "$src/file"
echo less >"$src/file"
run_earshot get --name bob get --dir "$dst" --timeout 30
get=$PID
ends "$PUT"
check "a file that has become less: put" test "$STATUS" -eq 0
ends "$get"
check "get" test "$STATUS" -eq 0
check "people are told, too" grep -q 'changed since it was offered: 100005 bytes then, 5 now' "$T/get.err"
check "it came" cmp "$src/file" "$dst/file (2)"

mkdir "$src/logs"
random "$src/logs/log"
echo steady >"$src/logs/other"
offer logs "$src/logs"
echo line >>"$src/logs/log"
echo new >"$src/logs/new"
take 0 "a directory with a log that has grown"
check "as it is now" diff -r "$src/logs" "$dst/logs"
check "and it is told" json '.offered == 100007 and .bytes == 100016' "$(last logs.out)"

# A log that is written to all the time.
(while [ ! -e "$T/enough" ]; do
    echo "a line that is written" >>"$src/logs/log"
    read -r -t 0.001 <> <(:) || true
done) &
writer=$!
offer busy "$src/logs"
take 0 "a directory with a log that grows"
: >"$T/enough"
wait "$writer"
n=$(stat -c %s "$dst/logs/log")
check "it is the beginning of it" cmp -n "$n" "$src/logs/log" "$dst/logs/log"
check "the rest is there" cmp "$src/logs/other" "$dst/logs/other"

# Of one alone all is meant: while it grows it does not arrive, and both sides are told.
head -c 40M /dev/zero | tr '\0' x >"$src/log"
(while [ ! -e "$T/enough alone" ]; do
    echo "a line that is written" >>"$src/log"
    read -r -t 0.001 <> <(:) || true
done) &
writer=$!
offer alone "$src/log"
take 1 "a log that grows, alone"
: >"$T/enough alone"
wait "$writer"
check "nothing has its name" test ! -e "$dst/log"
check "get tells why" has "$ERR" "written to while it was sent"
rm "$src/log"

# Of more than a thousand left-outs the others are counted, by their reasons.
mkdir "$src/many"
mkfifo $(seq -f "$src/many/%g" 1001)
random "$src/many/file"
run_earshot many --name alice --json put bob "$src/many" --timeout 60
PUT=$PID
wait_for "many is offered" offered many
rm -rf "$dst" && mkdir "$dst"
earshot --name bob -q get --dir "$dst" --timeout 30 2>/dev/null
ends "$PUT"
is "pipes are no failure, however many" "$STATUS" 0
is "each is named" "$(grep -c '"type":"skipped"' "$T/many.out")" 1001
check "or counted" has "$(cat "$T/many.out")" '"path":null,"to":"bob","why":"special","more":1'
check "people are told, too" has "$(earshot --name alice put --no-wait bob "$src/many" 2>&1)" \
    "1 more of many are not sent to bob, each because it is a socket, a pipe or a device"
earshot --name bob -q get --dir "$dst" --timeout 30 2>/dev/null

# Where others may put files in, a private file that comes later is not handed over: not even with
# the inode of one that was there, which many file systems give to the next file at once.
mkdir "$src/open"
chmod 777 "$src/open"
random "$src/open/stays"
random "$src/open/goes" 600
offer open "$src/open"
rm "$src/open/goes"
(umask 077 && for i in $(seq 20); do echo "private $i" >"$src/open/private$i"; done)
echo "for all" >"$src/open/public"
rm -rf "$dst" && mkdir "$dst"
exits 0 "a directory that others may write to: get" earshot --name bob get --dir "$dst" --timeout 30
ends "$PUT"
is "put tells that something is left out" "$STATUS" 1
check "and what" has "$(cat "$T/open.out")" '"why":"replaced"'
check "what was there came" cmp "$src/open/stays" "$dst/open/stays"
check "and what anybody may read" cmp "$src/open/public" "$dst/open/public"
is "nothing private came" "$(grep -rl private "$dst")" ""

# The offer outlives its hub, and its path.
random "$src/file"
cp "$src/file" "$T/copy"
offer again "$src/file"
rm "$src/file"
kill -9 "$HUB_PID"
while kill -0 "$HUB_PID" 2>/dev/null; do read -r -t 0.02 <> <(:) || true; done
start_hub
take 0 "after the hub has died"
check "it is still the same file" cmp "$T/copy" "$dst/file"

# Pipes: opened once, so that their writer is not killed.
mkfifo "$src/pipe"
write_into_pipe() { # writes, and says how it ended
    { echo one && sleep 0 && echo two; } >"$src/pipe"
    echo "$?" >"$T/written"
}
run writer write_into_pipe
offer pipe "$src/pipe"
take 0 "a pipe with a writer"
is "all of it came" "$(cat "$dst/pipe")" $'one\ntwo'
wait_for "the writer has ended" test -s "$T/written"
is "well" "$(cat "$T/written")" 0
exits 75 "a pipe without a writer" earshot --name alice put bob "$src/pipe" --timeout 0.5
check "is named" has "$ERR" "nobody opened the pipe"

# Content without a size.
rm -rf "$dst" && mkdir "$dst"
exits 0 "a file of /proc" earshot --name alice put --no-wait bob /proc/version
exits 0 "comes" earshot --name bob get --dir "$dst" --timeout 30
check "all of it" cmp /proc/version "$dst/version"
cat /proc/kallsyms >"$T/symbols" 2>/dev/null
if [ "$(stat -c %s "$T/symbols")" -gt 100000 ]; then
    offer symbols /proc/kallsyms
    check "its size is not known" json '.size == null' "$(last symbols.out)"
    take 0 "a large one"
    check "comes" cmp "$T/symbols" "$dst/kallsyms"
fi
offer random /proc/sys/kernel/random
take 0 "a directory of /proc"
check "comes" cmp /proc/sys/kernel/random/boot_id "$dst/random/boot_id"

# Times.
for when in '1969-12-31 23:59:58.5' '1960-01-01 00:00:00' '2400-01-01 00:00:00.25'; do
    for size in 100 100000; do
        random "$src/old" "$size"
        touch -d "$when UTC" "$src/old"
        rm -rf "$dst" && mkdir "$dst"
        earshot --name alice put --no-wait bob "$src/old" 2>/dev/null
        try earshot --name bob get --dir "$dst" --timeout 30
        is "$size bytes of $when" "$(stat -c '%s %y' "$dst/old")" "$(stat -c '%s %y' "$src/old")"
    done
done

# What is left out is known when it is offered.
mkdir "$src/parts"
echo 1 >"$src/parts/ok"
mkfifo "$src/parts/pipe"
try earshot --name alice put --no-wait bob "$src/parts"
check "a pipe is no failure" test "$STATUS" -eq 0
check "it is named at once" has "$ERR" "parts/pipe is not sent to bob"
rm -rf "$dst" && mkdir "$dst"
try earshot --name bob get --dir "$dst" --timeout 30
check "who takes it is told how many" has "$ERR" "1 of its entries could not be sent"
path=$src/deep
mkdir "$path"
(cd "$path" && for _ in $(seq 45); do
    mkdir "$(printf 'd%.0s' {1..100})" && cd "$(printf 'd%.0s' {1..100})" || exit
done 2>/dev/null)
exits 1 "a path that is too long" earshot --name alice put --no-wait bob "$src/deep"
check "has its reason to the end" has "$ERR" "is not sent to bob: its path is too long"
earshot --name bob get --decline --all 2>/dev/null
if [ "$(id -u)" -ne 0 ]; then
    echo secret >"$src/parts/secret"
    chmod 0 "$src/parts/secret"
    exits 1 "what cannot be read" earshot --name alice put --no-wait bob "$src/parts"
    check "is named at once" has "$ERR" "parts/secret is not sent to bob: it cannot be read"
    earshot --name bob get --decline --all 2>/dev/null
fi

# What cannot go to standard output is named.
earshot --name alice put --no-wait bob "$src/logs"
try earshot --name bob get --stdout --timeout 1
check "a directory is not waited for silently" has "$ERR" \
    "alice offers the directory logs, which --stdout does not take"
