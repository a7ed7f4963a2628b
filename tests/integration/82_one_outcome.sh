#!/bin/bash
# The same thing goes wrong in a command and in the window: code, exit status and reason are one.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

start_hub
run_earshot bob --name bob tail
wait_for "bob is here" is_here bob

# same WHAT LINE WORD...: the line in a window without a terminal, the words as a command.
same() {
    local what=$1 line=$2 status code reason
    shift 2
    try earshot --name alice --json "$@" </dev/null
    status=$STATUS code=$(jq -rs '.[0].code' <<<"$ERR") reason=$(jq -rs '.[0].text' <<<"$ERR")
    check "$what: the command fails" test "$STATUS" -ne 0 -a -n "$reason"
    try earshot --name alice --json chat <<<"$line"
    is "$what: exit status" "$STATUS" "$status"
    is "$what: code" "$(jq -rs '.[0].code' <<<"$ERR")" "$code"
    check "$what: reason" has "$(jq -rs '.[0].text' <<<"$ERR")" "$reason"
}

same "nobody has the handle" "/msg nobodyhere hello" send nobodyhere hello
same "a room that is not there" "/topic #nowhere x" topic '#nowhere' x
try "$BIN/earshot" --hub "$T/none" --json who
same_code=$(jq -r .code <<<"$ERR") same_text=$(jq -r .text <<<"$ERR") same_status=$STATUS
try "$BIN/earshot" --hub "$T/none" --json chat <<<'hello'
is "no hub: exit status" "$STATUS" "$same_status"
is "no hub: code" "$(jq -r .code <<<"$ERR")" "$same_code"
is "no hub: reason" "$(jq -r .text <<<"$ERR")" "$same_text"
