#!/bin/bash
# A log follower that is killed again and again while it is written to, and goes on after the last
# message that it has: without a gap, without a double. So do several at once, from a file each.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

cat >"$T/follow" <<'END'
#!/bin/bash
# follow NAME LOG: adds what is said in #log to LOG, and begins after the last whole line of it
set -u
last=0
if [ -s "$2" ]; then
    whole=$(wc -l <"$2")
    head -n "$whole" "$2" >"$2.whole" && mv "$2.whole" "$2"
    last=$(tail -n 1 "$2" | jq .seq)
fi
exec earshot --name "$1" --json tail '#log' --since "${last:-0}" >>"$2"
END
chmod +x "$T/follow"

follow() { # NAME
    run "$1" env -C "$T" EARSHOT_HUB="$HUB" PATH="$BIN:$PATH" ./follow "$1" "$1.log"
}

texts() { # NAME
    jq -r .text "$T/$1.log"
}

has_grown() { # NAME N
    [ "$(wc -l <"$T/$1.log")" -gt "$2" ]
}

has_last() { # NAME
    tail -n 1 "$T/$1.log" | grep -q '"text":"the end"'
}

# Writes a numbered line at a time until $T/write is gone, so that it lasts as long as the kills.
writer() {
    local n=0
    while [ -e "$T/write" ]; do
        n=$((n + 1))
        echo "line $n"
    done | "$BIN/earshot" --hub "$HUB" --name writer --timeout 300 send '#log' --lines
}

STORED=yes
start_hub
OUT='' ERR=''
run_earshot keeper --name keeper tail '#log' --json
wait_for "#log is there" has_members '#log' 1
touch "$T/write"
seq -f 'before %g' 100 | earshot --name writer send '#log' --lines
writer &
writing=$!
STARTED+=("$writing")
: >"$T/fred.log"
kills=0
for signal in KILL TERM KILL INT KILL HUP KILL KILL; do
    n=$(wc -l <"$T/fred.log")
    follow fred
    wait_for "it goes on after SIG$signal" has_grown fred $((n + 20)) || break
    kill -s "$signal" "$PID"
    ends "$PID"
    kills=$((kills + 1))
done
is "it was ended and started again" "$kills" 8
follow fred
follow gina
rm "$T/write"
ends "$writing"
is "the writer was never held up" "$STATUS" 0
earshot --name writer send '#log' 'the end'
DEADLINE=60
wait_for "it has all" has_last fred
wait_for "a second one that began from the beginning has all, too" has_last gina
earshot --name auditor --json history '#log' >"$T/history.log"
n=$(jq -r .text "$T/history.log" | wc -l)
check "much was written ($n)" test "$n" -ge 300
is "no gap, no double, and in order" "$(texts fred | cksum)" "$(texts history | cksum)"
is "the same for the second" "$(texts gina | cksum)" "$(texts history | cksum)"
is "which is what was written" "$(texts history | grep -c '^before')" 100
is "in order, too" "$(texts history | grep '^line' | cksum)" \
    "$(seq -f 'line %.0f' $((n - 101)) | cksum)"
check "numbers ascend" test -z "$(jq .seq "$T/fred.log" | sort -nuc 2>&1)"
