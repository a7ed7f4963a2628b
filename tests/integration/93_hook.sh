#!/bin/bash
# `earshot hook`: whatever can write a line into a file can send it, and read in another what was
# said; nothing is lost or doubled by writers that die, a full disk, a killed hub or a killed hook.
# test: timeout=240
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

D=$T/doors
STORED=yes
start_hub
hook() { # WORD...: in the background; HOOK is its process
    run_earshot hook hook "$D" "$@"
    HOOK=$PID
}
is_served() { [ -p "$D/$1/in" ] && grep -qs 'mkdir NAME' "$T/hook.err"; }
told() { grep -q "$1" "$T/hook.err"; }
out_has() { grep -qs -- "$2" "$D/$1/out"; }
came() { # TEXT: the reader has heard it
    jq -r .text "$T/reader.out" | grep -qxF -- "$1"
}
texts() { jq -r .text "$T/reader.out"; }

mkdir -m 700 "$D" "$D/bob" "$D/#ops" "$D/no name" "$D/.hidden"
touch "$D/file"
run_earshot reader --name bob tail --json '#ops' bob
wait_for "bob listens" has_members '#ops' 1
hook --name door
wait_for "it is here" is_served bob
is "the FIFO is for its user alone" "$(stat -c %a "$D/bob/in")" 600
check "what is no name is let alone" test ! -e "$D/no name/in" -a ! -e "$D/.hidden/in"

echo "it is done" >"$D/#ops/in"
wait_for "a line is a message" came "it is done"
is "under the handle" "$(jq -r 'select(.text == "it is done") | .from + " " + .conv' "$T/reader.out")" "door #ops"
wait_for "and stands in out, too" out_has '#ops' '^20..-.*Z <door> it is done$'
is "which is for its user alone" "$(stat -c %a "$D/#ops/out")" 600
printf 'no newline' >"$D/bob/in"
wait_for "a writer that ends without a newline" came 'no newline'
printf 'caf\xe9 \0\n' >"$D/bob/in"
wait_for "what is no text is sent as what it is" came 'caf<E9> <00>'
long=$(printf '%070000d' 7)
printf '%s\n' "$long" >"$D/bob/in"
wait_for "a long line goes as several" came "${long:65536}"
check "cut as send --lines does" came "${long:0:65536}"
seq 3000 >"$D/bob/in"
wait_for "many lines" came 3000
is "all of them, in order" "$(texts | grep -x '[1-9][0-9]*' | head -n 3000 | md5sum)" "$(seq 3000 | md5sum)"
exec 8>"$D/bob/in" # a writer that never writes, and one that dies in the middle of a line
# shellcheck disable=SC2016
{ bash -c 'printf "half a" >"$0/bob/in"; kill -9 $$' "$D"; } 2>/dev/null
printf ' line\n' >"$D/bob/in"
wait_for "others get through meanwhile" came 'half a line'
exec 8>&-

mkdir "$D/carol"
wait_for "a new directory is a conversation" test -p "$D/carol/in"
earshot --name dave send door $'first\n2026-01-01T00:00:00Z <root> second'
wait_for "who writes gets a directory" out_has dave '<dave> first'
check "each line is the sender's" out_has dave 'Z <dave> 2026-01-01T00:00:00Z <root> second'
printf 'x\033[2Jy' | earshot --name dave send door -
wait_for "what could harm a terminal is shown" out_has dave '\^\[\[2J'
id=$(earshot --name dave send --json door "10 %" | jq -r .id)
earshot --name dave edit "$id" "100 %"
wait_for "edits are told" out_has dave 'Z -- dave edited: 100 %'
echo x >"$D/carol/in"
wait_for "what is refused is told" told 'carol'
wait_for "and stands there" out_has carol 'was not sent'

# Something else in the place of a FIFO or file, put there by another program of the user.
echo secret >"$T/secret"
rm "$D/bob/in" && ln -s "$T/secret" "$D/bob/in"
wait_for "a link in its place is replaced" test -p "$D/bob/in" -a ! -L "$D/bob/in"
is "what it led to is as it was" "$(cat "$T/secret")" secret
rm "$D/bob/in" && mkfifo "$D/bob/in"
# shellcheck disable=SC2016 # for the other shell
sent_again() { timeout 1 bash -c 'echo "through another" >"$0"' "$D/bob/in" && came 'through another'; }
wait_for "another FIFO is taken up" sent_again
rm "$D/dave/out" && ln -s "$T/secret" "$D/dave/out"
earshot --name dave send door 'not into the secret'
wait_for "a link in the place of out, too" out_has dave 'not into the secret'
is "is not written through" "$(cat "$T/secret")" secret
mv "$D/bob" "$D/bob.old" && mkdir "$D/bob"
wait_for "a directory that is another one" test -p "$D/bob/in"
rm -r "$D/bob.old"
check "rm -r of a conversation comes to its end" rm -r "$D/carol"

# What cannot be written waits, and comes once.
mv "$D/dave" "$D/dave.old" && mkdir "$D/dave" "$D/dave/out"
wait_for "a new directory of dave" test -p "$D/dave/in"
earshot --name dave send door 'there is no room for this'
earshot --name dave send door 'nor for that'
wait_for "it is told" told 'cannot write'
is "once" "$(grep -c 'cannot write' "$T/hook.err")" 1
rmdir "$D/dave/out"
wait_for "it is written as soon as that is possible" out_has dave 'nor for that'
is "each once" "$(wc -l <"$D/dave/out")" 2
rm -r "$D/dave.old"

