# Clients of `earshot irc`, for tests that have shell.sh: the door listens on 127.0.0.1:$PORT.
# shellcheck shell=bash

# connect FD NICK [CAP...]: a client on that descriptor, whose lines are in $T/FD.in
connect() {
    local fd=$1 nick=$2
    shift 2
    eval "exec $fd<>/dev/tcp/127.0.0.1/$PORT"
    : >"$T/$fd.in"
    cat <&"$fd" >"$T/$fd.in" &
    STARTED+=("$!")
    [ $# -eq 0 ] || say "$fd" "CAP REQ :$*"
    say "$fd" "NICK $nick"
    say "$fd" "USER me 0 * :me myself"
    [ $# -eq 0 ] || say "$fd" "CAP END"
    wait_for "$nick is welcome" heard "$fd" " 376 "
}

say() { # FD LINE
    printf '%s\r\n' "$2" >&"$1"
}

heard() { # FD TEXT
    grep -qF -- "$2" "$T/$1.in"
}

hears() { # FD TEXT
    wait_for "hears: $2" heard "$1" "$2"
    STATUS='' check "hears: $2" heard "$1" "$2"
}

is_open() {
    (exec 9<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null
}
