#!/bin/bash
# An approval from a script: it goes on with a yes, stops at a no, and gives up after a while.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

cat >"$T/deploy" <<'END'
#!/bin/sh
# deploy WHO SECONDS: touches `deployed` if WHO says yes
answer=$(earshot --name deploy-bot --json --timeout "$2" ask "$1" "deploy $(hostname)?")
code=$?
case $code in
0) ;;
75) echo "nobody answers; nothing was done" >&2; exit 75 ;;
*) exit "$code" ;;
esac
case $(printf %s "$answer" | jq -r '.text | ascii_downcase') in
y | yes) touch deployed ;;
*) echo "refused by $(printf %s "$answer" | jq -r .from)" >&2; exit 1 ;;
esac
END
chmod +x "$T/deploy"

deploy() { # NAME WHO SECONDS: in the background
    run "$1" env -C "$T" EARSHOT_HUB="$HUB" PATH="$BIN:$PATH" ./deploy "$2" "$3"
}

questions() {
    jq -r 'select(.from == "deploy-bot") | .id' "$T/$1.out"
}

is_asked() { # WHO N
    [ "$(questions "$1" | wc -l)" -ge "$2" ]
}

reply() { # TEXT: to the last question
    earshot --name boss send deploy-bot --reply-to "$(questions boss | tail -n 1)" "$1"
}

STORED=yes
start_hub
OUT='' ERR=''
run_earshot boss --name boss tail --json
boss=$PID
wait_for "the boss is here" is_here boss

deploy first boss 60
wait_for "the boss is asked" is_asked boss 1
check "it waits" kill -0 "$PID"
check "and has done nothing" test ! -e "$T/deployed"
reply Yes
ends "$PID"
is "yes: it goes on" "$STATUS" 0
check "and does it" test -e "$T/deployed"
rm -f "$T/deployed"

deploy second boss 60
wait_for "the boss is asked again" is_asked boss 2
reply 'not before lunch'
ends "$PID"
is "no: it stops" "$STATUS" 1
check "and says who refused" has "$(cat "$T/second.err")" "refused by boss"
check "and has not done it" test ! -e "$T/deployed"

# Not answered: 75. What comes too late is no answer to the next question.
deploy third boss 1
ends "$PID"
is "not answered in time: try again" "$STATUS" 75
check "in its own words" has "$(cat "$T/third.err")" "nobody answers; nothing was done"
check "and has not done it" test ! -e "$T/deployed"
wait_for "though the question has come" is_asked boss 3
reply yes
deploy fourth boss 60
wait_for "the boss is asked a fourth time" is_asked boss 4
reply no
ends "$PID"
is "a late yes to the third question is no answer to the fourth" "$STATUS" 1
check "nothing was done" test ! -e "$T/deployed"

# Who is away finds the question, and can answer while it is waited for.
kill "$boss"
ends "$boss"
deploy fifth boss 60
fifth=$PID
wait_for "it waits for who is away" is_here deploy-bot
run_earshot boss --name boss tail --json
wait_for "the boss comes back and is asked" is_asked boss 1
check "it waits still" kill -0 "$fifth"
reply y
ends "$fifth"
is "and gets its answer" "$STATUS" 0
check "it is done" test -e "$T/deployed"

deploy sixth nobody-at-all 60
ends "$PID"
is "nobody of this name: at once, not after the time limit" "$STATUS" 67
