#!/bin/bash
# The directory that knows the users does not answer: who asks for it waits, however many they are,
# and nobody else does. A hub that is to stop does not wait for it, either.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"
# shellcheck source=../harness/directory.sh
. "${HARNESS:-$(dirname "$0")/../harness}/directory.sh"

N=12 # users who wait for it

say() { # UID WORD...
    local uid=$1
    shift
    as_known "$uid" "$BIN/earshot" --hub "$HUB" "$@"
}

talk() {
    {
        echo first
        read -r _ <"$T/go"
        echo second
    } | say 61001 send --lines bob
}

is_said() { # TEXT
    grep -qxF -- "$1" "$T/bob.out"
}

n_waiting() { # of the hub's threads, in the directory
    ps -L -o wchan= -p "$HUB_PID" | grep -c nanosleep
}

all_wait() {
    [ "$(n_waiting)" -ge "$N" ]
}

directory 0 ann 61001 bob 61002
install -d -o 61000 -m 755 "$HUB"
as_known 61000 "$BIN/earshotd" --dir "$HUB" --ephemeral --mode open || exit 99
HUB_PID=$(say 0 status --json | jq -r .pid)
SEEN+=("$HUB_PID")
mkfifo "$T/go"
run bob as_known 61002 "$BIN/earshot" --hub "$HUB" tail --count 3 --jq .text
bob=$PID
wait_for "bob is here" is_here bob
run ann talk
ann=$PID
wait_for "they talk" is_said first

: >"$PASSWD_SHIM.hangs"
for ((i = 0; i < N; i++)); do
    run "waiting$i" as $((61010 + i)) "$BIN/earshot" --hub "$HUB" --timeout 60 send bob hi
done
wait_for "all of them wait for the directory" all_wait
echo >"$T/go"
wait_for "who is here is not in their way" is_said second
try as 0 "$BIN/earshot" --hub "$HUB" --timeout 10 send bob "from root"
is "nor is who joins and is in /etc/passwd: exit status" "$STATUS" 0
wait_for "it arrives" is_said "from root"
exec
ends "$ann"
is "who had joined ends, too: exit status" "$STATUS" 0
ends "$bob"
is "and whom it wrote to: exit status" "$STATUS" 0
try timeout 5 "$BIN/earshotd" --dir "$HUB" --stop
is "the hub stops all the same: exit status" "$STATUS" 0
HUB_PID=
rm "$PASSWD_SHIM.hangs"
