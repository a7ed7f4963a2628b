#!/bin/bash
# The server of the Model Context Protocol, spoken to line by line: handshake, bad input, calls that
# wait, are cancelled, or meet a hub that dies. What the tools do with the official client is
# 94_mcp_client.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

declare -A TO
N=0

agent() { # NAME [OPTION...]: a server, initialized
    local name=$1 fd other
    shift
    mkfifo "$T/$name.in"
    exec {fd}<>"$T/$name.in" # both ways, so that it waits for nobody
    (
        for other in "$fd" "${TO[@]}"; do # else it would hold its own input, or that of another
            exec {other}>&-
        done
        exec "$BIN/earshot" --hub "$HUB" mcp --name "$name" "$@" <"$T/$name.in" >"$T/$name.out" 2>"$T/$name.err"
    ) &
    PID=$!
    STARTED+=("$PID")
    SEEN+=("$PID")
    TO[$name]=$fd
}
hang_up() { # NAME: the end of its input
    local fd=${TO[$1]}
    exec {fd}>&-
    unset "TO[$1]"
}
say() { # NAME LINE
    printf '%s\n' "$2" >&"${TO[$1]}"
}
ask() { # NAME METHOD [PARAMS]: N is the id
    N=$((N + 1))
    say "$1" '{"jsonrpc":"2.0","id":'"$N"',"method":"'"$2"'","params":'"${3:-{\}}"'}'
}
call() { # NAME TOOL [ARGUMENTS [META]]
    ask "$1" tools/call '{"name":"'"$2"'","arguments":'"${3:-{\}}${4:-}"'}'
}
answer() { # NAME ID [FILTER]: of the answer with this id
    jq -c "select((type == \"object\") and .id == $2) | ${3:-.}" "$T/$1.out"
}
is_answered() { # NAME ID
    [ -n "$(answer "$1" "$2")" ]
}
gives() { # WHAT NAME ID JQ-EXPRESSION: the answer comes, and makes it true
    wait_for "$1: an answer" is_answered "$2" "$3"
    STATUS='' check "$1" json "$4" "$(answer "$2" "$3")"
}
tells() { # NAME METHOD JQ-EXPRESSION: a notification came that makes it true
    [ -n "$(jq -c "select((type == \"object\") and .method == \"$2\" and ($3)) | .method" "$T/$1.out")" ]
}

start_hub

# The handshake.
agent ann
ask ann tools/list
gives "before initialize" ann $N '.error.code == -32600 and (.error.message | test("initialize"))'
ask ann ping
gives "ping may come first" ann $N '.result == {}'
ask ann initialize '{"protocolVersion":"1999-01-01","capabilities":{},"clientInfo":{"name":"t","version":"1"}}'
gives "an unknown revision is answered with the newest" ann $N '.result.protocolVersion == "2025-11-25"'
for revision in 2024-11-05 2025-03-26 2025-06-18 2025-11-25; do
    ask ann initialize '{"protocolVersion":"'$revision'"}'
    gives "revision $revision" ann $N '.result.protocolVersion == "'$revision'"
        and .result.serverInfo.name == "earshot" and (.result.instructions | test("data"))'
done
say ann '{"jsonrpc":"2.0","method":"notifications/initialized"}'
ask ann tools/list
gives "every tool has schemas and hints" ann $N '.result.tools | length == 16 and all(.[];
    .inputSchema.type == "object" and .outputSchema.type == "object" and (.title | length > 0)
    and (.description | length > 20) and (.annotations | has("readOnlyHint")))'

# What is no request.
before=$(wc -l <"$T/ann.out")
say ann 'this is no JSON'
wait_for "a parse error" has_lines "$T/ann.out" $((before + 1))
check "a parse error" json '.error.code == -32700 and .id == null' "$(tail -n 1 "$T/ann.out")"
for line in '{"jsonrpc":"2.0","id":null,"method":"ping"}' '{"jsonrpc":"1.0","id":1,"method":"ping"}' \
    '{"jsonrpc":"2.0","id":1}' '{"jsonrpc":"2.0","id":{},"method":"ping"}' '[]' '[1]' '5' \
    '{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}' '{"jsonrpc":"2.0","id":1.5,"method":"ping"}'; do
    before=$(wc -l <"$T/ann.out")
    say ann "$line"
    wait_for "an answer to $line" has_lines "$T/ann.out" $((before + 1))
    is "which is that it is none: $line" "$(tail -n 1 "$T/ann.out" | jq .error.code)" -32600
done
before=$(wc -l <"$T/ann.out")
say ann '{"jsonrpc":"2.0","method":"notifications/nonsense"}'
say ann '{"jsonrpc":"2.0","id":77,"result":{}}'
say ann ''
head -c 5000000 /dev/zero | tr '\0' x >&"${TO[ann]}"
say ann ''
wait_for "a line that is too long is refused" has_lines "$T/ann.out" $((before + 1))
is "and nothing else was answered" "$(tail -n 1 "$T/ann.out" | jq .error.code)" -32600
ask ann nonsense
gives "an unknown method" ann $N '.error.code == -32601'
call ann nonsense
gives "an unknown tool" ann $N '.error.code == -32602'
ask ann tools/call '{"name":"who","arguments":[]}'
gives "arguments that are no object" ann $N '.error.code == -32602'
ask ann tools/call '{"name":"rooms"}'
gives "none at all" ann $N '.result.structuredContent.rooms == []'
for arguments in '{"to":"bob"}' '{"to":"bob","text":5}' '{"to":"bob","text":"x","more":1}' \
    '{"to":"bob","text":"a\u0000b"}' '{"to":"bob","text":"x","priority":"huge"}' '{"to":"","text":"x"}' \
    '{"to":"nobody-here","text":"x"}' '{"to":"a b","text":"x"}'; do
    call ann send "$arguments"
    gives "send $arguments is told what is wrong" ann $N '.result.isError == true and (.result.content[0].text | length > 10)'
done
call ann inbox '{"limit":0}'
gives "a number that is too small" ann $N '.result.isError == true and (.result.content[0].text | test("from 1 to 200"))'
call ann inbox '{"limit":2.5}'
gives "a number that is not whole" ann $N '.result.isError == true'
call ann inbox '{"limit":null}'
gives "null is as not given" ann $N '.result.isError == false'

# Several in a line, in the revisions that have it.
ask ann initialize '{"protocolVersion":"2025-03-26"}'
say ann '[{"jsonrpc":"2.0","id":901,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/x"},7,
{"jsonrpc":"2.0","id":902,"method":"tools/call","params":{"name":"rooms"}}]'
say ann '[{"jsonrpc":"2.0","id":901,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/x"},7,{"jsonrpc":"2.0","id":902,"method":"tools/call","params":{"name":"rooms"}}]'
batch_came() {
    [ "$(jq -c 'select(type == "array") | map(.id) | sort' "$T/ann.out")" = '[null,901,902]' ]
}
wait_for "one answer for all" batch_came
check "one answer for all" batch_came

