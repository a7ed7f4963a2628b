#!/usr/bin/env bash
# earshot(7) has a row for each limit that status shows, with its value.
# shellcheck source=tests/harness/shell.sh
. "$(dirname "$0")/../harness/shell.sh"

PAGE=$(dirname "$0")/../../client/man/earshot.7
start_hub
status=$(earshot --json status)

row() { # NAME: the second column
    sed -n "s/^\.It $1 Ta \([^T]*\) Ta .*/\1/p" "$PAGE" | xargs
}

n=0
for name in $(jq -r '.counters | keys[] | select(startswith("limit_")) | ltrimstr("limit_")' <<<"$status"); do
    value=$(jq ".counters.limit_$name" <<<"$status")
    case $name in
    time) value="$((value / 1000000)) ms" ;;
    memory | storing | channels) value="$((value / 1048576)) MiB" ;;
    sessions) value=4096 ;; # or less, where the hub may open few files
    esac
    is "the limit of $name" "$(row "$name")" "$value"
    check "one's own account of $name is shown" jq -e ".counters.account_$name >= 0" <<<"$status"
    n=$((n + 1))
done
check "there are limits" [ "$n" -ge 9 ]
is "no other rows" "$(grep -c '^\.It [a-z]* Ta [0-9]' "$PAGE")" "$n"
