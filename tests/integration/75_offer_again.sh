#!/bin/bash
# The hub dies after a file was offered to it and before it has answered: the offer is made again.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

head -c 100000 /dev/urandom >"$T/content"
mkdir "$T/dst"
mkfifo "$T/go"
# shellcheck disable=SC2034 # a failed check shows them
OUT='' ERR=''

# Messages of this process, in a queue that nobody reads.
waits_in_a_queue() { # PID
    awk -v pid="$1" '$6 == pid && $5 > 0 { found = 1 } END { exit !found }' /proc/sysvipc/msg
}
has_joined() { # PID
    [ "$(earshot inspect --json 2>/dev/null |
        jq -r 'select(.handle == "alice") | .process.pid')" = "$1" ]
}
is_stopped() { # PID: all threads; the signal takes a moment
    ! grep -h ^State: "/proc/$1/task/"*/status | grep -qv T
}
says() { # NAME TEXT
    grep -qs -F -e "$2" "$T/$1.err"
}
offered() { # NAME
    grep -qs '"state":"offered"' "$T/$1.out"
}

# `put`, whose offer is in the queue of a hub that does not read it. What is offered is a pipe, so
# that nothing is before we say so: put opens it to look at it, and waits for somebody to write.
offer_to_a_dying_hub() { # NAME [OPTION...]
    local name=$1
    shift
    mkfifo "$T/$name.pipe"
    run_earshot "$name" --name alice --json put bob "$T/$name.pipe" "$@"
    PUT=$PID
    wait_for "its sender has joined" has_joined "$PUT"
    kill -STOP "$HUB_PID"
    wait_for "the hub reads nothing" is_stopped "$HUB_PID"
    run writer bash -c "exec 9>'$T/$name.pipe'; read -r _ <'$T/go'; exec cat '$T/content' >&9"
    wait_for "the offer waits for the hub" waits_in_a_queue "$PUT"
    kill -KILL "$HUB_PID"
    wait_for "the hub's death is seen" says "$name" "the hub is gone"
}

export STORED=yes
start_hub
earshot --name bob -q rooms 2>/dev/null
offer_to_a_dying_hub put
check "nothing is offered" test ! -s "$T/put.out"
start_hub
wait_for "it is offered to the next one" offered put
run_earshot get --name bob --json get --dir "$T/dst" --timeout 20
wait_for "the recipient has come" grep -qs '"state":"running"' "$T/get.out"
echo go >"$T/go"
ends "$PID"
is "get ends well" "$STATUS" 0
ends "$PUT"
is "put, too" "$STATUS" 0
is "it was offered once" "$(jq -r .state "$T/put.out" | paste -sd ,)" offered,running,done
check "it is the same" cmp "$T/content" "$T/dst/put.pipe"

offer_to_a_dying_hub late --timeout 1
ends "$PUT"
is "it does not wait for a hub longer than it may" "$STATUS" 75

start_hub
offer_to_a_dying_hub refused
rm -r "$HUB/state"
start_hub
ends "$PUT"
is "what the next hub refuses is told" "$STATUS" 67
check "and why" says refused bob
