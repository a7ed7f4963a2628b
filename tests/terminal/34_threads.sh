#!/usr/bin/env bash
# Replies in the window: their numbers, by which they are named, and /thread; /claims.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

in_order() {
    local name=$1 text rest
    shift
    rest=$(whole_lines "$name")
    for text; do
        [[ $rest == *"$text"* ]] || return 1
        rest=${rest#*"$text"}
    done
}

has_claim() { # NAME
    has "$(earshot claims)" "$1"
}

start_hub
for name in ann ben; do
    terminal "$name" 90 30
    chat "$name" "$name" '#ops'
done
wait_for "both are in" has_members '#ops' 2

enter ann "is it up?"
sees "ben reads it" ben "<ann> is it up?"
enter ben "/reply yes"
await "a reply has a number" in_order ann "> <ann> is it up? [10]" "#ops <ben> yes"
await "and one's own, too, at its end" in_order ben "#ops <ben> yes" "[10]"
enter ann "tea?"
sees "ben reads that, too" ben "<ann> tea?"
enter ann "/reply 10 since when?"
await "by which it is named" in_order ben "> <ben> yes [11]" "#ops <ann> since when?"
enter ben "/reply 1 since noon"
await "smaller ones count back" in_order ann "> <ann> since when? [12]" "<ben> since noon"
enter ann "/reply 99 percent of it"
await "one that was not shown is text" in_order ben "> <ben> since noon [13]" "<ann> 99 percent of it"

enter ann "/reply 10 and until when?"
await "by one's own number, it is in the thread, too" in_order ben "> <ben> yes [14]" \
    "<ann> and until when?"
enter ben "/clear"
enter ben "/thread 11"
await "/thread shows what it began with, and the replies" in_order ben "the thread in #ops:" \
    "<ann> is it up?" "<ben> yes" "<ann> since when?" "<ben> since noon" "<ann> 99 percent of it" "<ann> and until when?"
check "and nothing else" hides ben "<ann> tea?"
enter ben "/thread 77"
sees "of one that was not shown" ben "no such reply was shown here"

run_earshot claim --name ann claim gpu0 --note "until six"
wait_for "it is claimed" has_claim gpu0
enter ben "/claims"
sees "/claims" ben "gpu0: ann has it"
