#!/usr/bin/env bash
# Pins and stars in the window: /pin, /unpin and /pins; /star, /unstar and /stars.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

start_hub
for name in ann ben; do
    terminal "$name" 90 30
    chat "$name" "$name" '#ops'
done
wait_for "both are in" has_members '#ops' 2

enter ann "/pin"
sees "where nothing was said nothing is pinned" ann "this window has shown no such message here"
enter ann "/pins"
sees "nothing is pinned" ann "nothing is pinned in #ops"
enter ann "the number is 112"
sees "ben reads it" ben "<ann> the number is 112"
enter ben "/pin"
sees "the last message is pinned" ben "pinned in #ops"
sees "which ann is told" ann "#ops: ben pinned a message of ann; /pins"
enter ben "tea?"
sees "ann reads that" ann "<ben> tea?"
enter ann "/clear"
enter ann "/pins"
sees "/pins" ann "pinned by ben, 20"
sees "with the message" ann "<ann> the number is 112"
check "and no other" hides ann "tea?"
enter ann "/star 1"
sees "/star" ann "starred in #ops"
enter ben "/stars"
sees "a star is one's own" ben "nothing is starred"
enter ann "/clear"
enter ann "/stars"
sees "/stars" ann "<ben> tea?"
enter ann "/unstar 1"
sees "/unstar" ann "unstarred in #ops"
enter ben "/unpin 1"
sees "the first one back of others is ann's" ann "#ops: ben unpinned a message of ann; /pins"
enter ben "/pins"
sees "it is pinned no more" ben "nothing is pinned in #ops"
enter ben "/pin 77"
sees "one that was not shown" ben "this window has shown no such message here"
enter ben "/msg ann between us"
sees "a direct message" ann "<ben> between us"
enter ann "/query ben"
enter ann "/pin"
sees "is pinned for the two" ben "ann pinned a message of ben; /pins"
