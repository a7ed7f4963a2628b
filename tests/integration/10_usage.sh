#!/bin/bash
# Help, and wrong usage: no hub is needed for either.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

program=$BIN/earshot

try "$program" --help
check "--help: exit status 0" test "$STATUS" -eq 0
check "--help goes to standard output" test -n "$OUT" -a -z "$ERR"
for command in chat send tail who rooms topic away back status inspect help; do
    check "help lists $command" has "$OUT" "  $command "
    try "$program" help "$command"
    check "help $command" has "$OUT" "usage: earshot $command"
    HELP=$OUT
    try "$program" "$command" --help
    check "$command --help says the same" test "$OUT" = "$HELP"
    try "$program" --help
done
try "$program" --version
check "--version" test "$STATUS" -eq 0 -a "${OUT%% *}" = earshot

exits 64 "unknown command" "$program" sned bob hi
check "names the nearest command" has "$ERR" "earshot send"
check "begins with the program's name" test "${ERR%%: *}" = earshot
exits 64 "unknown option" "$program" who --jsno
check "names the nearest option" has "$ERR" "--json"
exits 64 "unknown letter" "$program" who -Z
exits 64 "option without its value" "$program" who --hub
exits 64 "no directory" "$program" who --hub ''
exits 64 "a value too many" "$program" who --json=yes
exits 64 "too many words" "$program" who '#a' '#b'
exits 64 "too few words" "$program" send
exits 64 "not a number" "$program" tail --count many
exits 64 "not a positive number" "$program" tail --count 0
exits 64 "a negative number" "$program" tail --count -5
exits 64 "not a time" "$program" who --timeout soon
exits 64 "not a time above 0" "$program" who --timeout 0
exits 64 "unknown state" "$program" send bob --wait never hi
exits 64 "not a UUID" "$program" send bob --id 12 hi
exits 64 "an id for several" "$program" send bob,carol --id 0190c2a1-0000-7000-8000-000000000001 hi
exits 64 "text with --lines" "$program" send bob --lines hi
exits 64 "who of something else than a room" "$program" who bob
exits 64 "topic of something else than a room" "$program" topic bob
exits 64 "--dm with a room" "$program" tail --dm '#ops'
for name in 'a b' .dot -- -dash '' '#' '#.x' 'a/b' $'a\nb' $'a\xff' '@bob' "$(printf 'x%.0s' {1..33})"; do
    exits 64 "impossible name \"${name//[^ -~]/?}\"" "$program" send -- "$name" hi
done

exits 65 "invalid UTF-8" "$program" send bob $'caf\xe9'
exits 65 "an empty message" "$program" send bob ''
exits 65 "an empty standard input" "$program" send bob
try "$program" send bob < <(head -c 65537 /dev/zero | tr '\0' x)
check "text over the limit: exit status 65" test "$STATUS" -eq 65
exits 65 "a reason over the limit" "$program" away "$(printf 'x%.0s' {1..256})"
exits 65 "a topic over the limit" "$program" topic '#ops' "$(printf 'x%.0s' {1..513})"

try "$program" --json sned
check "--json: the error is an object on standard error" \
    json '.type == "error" and .code == "usage" and (.text | length > 0)' "$ERR"
try "$program" sned --json
check "--json after the word counts, too" json '.type == "error"' "$ERR"
try "$program" send $'a\e[31m' hi
check "what is quoted is made visible" has "$ERR" '^[[31m'
