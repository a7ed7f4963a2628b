#!/bin/bash
# `wall`: to everybody who is here, from those who may.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

start_hub
for who in ann ben; do
    run_earshot "$who" --name "$who" tail --json
    wait_for "$who is here" is_here "$who"
done
earshot --name cleo send ann "known"
try earshot wall 'the machine goes down at' 17:00
check "the hub's owner may" test "$STATUS" -eq 0
wait_for "ann has it" has_lines "$T/ann.out" 2
wait_for "ben has it" has_lines "$T/ben.out" 1
is "the text" "$(jq -r .text "$T/ben.out")" "the machine goes down at 17:00"
is "as a notice" "$(jq -r .kind "$T/ben.out")" notice
try earshot --name cleo tail --json --timeout 0.5
is "who was not here gets nothing later" "$OUT" ""
exits 65 "an empty notice" earshot wall ''
exits 65 "a notice that is too long" earshot wall "$(printf '%05000d' 1)"
exits 64 "no notice" earshot wall

if [ "$(id -u)" -ne 0 ]; then
    echo "# another user is needed for the rest"
    exit 0
fi
stop_hub
wait_for "ann has noticed" grep -q 'is gone' "$T/ann.err"
chmod 755 "$T"
HUB=$T/open
start_hub --mode open --wall-group nogroup
as() { # USER WORD...
    local user=$1
    shift
    timeout 60 setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups \
        "$BIN/earshot" --hub "$HUB" "$@"
}
if ! as daemon who >/dev/null 2>&1; then
    echo "# the programs cannot be reached by another user here"
    exit 0
fi
run_earshot dora --name dora tail --json
wait_for "dora is here" is_here dora
exits 77 "a stranger may not" as daemon wall "from a stranger"
try as nobody wall "from the group"
check "a member of the hub's --wall-group may" test "$STATUS" -eq 0
wait_for "dora has it" has_lines "$T/dora.out" 1
is "and only that" "$(jq -r .text "$T/dora.out")" "from the group"
