#!/usr/bin/env bash
# Two people in two terminals: rooms, direct messages, presence, the bell.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

rang() { # NAME
    [ "$(tm display-message -p -t "$1" '#{window_bell_flag}')" = 1 ]
}

# Everybody of the crowd, by name or counted.
all_told() {
    [ "$(whole_lines ann | awk '/crowd.*joined #ops/ {
        n += gsub(/crowd/, "")
        if (match($0, /and [0-9]+ others/)) n += substr($0, RSTART + 4)
    } END { print n + 0 }')" -ge 9 ]
}

quiet() { # NAME
    ! rang "$1"
}

start_hub
terminal ann 100 40
terminal ben 100 40
chat ann ann '#ops'
sees "ann is alone" ann "#ops: nobody else is here yet"
chat ben ben '#ops'
sees "ben sees ann" ben "#ops: you and ann"
sees "ann sees ben come, on one line" ann "+ ben joined #ops"
await "and not twice" hides ann "ben came"
enter ann "hello ben"
sees "ben reads it" ben "#ops <ann> hello ben"
sees "ann sees it as ben does" ann "#ops <ann> hello ben"
enter ben "/me waves"
sees "an action" ann "#ops * ben waves"
enter ann "/topic keep it running"
sees "a topic" ben "ann set the topic of #ops: keep it running"
sees "for oneself, too" ann "topic of #ops: keep it running"
chat_time=$(whole_lines ann | grep -F 'hello ben' | cut -c 1-5)
check "lines begin with the time" test "${chat_time/:/}" -ge 0

enter ann "/msg ben between us"
sees "a direct message" ben "@ann <ann> between us"
sees "one's own" ann "@ben <ann> between us"
enter ben "/query ann"
still_typed "the prompt says to whom" ben "[@ann]"
enter ben "an answer"
sees "an answer" ann "@ben <ben> an answer"

enter ann "/msg benn hello?"
sees "a wrong name is refused" ann "not delivered to benn: benn is nobody's handle"
sees "and those that are near are named" ann "near benn: ben"

enter ben "/away lunch"
sees "away" ann "ben is away: lunch"
enter ann "/msg ben are you there?"
sees "whoever writes is told" ann "-- ben is away: lunch"
enter ann "/who"
sees "/who tells, too" ann ", away: lunch"
enter ben "/back"
sees "back" ann "+ ben is back"
enter ann "/rooms"
sees "/rooms" ann "#ops, 2 members, joined: keep it running"

enter ben "/nick benny"
sees "another handle" ann "= ben is now known as benny"
sees "for oneself" ben "you are now known as benny"
enter ben "/msg ann it is me"
await "which is neither leaving nor joining" hides ann "left #ops"
sees "under the new handle" ann "@benny <benny> it is me"
enter ben "/msg nobody-at-all hello"
sees "a refusal names the text" ben 'not delivered to nobody-at-all'
await "with the text" shows ben '("hello")'

enter ann "/ignore benny"
sees "/ignore" ann "ignored: benny"
enter ben "/msg ann not to be seen"
enter ben "/query #ops"
enter ben "nor this"
enter ann "/unignore benny"
sees "/unignore" ann "you see benny again"
enter ben "but this"
sees "it is seen again" ann "#ops <benny> but this"
await "what was ignored is not" hides ann "not to be seen"

tm set-option -g bell-action any
tm new-window -d -t ann
tm select-window -t ann:1
tm select-window -t ann:0
tm select-window -t ann:1
enter ben "nothing special"
sees "an ordinary message" ann:0 "#ops <benny> nothing special"
check "an ordinary message does not ring" quiet ann:0
enter ben "but Ann, look"
await "a mention rings" rang ann:0
tm select-window -t ann:0
enter ann "/bell dm"
sees "/bell dm" ann "the bell rings for direct messages"
check "the terminal has been looked at" quiet ann:0
tm select-window -t ann:1
enter ben "ann again"
sees "a mention" ann:0 "#ops <benny> ann again"
check "does not ring any more" quiet ann:0
enter ben "/msg ann psst"
await "a direct message rings" rang ann:0
tm select-window -t ann:0

enter ben "/part"
sees "part" ann "- benny left #ops"
still_typed "nowhere to go" ben ">"
enter ben "/join ops"
sees "join" ann "+ benny joined #ops"
key ben C-d
sees "leaving" ann "- benny left #ops"
mkfifo "$T/keyboard"
exec 8<>"$T/keyboard"
for i in 1 2 3 4 5 6 7 8 9; do
    "$BIN/earshot" --hub "$HUB" --name "crowd$i" chat '#ops' <"$T/keyboard" >"$T/crowd$i.out" 2>&1 &
    STARTED+=("$!")
    SEEN+=("$!")
done
wait_for "they are here; ben and benny are members still" has_members '#ops' 12
sees "many who join are few lines" ann " joined #ops"
await "all of them are told of" all_told
check "many who join are few lines" test "$(whole_lines ann | grep -c 'crowd.*joined #ops')" -le 5
enter ann "/clear"
still_typed "/clear" ann "[#ops]"
is "nothing else is on the screen" "$(screen ann | grep -c .)" 1
