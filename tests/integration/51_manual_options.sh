#!/bin/bash
# The manual and --help say the same: every command with its usage and summary, every option with
# its letter and value, and every function of the header. Nothing is in one and not in the other.
# shellcheck source=tests/harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

root=$(realpath "$(dirname "$0")/../..")
program=$BIN/earshot

# "COMMAND: -q, --quiet", "COMMAND: --wait sent|stored"
options_of_help() { # COMMAND TITLE
    sed -n "/^$2:/,/^\$/s/^  \( *\|-., \)\(--[a-z-]*\( [^ ]\+\)\?\).*/$1: \1\2/p" | sed 's/:  */: /'
}

facts_of_help() {
    local command text
    "$program" --help | options_of_help '' 'options, before or after the command'
    for command in $("$program" --help | sed -n '/^commands:/,/^$/s/^  \([a-z]\+\).*/\1/p'); do
        text=$("$program" help "$command")
        sed -n '1s/^usage: earshot /usage: /p; 3s/^/summary: /p' <<<"$text" | sed "s/^/$command: /"
        options_of_help "$command" options <<<"$text"
    done
}

facts_of_manual() { # PAGE
    awk '
        function option(    i, text) {
            for (i = 2; i <= NF; i++) {
                if ($i == "Fl") text = text (text ? " " : "") "-" $++i
                else if ($i == ",") text = text ","
                else if ($i == "Ar") text = text " " $++i
            }
            return text
        }
        /^\.Sh/ { is_commands = $2 == "COMMANDS"; command = "" }
        /^\.Ss/ && is_commands {
            sub(/^\.Ss /, ""); sub(/\\&$/, ""); gsub(/\\-/, "-")
            command = $1
            print command ": usage: " $0
            summary = command ": summary:"
            next
        }
        summary != "" && !/^\./ {
            summary = summary " " $0
            if (/\.$/) { print summary; summary = "" }
        }
        /^\.It Fl/ { print command ": " option() }' "$1"
}

# A summary is a sentence in the manual.
normal() {
    sed -E '/: summary: /{s/\.$//; s/: summary: (.)/: summary: \L\1/}' | sort
}

# same WHAT HELP MANUAL: two files
same() {
    STATUS='' check "$1: nothing is there twice" test -z "$(uniq -d "$3")"
    diff -u --label "$1" --label manual "$2" "$3"
    STATUS='' check "$1 and its manual page say the same" cmp -s "$2" "$3"
}

facts_of_help | normal >"$T/help"
facts_of_manual "$root/client/man/earshot.1" | normal >"$T/manual"
check "commands were found" test "$(grep -c ': usage: ' "$T/help")" -ge 12
check "options were found" test "$(grep -c -- ': .*--' "$T/help")" -ge 15
same "earshot --help" "$T/help" "$T/manual"

"$BIN/earshotd" --help | grep -oE '^  --.*' |
    grep -oE '(^  |, )--[a-z-]+( [A-Z]+)?' | sed -E 's/^(  |, )/: /' | sort >"$T/help"
facts_of_manual "$root/server/man/earshotd.8" | sort >"$T/manual"
check "options of the hub were found" test "$(wc -l <"$T/help")" -ge 11
same "earshotd --help" "$T/help" "$T/manual"

grep -E '^[a-z]' "$root/client/lib/earshot.h" | grep -oE '\bearshot_[a-z_]+\(' | tr -d '(' |
    sort >"$T/help"
sed '/^\.Sh DESCRIPTION/,$d' "$root/client/man/libearshot.3" |
    sed -nE 's/^\.F[no] (earshot_[a-z_]+).*/\1/p' | sort >"$T/manual"
check "functions were found" test "$(wc -l <"$T/help")" -ge 20
same "earshot.h" "$T/help" "$T/manual"
sed '1,/^\.Sh DESCRIPTION/d' "$root/client/man/libearshot.3" |
    sed -nE 's/^\.Fn (earshot_[a-z_]+).*/\1/p' | sort -u >"$T/described"
is "every function is described" "$(comm -23 "$T/manual" "$T/described" | paste -s -d ' ')" ''

for page in "$root"/{client,server}/man/*.[1-8]; do
    sed -nE 's/^\.Xr (earshotd?|libearshot) ([1-8]).*/\1.\2/p' "$page" | sort -u >"$T/words"
    while read -r word; do
        check "${page##*/} refers to $word, which is there" \
            test -n "$(find "$root"/{client,server}/man -name "$word")"
    done <"$T/words"
done
