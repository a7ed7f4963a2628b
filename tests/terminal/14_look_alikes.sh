#!/usr/bin/env bash
# Rooms that look like each other, and a room whose name is freed: those who are in it are told.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

start_hub
terminal ann 100 30
chat ann ann '#ops'
sees "ann is alone" ann "#ops: nobody else is here yet"
terminal bob 100 30
chat bob bob '#0ps'
sees "a room that looks like another" bob "#0ps is not #ops, which looks like it"
enter bob "/join #ops"
sees "the other one, too" bob "#ops is not #0ps, which looks like it"
check "who was there first is not told" shows_times ann "looks like it" 0

earshot --name boss release '#ops'
sees "a room that is called otherwise" ann "#ops is called #ops.$(id -u) now"
sees "the prompt follows" ann "[#ops.$(id -u)]"
enter ann "still here?"
sees "and those who are in it go on" bob "#ops.$(id -u) <ann> still here?"
kill -KILL "$HUB_PID"
sees "the hub dies" ann "the hub is gone"
"$BIN/earshotd" --dir "$HUB" --ephemeral >>"$T/hub.log" 2>&1
HUB_PID=$(earshot status --json | jq -r .pid)
SEEN+=("$HUB_PID")
sees "the hub is back" ann "the hub is back"
sees "for both" bob "the hub is back"
enter ann "and now?"
sees "each is in the room that it was in" bob "#ops.$(id -u) <ann> and now?"
check "and in no room of the old name" hides bob "#ops <ann>"
