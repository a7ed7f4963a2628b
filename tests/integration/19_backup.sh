#!/bin/bash
# Backup while the hub runs, and restoring it, with the very commands of earshotd(8).
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

page=$(realpath "$(dirname "$0")/../..")/server/man/earshotd.8
if ! command -v sqlite3 >/dev/null; then
    trap - EXIT
    rm -rf "$T"
    echo "SKIPPED: sqlite3 is not installed"
    exit 77
fi

# The displays below "Backup", with our directories: $T/commands-1 and -2.
awk -v to="$T/commands-" '
    /^\.S[sh] / { is_backup = $2 == "Backup" }
    !is_backup { next }
    /^\.Bd -literal/ { name = to (++n); next }
    /^\.Ed/ { name = "" }
    name { gsub(/\\\(aq/, "\047"); print >name }' "$page"
sed -i -e "s|/var/lib/earshot|$HUB/state|g" -e "s|/backup|$T/backup|g" \
    -e 's/ -o earshot -g earshot//' "$T"/commands-*
check "the manual has two displays" test -s "$T/commands-1" -a -s "$T/commands-2" -a \
    ! -e "$T/commands-3"
mkdir "$T/backup"

systemctl() { # stop|start earshot
    case $1 in
    stop) "$BIN/earshotd" --dir "$HUB" --stop ;;
    start) "$BIN/earshotd" --dir "$HUB" ;;
    esac
}
export -f systemctl
export BIN HUB

STORED=yes start_hub
# A window stays open over all of it.
run_earshot bob --name bob tail --json
bob=$PID
wait_for "bob is here" is_here bob
for who in alice carol dora dave; do earshot --name "$who" -q rooms; done
seq 1 500 | sed 's/^/before backup /' | earshot --name alice send --lines bob
earshot --name alice send carol "mail for who is away"

# While messages come in.
run writer bash -c "seq 1 3000 | '$BIN/earshot' --hub '$HUB' --name dora send --lines dave"
writer=$PID
try bash -e "$T/commands-1"
is "the backup" "$STATUS" 0
is "says nothing" "$OUT$ERR" ''
is "nobody else can read it" "$(stat -c %a "$T/backup/earshot.db")" 600
is "it is one file" "$(ls "$T/backup")" earshot.db
is "it is whole" "$(sqlite3 "$T/backup/earshot.db" 'PRAGMA integrity_check')" ok
ends "$writer"
is "nobody was kept from writing" "$STATUS" 0
earshot --name alice send bob "after the backup"
is "the hub has it" "$(earshot --name bob history alice --json | jq -r .text | tail -n 1)" \
    "after the backup"

try bash -e "$T/commands-2"
is "the restoring" "$STATUS" 0
HUB_PID=$(earshot status --json | jq -r .pid)
SEEN+=("${HUB_PID:-0}")
is "what was said before is there" "$(earshot --name bob history alice --json | jq -r .text | grep -c '^before')" 500
is "and nothing else" "$(earshot --name bob history alice --json | jq -r .text | grep -c '^after')" 0
is "it is found" "$(earshot --name bob search 'backup 500' --json | jq -r .text)" "before backup 500"
try earshot --name carol tail --dm --count 1 --json
is "who was away then gets mail" "$(jq -r .text <<<"$OUT")" "mail for who is away"
wait_for "the open window is there again" is_here bob
n=$(wc -l <"$T/bob.out")
earshot --name alice send bob "new after all"
wait_for "it hears what is new" has_lines "$T/bob.out" $((n + 1))
is "that" "$(tail -n 1 "$T/bob.out" | jq -r .text)" "new after all"
kill "$bob"
ends "$bob"
