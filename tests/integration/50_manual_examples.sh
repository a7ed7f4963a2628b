#!/bin/bash
# The EXAMPLES of earshot(1) do what they say: each display is run as it stands, in a directory with
# the files that it names, while bob and carol are here. One that is marked "test: listens" gets
# messages and has to print something.
# shellcheck source=tests/harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

page=$(dirname "$0")/../../client/man/earshot.1

# Writes $T/example-NN.sh and, for those that listen, $T/example-NN.listens.
extract() {
    awk -v to="$T/example-" '
        /^\.Sh/ { is_examples = $2 == "EXAMPLES" }
        !is_examples { next }
        /^\.\\" test: listens/ { listens = 1 }
        /^\.Bd -literal/ {
            name = sprintf("%s%02d", to, ++n)
            if (listens) print "" >(name ".listens")
            listens = 0
            is_code = 1
            next
        }
        /^\.Ed/ { is_code = 0 }
        is_code {
            gsub(/\\\(aq/, "\047"); gsub(/\\-/, "-"); gsub(/\\&/, ""); gsub(/\\e/, "\\")
            print >(name ".sh")
        }' "$page"
}

example() { # FILE: as a user would type it
    (cd "$T/home" && HOME=$T/home EARSHOT_HUB=$HUB PATH=$BIN:$PATH \
        exec timeout -k 5 60 bash -eu -o pipefail "$1" </dev/null)
}

me=$(id -un 2>/dev/null) || me=user-$(id -u)

# Messages of every kind, until it has printed something or the time is up.
feed() { # NAME
    earshot --name bob send "$me" "the disk is full" 2>/dev/null
    earshot --name bob send '#ops' "the disk is full"
    [ -s "$T/$1.out" ]
}

listen() { # NAME FILE
    run "$1" example "$2"
    wait_for "it prints what arrives" feed "$1" && STATUS='' check "it prints what arrives" true
    is "it has nothing to complain about" "$(cat "$T/$1.err")" ''
    ended=()
    end_tree "$PID"
    wait_for "its processes end" have_ended
}

have_ended() {
    local pid
    for pid in "${ended[@]}"; do
        [[ $(ps -o stat= -p "$pid") == @(|Z*) ]] || return 1
    done
}

end_tree() { # PID: and its children, which the shell would leave behind; meanwhile it starts none
    local child
    ended+=("$1")
    kill -STOP "$1" 2>/dev/null
    for child in $(ps -o pid= --ppid "$1"); do end_tree "$child"; done
    kill "$1" 2>/dev/null
    kill -CONT "$1" 2>/dev/null
}

extract
mkdir "$T/home"
echo "all is well" >"$T/home/report.txt"
printf 'all:\n\t@echo one; echo two\n' >"$T/home/Makefile"
start_hub
run_earshot bob --name bob tail
run_earshot carol --name carol tail
run_earshot ops --name carol tail '#ops' '#build' '#lunch'
wait_for "bob is here" is_here bob
wait_for "carol is here" is_here carol
wait_for "there is #build" has_members '#build' 1
for file in "$T"/example-*.sh; do
    name=$(basename "$file" .sh)
    echo "# $(paste -s -d ';' "$file")"
    if [ -e "$T/$name.listens" ]; then
        listen "$name" "$file"
    else
        try example "$file"
        check "it ends well" test "$STATUS" -eq 0
        check "it has nothing to complain about" test -z "$ERR"
    fi
done
check "there are examples" test -e "$T/example-10.sh"
wait_for "bob got the message" grep -q 'lunch?' "$T/bob.out"
wait_for "and the one for several" grep -q 'restarts at noon' "$T/bob.out"
wait_for "carol as well" grep -q 'restarts at noon' "$T/carol.out"
wait_for "the report is in the room" grep -q '#ops <.*> all is well' "$T/ops.out"
wait_for "and each line of make" grep -q '#build <.*> two' "$T/ops.out"
check "the door was heard" test ! -e "$T/home/missed.txt" -o ! -s "$T/home/missed.txt"
check "the project's hub is gone" test ! -e "$T/home/project/hub/hub"
