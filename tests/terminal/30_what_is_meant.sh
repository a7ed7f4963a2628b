#!/usr/bin/env bash
# What is typed in the habit of other programs, or half known, does what is meant or says what to
# type: /r, /join and /query with more words, a name of which a part is known, a file by the
# beginning of its name; and a refusal names commands of the window.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

start_hub
earshot --name annsmith -q who >"$T/who"
terminal ann 110 60
terminal ben 110 60
chat ann ann '#ops'
chat ben ben '#ops'
sees "they are together" ann "+ ben joined #ops"

# What was meant for one must not reach the room, also when somebody has spoken there meanwhile.
enter ann "/msg ben between us"
sees "ben is told something" ben "@ann <ann> between us"
enter ann "and this to all"
sees "something is said in the room" ben "#ops <ann> and this to all"
enter ben "/r a secret"
sees "an answer is not sent" ben "not sent: ann wrote to you alone: /msg ann TEXT answers that, /reply 1 TEXT the last message in #ops"
enter ben "/r 1 to the room"
sees "with a number it is meant" ann "#ops <ben> to the room"
enter ben "/msg ann to you"
sees "who has answered" ann "@ben <ben> to you"
enter ben "/r again to the room"
sees "answers in the room" ann "#ops <ben> again to the room"
check "the secret was told to nobody" hides ann "a secret"
enter ben "/query ann"
enter ben "/r to ann alone"
sees "in the conversation itself it goes there" ann "@ben <ben> to ann alone"

enter ann "/join #lab key"
sees "a key, or a text, behind the room" ann "not joined: \"key\" is no room. /join #lab enters it, /join #lab #OTHER both; /msg #lab TEXT says something there"
still_typed "nothing was joined" ann "[#ops | @ben 2]"
enter ann "/join lab #shop,#mill"
still_typed "several rooms, as far as they have their sign" ann "[#mill | @ben 2]"
enter ann "/query"
sees "/query alone lists; all are entered" ann "#shop"
sees "the first, too" ann "#lab"
enter ann "/part #mill and farewell"
sees "no word is lost" ann "usage: /part [#ROOM]: leave a room"
enter ann "/back hello"
sees "nor of a command that takes none" ann "usage: /back: you are there again"
enter ann "/query ben are you there"
sees "/query with a text sends it there" ben "@ann <ann> are you there"
still_typed "and stays there" ann "[@ben]"
enter ann "/query #ops and here"
sees "in a room, too" ben "#ops <ann> and here"

enter ann "/query smyth hello"
sees "/query of nobody with a text: the text is refused" ann "not delivered to smyth: smyth is nobody's handle"
still_typed "and leads nowhere" ann "[#ops]"
check "which is told once" hides ann "there is nobody called smyth"
enter ann "/ist"
sees "an unknown command: the nearest, also of other programs" ann "no command /ist; /list? not sent"
enter ann "/msg smith hello"
sees "nobody is called so" ann "not delivered to smith: smith is nobody's handle; /who lists who is here"
sees "but the name has it" ann "near smith: annsmith"
enter ann "/topic #nix words"
sees "a refusal names what can be typed here" ann "/rooms lists them"
check "and nothing for a shell" hides ann '`earshot'

head -c 40000 /dev/urandom >"$T/report.pdf"
head -c 40000 /dev/urandom >"$T/reply.txt"
head -c 40000 /dev/urandom >"$T/2030.txt"
enter ann "/set files.directory $T/in"
mkdir "$T/in"
for file in report.pdf reply.txt 2030.txt; do
    run_earshot "$file" --name ben --json put ann "$T/$file"
    sees "$file is offered" ann "ben offers $file"
done
enter ann "/get rep"
sees "a beginning of several names" ann "rep may be one of several; /files has their numbers"
enter ann "/get repo"
sees "of one" ann "report.pdf from ben is here"
enter ann "/get 20"
sees "digits are a number" ann "nothing like that waits for you; see /files"
id=$(jq -r 'select(.type == "file") | .id' "$T/2030.txt.out" | head -1)
enter ann "/get ${id:0:3}"
sees "three letters of an id are too few" ann "nothing like that waits for you; see /files"
enter ann "/clear"
still_typed "an empty screen" ann "[#ops]"
enter ann "/get ${id:0:30}"
sees "what only this one begins with is enough" ann "2030.txt from ben is here"
