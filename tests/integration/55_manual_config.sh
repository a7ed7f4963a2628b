#!/bin/bash
# earshot(5) and the program know the same keys and words, and the page's examples are right.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

root=$(realpath "$(dirname "$0")/../..")
page=$root/client/man/earshot.5

# "[notify] when", "[] name"
keys_of_manual() {
    awk '
        /^\.S[hs]/ { section = /\[/ ? $0 : "[]"; sub(/^[^[]*/, "", section); sub(/].*/, "]", section) }
        /^\.It Cm/ { print section, $3 }' "$page"
}

keys_of_program() {
    sed -nE 's/^    \{"([a-z]*)", "([a-z]+)", ".*/[\1] \2/p' "$root/client/cli/config.c"
}

# Writes $T/example-NN for each display under EXAMPLES.
extract() {
    awk -v to="$T/example-" '
        /^\.Sh/ { is_examples = $2 == "EXAMPLES" }
        !is_examples { next }
        /^\.Bd -literal/ { name = sprintf("%s%02d", to, ++n); is_text = 1; next }
        /^\.Ed/ { is_text = 0 }
        is_text { gsub(/\\-/, "-"); gsub(/\\&/, ""); print >name }' "$page"
}

with_config() { # FILE WORD...
    local file=$1
    shift
    HOME=$T/home EARSHOT_CONFIG=$file timeout 60 "$BIN/earshot" "$@"
}

# What the program says about a key with this value.
complaint() { # SECTION KEY VALUE
    printf '%s\n%s = %s\n' "${1/#'[]'/}" "$2" "$3" >"$T/config"
    try with_config "$T/config" --hub "$HUB" who
}

mkdir "$T/home"
start_hub
keys_of_manual | sort >"$T/manual"
keys_of_program | sort >"$T/program"
check "keys were found" test "$(wc -l <"$T/program")" -ge 11
diff -u --label program --label manual "$T/program" "$T/manual"
STATUS='' check "the program and earshot(5) have the same keys" cmp -s "$T/program" "$T/manual"

while read -r section key; do
    # A control character is no right value of anything; the error lists the words that are.
    complaint "$section" "$key" $'\001'
    check "$section $key is a key, and is checked" test "$STATUS" -eq 78
    check "$section $key: says what it can be" has "$ERR" "; give "
done < <(grep -v ' command$' "$T/manual")
complaint '[notify]' command 'notify-send --'
check "[notify] command is a key" test "$STATUS" -eq 0

# Each word that the page has for these keys is right, and each that the error names is in the page.
while read -r section key; do
    words=$(sed -nE "s/^\.It Cm $key No = Cm //p" "$page" | sed 's/|//g; s/\.\.\.//; s/ No / /g')
    check "$section $key: words were found" test "$(wc -w <<<"$words")" -ge 2
    complaint "$section" "$key" trumpet
    named=${ERR##*; give }
    named=${named#some of }
    is "$section $key: the page and the program have the same words" "$(xargs <<<"$words")" \
        "$(sed 's/,//g; s/ or / /' <<<"$named" | xargs)"
    for word in $words; do
        complaint "$section" "$key" "$word"
        check "$section $key = $word" test "$STATUS" -eq 0
    done
done <<'END'
[] color
[notify] when
[notify] how
END

extract
check "there are examples" test -e "$T/example-02"
for file in "$T"/example-*; do
    try with_config "$file" --hub "$HUB" status
    check "${file##*/} is right" test "$STATUS" -eq 0
    is "nothing is said about it" "$ERR" ""
done
run_earshot bob --name bob tail --json
wait_for "bob is here" is_here bob
try with_config "$T/example-01" --hub "$HUB" send bob hello
wait_for "bob gets a message" has_lines "$T/bob.out" 1
is "the example's name is in force" "$(jq -r .from "$T/bob.out")" alice
try with_config "$T/example-02" who
check "the example's hub is in force" has "$ERR" /srv/chat/hub

# What the page says of the form.
printf '%s\n' '# one' '; two' "hub = $HUB ; three" 'rooms = #ops' 'rooms = #lunch' \
    'ignore = bob' '  carol' 'time = %H' >"$T/config"
try with_config "$T/config" who
check "comments, and lists that go on" test "$STATUS" -eq 0
widest=$(sed -nE 's/.* at most ([0-9]+) bytes\.$/\1/p' "$page")
printf '#%0*d\n' $((${widest:-0} - 1)) 0 >"$T/config"
try with_config "$T/config" --hub "$HUB" who
check "a line of $widest bytes" test "$STATUS" -eq 0
printf '#%0*d\n' $((2 * ${widest:-0})) 0 >"$T/config"
exits 78 "one twice as long" with_config "$T/config" --hub "$HUB" who
check "says how long it may be" has "$ERR" "a line may have $widest bytes"
