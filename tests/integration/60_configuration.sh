#!/bin/bash
# The configuration file: what it sets, what wins over it, and how mistakes are told.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

config() { # LINE...: the file of this test
    printf '%s\n' "$@" >"$T/config"
}

with_config() { # WORD...
    EARSHOT_CONFIG=$T/config timeout 60 "$BIN/earshot" "$@"
}

# wrong WHAT WANTED LINE...: exit status 78 and an error that has WANTED.
wrong() {
    local what=$1 wanted=$2
    shift 2
    config "$@"
    try with_config --hub "$HUB" who
    check "$what: exit status 78" test "$STATUS" -eq 78
    check "$what: says so" has "$ERR" "$wanted"
}

start_hub
run_earshot bob --name bob tail --json
wait_for "bob is here" is_here bob

config '# a comment' "hub = $HUB" 'name = alice'
try with_config send bob one
check "hub and name come from the file" test "$STATUS" -eq 0
wait_for "bob has it" has_lines "$T/bob.out" 1
is "from alice" "$(jq -r .from "$T/bob.out")" alice
try with_config --name carol send bob two
wait_for "bob has the second" has_lines "$T/bob.out" 2
is "an option wins" "$(tail -n 1 "$T/bob.out" | jq -r .from)" carol
try env EARSHOT_HUB="$T/nothing" EARSHOT_CONFIG="$T/config" "$BIN/earshot" who
check "the environment wins" test "$STATUS" -eq 69

mkdir -p "$T/xdg/earshot"
printf 'name = dora\n' >"$T/xdg/earshot/config"
XDG_CONFIG_HOME=$T/xdg earshot send bob three
wait_for "bob has the third" has_lines "$T/bob.out" 3
is "the file in XDG_CONFIG_HOME" "$(tail -n 1 "$T/bob.out" | jq -r .from)" dora
mkdir -p "$T/home/.config/earshot"
printf 'name = emil\n' >"$T/home/.config/earshot/config"
HOME=$T/home earshot send bob four
wait_for "bob has the fourth" has_lines "$T/bob.out" 4
is "the file in ~/.config" "$(tail -n 1 "$T/bob.out" | jq -r .from)" emil

config 'time = %Y at %H:%M'
run reader env EARSHOT_CONFIG="$T/config" "$BIN/earshot" --hub "$HUB" --name rita tail --count 1
wait_for "rita is here" is_here rita
earshot --name alice send rita hello
ends "$PID"
check "the time format" grep -Eqx '20[0-9]{2} at [0-9]{2}:[0-9]{2} <alice> hello' "$T/reader.out"

config 'rooms = #ops, #lobby' '  #more' 'ignore=bob' 'color = never' '[notify]' 'when = every' \
    'how = bell, osc777' 'command = notify-send --' '[files]' 'directory = ~/in' \
    'accept = bob 100M, carol' '    * 1k'
try with_config --hub "$HUB" who
check "every key, and lists that go on" test "$STATUS" -eq 0
is "nothing is said about it" "$ERR" ""

config 'rooms = #one' $'\t#two' '  # no room, but a comment' '  ; and another' '' '    #three,  #four' \
    '#five' '  #six is a comment: these are no rooms' '[notify]' '  #seven' 'when = off' '  #eight'
mkfifo "$T/keys"
run window env EARSHOT_CONFIG="$T/config" bash -c \
    "exec '$BIN/earshot' --hub '$HUB' --name ringo chat <>'$T/keys'"
window=$PID
wait_for "the last room is entered" has_members '#four' 1
is "rooms in indented lines are rooms, and comments are comments" \
    "$(earshot rooms --json | jq -r .name | sort | xargs)" "#four #one #three #two"
kill "$window"
ends "$window"

wrong "a mistyped key" "$T/config:2: there is no key \`nmae\`; did you mean \`name\`?" '' 'nmae = x'
wrong "a key of a section" "did you mean \`when\`, below [notify]?" 'when = dm'
wrong "a key of no section" "did you mean \`rooms\`, above all sections?" '[notify]' 'rooms = #a'
wrong "a mistyped section" "there is no section [notfy]; did you mean [notify]?" '[notfy]' 'when = dm'
wrong "a key like nothing" "there is no key \`qqqqqq\`" 'qqqqqq = 1'
wrong "a line that is neither" "$T/config:3: this is neither" 'name = alice' '' 'nonsense'
wrong "a relative directory" "\`hub\` cannot be \"hub\"; give a directory" 'hub = hub'
wrong "a handle with a blank" "\`name\` cannot be" 'name = al ice'
wrong "a bad room in an indented line" ":2: \`rooms\` cannot be" 'rooms = #a' '  #b, #c:d'
wrong "a room without #" "\`rooms\` cannot be" 'rooms = ops'
wrong "a room to be ignored" "\`ignore\` cannot be" 'ignore = #ops'
wrong "a colour" "\`color\` cannot be \"blue\"; give auto or never" 'color = blue'
wrong "a time that is too long" "\`time\` cannot be" 'time = %c %c %c %c'
wrong "a time with a line feed" "\`time\` cannot be" 'time = %H%n%M'
wrong "a time that is empty" "\`time\` cannot be" 'time ='
wrong "when" "give off, dm, all or every" '[notify]' 'when = sometimes'
wrong "how" "give some of bell" '[notify]' 'how = trumpet'
wrong "a size" "\`accept\` cannot be" '[files]' 'accept = bob 100X'
wrong "a size that is too large" "\`accept\` cannot be" '[files]' 'accept = bob 99999999999T'
wrong "an indented line" "begin it without blanks" 'name = alice' '  hub = /tmp'
wrong "a line that is too long" "$T/config:1: a line may have" "name = $(printf '%0300d' 1)"
wrong "all mistakes are told" ":3: " 'nmae = x' 'name = alice' 'rooms = nope'
check "the first, too" has "$ERR" ":1: "
is "one line each" "$(wc -l <<<"$ERR")" 2
config 'nmae = x'
try with_config --hub "$HUB" --json who
check "--json: an object" json '.type == "error" and .code == "configuration"' "$ERR"
try with_config help who
check "help does not need it" test "$STATUS" -eq 0