# A question, its answer, and what is unread.
agent bob
ask bob initialize '{"protocolVersion":"2025-11-25"}'
gives "bob" bob $N '.result'
earshot --name cal send bob 'first' >/dev/null
earshot --name cal send bob $'second \033[2J' >/dev/null
call bob inbox
gives "what is new, oldest first" bob $N '.result.structuredContent | .more == 0 and
    (.messages | map(.text)) == ["first", "second \u001b[2J"] and all(.messages[]; .from == "cal" and .uid == '"$(id -u)"')'
check "the same as text" json '(.result.content[0].text | fromjson) == .result.structuredContent' "$(answer bob $N)"
check "and nothing that could do something to a terminal" test -z "$(tr -d '[:print:]\n' <"$T/bob.out")"
call bob inbox
gives "is not new any more" bob $N '.result.structuredContent.messages == []'
is "neither for the hub" "$(earshot --name bob unread --json | jq -s '[.[] | select(.type == "unread")] | length')" 0
for i in $(seq 130); do echo "line $i"; done | earshot --name cal send bob --lines >/dev/null
call bob inbox '{"limit":100}'
gives "the oldest of many" bob $N '.result.structuredContent | .more == 30 and (.messages | length) == 100
    and .messages[0].text == "line 1" and .messages[99].text == "line 100"'
call bob inbox
gives "then the rest" bob $N '.result.structuredContent | .more == 0 and (.messages | length) == 30
    and .messages[29].text == "line 130"'

# Killed before the caller has it: it is new again.
earshot --name cal send bob 'not lost' >/dev/null
call bob inbox
gives "read, and then" bob $N '.result.structuredContent.messages[0].text == "not lost"'
kill -9 "$PID"
wait_for "bob is gone" eval '! is_here bob'
hang_up bob
rm -f "$T/bob.in" "$T/bob.out"
agent bob
BOB=$PID
ask bob initialize '{"protocolVersion":"2025-11-25"}'
call bob inbox
gives "it comes again" bob $N '.result.structuredContent.messages[0].text == "not lost"'

