#!/bin/bash
# Messages: to a handle, to a room, of every kind, from every source.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

start_hub
run_earshot bob --name bob tail --json
wait_for "bob is here" is_here bob
run_earshot ops --name carol tail --json '#ops'
wait_for "#ops is there" has_members '#ops' 1

next() { # NAME: the next line of that tail in LINE
    seen[$1]=$((${seen[$1]:-0} + 1))
    wait_for "$1 gets a message" has_lines "$T/$1.out" "${seen[$1]}"
    LINE=$(sed -n "${seen[$1]}p" "$T/$1.out")
}
declare -A seen

try earshot --name alice send bob hello there
check "send: exit status 0, nothing printed" test "$STATUS" -eq 0 -a -z "$OUT$ERR"
next bob
check "a direct message" json '.type == "message" and .conv == "alice" and .from == "alice"
    and .to == "bob" and .kind == "text" and .text == "hello there" and .reply_to == null
    and .uid == '"$(id -u)"' and (.seq | type == "number")' "$LINE"
check "its time is RFC 3339 in UTC with milliseconds" \
    json '.at | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$")' "$LINE"
check "its id is a UUID" json '.id | test("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")' "$LINE"
id=$(jq -r .id <<<"$LINE")

try earshot --name alice send '#ops' 'to the room'
check "send to a room" test "$STATUS" -eq 0
next ops
check "a room's message" json '.conv == "#ops" and .to == "#ops" and .from == "alice"' "$LINE"

try earshot --name alice send bob --reply-to "$id" --action waves
next bob
check "an action and a reply" json '.kind == "action" and .reply_to == "'"$id"'"' "$LINE"
try earshot --name alice send --notice bob 'it rains'
next bob
check "a notice" json '.kind == "notice" and .text == "it rains"' "$LINE"

try earshot --name alice send BOB -- -x --json
next bob
check "names are compared without case; -- ends the options" json '.text == "-x --json"' "$LINE"

printf 'one\ntwo\n\n' | earshot --name alice send bob
next bob
check "standard input is one message, less one newline" json '.text == "one\ntwo\n"' "$LINE"
printf 'three' | earshot --name alice send bob -
next bob
check "- is standard input" json '.text == "three"' "$LINE"
head -c 65536 /dev/zero | tr '\0' x | earshot --name alice send bob
next bob
check "a message of 65,536 bytes" json '.text | length == 65536' "$LINE"
printf '%.0s\xe2\x82\xac' {1..21845} | earshot --name alice send bob
next bob
check "65,535 bytes of three-byte characters" json '.text == ("€" * 21845)' "$LINE"

printf 'a\nb\n\nc' | earshot --name alice send bob --lines
for text in a b '' c; do
    next bob
    check "--lines: \"$text\"" json ".text == \"$text\"" "$LINE"
done
seq 1 2000 | earshot --name alice send bob --lines
wait_for "2,000 lines" has_lines "$T/bob.out" $((seen[bob] + 2000))
is "2,000 lines in order, none lost, none doubled" \
    "$(tail -n +$((seen[bob] + 1)) "$T/bob.out" | jq -r .text | cksum)" "$(seq 1 2000 | cksum)"
seen[bob]=$((seen[bob] + 2000))

: >"$T/err"
printf 'caf\351 d\303\251j\303\240\0vu\nplain\n' | earshot --name alice send bob --lines 2>"$T/err"
next bob
check "--lines: what is not UTF-8 is sent as what it is" json '.text == "caf<E9> déjà<00>vu"' "$LINE"
next bob
check "--lines: and goes on behind it" json '.text == "plain"' "$LINE"
is "--lines: what was changed is told once" "$(grep -c '1 line had bytes that are not UTF-8' "$T/err")" 1
{ head -c 200000 /dev/zero | tr '\0' x; printf '\nshort\nlast'; } |
    earshot --name alice send bob --lines 2>"$T/err"
for length in 65536 65536 65536 3392 5 4; do
    next bob
    check "--lines: a long line goes in parts: $length bytes" json ".text | length == $length" "$LINE"
done
is "--lines: that is told, too" "$(grep -c '1 line was longer than 65536 bytes' "$T/err")" 1
{ head -c 65536 /dev/zero | tr '\0' '\351'; echo; } | earshot -q --name alice send bob --lines
for i in 1 2 3 4; do
    next bob
    check "--lines: parts of a mended line, $i" json '.text | test("^(<E9>){16384}$")' "$LINE"
