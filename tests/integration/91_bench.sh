#!/bin/bash
# Each row of the benchmark can be measured: whatever changes in the hub, the library or the store,
# it still does the work that the row is named after, and nothing is lost, doubled or reordered.
# What the figures are is no matter here.
# test: timeout=600
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

if [ ! -x "$BIN/earshot-bench" ]; then
    echo "SKIPPED: $BIN/earshot-bench was not built"
    exit 77
fi

# All but those that only repeat others with more of the same.
rows=$("$BIN/earshot-bench" --list | awk 'NF && $1 !~ /1024|-4x|1g|1000|other$|16x/ {print $1}')
check "there are rows" test -n "$rows"

TMPDIR=$T "$BIN/earshot-bench" --quick --rounds 1 --duration 0.2 \
    --only "$(echo "$rows" | sed 's/^/=/' | tr '\n' ' ')" >"$T/out" 2>&1
code=$?
grep FAIL "$T/out" >"$T/failed"
check "earshot-bench ends well" test $code -eq 0
check "no row fails" test ! -s "$T/failed"
[ "$code" -eq 0 ] || grep -v "met\|msg/s" "$T/out" | sed 's/^/# /'
