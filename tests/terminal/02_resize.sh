#!/usr/bin/env bash
# The terminal becomes narrower and wider while a line is typed that takes several rows.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

resize() { # COLUMNS ROWS
    tm resize-window -t ann -x "$1" -y "$2"
    wait_for "the terminal is told" has_size "$2 $1"
}

# tmux changes what it shows at once, and tells the terminal's processes a little later.
has_size() { # "ROWS COLUMNS"
    [ "$(stty -F "$(tm display-message -p -t ann '#{pane_tty}')" size)" = "$1" ]
}

# The rows from the prompt to the end are the typed line, cut at the width.
rows_are() { # COLUMNS LINE
    local columns=$1 line=$2
    [ "$(screen ann | grep -v '^$' | tail -$(((${#line} + columns - 1) / columns)))" = \
        "$(fold -w "$columns" <<<"$line" | sed -e 's/ *$//')" ]
}

start_hub
terminal ann 60 24
chat ann ann '#ops'
sees "the room is entered" ann "#ops: nobody else is here yet"
line="[#ops] a line that takes two rows of a terminal with sixty columns, and three when there are fewer of them"
type_in ann "${line#* }"
still_typed "the line is typed" ann "$line"
for columns in 40 100 33 60 21 80; do
    resize "$columns" 24
    await "$columns columns: the line is redrawn" rows_are "$columns" "$line"
    is "$columns columns: one prompt" "$(n_prompts ann)" 1
    earshot --name ben send '#ops' "at $columns columns"
    sees "$columns columns: a message is shown" ann "#ops <ben> at $columns columns"
    await "$columns columns: the line is still whole" rows_are "$columns" "$line"
    is "$columns columns: one prompt below the message" "$(n_prompts ann)" 1
done
resize 80 8
still_typed "fewer rows" ann "$line"
resize 80 24
key ann Enter
sees "the line is said" ann "#ops <ann> ${line#* }"
