#!/usr/bin/env bash
# Where a handle is not the login that it belongs to, the window says so: once, and in /who.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

if [ "$(id -u)" -ne 0 ]; then
    echo "SKIPPED: needs a second user, and so root"
    exit 77
fi

as_nobody() { # WORD...: what the command earshot gets
    HOME="$T" setpriv --reuid=nobody --regid=nogroup --clear-groups \
        timeout -k 5 60 "$BIN/earshot" --hub "$HUB" "$@"
}

chmod a+x "$T" "$(dirname "$T")"
start_hub --mode open
terminal ann 100 30
chat ann ann '#ops'
sees "ann is alone" ann "#ops: nobody else is here yet"
# A line waits for a login only for a moment, and it is told later then; one that was told is known.
as_nobody --name anton send ann "the first of nobody"
sees "the login of another user" ann "(login nobody)"
as_nobody --name carol send ann "hello from nobody"
sees "a handle that is not the login" ann "carol (login nobody) writes"
sees "before its first message" ann "<carol> hello from nobody"
as_nobody --name carol send ann "and again"
sees "another message" ann "<carol> and again"
check "it is told once" shows_times ann "carol (login nobody)" 1
as_nobody send ann "under one's own name"
sees "a handle that is the login" ann "<nobody> under one's own name"
check "needs no remark" hides ann "nobody (login"
earshot --name dora send ann "another handle of ann's own login"
sees "one's own handles" ann "<dora> another handle"
check "need none either" hides ann "dora (login"

as_nobody --name erik chat '#ops' </dev/null >/dev/null 2>&1
sees "who comes" ann "+ erik (login nobody) joined #ops"
enter ann "/who #ops"
sees "/who tells it each time" ann "erik (login nobody)"
