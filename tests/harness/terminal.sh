# shellcheck shell=bash
# Sourced by the terminal tests, on top of shell.sh: terminals with people at them, by tmux.
#
# Each terminal has a name, a shell with the prompt "$ ", and in it, after `chat`, the window.
# What is awaited is what stands on the screen.
#
# shellcheck source=tests/harness/shell.sh
. "$(dirname "${BASH_SOURCE[0]}")/shell.sh"

TMUX_SERVER=$T/tmux
WINDOWS=() # processes of `chat`
unset TMUX TMUX_PANE

tm() {
    tmux -S "$TMUX_SERVER" -f /dev/null "$@"
}

terminal() { # NAME [COLUMNS [ROWS]]
    tm new-session -d -s "$1" -x "${2:-80}" -y "${3:-24}" -e "PS1=\$ " -e "HISTFILE=" \
        -e "INPUTRC=/dev/null" bash --norc --noprofile || exit 99
    sees "$1 has a shell" "$1" '$' || exit 1
}

# The window in a terminal.
pid_in() { # NAME
    local pid
    for pid in $(ps -o pid= --ppid "$(tm display-message -p -t "$1" '#{pane_pid}')"); do
        is_window "$pid" && echo "$pid"
    done
}

has_window() { # NAME
    [ -n "$(pid_in "$1")" ]
}

key() { # NAME KEY...
    tm send-keys -t "$@"
}

type_in() { # NAME TEXT
    tm send-keys -t "$1" -l -- "$2"
}

enter() { # NAME TEXT
    type_in "$1" "$2"
    key "$1" Enter
}

paste_in() { # NAME TEXT
    printf '%s' "$2" | tm load-buffer -
    tm paste-buffer -p -t "$1"
}

is_empty() { # NAME
    [ "$(screen "$1" | grep -c .)" -le 1 ]
}

# A command in the shell of a terminal, on an empty screen: what is seen next is of this command.
command_in() { # NAME COMMAND
    await "$1 has a prompt" bottom_is "$1" '$' || exit 1
    enter "$1" clear
    await "$1 has an empty screen" is_empty "$1" || exit 1
    enter "$1" "$2"
}

# chat NAME HANDLE [WORD...]: joins from this terminal, and waits for the prompt.
chat() {
    local name=$1 handle=$2
    shift 2
    command_in "$name" "$BIN/earshot --hub $HUB --name $handle chat ${*@Q}"
    sees "$handle has joined" "$name" "you are $handle at" || exit 1
    wait_for "the window runs" has_window "$name"
    WINDOWS+=("$(pid_in "$name")")
    SEEN+=("${WINDOWS[-1]}")
}

# The screen as it is, without blanks at the end; and with wrapped lines made whole.
screen() { # NAME
    tm capture-pane -p -t "$1" | sed -e 's/ *$//'
}

whole_lines() { # NAME
    tm capture-pane -p -J -t "$1" | sed -e 's/ *$//'
}

cursor() { # NAME
    tm display-message -p -t "$1" '#{cursor_x},#{cursor_y}'
}

shows() { # NAME TEXT
    has "$(whole_lines "$1")" "$2"
}

shows_times() { # NAME TEXT N
    [ "$(whole_lines "$1" | grep -c -F -e "$2")" -eq "$3" ]
}

hides() { # NAME TEXT
    ! shows "$@"
}

# The last line that is not empty, however many rows it takes, is exactly this. (Rows that end
# where a wide character did not fit are not known to tmux as parts of one line.)
# What the prompt says of other conversations counts only if the line has it.
bottom_is() { # NAME LINE
    local counters='s/^(\[[#@][^] ]*) \| [^]]*\]/\1]/'
    [[ $2 != *" | "* ]] || counters=
    ends_with_line "$(whole_lines "$1" | sed -E -e "$counters")" "$2" ||
        ends_with_line "$(screen "$1" | sed -E -e "$counters")" "$2"
}

ends_with_line() { # TEXT LINE
    local rows
    rows=$'\n'$(grep -v '^$' <<<"$1")
    rows=${rows##*$'\n'"${2:0:2}"}
    [ "${2:0:2}${rows//$'\n'/}" = "$2" ]
}

# Lines that begin with a prompt: more than one means that it was torn.
n_prompts() { # NAME
    screen "$1" | grep -c -e '^\[[#@][^]]*\]' -e '^> *$'
}

# await WHAT COMMAND...: a check that waits.
await() {
    local what=$1
    shift
    if wait_for "$what" "$@"; then
        STATUS='' check "$what" true
    else
        echo "# the screens:"
        for_each_screen
        return 1
    fi
}

for_each_screen() {
    local name
    for name in $(tm list-sessions -F '#{session_name}' 2>/dev/null); do
        echo "#  --- $name, cursor $(cursor "$name")"
        screen "$name" | sed -e 's/^/#  |/'
    done
}

sees() { # WHAT NAME TEXT
    await "$1" shows "$2" "$3"
}

# still_typed WHAT NAME LINE: the prompt and what is typed stand whole, once, below everything.
still_typed() {
    await "$1" bottom_is "$2" "$3"
    is "$1: one prompt" "$(n_prompts "$2")" 1
}

# completes NAME TYPED BECOMES: by Tab, in a window whose lines go to #ops.
completes() {
    key "$1" C-u
    type_in "$1" "$2"
    key "$1" Tab
    still_typed "\"$2\" becomes \"$3\"" "$1" "[#ops] $3"
}

# Whether a process is one of our windows still, and not another one with a PID used again.
is_window() { # PID
    tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline" | grep -q -F -e "--hub $HUB "
}

no_window_is_left() {
    local pid
    for pid in "${WINDOWS[@]}"; do
        ! is_window "$pid" || return 1
    done
}

# The windows end while they have a terminal; those that a test has ended are gone already.
finish_terminals() {
    local pid
    [ "$N_FAILED" -eq 0 ] || for_each_screen
    [ -z "${HUB_PID:-}" ] || kill -CONT "$HUB_PID" 2>/dev/null
    for pid in "${WINDOWS[@]}"; do
        is_window "$pid" && kill -TERM "$pid" && kill -CONT "$pid"
    done 2>/dev/null
    wait_for "no window is left" no_window_is_left && STATUS='' check "no window is left" true
    tm kill-server 2>/dev/null
    finish
}
trap finish_terminals EXIT
