#!/usr/bin/env bash
# Without a question: files that standing rules let in; an answer with no conversation open.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

start_hub
mkdir "$T/ben"
head -c 200000 /dev/urandom >"$T/right"
head -c 400000 /dev/urandom >"$T/large"
echo small >"$T/small"
printf '[files]\ndirectory = %s/ben\naccept = ann 300K\n' "$T" >"$T/config"
terminal ann 100 30
terminal ben 100 30
command_in ben "export EARSHOT_CONFIG=$T/config"
chat ann ann '#ops'
chat ben ben '#ops'
sees "they see each other" ann "ben"

enter ann "/put ben $T/right"
sees "it is taken without a question" ben "right from ann is here"
check "it is the same" cmp "$T/right" "$T/ben/right"
enter ann "/put ben $T/small"
sees "a small one, too" ben "small from ann is here"
check "which is the same" cmp "$T/small" "$T/ben/small"
enter ann "/put ben $T/large"
sees "a larger one is a question" ben "ann offers large"
check "it is not there" test ! -e "$T/ben/large"

# A newcomer's first answer, with no conversation open.
terminal eve 100 30
chat eve eve
enter ann "/msg eve are you new here?"
sees "eve is asked" eve "are you new here?"
enter eve "/reply yes, since today"
sees "the answer finds its way" ann "<eve> yes, since today"
