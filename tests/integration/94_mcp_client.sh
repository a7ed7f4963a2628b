#!/bin/bash
# The official client of the Model Context Protocol, and its inspector's command line, where
# `make check-mcp` has installed them.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

MCP=${BUILD:-$(dirname "$0")/../../build}/mcp
if ! command -v node >/dev/null || [ ! -d "$MCP/node_modules/@modelcontextprotocol/sdk" ]; then
    trap - EXIT
    rm -rf "$T"
    echo "SKIPPED: the official client is not installed; make check-mcp does it"
    exit 77
fi

start_hub
mkdir "$T/files"
cp "$(dirname "$HARNESS")/mcp/drive.mjs" "$MCP/drive.mjs"
try env EARSHOT="$BIN/earshot" EARSHOT_HUB="$HUB" timeout 100 node "$MCP/drive.mjs" "$T/files"
echo "$OUT"
check "two agents and a person" test "$STATUS" -eq 0

if [ -x "$MCP/node_modules/.bin/mcp-inspector" ]; then
    try env EARSHOT_HUB="$HUB" timeout 60 "$MCP/node_modules/.bin/mcp-inspector" --cli "$BIN/earshot" mcp --method tools/list
    check "the inspector lists the tools" json '.tools | length == 16' "$OUT"
    try env EARSHOT_HUB="$HUB" timeout 60 "$MCP/node_modules/.bin/mcp-inspector" --cli "$BIN/earshot" mcp \
        --method tools/call --tool-name send --tool-arg to=ann-agent --tool-arg text=hello
    check "and calls one" json '.structuredContent.state == "stored"' "$OUT"
fi
