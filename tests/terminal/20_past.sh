#!/usr/bin/env bash
# The past in the window: the last lines at joining, unread ones below a line, /history, /search,
# /reply.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

# in_order NAME TEXT...: the texts stand on the screen in this order.
in_order() {
    local name=$1 text rest
    shift
    rest=$(whole_lines "$name")
    for text; do
        [[ $rest == *"$text"* ]] || return 1
        rest=${rest#*"$text"}
    done
}

start_hub
terminal ann 100 40
terminal ben 100 40
chat ann ann '#ops'
sees "how long messages are kept" ann "-- messages are kept up to 64 MiB"
chat ben ben '#ops'
sees "they are together" ann "+ ben joined #ops"
enter ben "/query ann"
sees "nobody has spoken to ann" ben "[@ann]"
enter ben "/history"
sees "/history of nothing" ben "nothing was said in ann yet"
enter ben "/query #ops"
enter ann "the first line"
sees "ben has it" ben "#ops <ann> the first line"
check "no unread line for what is seen" hides ben "--- new ---"
enter ben "/reply an answer to it"
await "a reply shows what it is about" in_order ann "      > <ann> the first line" "#ops <ben> an answer to it"
await "on the other side, too" in_order ben "      > <ann> the first line" "#ops <ben> an answer to it"
enter ann "/reply to myself it is not"
await "the last message of others is meant" in_order ann "      > <ben> an answer to it" "<ann> to myself it is not"

# What was meant for one must not reach the room.
enter ann "/msg ben between us"
sees "ben is told something" ben "@ann <ann> between us"
enter ben "/reply a secret"
sees "an answer to that does not go to the room" ben "not sent: ann wrote to you alone: "
enter ben "/reply 1 said on purpose"
await "with a number it does" in_order ann "      > <ann> to myself it is not" "#ops <ben> said on purpose"
check "the room got nothing else" hides ann "a secret"

key ben C-d
sees "ben left" ann "- ben left"
enter ann "while you were away"
enter ann "/msg ben for you alone"
sees "whoever is not here gets it later" ann "ben is not here now; it waits for them"
enter ann "/msg ben and one more"
await "which is told once" shows_times ann "not here now" 1
chat ben ben '#ops'
await "the last lines, the unread ones below a line" in_order ben "<ann> the first line" \
    "      > <ann> the first line" "<ben> an answer to it" "--- new ---" "<ann> while you were away"
await "mail, too" in_order ben "--- new ---" "@ann <ann> for you alone" "@ann <ann> and one more"
await "nothing twice" shows_times ben "while you were away" 1
await "not the mail, either" shows_times ben "for you alone" 1
sees "who is in the room" ben "-- #ops: you and ann"
key ben C-d
await "ben has left" bottom_is ben '$'
chat ben ben '#ops'
sees "the next time" ben "<ann> while you were away"
sees "and who is there" ben "-- #ops: you and ann"
check "nothing is new" hides ben "--- new ---"

chat_lines() { # NAME: lines of talk on the screen
    whole_lines "$1" | grep -c '^[0-2][0-9]:[0-5][0-9] '
}

enter ann "/clear"
still_typed "an empty screen" ann "[#ops]"
enter ann "/history 2"
sees "/history" ann "what was said in #ops:"
await "so many, the oldest first" in_order ann "what was said in #ops:" \
    "<ann> to myself it is not" "<ann> while you were away" "2 messages; /history goes further back"
is "and no more" "$(chat_lines ann)" 2
enter ann "/history nine"
sees "a number is meant" ann "usage: /history [N]"

enter ann "/search first LINE"
await "/search finds with the date" in_order ann "$(date +%Y-%m-%d)" "#ops <ann> the first line" \
    "1 message found with: first LINE"
enter ann "/search nothingofthekind"
sees "/search finds nothing" ann "0 messages found with: nothingofthekind"
enter ann "/search"
sees "/search for what?" ann "usage: /search WORDS"

enter ann "/query ben"
still_typed "the conversation with ben" ann "[@ben]"
enter ben "/query ann"
sees "ben opens it" ben "[@ann]"
enter ben "one"
enter ben "two"
enter ben "three"
sees "ann has them" ann "@ben <ben> three"
enter ann "/clear"
still_typed "an empty screen" ann "[@ben]"
enter ann "/reply 3 to the third last"
await "/reply N" in_order ann "      > <ben> one" "@ben <ann> to the third last"
id=$(earshot --name ann history ben --json | jq -r 'select(.text == "two") | .id')
enter ann "/reply $id to the second"
await "/reply ID" in_order ann "      > <ben> two" "@ben <ann> to the second"
enter ann "/reply 99 red balloons"
await "a number that is none is text" in_order ann "      > <ben> three" "@ben <ann> 99 red balloons"
is "the reply carries the id" \
    "$(earshot --name ann history ben --json | jq -r 'select(.text == "to the second") | .reply_to')" "$id"