done
try earshot --name alice send bob --lines --strict < <(printf 'one\ncaf\351\nthree\n')
is "--strict: exit status" "$STATUS" 65
check "--strict: says which line" has "$ERR" "line 2 is not valid UTF-8"
next bob
check "--strict: what was before it has gone" json '.text == "one"' "$LINE"
try earshot --name alice send bob --lines < <(printf 'a\0b\n') -q
next bob
check "a NUL is shown" json '.text == "a<00>b"' "$LINE"
try earshot --name alice send bob < <(printf 'a\0b\n')
is "a NUL in a message: exit status" "$STATUS" 65
check "a NUL is called a NUL" has "$ERR" "the message has a NUL byte in it"
try earshot --name alice send bob --strict text
is "--strict without --lines: exit status" "$STATUS" 64

try earshot --name alice send bob,'#ops' both
next bob
check "several recipients: the first" json '.text == "both"' "$LINE"
next ops
check "several recipients: the second" json '.text == "both"' "$LINE"

id=0190c2a1-0000-7000-8000-000000000001
for i in 1 2 3; do
    try earshot --name alice --json send bob --id "$id" once
    check "--id, time $i" json '.type == "sent" and .id == "'"$id"'"' "$OUT"
done
try earshot --name alice send bob last
next bob
check "the same id arrives" json '.text == "once" and .id == "'"$id"'"' "$LINE"
next bob
check "and arrives once" json '.text == "last"' "$LINE"

exits 67 "a user that nobody knows" earshot send nobody-at-all hi
try earshot --name alice send '#new' first
check "a room that is not there is made" test "$STATUS" -eq 0 -a -z "$ERR"
is "and keeps what was said" "$(earshot history '#new' --jq .text)" first
seq 1 100000 >"$T/lines"
try earshot send nobody-at-all --lines <"$T/lines"
is "lines to nobody: exit status" "$STATUS" 67
sent=$(sed -n 's/.* \([0-9]*\) messages were refused in all$/\1/p' <<<"$ERR")
check "what was left out is told, with its first line" has "$ERR" \
    "earshot: $((100000 - sent)) lines were not sent, from line $((sent + 1)) on; send these again"
exits 67 "one of two recipients is unknown" earshot --name alice send nobody-at-all,bob hi
next bob
check "the other one gets it" json '.text == "hi"' "$LINE"
try earshot --json send nobody-at-all hi
check "--json names the error no-user" json '.type == "error" and .code == "no-user"' "$ERR"

run_earshot counted --name dave tail --count 2
wait_for "dave is here" is_here dave
earshot --name alice send dave --action waves
earshot --name alice send dave $'first\nsecond \e[2J\u202e'
ends "$PID"
check "--count 2 ends after two" test "$STATUS" -eq 0
is "people see an action" "$(sed -n 1p "$T/counted.out" | cut -c 6-)" " * alice waves"
is "people see text" "$(sed -n 2p "$T/counted.out" | cut -c 6-)" " <alice> first"
is "further lines are indented, controls visible" "$(sed -n 3p "$T/counted.out")" \
    "      second ^[[2J<U+202E>"

run_earshot filtered --name erin tail --json alice --count 1
wait_for "erin is here" is_here erin
earshot --name mallory send erin no
earshot --name alice send erin yes
ends "$PID"
check "tail CONV prints that conversation only" json '.text == "yes"' "$(cat "$T/filtered.out")"

exits 75 "tail --timeout without a message" earshot --name frank tail --timeout 0.3

run_earshot alone --name dora tail dora --jq .text
wait_for "dora is here" is_here dora
earshot --name alice send dora one
earshot --name carol send dora two
wait_for "tail of one's own handle" has_lines "$T/alone.out" 2
is "is all that is sent to it" "$(paste -s -d ' ' "$T/alone.out")" "one two"

try earshot --name alice send bob < <(head -c 70000 /dev/zero | tr '\0' x)
is "too long a text: exit status" "$STATUS" 65
check "its real size is told" has "$ERR" "the message has 70000 bytes, of at most 65536"
exec 9<> <(:)
exits 75 "--timeout bounds the reading of standard input" earshot send bob --timeout 0.3 <&9
check "it says that nothing was sent" has "$ERR" "nothing was sent"
exec 9>&-
