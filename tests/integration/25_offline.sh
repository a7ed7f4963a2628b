#!/bin/bash
# Mail for somebody who is away: it comes at the next join, once, in order.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

STORED=yes
start_hub
exits 67 "a handle that never was here" earshot --name alice send bob hi
earshot --name bob -q who >/dev/null
for i in 1 2 3; do
    try earshot --name alice --json send bob "away $i"
    check "mail $i is stored" json '.state == "stored" and .seq > 0' "$OUT"
done
exits 67 "a mistyped handle" earshot --name alice send bobb hi
check "the error names the near one" has "$ERR" bob
exits 75 "nobody has read it" earshot --name alice send bob more --wait delivered --timeout 0.5

has_sessions() { # HANDLE N
    [ "$(earshot who --json | jq "select(.handle == \"$1\") | .sessions | length")" = "$2" ]
}

taken() { # NAME N [WORD...]: N messages, as texts
    local name=$1 n=$2
    shift 2
    earshot --name "$name" --json tail --count "$n" --timeout 20 "$@" | jq -r .text | paste -sd ,
}
is "it comes at the next join, in order" "$(taken bob 4)" "away 1,away 2,away 3,more"
exits 75 "and only once" earshot --name bob tail --timeout 0.5

earshot --name alice send bob one two
earshot --name alice send bob three
is "one of two is taken" "$(taken bob 1)" "one two"
is "the other one waits" "$(taken bob 1)" three

for i in 1 2 3; do earshot --name alice send bob "crash $i"; done
run_earshot killed --name bob tail --json --count 3
ends "$PID"
is "the three come" "$(jq -r .text "$T/killed.out" | paste -sd ,)" "crash 1,crash 2,crash 3"
kill -9 "$HUB_PID"
ends "$HUB_PID"
earshot --name alice send bob gone 2>/dev/null
check "no hub: exit status 69" test $? -eq 69
start_hub
earshot --name alice send bob later
is "what was taken before a crash of the hub is not lost, and what comes later comes" \
    "$(taken bob 1 --since "$(tail -n 1 "$T/killed.out" | jq .seq)")" later

for i in 1 2; do earshot --name alice send bob "restart $i"; done
stop_hub
start_hub
is "mail outlives a stop of the hub" "$(taken bob 2 --since "$(earshot --name bob history alice --json |
    jq -r 'select(.text == "later") | .seq')")" "restart 1,restart 2"

run_earshot first --name dave tail --json
run_earshot second --name dave tail --json
wait_for "dave is here" is_here dave
wait_for "dave is here twice" has_sessions dave 2
earshot --name alice send dave both
wait_for "the first session sees it" has_lines "$T/first.out" 1
wait_for "the second one too" has_lines "$T/second.out" 1
kill "${STARTED[@]: -2}"
wait "${STARTED[@]: -2}" 2>/dev/null
exits 75 "it does not come again" earshot --name dave tail --timeout 0.5

earshot --name alice send dave 'for later'
earshot --name carol send dave 'from carol'
is "tail CONV takes what it prints" "$(taken dave 1 carol)" "from carol"
is "and leaves the rest" "$(taken dave 1 alice)" "for later"

run_earshot wait --name alice --json send dave receipt --wait read --timeout 20
wait_for "it is on its way" eval \
    'earshot --name alice history dave --json | jq -e "select(.text == \"receipt\")" >/dev/null'
is "with what was left before, in order" "$(taken dave 2)" "from carol,receipt"
ends "$PID"
check "the sender hears that it was read" json '.state == "read"' "$(cat "$T/wait.out")"
