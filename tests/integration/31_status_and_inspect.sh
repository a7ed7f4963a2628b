#!/bin/bash
# The hub, and the kernel's view of its queues.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

start_hub --name lab
run_earshot bob --name bob tail
bob=$PID
wait_for "bob is here" is_here bob

queue() { # FIELD of the queue ID, as /proc tells it
    awk -v id="$2" -v field="$1" 'FNR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        $2 == id { print $at[field] }' /proc/sysvipc/msg
}

try earshot status --json
check "status --json" json '.type == "status" and .pid == '"$HUB_PID"' and .uid == '"$(id -u)"'
    and .mode == "private" and (.uptime_s | type == "number") and (.sessions | type == "number")
    and (.counters | type == "object") and has("store")' "$OUT"
check "its queue" json '.queue | (.key | test("^0x[0-9a-f]{8}$")) and (.id | type == "number")
    and (.bytes | type == "number") and (.messages | type == "number")' "$OUT"
id=$(jq .queue.id <<<"$OUT")
is "the key is the kernel's" "$(jq -r .queue.key <<<"$OUT")" \
    "$(printf '0x%08x' $(($(queue key "$id") & 0xffffffff)))"
try earshot status
check "status, for people: process and name" has "$OUT" "pid $HUB_PID"
check "status, for people: the hub's name" has "$OUT" lab
check "status, for people: on one screen" test "$(wc -l <<<"$OUT")" -le 20
check "status, for people: what one has used up" has "$OUT" "sessions 2 of "

try earshot inspect --json
check "inspect --json: every line" json '.type == "queue" and (.id | type == "number")
    and .creator == '"$(id -u)"' and .owner == '"$(id -u)"' and .mode == "0600" and .limit > 0
    and (.bytes | type == "number") and (.messages | type == "number")
    and has("last_sender") and has("last_receiver") and has("sent_at") and has("received_at")' "$OUT"
is "one well-known queue" "$(jq -r 'select(.role == "well-known") | .id' <<<"$OUT")" "$id"
is "the mailbox of bob" "$(jq -c 'select(.handle == "bob") | [.role, .process.pid, .process.program]' \
    <<<"$OUT")" '["mailbox",'"$bob"',"earshot"]'
mailbox=$(jq 'select(.handle == "bob") | .id' <<<"$OUT")
is "the hub was the last to receive from its queue: the process, not one of its threads" \
    "$(jq -c 'select(.role == "well-known") | .last_receiver' <<<"$OUT")" \
    '{"pid":'"$HUB_PID"',"program":"earshotd"}'
is "a client was the last to send to it" \
    "$(jq -r 'select(.role == "well-known") | .last_sender.program' <<<"$OUT")" earshot
check "its times are RFC 3339" json 'select(.role == "well-known") |
    .received_at | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")' "$OUT"
is "its mode is the kernel's" "$(queue perms "$mailbox")" 600
try earshot inspect
check "inspect, for people: the hub" has "$OUT" "well-known queue of the hub"
check "inspect, for people: the mailbox" has "$OUT" "mailbox of bob"
check "inspect, for people: the last receiver" has "$OUT" "by process $HUB_PID (earshotd)"
