#!/usr/bin/env bash
# Who is ignored stays hidden in the past, too; who is named by a word of another alphabet behind
# the handle is named; a file that gets another name is told of; who comes and goes takes one line.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

start_hub
terminal ann 100 40
chat ann ann '#ops'
earshot --name eve send '#ops' "a word of eve"
earshot --name ben send '#ops' "a word of ben"
sees "both are heard" ann "<ben> a word of ben"
enter ann "/ignore eve"
sees "eve is ignored" ann "ignored: eve"
enter ann "/clear"
enter ann "/history"
sees "the past" ann "<ben> a word of ben"
check "without eve" hides ann "a word of eve"
enter ann "/clear"
enter ann "/search word of"
sees "what is found" ann "1 message found with: word of"
check "without eve" hides ann "a word of eve"
head -c 100 /dev/urandom >"$T/small"
head -c 40000 /dev/urandom >"$T/large"
earshot --name eve put --no-wait ann "$T/small"
run_earshot eve --name eve --json put ann "$T/large"
wait_for "both are offered" grep -q offered "$T/eve.out"
earshot --name ben send '#ops' "after her files"
sees "what comes then" ann "after her files"
check "her files are not told" hides ann "eve offers"
enter ann "/files"
sees "nor listed" ann "no file waits, none is under way"
enter ann "/get"
sees "nor taken" ann "nothing like that waits for you"
enter ann "/unignore eve"
sees "they come back: the small one" ann "eve offers small"
sees "and the large one" ann "eve offers large"
enter ann "/decline eve"
sees "as any others" ann "large is refused"
enter ann "/clear"
enter ann "/search word of"
sees "and with her" ann "2 messages found with: word of"

enter ann "/clear"
earshot --name ben send '#ops' "annさん、こんにちは"
earshot --name ben send '#ops' "annabel is somebody else"
sees "both are shown" ann "annabel is somebody else"
enter ann "/mentions"
sees "a suffix of another alphabet is no part of a name" ann "1 message names you"
earshot --name ben send '#ops' "and ann, as a word"
enter ann "/mentions"
sees "also where the name stands as a word elsewhere" ann "2 messages name you"

mkdir "$T/from" && head -c 40000 /dev/urandom >"$T/from/.bashrc"
enter ann "/set files.directory $T"
sees "a place for files" ann "files.directory = $T"
run_earshot ben --name ben put ann "$T/from/.bashrc"
sees "a file" ann "ben offers _bashrc"
wait_for "its sender hears of the name" grep -q "bashrc is called _bashrc there" "$T/ben.err"
touch "$T/_bashrc"
enter ann "/get"
sees "it is here" ann "_bashrc (2) from ben is here"
sees "under another name" ann "ben calls it _bashrc; here that name was taken"

enter ann "/clear"
still_typed "an empty screen" ann "[#ops]"
for who in u1 u2 u3; do
    run_earshot "$who" --name "$who" tail
    sees "$who came" ann "+ $who came"
done
is "in one line" "$(whole_lines ann | grep -c ' came')" 1
