# shellcheck shell=bash
# Sourced by the completion tests, on top of terminal.sh: people to complete, and a terminal in
# which somebody types and presses Tab.
#
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "${BASH_SOURCE[0]}")/terminal.sh"

# shellcheck disable=SC2034 # used by the tests
COMPLETION=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../../client/completion")

need_shell() { # SHELL
    command -v "$1" >/dev/null && return
    trap - EXIT
    rm -rf "$T"
    echo "SKIPPED: $1 is not installed, so its completion cannot be tried"
    exit 77
}

# bob and carol are here, and the rooms #ops and #lunch are there.
start_people() {
    start_hub
    run_earshot bob --name bob tail --dm
    run_earshot carol --name carol tail --dm
    run_earshot ops --name bob tail '#ops'
    run_earshot lunch --name bob tail '#lunch'
    wait_for "bob is here" is_here bob
    wait_for "carol is here" is_here carol
    wait_for "there is #ops" has_members '#ops' 1
    wait_for "there is #lunch" has_members '#lunch' 1
    mkdir "$T/paths"
    touch "$T/paths/report.txt"
    mkdir "$T/paths/directory"
}

# The shell's own prompt is "$ "; C-u empties the line.
completes() { # TYPED BECOMES
    key tab C-u
    await "an empty line" bottom_is tab '$'
    type_in tab "earshot $1"
    key tab Tab
    await "\"$1\" becomes \"$2\"" bottom_is tab "\$ earshot $2"
}

# The checks that are alike in bash and zsh.
try_completion() {
    completes 'sen' 'send'
    completes 'send --wai' 'send --wait'
    completes 'send --wait del' 'send --wait delivered'
    completes 'send --wait=del' 'send --wait=delivered'
    completes '--no-c' '--no-color'
    completes 'send bo' 'send bob'
    completes 'send bob,ca' 'send bob,carol'
    completes 'chat \#o' 'chat \#ops'
    completes "send '#lu" "send '#lunch'"
    completes 'help insp' 'help inspect'
    completes "--hub $T/paths/di" "--hub $T/paths/directory/"
    completes 'nonsense bo' 'nonsense bo'
    completes "--hub $T/no-hub send bo" "--hub $T/no-hub send bo"
    check "asking starts no hub" test ! -e "$T/no-hub"
    key tab C-u
    type_in tab 'earshot send '
    key tab Tab Tab
    sees "all names are listed" tab carol
    sees "and all rooms" tab lunch
    key tab C-u
    enter tab clear
    stop_hub
    completes 'send bo' 'send bo'
    completes 'who --js' 'who --json'
}
