#!/bin/bash
# The disk is full: get says so and ends, and tries nothing else. It is told whatever the name is.
if [ -z "${IN_NAMESPACE-}" ]; then
    unshare --mount true 2>/dev/null || {
        echo "SKIPPED: a small disk needs a mount namespace, which is not permitted"
        exit 77
    }
    IN_NAMESPACE=yes exec unshare --mount "$0"
fi
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

start_hub
mkdir "$T/small" "$T/tree"
mount -t tmpfs -o size=64k tmpfs "$T/small" || exit 99
for handle in alice bob; do earshot --name "$handle" -q rooms 2>/dev/null; done
head -c 200000 /dev/urandom >"$T/tree/z"$'\xff'
head -c 200000 /dev/urandom >"$T/one"
head -c 200000 /dev/urandom >"$T/two"
offered() { # NAME N
    [ "$(grep -cs '"state":"offered"' "$T/$1.out")" -ge "$2" ]
}

run_earshot tree --name alice --json put bob "$T/tree" --timeout 60
PUT=$PID
wait_for "a directory is offered" offered tree 1
try earshot --name bob --json get --dir "$T/small" --timeout 30
is "it cannot be created" "$STATUS" 73
is "every line is told" "$(jq -r .state <<<"$OUT" | paste -sd ,)" running,failed
check "and what to do" json '.state != "failed" or (.error | contains("make room there and try again"))' "$OUT"
check "with the file" json '.state != "failed" or (.error | contains("z<FF>"))' "$OUT"
ends "$PUT"
is "its sender hears of it" "$STATUS" 1
is "too" "$(jq -r 'select(.type == "file") | .state' "$T/tree.out" | paste -sd ,)" \
    offered,running,failed

rm -rf "$T/small/"*
run_earshot two --name alice --json put bob "$T/one" "$T/two" --timeout 60
PUT=$PID
wait_for "two files are offered" offered two 2
try earshot --name bob --json get --dir "$T/small" --timeout 30
is "there is no room for the first" "$STATUS" 73
is "the other one is not tried" \
    "$(jq -r 'select(.state == "failed") | .name' <<<"$OUT" | wc -l)" 1
kill -INT "$PUT"
ends "$PUT"
umount "$T/small"