exits 78 "a file that is not there" env EARSHOT_CONFIG="$T/none" "$BIN/earshot" --hub "$HUB" who
exits 78 "a directory" env EARSHOT_CONFIG="$T" "$BIN/earshot" --hub "$HUB" who
config 'name = alice'
chmod o+w "$T/config"
exits 78 "a file that everybody may write" with_config --hub "$HUB" who
check "says what to do" has "$ERR" "chmod go-w"
chmod o-w "$T/config"
exits 0 "a file of our own" with_config --hub "$HUB" who
if [ "$(id -u)" -eq 0 ]; then # the group of another user may be one in which nobody else is
    chmod g+w "$T/config"
    exits 78 "a file that its group may write" with_config --hub "$HUB" who
    chmod g-w "$T/config"
    chmod g+w "$T"
    exits 78 "a file in a directory that its group may write to" with_config --hub "$HUB" who
    check "names the directory" has "$ERR" "directory $T;"
else
    echo "# SKIPPED: a group with others in it, which only root can give a file to"
fi
chmod g-w,o+w,+t "$T"
exits 0 "a file of ours in a sticky directory" with_config --hub "$HUB" who
chmod o-w,-t "$T"
mkdir "$T/loose"
ln -s "$T/config" "$T/loose/config"
chmod o+w "$T/loose"
exits 78 "a link that others may replace" env EARSHOT_CONFIG="$T/loose/config" "$BIN/earshot" --hub "$HUB" who
chmod o-w "$T/loose"
exits 0 "a link of our own" env EARSHOT_CONFIG="$T/loose/config" "$BIN/earshot" --hub "$HUB" who
mkdir "$T/dotfiles" "$T/way"
cp "$T/config" "$T/dotfiles/config"
ln -s ../dotfiles "$T/way/middle"
ln -s "$T/way/middle" "$T/first"
exits 0 "links of our own in the middle" env EARSHOT_CONFIG="$T/first/config" "$BIN/earshot" --hub "$HUB" who
chmod o+w "$T/way"
exits 78 "a link in the middle that others may replace" env EARSHOT_CONFIG="$T/first/config" "$BIN/earshot" --hub "$HUB" who
check "names the directory that it lies in" has "$ERR" "the directory $T/way;"
chmod o-w "$T/way"
mkfifo "$T/fifo"
exits 78 "a FIFO, without waiting for its writer" timeout 10 env EARSHOT_CONFIG="$T/fifo" "$BIN/earshot" --hub "$HUB" who
chmod o+w "$T/home"
exits 78 "a home directory that others may write to" env -u XDG_CONFIG_HOME HOME="$T/home" "$BIN/earshot" --hub "$HUB" who
chmod o-w "$T/home"
exits 0 "our own home directory" env -u XDG_CONFIG_HOME HOME="$T/home" "$BIN/earshot" --hub "$HUB" who
if [ "$(id -u)" -eq 0 ]; then
    mkdir -m 700 "$T/locked"
    try setpriv --reuid=nobody --regid=nogroup --clear-groups env HOME="$T/locked" \
        "$BIN/earshot" --hub "$T/nothing" who
    check "a HOME of another user has no configuration for us" test "$STATUS" -ne 78
    chown nobody "$T/config"
    exits 78 "a file of another user" with_config --hub "$HUB" who
    chown root "$T/config"
    mkdir -m 755 "$T/theirs"
    cp "$T/config" "$T/theirs/config"
    mkdir "$T/theirs/ours"
    cp "$T/config" "$T/theirs/ours/config"
    chown nobody "$T/theirs"
    exits 78 "a file below another user's directory" env EARSHOT_CONFIG="$T/theirs/ours/config" "$BIN/earshot" --hub "$HUB" who
    exits 78 "a file in another user's directory" env EARSHOT_CONFIG="$T/theirs/config" "$BIN/earshot" --hub "$HUB" who
fi