call ann ask_human '{"to":"bob","question":"may I?"}' ',"_meta":{"progressToken":"p1"}'
QUESTION=$N
wait_for "it is delivered" tells ann notifications/progress '.params.progressToken == "p1" and (.params.message | test("bob has the question"))'
call bob inbox
gives "bob reads it" bob $N '.result.structuredContent.messages[-1].text == "may I?"'
ID=$(answer bob $N .result.structuredContent.messages[-1].id)
earshot --name cal send ann 'something else' >/dev/null
call bob send '{"to":"ann","text":"yes","reply_to":'"$ID"'}'
gives "the answer comes" ann $QUESTION '.result.structuredContent | .answered and .answer == "yes" and .message.from == "bob"'
call ann inbox
gives "what came besides is kept" ann $N '.result.structuredContent.messages | map(.text) == ["something else"]'
call ann ask_human '{"to":"bob","question":"and now?","timeout_seconds":0.2}'
gives "nobody answers" ann $N '.result.isError == false and .result.structuredContent.answered == false'

# Threads: a reply is in that of what it answers, whoever wrote that, and it can be read.
say_id() { jq -r .id <<<"$(earshot --name cal send --json "$@")"; }
FIRST=$(say_id '#build' 'it does not compile')
call ann send '{"to":"#build","text":"which file?","reply_to":"'"$FIRST"'"}'
gives "a reply" ann $N '.result.structuredContent.state'
REPLY=$(answer ann $N .result.structuredContent.id)
call bob send '{"to":"#build","text":"main.c","reply_to":'"$REPLY"'}'
gives "a reply to that" bob $N '.result.structuredContent.state'
say_id '#build' 'something else' >/dev/null
call bob history '{"conversation":"#build","thread":"'"$FIRST"'"}'
gives "the thread" bob $N '.result.structuredContent.messages | map(.text) == ["it does not compile", "which file?", "main.c"]
    and all(.[1:][]; .thread == "'"$FIRST"'")'
call bob join_room '{"room":"#build"}'
gives "bob joins" bob $N '.result.structuredContent.room'
call bob history '{"thread":"'"$FIRST"'","limit":1}'
gives "its last, in whatever conversation that he is in" bob $N '.result.structuredContent.messages | map(.text) == ["main.c"]'
call bob history '{"thread":"'"$FIRST"'","after":3}'
gives "not forwards" bob $N '.result.isError and (.result.content[0].text | test("leave out"))'
call bob history '{"thread":"123456789012345678901234567890123456"}'
gives "a thread that is no id" bob $N '.result.isError'
call bob send '{"to":"#build","text":"x","reply_to":"123456789012345678901234567890123456"}'
gives "a reply to what is no id" bob $N '.result.isError'
call bob send '{"to":"#build","text":"to nothing","reply_to":"0190a000-0000-7000-8000-000000000001"}'
gives "a reply to what is not there is sent" bob $N '.result.structuredContent.state'

# Cancelled: no answer, and what it held is given up.
call ann claim '{"name":"gpu0"}'
gives "a claim" ann $N '.result.structuredContent.held'
call bob claim '{"name":"gpu0","wait_seconds":500}'
WAITS=$N
claim_waits() {
    [ "$(earshot claims --json | jq -s 'map(select(.state == "waiting")) | length')" = "$1" ]
}
wait_for "bob waits" claim_waits 1
say bob '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":'"$WAITS"'}}'
wait_for "he waits no more" claim_waits 0
call bob inbox
gives "nothing is unread" bob $N '.result.structuredContent.more == 0'
call bob wait_for_message '{"timeout_seconds":500}'
say bob '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":'"$N"'}}'
ask bob ping
gives "another call is answered meanwhile" bob $N '.result == {}'
check "what was cancelled is not" test -z "$(answer bob $WAITS)$(answer bob $((N - 1)))"

# A hub that dies: what was sent is not lost, who waits goes on, a claim is shown again.
call bob wait_for_message '{"timeout_seconds":500}'
WAITS=$N
kill -9 "$HUB_PID"
start_hub
wait_for "both are back" eval 'is_here ann && is_here bob'
call ann send '{"to":"bob","text":"after the hub"}'
gives "sent to the new hub" ann $N '.result.structuredContent.state'
gives "and heard" bob $WAITS '.result.structuredContent.messages | any(.[]; .text == "after the hub")'
is "ann has her claim again" "$(earshot claims --json | jq -r .handle)" ann
check "and was told of the hub" tells ann notifications/message '.params.data | test("hub is back")'

# The end of the input is the end; the claim with it.
hang_up ann
ANN=${STARTED[0]}
ends "$ANN"
is "the input ends" "$STATUS" 0
wait_for "nothing is claimed" claim_waits 0
is "nothing is claimed" "$(earshot -q claims)" ""
kill -TERM "$BOB"
ends "$BOB"
is "SIGTERM" "$STATUS" 143
is "without a word" "$(cat "$T/ann.err" "$T/bob.err")" ""
