#!/usr/bin/env bash
# What made real users stumble in an hour of use: names without their sign, a refused file and the
# line after it, a hub that comes back, an answer that is only the newest part, an end that says more
# than is so.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

start_hub
terminal ann 100 30
terminal ben 100 30
chat ben ben '#ops'
chat ann ann '#ops'
sees "the room is entered" ann "#ops: you and ben"
check "the hub's name stands apart" shows ann 'hub "'

enter ann "/put nothing-there"
sees "a file that is not there" ann "cannot read nothing-there"
enter ann "no detour"
sees "the next line is not held: it cannot be meant for elsewhere" ben "#ops <ann> no detour"
enter ann "/join #ops key"
sees "a refused way elsewhere" ann "not joined"
enter ann "held once"
sees "holds the next line" ann "not sent yet, for the command before it was not done"
key ann Enter
sees "once" ben "#ops <ann> held once"

enter ann "/q ops"
sees "a room without its sign" ann "there is nobody called ops; near: #ops"
key ann C-u
enter ann "/mute ops"
sees "is muted" ann "#ops is not shown while you are elsewhere"
enter ann "/notify ops off"
sees "and asked about" ann "#ops does not ring, and is not in the prompt, but for what names you"
enter ann "/unmute ops"
sees "and shown again" ann "#ops rings as /bell says"
enter ann "/msg #nowhere hi"
sees "a message makes no room here" ann "#nowhere is no room; /join makes it"

seq 30 | sed 's/^/walrus /' | earshot --name ben send --lines '#ops'
sees "much is said" ann "walrus 30"
enter ann "/search walrus"
sees "what was found is only the newest" ann "the newest 20 messages with: walrus"
enter ann "/search walrus 29"
sees "or all" ann "1 message found with: walrus 29"
enter ann "/status"
sees "the hub's counters, in lines" ann "-- counters: "
check "but not the limits" hides ann "limit_"

mkdir "$T/dir"
touch "$T/dir/file"
enter ben "/put ann $T/dir"
sees "a directory" ann "ben offers dir/ ("
enter ann "/decline"
sees "is refused" ben "ann does not want dir"

kill -9 "$HUB_PID"
sees "the hub is gone" ann "the hub is gone"
sees "for both" ben "the hub is gone"
"$BIN/earshotd" --dir "$HUB" --ephemeral >>"$T/hub.log" 2>&1
HUB_PID=$(earshot status --json | jq -r .pid)
SEEN+=("$HUB_PID")
sees "it is back" ann "the hub is back"
sees "for both" ben "the hub is back"
wait_for "both are here" has_members '#ops' 2
enter ben "and on"
sees "talk goes on" ann "#ops <ben> and on"
check "who never left does not come" hides ann "ben came"
check "nor does he join" hides ann "ben joined #ops"
run_earshot cleo --name cleo tail
sees "but somebody else does" ann "cleo came"

run_earshot dan --name dan tail
sees "one more" ann "dan came"
kill -STOP "$HUB_PID"
kill -9 "$PID"
run_earshot again --name dan tail
kill -CONT "$HUB_PID"
is_dan_anew() {
    [ "$(earshot who --json | jq "select(.handle == \"dan\") | .sessions[].pid")" = "$PID" ]
}
wait_for "he is there again" is_dan_anew
run_earshot eve --name eve tail
sees "then another one" ann "eve came"
check "who leaves and comes in a moment did neither" hides ann "dan left"

key ben C-d
await "who leaves" bottom_is ben '$'
check "hears nothing of what was refused" hides ben "is not offered to ann any more"
