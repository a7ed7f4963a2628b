#!/bin/bash
# `listen --exec` under a flood of 500 from several senders: every message gets its run, one only,
# no more than so many at a time and many of them at once; nobody who writes has to wait for it.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

JOBS=8
mkdir "$T/running"
mkfifo "$T/gate"
cat >"$T/job" <<END
#!/bin/bash
>$T/running/\$\$
set -- $T/running/*
echo \$# >>$T/peak
[ -e $T/open ] || read -r _ <$T/gate
read -r line
echo "\$line" >>$T/seen
rm $T/running/\$\$
END
chmod +x "$T/job"

n_running() {
    find "$T/running" -type f | wc -l
}

all_jobs_run() {
    [ "$(n_running)" -eq "$JOBS" ]
}

start_hub
OUT='' ERR=''
run_earshot bot --name bot listen '#work' bot --exec "$T/job" --jobs "$JOBS" --count 500
bot=$PID
wait_for "the bot is here" has_members '#work' 1

# While all jobs hang, the flood comes, and its senders get through.
exec 9<>"$T/gate"
senders=()
for i in 1 2 3 4; do
    seq -f "$i.%g" 100 >"$T/from.$i"
    "$BIN/earshot" --hub "$HUB" --name "sender$i" --timeout 60 send '#work' --lines <"$T/from.$i" &
    senders+=("$!")
done
seq -f '5.%g' 100 >"$T/from.5"
"$BIN/earshot" --hub "$HUB" --name sender5 --timeout 60 send bot --lines <"$T/from.5" &
senders+=("$!")
STARTED+=("${senders[@]}")
for sender in "${senders[@]}"; do
    ends "$sender"
    is "a sender gets through" "$STATUS" 0
done
wait_for "all jobs run" all_jobs_run
is "none has ended" "$(find "$T" -name seen)" ''
try earshot --name alice send bob nothing
check "others are served as ever" test "$STATUS" -eq 67

touch "$T/open"
seq "$JOBS" >&9
DEADLINE=90
ends "$bot"
exec 9>&-
is "it ends after the last" "$STATUS" 0
is "every message got a run, and only one" "$(jq -r .text "$T/seen" | sort | cksum)" \
    "$(sort "$T"/from.* | cksum)"
is "there were 500" "$(wc -l <"$T/seen")" 500
is "so many ran at a time, and no more" "$(sort -n "$T/peak" | tail -n 1)" "$JOBS"
is "none is left" "$(n_running)" 0
is "it had nothing to complain about" "$(cat "$T/bot.err")" ''
