#!/usr/bin/env bash
# A direct conversation of several in the window: it is made by /msg and /query, talked in, muted,
# completed, left, and found again.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

start_hub
earshot --name cho who >/dev/null
terminal ann 110 30
terminal ben 110 30
chat ann ann
chat ben ben
enter ann "/msg ben,cho hello both"
sees "what is said stands under its name" ann "<ann> hello both"
sees "the other one hears it, with a mark for what is for him" ben "@ann,ben,cho <ann> hello both"
enter ben "/query cho,ann"
await "and goes there" bottom_is ben "[@ann,ben,cho]"
enter ben "I am here"
sees "it is the same one" ann "@ann,ben,cho <ben> I am here"
is "who is away has it, too" \
    "$(earshot --name cho --json history @ann,ben | jq -r .text | paste -sd,)" "hello both,I am here"
enter ann "/rooms"
sees "it is listed" ann "@ann,ben,cho, 3 members, joined"
enter ann "/mute @ann,ben,cho"
sees "and muted" ann "@ann,ben,cho is not shown while you are elsewhere"
enter ben "/part"
sees "left" ben "you left @ann,ben,cho"
enter ann "/query ben,nobody-here"
sees "with somebody who is nobody there is none" ann "nobody-here is nobody's handle"
finish_terminals
