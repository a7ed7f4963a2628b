#!/bin/bash
# Completion in fish, which tells what it would offer: commands, options, handles, rooms and paths.
# shellcheck source=tests/harness/completion.sh
. "${HARNESS:-$(dirname "$0")/../harness}/completion.sh"

# shellcheck disable=SC2016 # $argv is fish's
offered() { # TYPED: what it becomes, one candidate a line, without the descriptions
    HOME=$T PATH=$BIN:$PATH EARSHOT_HUB=$HUB fish --no-config \
        -c 'source $argv[1]; complete -C "earshot $argv[2]"' "$COMPLETION/earshot.fish" "$1" |
        cut -f 1 | sort | paste -s -d ' '
}

offers() { # TYPED CANDIDATES
    STATUS='' check "\"$1\" becomes \"$2\"" test "$(offered "$1")" = "$2"
}

need_shell fish
start_people
offers 'sen' 'send'
offers 'send --wai' '--wait'
offers 'send --wait del' 'delivered'
offers 'send --wait=del' '--wait=delivered'
offers '--no-c' '--no-color'
offers 'send bo' 'bob'
offers 'send bob,ca' 'bob,carol'
offers 'send ' '#lunch #ops bob carol'
offers 'chat \#o' '#ops'
offers "send '#lu" '#lunch'
offers 'help insp' 'inspect'
offers "--hub $T/paths/di" "$T/paths/directory/"
offers 'nonsense bo' ''
offers "--hub $T/no-hub send bo" ''
check "asking starts no hub" test ! -e "$T/no-hub"
stop_hub
offers 'send bo' ''
offers 'who --js' '--json'
