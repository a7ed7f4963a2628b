#!/usr/bin/env bash
# The directory of users does not answer: the window goes on, and tells the logins when it does.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

SHIM=$BIN/../tests/fault/login_shim.so
if [ "$(id -u)" -ne 0 ]; then
    echo "SKIPPED: needs a second user, and so root"
    exit 77
fi
if [ -n "${SANITIZE-}" ] || [ ! -e "$SHIM" ]; then
    echo "SKIPPED: needs login_shim.so, in a build without a sanitizer"
    exit 77
fi

as_nobody() { # WORD...: what the command earshot gets
    HOME="$T" setpriv --reuid=nobody --regid=nogroup --clear-groups \
        timeout -k 5 60 "$BIN/earshot" --hub "$HUB" "$@"
}

chmod a+x "$T" "$(dirname "$T")"
start_hub --mode open
touch "$T/gate"
terminal ann 100 30
enter ann "export LD_PRELOAD=$SHIM LOGIN_GATE=$T/gate"
chat ann ann '#ops'
sees "ann is alone" ann "#ops: nobody else is here yet"
type_in ann "half a"
as_nobody --name carol send ann "hello from nobody"
sees "a message comes while nobody can say whose it is" ann "<carol> hello from nobody"
type_in ann " line"
still_typed "typing goes on" ann "[#ops] half a line"
check "nothing false is said of the login" hides ann "(login"
as_nobody --name erik send ann "another handle"
sees "another handle writes" ann "<erik> another handle"
key ann C-u
enter ann /who
sees "a question is answered" ann "ann (you)"
rm "$T/gate"
sees "the login is told when it is known" ann "carol is carol (login nobody)"
sees "that of each" ann "erik is erik (login nobody)"
as_nobody --name carol send ann "and again"
sees "another message" ann "<carol> and again"
check "is not told again" shows_times ann "carol is carol" 1
as_nobody --name dora send ann "a new handle"
sees "and a new one at once" ann "dora (login nobody) writes"
touch "$T/gate"
enter ann /quit
await "the window ends" bottom_is ann '$'
