#!/bin/bash
# hub.conf: what it sets, what wins over it, how mistakes are told, and whom it is believed.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

root=$(realpath "$(dirname "$0")/../..")
conf=$T/hub.conf

conf() { # LINE...
    printf '%s\n' "$@" >"$conf"
}

# wrong WHAT WANTED LINE...
wrong() {
    local what=$1 wanted=$2
    shift 2
    conf "$@"
    try "$BIN/earshotd" --config "$conf" --dir "$HUB"
    is "$what: exit status" "$STATUS" 78
    check "$what: says so" has "$ERR" "$wanted"
    check "$what: there is no hub" test ! -e "$HUB/hub"
}

counter() { # KEY
    earshot status --json | jq ".counters.$1"
}

# --- what it sets
group=$(id -gn)
conf '# a comment' '; another' 'mode = group ; a third' "group = $group" 'keep-days = 30' \
    'keep-bytes=5M' 'name = the lab' "state = $T/kept"
"$BIN/earshotd" --config "$conf" --dir "$HUB" >"$T/hub.log" 2>&1
HUB_PID=$(earshot status --json | jq .pid)
SEEN+=("${HUB_PID:-0}")
is "the mode" "$(earshot status --json | jq -r .mode)" group
is "how long" "$(counter keep_days)" 30
is "how much" "$(counter keep_bytes)" $((5 * 1024 * 1024))
check "where" test -s "$T/kept/earshot.db"
check "the hub's name" has "$(earshot status)" "the lab"
check "its log tells which file it was" grep -q "configuration: $conf" "$T/hub.log"
stop_hub

# --- what is typed wins
start_hub --config "$conf" --mode private --keep-bytes 3M
is "the mode that was typed, without the file's group" "$(earshot status --json | jq -r .mode)" private
is "and the number" "$(counter keep_bytes)" $((3 * 1024 * 1024))
check "--ephemeral wins over the file's state" test "$(earshot status --json | jq .store)" = null
stop_hub
conf 'ephemeral = yes' 'mode = open'
STORED=yes start_hub --config "$conf" --state "$T/typed"
check "a --state that was typed wins over ephemeral" test -s "$T/typed/earshot.db"
is "what was not typed is the file's" "$(earshot status --json | jq -r .mode)" open
stop_hub

# --- mistakes
wrong "an unknown key" "$conf:2: there is no key \`moed\`; did you mean \`mode\`?" '' 'moed = open'
wrong "a key that is like none" "earshotd(8) lists them" 'whatever = 1'
wrong "an option that is no key" "there is no key \`foreground\`" 'foreground = yes'
wrong "a wrong word" "$conf:1: \`mode\` is private, group or open, not \"public\"" 'mode = public'
wrong "a wrong number" "$conf:2: \`keep-days\` is a number of days" 'name = x' 'keep-days = many'
wrong "a negative one" "\`keep-bytes\` is a number" 'keep-bytes = -1'
wrong "a time without a unit" "\`end-after\` is a time such as" 'end-after = 10'
wrong "a wrong level" "\`log-level\` is error, warning" 'log-level = loud'
wrong "a relative directory" "\`state\` is a directory that begins with /" 'state = here'
wrong "neither yes nor no" "\`ephemeral\` is yes or no" 'ephemeral = perhaps'
wrong "no value" "\`name\` has no value" 'name ='
wrong "twice" "\`name\` stands in line 1 already" 'name = a' 'name = b'
wrong "no line" "$conf:1: this is not \`key = value\`" 'just words'
wrong "a section" "has no sections" '[hub]' 'mode = open'
wrong "an indented line" "begin it without blanks" 'mode = open' '  name = b'
wrong "a group alone" "go together" "group = $group"
wrong "a mode alone" "go together" 'mode = group'
wrong "no such group" "$conf:2: there is no Unix group \"no-such-group\"" 'mode = group' \
    'group = no-such-group'
wrong "a control character" "not \"a^[b" $'log-level = a\eb'
is "every mistake is told" "$(conf 'a = 1' 'b = 2' 'mode = x'
    "$BIN/earshotd" --config "$conf" --dir "$HUB" 2>&1 | grep -c "^earshotd: $conf:[12]: ")" 2
exits 78 "a file that is not there" "$BIN/earshotd" --config "$T/none" --dir "$HUB"
conf 'mode = open'
chmod 666 "$conf"
exits 78 "one that others can write" "$BIN/earshotd" --config "$conf" --dir "$HUB"
check "how to mend it" has "$ERR" "chmod go-w $conf"
exits 69 "a broken file keeps nobody from stopping a hub" \
    "$BIN/earshotd" --config "$conf" --dir "$HUB" --stop

chmod 644 "$conf"

# --- --check starts nothing
conf 'mode = open' 'keep-days = x'
exits 78 "--check with a mistake" "$BIN/earshotd" --check --config "$conf" --dir "$HUB"
check "tells it" has "$ERR" "$conf:2: "
conf 'mode = open'
try "$BIN/earshotd" --check --config "$conf" --dir "$T/checked"
is "--check with none" "$STATUS" 0
check "says so" has "$OUT" "nothing is in the way"
check "and makes nothing" test ! -e "$T/checked"

# --- the private hub's own
mkdir -p "$HOME/.config/earshot"
echo 'keep-days = 7' >"$HOME/.config/earshot/hub.conf"
HUB=$XDG_RUNTIME_DIR/earshot
"$BIN/earshotd" --dir "$HUB" 2>"$T/hub.log"
HUB_PID=$(earshot status --json | jq .pid)
SEEN+=("${HUB_PID:-0}")
is "a private hub reads its user's file" "$(counter keep_days)" 7
stop_hub
echo 'keep-days = x' >"$HOME/.config/earshot/hub.conf"
try "$BIN/earshot" --hub "$HUB" --start who
is "a mistake in it" "$STATUS" 69
check "is told by the command that wanted the hub" has "$ERR" "hub.conf:1: \`keep-days\` is"
HUB=$T/named
start_hub
check "a hub with a name of its own does not read it" grep -q 'no hub.conf' "$T/hub.log"
stop_hub

# --- every key is in the manual and in the template, and each line of the template is right
keys=$("$BIN/earshotd" --help | sed -nE 's/^  --([a-z-]+) .*/\1/p' |
    grep -vxE 'dir|config|foreground|check|stop|version' | sort)
is "the manual has all keys" "$(sed -nE 's/^\.It Cm ([a-z-]+) No = .*/\1/p' \
    "$root/server/man/earshotd.8" | sort)" "$keys"
template=$root/server/etc/earshot/hub.conf
is "the template, too" "$(sed -nE 's/^#([a-z-]+) = .*/\1/p' "$template" | sort -u)" "$keys"
while read -r line; do
    conf "$line"
    [ "$line" != 'mode = group' ] || echo "group = $group" >>"$conf"
    try "$BIN/earshotd" --check --config "$conf" --dir "$T/checked" --state "$T/checked-state"
    is "\"$line\" is right" "$STATUS" 0
done < <(sed -nE 's/^#([a-z-]+ = .*)/\1/p' "$template" | grep -v '^group = ')
