#!/bin/bash
# The directory that knows the users is down: nobody gets a name because of that, not even with a uid
# that was another user's before; who is in /etc/passwd goes on. When it is back all is as it was.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"
# shellcheck source=../harness/directory.sh
. "${HARNESS:-$(dirname "$0")/../harness}/directory.sh"

EIO=5 EAGAIN=11 ENOENT=2

# A hub of its own that asks the directory.
start() { # DIR UID [OPTION...]
    local dir=$1 uid=$2
    shift 2
    install -d -o "$uid" -m 755 "$dir"
    as_known "$uid" "$BIN/earshotd" --dir "$dir" --ephemeral "$@" || exit 99
}

say() { # UID WORD...
    local uid=$1
    shift
    as_known "$uid" "$BIN/earshot" --hub "$HUB" --timeout 1 "$@"
}

cannot_join() { # UID
    ! say "$1" --name nightowl send ann hi 2>/dev/null
}

HUB=$T/hub
directory 0 ann 61001 bob 61002
start "$HUB" 61000 --mode open
try say 61001 send ann "a note to myself"
is "ann of the directory: exit status" "$STATUS" 0
say 61001 --name nightowl send ann "under another name"
is "her name is her login" "$(say 61001 who --all --json | jq -r 'select(.handle=="ann").uid')" 61001

for error in $EIO $EAGAIN; do
    directory "$error"
    wait_for "what was kept of its answers is over" cannot_join 61001
    for wanted in "" ann nightowl carol; do
        try say 61001 ${wanted:+--name $wanted} send ann hi
        is "errno $error, as \"$wanted\": exit status" "$STATUS" 75
        check "and why" has "$ERR" "cannot tell who has which login name"
    done
    try say 61003 --name ann send ann hi
    is "errno $error: nor does anybody else get it: exit status" "$STATUS" 75
    try say 0 send ann "from root"
    is "errno $error: who is in /etc/passwd goes on: exit status" "$STATUS" 0
done

# Meanwhile the uid was given to somebody else.
directory 0 carol 61001 bob 61002
try say 61001 --json history
is "the next user of the uid: exit status" "$STATUS" 0
is "reads nothing of the one before" "$OUT" ""
for wanted in ann nightowl; do
    try say 61001 --name "$wanted" send carol hi
    is "and is not called $wanted: exit status" "$STATUS" 77
done
directory 0 ann 61001
wait_for "what was kept of its answers is over" say 61001 --name ann send ann "back"
is "who had it has all of it" "$(say 61001 --json history | jq -r .text | tail -n 1)" back

# That there is no entry is an answer.
directory "$ENOENT"
try say 61005 send ann hi
is "no login name: exit status" "$STATUS" 0
is "the plain handle" "$(say 0 who --all --json | jq -r 'select(.uid==61005).handle')" uid61005
"$BIN/earshotd" --dir "$HUB" --stop

# A private hub has one user only.
HUB=$T/private
directory "$EIO"
start "$HUB" 61001 --mode private
try say 61001 send uid61001 "to myself"
is "one's own hub works without a directory: exit status" "$STATUS" 0
try say 61001 --name ann send uid61001 "under one's own name"
is "under any name: exit status" "$STATUS" 0
"$BIN/earshotd" --dir "$HUB" --stop
