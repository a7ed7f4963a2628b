#!/usr/bin/env bash
# Edits and removals by real users who may not: of others' messages, of what one said in a room that
# one has left, was put out of or banned from, with forged ids; and an operator's removals, which
# end with his office. What was removed by whoever may is in no file of the hub any more, also where
# answers, earlier versions and both indexes had it.
# shellcheck source=tests/harness/shell.sh
. "$(dirname "$0")/../harness/shell.sh"

if [ "$(id -u)" -ne 0 ]; then
    echo "SKIPPED: needs root, to be several users"
    exit 77
fi
chmod 755 "$T"
HUB=$T/hub
install -d -o 61000 -m 755 "$HUB"
install -d -o 61000 -m 700 "$T/state"

as() { # UID COMMAND...
    local uid=$1
    shift
    setpriv --reuid "$uid" --regid "$uid" --clear-groups env -u XDG_RUNTIME_DIR HOME=/nonexistent "$@"
}
say() { # UID HANDLE COMMAND...
    local uid=$1 handle=$2
    shift 2
    as "$uid" timeout -k 5 60 "$BIN/earshot" --hub "$HUB" --name "$handle" "$@"
}
id_of() { # UID HANDLE CONV TEXT...: of what is said
    say "$1" "$2" send --json "${@:3}" | jq -r .id
}
text_of() { # ID CONV: as ann sees it
    say 61001 ann --json history "$2" | jq -r "select(.id == \"$1\") | .text"
}
refused() { # WHAT COMMAND...: it is not permitted, or not there
    local what=$1
    shift
    try "$@"
    case $STATUS in
    67 | 77) check "$what is refused, and told so" test -n "$ERR" ;;
    *) check "$what is refused (exit status $STATUS)" false ;;
    esac
}

as 61000 "$BIN/earshotd" --dir "$HUB" --state "$T/state" --mode open || exit 99
say 61001 ann room '#ops' --open >/dev/null
for user in "61002 ben" "61003 cal"; do
    # shellcheck disable=SC2086 # the two words of it
    say $user chat '#ops' </dev/null >/dev/null 2>&1
done

# Of others.
hers=$(id_of 61001 ann '#ops' "what ann said")
refused "an edit of hers" say 61003 cal edit "$hers" "what cal makes of it"
refused "as if one were she" say 61003 other send '#ops' --edit "$hers" "what cal makes of it"
refused "a removal of hers, without her name" say 61003 cal delete "$hers"
refused "and with it" say 61003 cal delete "$hers" --from ann
is "it is what it was" "$(text_of "$hers" '#ops')" "what ann said"

# A forged id: somebody else's, taken for a message of one's own.
say 61003 cal send --id "$hers" '#ops' "the same id" >/dev/null
say 61003 cal edit "$hers" "his own, edited"
is "an id is its user's own: hers stays" \
    "$(say 61001 ann --json history '#ops' | jq -r "select(.id == \"$hers\" and .uid == 61001) | .text")" \
    "what ann said"
say 61003 cal delete "$hers"
is "also when he removes his" \
    "$(say 61001 ann --json history '#ops' | jq -r "select(.id == \"$hers\") | .text" | paste -sd,)" \
    "what ann said,(removed by cal)"

# Where one is no more.
say 61001 ann room '#plan' --private >/dev/null
say 61001 ann invite '#plan' cal
say 61003 cal chat '#plan' </dev/null >/dev/null 2>&1
his=$(id_of 61003 cal '#plan' "what cal said")
secret=$(id_of 61001 ann '#plan' "what ann plans")
say 61003 cal chat <<<"/part #plan" >/dev/null 2>&1
refused "an edit in a private room that one has left" say 61003 cal edit "$his" "changed"
refused "a removal there" say 61003 cal delete "$his"
refused "of hers there" say 61003 cal delete "$secret" --from ann
absent=01900000-0000-7000-8000-000000000001
say 61003 cal delete "$secret" --from ann 2>"$T/there"
say 61003 cal delete "$absent" --from ann 2>"$T/absent"
is "it is told like one that was never said" "$(cat "$T/there")" "$(cat "$T/absent")"
is "they are what they were" "$(text_of "$his" '#plan'),$(text_of "$secret" '#plan')" \
    "what cal said,what ann plans"
open=$(id_of 61003 cal '#ops' "said before the ban")
say 61001 ann ban '#ops' cal --reason spam
refused "an edit where one is banned" say 61003 cal edit "$open" "spam"
refused "under another handle" say 61003 fresh edit "$open" "spam"
say 61001 ann unban '#ops' cal

# An operator.
say 61001 ann op '#ops' ben
one=$(id_of 61003 cal '#ops' "first of cal")
two=$(id_of 61003 cal '#ops' "second of cal")
say 61002 ben delete "$one" --from cal
is "he removes" "$(text_of "$one" '#ops')" "(removed by ben)"
refused "but edits nothing" say 61002 ben edit "$two" "ben's words"
refused "and nothing in other rooms" say 61002 ben delete "$secret" --from ann
say 61001 ann deop '#ops' ben
refused "and when he is none any more, nothing" say 61002 ben delete "$two" --from cal
is "it stays" "$(text_of "$two" '#ops')" "second of cal"

# Gone.
word=quetzalcoatlus
root=$(id_of 61001 ann '#ops' "the $word, first")
say 61001 ann edit "$root" "the $word, second, of many ${word}s"
say 61002 ben send '#ops' --reply-to "$root" "no such thing here" >/dev/null
several=$(id_of 61001 ann @ben,cal "the $word between us")
say 61002 ben send @ann,cal --reply-to "$several" "which one" >/dev/null
private=$(id_of 61001 ann '#plan' "the $word of the plan")
is_indexed() {
    [ "$(say 61001 ann search "$word" --json | wc -l)" -ge 3 ]
}
wait_for "it is found, and so in the indexes" is_indexed
for id in "$root" "$several" "$private"; do
    say 61001 ann delete "$id"
done
lacks() {
    ! cat "$T/state"/earshot* | strings -n 5 | grep -qi quetz
}
wait_for "nothing of it is in a file of the hub" lacks
check "neither in the log, nor in the database" lacks
is "and nothing is found" "$(say 61001 ann search "$word" --json 2>/dev/null)" ""
is "what answered it stays in its thread" \
    "$(say 61003 cal thread --in '#ops' "$root" --json | jq -r .text | paste -sd,)" \
    "(removed by ann),no such thing here"
"$BIN/earshotd" --dir "$HUB" --stop || exit 99
check "after the stop, too" lacks
HUB_PID=