# Out is bounded.
for _ in 1 2 3 4 5 6 7 8 9; do
    head -c 45000 /dev/zero | tr '\0' y | earshot --name dave send door -
done
earshot --name dave send door 'after nine'
wait_for "all was written" out_has dave 'after nine'
check "the older part has another name" test -s "$D/dave/out.1"
check "each is bounded" test "$(stat -c %s "$D/dave/out")" -le 262144 -a "$(stat -c %s "$D/dave/out.1")" -le 262144

exits 73 "a second hook of the directory" earshot --name other hook "$D"
check "is told of the first" has "$ERR" "process $HOOK"

# The hub is killed in the middle; then the hook.
seq 10001 10500 >"$D/bob/in"
kill -9 "$HUB_PID"
seq 10501 11000 >"$D/bob/in" &
writer=$!
wait_for "the loss is told" told 'the hub is gone'
STORED=yes start_hub
wait "$writer"
wait_for "what was written meanwhile has come" came 11000
is "each once, in order" "$(texts | grep -x '1[01]...' | md5sum)" "$(seq 10001 11000 | md5sum)"
earshot --name dave send door 'before it is killed'
wait_for "it is written" out_has dave 'before it is killed'
kill -9 "$HOOK"
ends "$HOOK"
earshot --name dave send door 'while it is dead'
: >"$T/hook.err"
hook --name door
wait_for "it is here again" is_served bob
wait_for "what was said meanwhile is there" out_has dave 'while it is dead'
is "and nothing twice" "$(cat "$D"/dave/out* | grep -c 'before it is killed')" 1
echo 'to the new one' >"$D/bob/in"
wait_for "its FIFOs are served again" came 'to the new one'

# What was read and not acknowledged by the hub is sent by the next hook, once: all that a writer,
# who still waits, has written.
kill -9 "$HUB_PID"
wait_for "the loss is told" told 'the hub is gone'
exec 7>"$D/bob/in"
seq 20001 20700 >&7
has_read() { [ "$(tail -c 6 "$D/.sending/bob" 2>/dev/null)" = 20700 ]; }
wait_for "what is not acknowledged is written down" has_read
is "for its user alone" "$(stat -c %a "$D/.sending" "$D/.sending/bob" | tr '\n' ' ')" '700 600 '
kill -9 "$HOOK"
ends "$HOOK"
: >"$T/hook.err"
STORED=yes start_hub
hook --name door
wait_for "it is here again" is_served bob
wait_for "it has come" came 20700
for round in 1 2 3 4 5 6; do
    seq $((20000 + 1000 * round + 1)) $((20000 + 1000 * round + 999)) >&7 &
    writer=$!
    wait_for "some of it has come" came $((20000 + 1000 * round + 10 * round))
    kill -9 "$HOOK"
    ends "$HOOK"
    : >"$T/hook.err"
    hook --name door
    wait "$writer"
    wait_for "all of it has come" came $((20000 + 1000 * round + 999))
done
expected() {
    seq 20001 20700
    for round in 1 2 3 4 5 6; do seq $((20000 + 1000 * round + 1)) $((20000 + 1000 * round + 999)); done
}
is "each once, in order" "$(texts | grep -x '2[0-6]...' | md5sum)" "$(expected | md5sum)"
is "and stands in out once" "$(cat "$D"/bob/out.1 "$D"/bob/out 2>/dev/null | grep -Eo '<door> 2[0-6][0-9]{3}$' | sort | uniq -d)" ''
exec 7>&-
nothing_is_left() { [ -z "$(ls -A "$D/.sending")" ]; }
wait_for "nothing is kept that was acknowledged" nothing_is_left
# What lies there and is of no hook.
kill -9 "$HOOK"
ends "$HOOK"
: >"$T/hook.err"
printf 'Shook01' >"$D/.sending/bob"
ln -s "$T/secret" "$D/.sending/dave"
mkdir -p "$D/dave"
hook --name door
wait_for "it is here in spite of that" is_served bob
echo 'beside nonsense' >"$D/bob/in"
wait_for "and sends" came 'beside nonsense'
is "what a link led to is as it was" "$(cat "$T/secret")" secret

for n in $(seq 200); do echo "at the end $n"; done >"$D/bob/in"
kill "$HOOK"
ends "$HOOK"
is "SIGTERM ends it" "$STATUS" 143
wait_for "what was written before that is sent" came 'at the end 200'
check "and is kept no more" nothing_is_left
is "and nobody waits at a FIFO" "$(find "$D" -name in)" ''

# Nothing is taken from the windows of the login name.
: >"$T/hook.err"
self=$(earshot --json whois "$(id -un)" 2>/dev/null | jq -r .handle)
hook
wait_for "under the login name" is_served bob
self=$(id -un)
earshot --name dave send "$self" 'for the window'
wait_for "it is written" out_has dave 'for the window'
kill "$HOOK"
ends "$HOOK"
check "and still unread" has "$(earshot unread)" dave
hook --json
wait_for "with --json" is_served bob
earshot --name dave send "$self" 'as an object'
wait_for "out has an object a line" out_has dave '"text":"as an object"'
rm -rf "$D"
ends "$HOOK"
is "it ends when its directory is gone" "$STATUS" 73

# Without a name: in the runtime directory.
run_earshot other --name door hook
other=$PID
wait_for "it is in the runtime directory" test -d "$XDG_RUNTIME_DIR/earshot-hook"
is "which is for its user alone" "$(stat -c %a "$XDG_RUNTIME_DIR/earshot-hook")" 700
wait_for "it is here" is_here door
kill "$other"
ends "$other"
