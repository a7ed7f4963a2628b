#!/usr/bin/env bash
# Where the past ends: at the beginning of a conversation, or at what is not kept any more.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

SHIM=$BIN/../tests/fault/clock_shim.so
if [ -n "${SANITIZE-}" ] || [ ! -e "$SHIM" ]; then
    echo "SKIPPED: needs clock_shim.so, in a build without a sanitizer"
    exit 77
fi
export CLOCK_SHIFT=$T/shift
STORED=yes

# What is said now was said 23 hours ago: the hub alone sees another time.
echo -82800 >"$CLOCK_SHIFT"
others=${LD_PRELOAD-}
export LD_PRELOAD=$SHIM${others:+:$others}
start_hub --keep-days 1
LD_PRELOAD=$others
terminal ann 120 30
chat ann ann '#ops'
sees "how long is told" ann "-- messages are kept for 1 day, and up to 4 GiB"
enter ann "/history"
sees "nothing was said" ann "nothing was said in #ops yet"
earshot --name ben send '#ops' "the oldest that is kept"
sees "somebody speaks" ann "<ben> the oldest that is kept"
enter ann "/history"
sees "it is as old as messages are kept" ann "1 message; what was before in #ops, if anything, is not kept any more: messages are kept for 1 day, and up to 4 GiB"
echo 0 >"$CLOCK_SHIFT"
enter ann "/join #new"
sees "a room" ann "#new: nobody else is here yet"
enter ann "the first word"
sees "somebody speaks" ann "#new <ann> the first word"
enter ann "/history"
sees "it is new" ann "1 message; this is the beginning of #new, as far as it is kept: for 1 day, and up to 4 GiB"
