#!/usr/bin/env bash
# Tab completes paths for /put: what it inserts is what /put takes.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

start_hub
mkdir -p "$T/ann/deep down/more" "$T/ann/.hidden"
echo 1 >"$T/ann/small file"
echo 2 >"$T/ann/deep down/Alpha"
echo 3 >"$T/ann/deep down/alpine"
echo 4 >"$T/ann/.secret"
printf 5 >"$T/ann/x"$'\n'"y"
terminal ann 90 30
terminal ben 90 30
command_in ann "cd $T/ann; export HOME=$T/ann"
chat ann ann '#ops'
chat ben ben '#ops'
sees "they see each other" ann "ben"

completes ann "/put be" "/put ben"
key ann C-u
type_in ann "/put ben    x"
key ann Left Left Left Tab
still_typed "among blanks" ann "[#ops] /put ben    x"
key ann End
completes ann "/put ben s" "/put ben small file"
completes ann "/put ben small f" "/put ben small file"
completes ann "/put s" "/put small file"
completes ann "/put small fi" "/put small file"
completes ann "/put ben d" "/put ben deep down/"
completes ann "/put ben ./deep down/m" "/put ben ./deep down/more/"
completes ann "/put ben deep down/al" "/put ben deep down/alpine"
completes ann "/put ben ~/sm" "/put ben ~/small file"
completes ann "/put ben $T/ann/sm" "/put ben $T/ann/small file"
completes ann "/put ben .s" "/put ben .secret"
completes ann "/put ben x" "/put ben x"
completes ann "/put ben nothing/s" "/put ben nothing/s"
completes ann "/msg ben s" "/msg ben s"
completes ann "/put ben deep down/" "/put ben deep down/"
sees "several are listed" ann "-- Alpha  alpine  more/"
check "what is hidden is not" hides ann ".hidden"

completes ann "/put ben sm" "/put ben small file"
key ann Enter
sees "what was completed is sent" ben "[file small file, 2 bytes]"
