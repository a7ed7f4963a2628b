#!/bin/bash
# `listen --exec`: a program for each message, not too many at once, none left behind.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

n_running() {
    find "$T/running" -type f | wc -l
}

none_runs() {
    [ "$(n_running)" -eq 0 ]
}

some_run() { # N
    [ "$(n_running)" -ge "$1" ]
}

is_gone() { # PID
    ! kill -0 "$1" 2>/dev/null
}

start_hub
mkdir "$T/running"
exits 64 "without --exec" earshot listen
exits 64 "too many jobs" earshot listen --exec true --jobs 1000
exits 64 "a bad name" earshot listen --exec true 'a b'

# shellcheck disable=SC2016 # for the shell that listen starts
run_earshot bot --name bot listen --exec \
    'cat; printf "%s|%s|%s|%s\n" "$EARSHOT_FROM" "$EARSHOT_CONV" "$EARSHOT_ID" "$EARSHOT_HUB" >&2' \
    --jobs 1 --count 3
wait_for "the bot is here" is_here bot
# shellcheck disable=SC2016
nasty='$(touch '$T'/bad) `touch '$T'/bad`; "quoted"'
earshot --name alice send bot "$nasty"
big=$(printf '%060000d' 7)
earshot --name alice send bot - <<<"$big"
earshot --name bob send bot three
ends "$PID"
is "it ends after --count" "$STATUS" 0
is "the JSON of each is on standard input" "$(jq -s length "$T/bot.out")" 3
is "in order with --jobs 1" "$(jq -r .from "$T/bot.out" | xargs)" "alice alice bob"
is "the text as it was" "$(head -n 1 "$T/bot.out" | jq -r .text)" "$nasty"
is "a large one is whole" "$(sed -n 2p "$T/bot.out" | jq -r .text)" "$big"
check "nothing of it was run" test ! -e "$T/bad"
is "the environment names sender, conversation, id and hub" "$(tail -n 1 "$T/bot.err")" \
    "bob|bob|$(tail -n 1 "$T/bot.out" | jq -r .id)|$HUB"

# A flood: no more than so many run at a time, and every message gets its run.
cat >"$T/count" <<END
#!/bin/bash
>$T/running/\$\$
set -- $T/running/*
echo \$# >>$T/peak
read -r line
echo "\$line" >>$T/seen
rm $T/running/\$\$
END
chmod +x "$T/count"
run_earshot bot --name bot listen --exec "$T/count" --jobs 3 --count 150
bot=$PID
wait_for "the bot is here again" is_here bot
try earshot --name alice send bot --lines < <(seq 150)
check "the flood was taken" test "$STATUS" -eq 0
ends "$bot"
is "it ends" "$STATUS" 0
is "every message got a run" "$(jq -r .text "$T/seen" | sort -n | uniq | wc -l)" 150
is "only one" "$(wc -l <"$T/seen")" 150
check "at most three ran at a time" test "$(sort -n "$T/peak" | tail -n 1)" -le 3

# What still runs ends with it, and what that has started, too.
cat >"$T/hang" <<END
#!/bin/bash
touch $T/running/\$\$
sleep 1000 &
echo \$! >>$T/sleepers
wait
END
chmod +x "$T/hang"
run_earshot bot --name bot listen '#ops' --exec "trap 'rm $T/running/*; exit' TERM; $T/hang & wait" --jobs 2
bot=$PID
wait_for "#ops is there" has_members '#ops' 1
for i in 1 2 3 4; do
    earshot --name alice send '#ops' "$i"
done
wait_for "two of them run" some_run 2
is "and no more" "$(n_running)" 2
earshot --name alice send '#ops' "five"
kill -TERM "$bot"
ends "$bot"
is "SIGTERM ends it" "$STATUS" 143
wait_for "its programs are ended" none_runs
while read -r sleeper; do
    wait_for "and theirs" is_gone "$sleeper"
done <"$T/sleepers"

# A bot does not hear itself, so it cannot answer itself for ever.
run_earshot reader --name reader tail '#talk' --json
wait_for "the reader is there" has_members '#talk' 1
# shellcheck disable=SC2016
run answerer env EARSHOT_PROGRAM="$BIN/earshot" "$BIN/earshot" --hub "$HUB" --name answerer \
    listen '#talk' --exec '"$EARSHOT_PROGRAM" --name answerer send "$EARSHOT_CONV" "yes, $EARSHOT_FROM"'
wait_for "the answerer is there" has_members '#talk' 2
earshot --name alice send '#talk' first
wait_for "it answers" has_lines "$T/reader.out" 2
earshot --name alice send '#talk' second
wait_for "it answers again" has_lines "$T/reader.out" 4
is "each once" "$(jq -r .text "$T/reader.out" | sort | uniq -c | xargs)" \
    "1 first 1 second 2 yes, alice"
run failing "$BIN/earshot" --hub "$HUB" --name failing listen --exec 'exit 5' --count 1
wait_for "a failing one is here" is_here failing
earshot --name alice send failing x
ends "$PID"
is "a command that fails does not end it" "$STATUS" 0
check "but is told of" has "$(cat "$T/failing.err")" "exit code 5"

# While all jobs are busy the hub is killed and started again: it is told, and the bot is here again
# before a job ends; and what was said meanwhile gets its runs.
stop_hub
STORED=yes start_hub
mkfifo "$T/gate"
exec 9<>"$T/gate"
run_earshot busy --name busy listen --jobs 1 --count 3 \
    --exec "touch $T/running/busy; read -r _ <$T/gate; jq -r .text >>$T/busy.seen; rm -f $T/running/busy"
wait_for "it is here" is_here busy
earshot --name alice send busy one
wait_for "its job runs" some_run 1
earshot --name alice send busy two
kill -9 "$HUB_PID"
wait_for "the loss is told at once" has_lines "$T/busy.err" 1
STORED=yes start_hub
wait_for "it is here again while its job runs" is_here busy
wait_for "that is told" has_lines "$T/busy.err" 2
is "one line each" "$(cut -d ' ' -f 2-5 "$T/busy.err" | xargs)" "the hub is gone; the hub is back"
check "the job still runs" some_run 1
earshot --name alice send busy three
seq 3 >&9
ends "$PID"
exec 9>&-
is "it ends" "$STATUS" 0
is "every message got its run" "$(sort "$T/busy.seen" | uniq | xargs)" "one three two"
