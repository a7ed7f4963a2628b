#!/bin/bash
# Small files are messages: the hub keeps them for who is away, and they stand in the history.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

umask 022
STORED=yes
start_hub
for handle in alice bob carol; do earshot --name "$handle" -q rooms 2>/dev/null; done
dst=$T/dst
mkdir "$dst" "$T/more"
head -c 32768 /dev/urandom >"$T/largest"
head -c 32769 /dev/urandom >"$T/larger"
echo 'wonderful things' >"$T/note.txt"
: >"$T/empty"
chmod 6750 "$T/note.txt"
touch -d '2001-02-03 04:05:06.789' "$T/note.txt"

exits 0 "to somebody who is away" \
    earshot --name alice --json put --no-wait bob "$T/note.txt" "$T/largest" "$T/empty"
check "by message" json '.state == "offered" and .via == "message"' "$OUT"
is "all three" "$(jq -r .name <<<"$OUT" | paste -sd ,)" note.txt,largest,empty
is "the history shows them" "$(earshot --name alice --json history bob | jq -r .text | paste -sd ,)" \
    "[file note.txt, 17 bytes],[file largest, 32 KiB],[file empty, 0 bytes]"
kill -9 "$HUB_PID"
while kill -0 "$HUB_PID" 2>/dev/null; do read -r -t 0.02 <> <(:) || true; done
start_hub
exits 0 "even after a crash of the hub" earshot --name bob --json get --dir "$dst" --timeout 20
check "one is taken" json '.state == "done" and .via == "message" and .name == "note.txt" and
    .from == "alice" and .to == "bob" and .error == null' "$OUT"
is "its path" "$(jq -r .path <<<"$OUT")" "$dst/note.txt"
if command -v xxh128sum >/dev/null; then
    is "its digest" "$(jq -r .xxh3 <<<"$OUT")" "$(xxh128sum <"$T/note.txt" | cut -d ' ' -f 1)"
fi
check "the content" cmp "$T/note.txt" "$dst/note.txt"
is "mode without set-user-id, and time" "$(stat -c '%a %y' "$dst/note.txt")" \
    "$(date -d '2001-02-03 04:05:06.789' '+750 %F %T.%N %z')"
exits 0 "the others" earshot --name bob get --all --dir "$dst"
check "the largest" cmp "$T/largest" "$dst/largest"
check "the empty one" cmp "$T/empty" "$dst/empty"
exits 0 "they do not come twice" earshot --name bob get --all --dir "$dst"
is "nothing" "$OUT" ""
exits 75 "nothing is waited for" earshot --name bob get --dir "$dst" --timeout 0.5

run_earshot put --name alice --json put bob "$T/note.txt"
wait_for "put waits" grep -qs offered "$T/put.out"
exits 0 "until it is taken" earshot --name bob get --dir "$dst" --timeout 20
is "under another name" "$OUT" "$dst/note (2).txt"
ends "$PID"
check "then it ends" test "$STATUS" -eq 0
is "and has told so" "$(jq -r '.state + " " + .via + " " + .to' "$T/put.out" | paste -sd ,)" \
    "offered message bob,done message bob"

run_earshot get --name bob get --dir "$dst" --timeout 20
wait_for "bob waits" is_here bob
exits 0 "to somebody who waits" earshot --name alice put bob "$T/note.txt" --timeout 20
ends "$PID"
is "he has it" "$(cat "$T/get.out")" "$dst/note (3).txt"

run_earshot put --name alice --json put bob "$T/larger"
wait_for "a larger one is offered" grep -qs '"offered"' "$T/put.out"
exits 0 "and taken" earshot --name bob --json get --dir "$dst" --timeout 20
check "through shared memory" json '.via == "shm"' "$OUT"
ends "$PID"

run_earshot put --name alice --json put bob "$T/note.txt"
wait_for "put waits" grep -qs offered "$T/put.out"
exits 0 "bob does not want it" earshot --name bob get --decline --timeout 20
ends "$PID"
check "put fails" test "$STATUS" -eq 1
is "and says why" "$(jq -r '.state + " " + .via + " " + .name' "$T/put.out" | paste -sd ,)" \
    "offered message note.txt,declined message note.txt"
exits 0 "it is not offered again" earshot --name bob get --all --dir "$dst"
is "nothing" "$OUT" ""

# Somebody's tail has seen it; that is not taking it.
run_earshot tail --name bob --json tail
wait_for "bob watches" is_here bob
run_earshot put --name alice --json put bob "$T/note.txt"
put=$PID
wait_for "he sees it" has_lines "$T/tail.out" 1
check "as what it is" json '.text == "[file note.txt, 17 bytes]"' "$(cat "$T/tail.out")"
check "put still waits" kill -0 "$put"
exits 0 "he gets it out of the history" earshot --name bob get --dir "$T/more" --timeout 20
check "whole" cmp "$T/note.txt" "$T/more/note.txt"
ends "$put"
check "and put hears of it" test "$STATUS" -eq 0

# Words of messages are left for those who read messages.
kill "${STARTED[@]}" 2>/dev/null
wait_for "bob is away" eval '! is_here bob'
earshot --name alice send bob 'a word'
earshot --name alice put --no-wait bob "$T/note.txt"
exits 0 "a file among words" earshot --name bob get --dir "$T/more" --timeout 20
is "the word is still there" \
    "$(earshot --name bob --json tail --count 1 --timeout 20 | jq -r .text)" "a word"
head -c 3000 /dev/zero | tr '\0' x >"$T/x" # whatever comes before, in base64 this is eHh4eHh4...
exits 0 "a file of one letter" earshot --name alice put --no-wait carol "$T/x"
exits 0 "a search does not look into files" earshot --name alice --json search eHh4eHh4eHh4
is "nothing" "$OUT" ""

exits 0 "to standard output" earshot --name alice put --no-wait bob "$T/note.txt"
is "it is written there" "$(earshot --name bob get --stdout --timeout 20)" "wonderful things"

exits 0 "several people, each once" \
    earshot --name alice --json put --no-wait bob,carol,BOB "$T/note.txt"
is "two offers" "$(jq -r .to <<<"$OUT" | paste -sd ,)" bob,carol
exits 0 "each gets it: bob" earshot --name bob get --dir "$T/more" --timeout 20
exits 0 "each gets it: carol" earshot --name carol get --count 2 --dir "$T/more" --timeout 20

exits 67 "nobody" earshot --name alice put nobody "$T/note.txt"
exits 67 "the first failure counts" \
    earshot --name alice put nobody,bob "$T/note.txt" --timeout 0.5
exits 75 "nobody takes it" earshot --name alice put bob "$T/note.txt" --timeout 0.5

# Who may write to the list of what was got could keep files from bob, or lead it into another file.
list=$XDG_STATE_HOME/earshot/received
check "the list is there" test -s "$list"
exits 0 "a small file for a list of others" earshot --name alice put --no-wait bob "$T/note.txt"
chmod o+w "$XDG_STATE_HOME/earshot"
echo 'not touched' >"$T/another"
mv "$list" "$T/received"
ln -s "$T/another" "$list"
exits 0 "a list that others may replace" earshot --name bob get --dir "$dst" --timeout 20
check "is told" has "$ERR" "$list can be replaced"
check "what is to be done, too" has "$ERR" "chmod go-w $XDG_STATE_HOME/earshot"
is "and nothing is written through it" "$(cat "$T/another")" 'not touched'
chmod o-w "$XDG_STATE_HOME/earshot"
mv "$T/received" "$list"
exits 0 "a list of one's own again" earshot --name bob get --all --dir "$dst"
is "nothing is said" "$ERR" ""
