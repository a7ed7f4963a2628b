#!/bin/bash
# A hub that keeps nothing dies while offers stand: the next one knows nobody, until they come.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

N=60 # more than stand at a time
mkdir "$T/one" "$T/many" "$T/src"
head -c 3000000 /dev/urandom >"$T/big"
for i in $(seq "$N"); do
    head -c 300000 /dev/urandom >"$T/src/$i"
done
# shellcheck disable=SC2034 # a failed check shows them
OUT='' ERR=''

offered() { # NAME N
    [ "$(grep -cs '"state":"offered"' "$T/$1.out")" -ge "$2" ]
}
done_() { # NAME N
    [ "$(grep -cs '"state":"done"' "$T/$1.out")" -ge "$2" ]
}
says() { # NAME TEXT
    grep -qs -F -e "$2" "$T/$1.err"
}
new_hub() {
    kill -KILL "$HUB_PID"
    start_hub
}

# Who was offered something is gone for good.
start_hub
earshot --name alice -q rooms 2>/dev/null
run_earshot gone --name bob --json put alice "$T/big" --timeout 60
PUT=$PID
wait_for "it is offered" offered gone 1
new_hub
ends "$PUT"
is "an offer that no new hub takes fails" "$STATUS" 1
is "which is told" "$(jq -r .state "$T/gone.out" | paste -sd ,)" offered,failed
is "and why" "$(jq -r 'select(.state == "failed") | .error | contains("alice")' "$T/gone.out")" true

earshot --name alice -q rooms 2>/dev/null
# shellcheck disable=SC2046 # a list of names
run_earshot gone-many --name bob --json put alice $(printf "$T/src/%s " $(seq "$N")) --timeout 60
PUT=$PID
wait_for "as many as can stand are offered" offered gone-many 32
new_hub
ends "$PUT"
is "neither do many, and those behind them, wait for ever" "$(says gone-many 'not everything was taken'; echo $?)" 1
check "they failed" test "$STATUS" -ne 0 -a "$STATUS" -ne 75

# The recipient comes later than the sender.
earshot --name alice -q rooms 2>/dev/null
run_earshot later --name bob --json put alice "$T/big" --timeout 60
PUT=$PID
wait_for "it is offered" offered later 1
new_hub
wait_for "the sender is there" says later "the hub is back"
try earshot --name alice get --dir "$T/one" --timeout 20
is "it is there when she comes" "$STATUS" 0
ends "$PUT"
is "its sender hears so" "$STATUS" 0
check "it is the same" cmp "$T/big" "$T/one/big"

# Both are there, and some of many have gone over.
run_earshot get --name alice --json get --dir "$T/many" --count "$N" --timeout 60
GET=$PID
wait_for "she is there" is_here alice
# shellcheck disable=SC2046
run_earshot many --name bob --json put alice $(printf "$T/src/%s " $(seq "$N")) --timeout 60
PUT=$PID
wait_for "some have come" done_ get 5
new_hub
ends "$GET"
is "all come" "$STATUS" 0
ends "$PUT"
is "and have gone" "$STATUS" 0
check "they are the same" diff -r "$T/src" "$T/many"
