#!/usr/bin/env bash
# Rooms of one's own in the windows of three users: a private room and who is invited, /op, /mute,
# /kick, /ban and back, by whoever may; where lines go when one is put out; the room renamed and
# closed.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

if [ "$(id -u)" -ne 0 ]; then
    echo "SKIPPED: needs root, to be several users"
    exit 77
fi
chmod 755 "$T"
HUB=$T/open
start_hub --mode open
window() { # NAME UID
    terminal "$1" 130 50
    command_in "$1" "setpriv --reuid $2 --regid $2 --clear-groups env -u XDG_RUNTIME_DIR \
HOME=/nonexistent $BIN/earshot --hub $HUB --name $1 chat '#lobby'"
    sees "$1 is here" "$1" "you are $1 at" || exit 1
}
window ann 61001
window ben 61002
window cal 61003
wait_for "all are in" has_members '#lobby' 3

# A private room.
enter ann "/room #plan private"
await "made, it is where she talks" bottom_is ann "[#plan]"
enter ann "/topic for us"
sees "she gives it a topic" ann "topic of #plan: for us"
enter ben "/rooms"
sees "others are told of rooms" ben "#lobby, 3 members, joined"
check "but not of this one" hides ben "#plan"
enter ann "/invite ben"
sees "she invites" ann "ben is invited, and was told"
sees "who is invited is told how to come" ben "you are invited to the private room #plan: /join #plan~ann"
enter ben "/join #plan"
sees "he finds her there, and the topic" ben "you and ann; topic: for us"
enter ben "hello there"
sees "they talk" ann "#plan <ben> hello there"
enter ann "/invite ben"
sees "nobody is invited twice" ann "ben is in #plan already"
enter cal "/join #plan"
sees "who is not invited has a room of his own by that name" cal "#plan: nobody else is here yet"
enter cal "/part #plan"
sees "and leaves it" cal "you left #plan"
await "his lines go to where he was" bottom_is cal "[#lobby]"

# Order.
enter ben "/op cal"
sees "only the owner makes operators" ben "cannot change #plan: only its owner may do this"
enter ann "/op ben"
sees "who is one is told" ben "ben (uid 61002) is an operator of #plan until that is undone, by ann"
enter ann "/invite cal"
sees "cal is invited" cal "you are invited to the private room #plan"
enter cal "/join #plan"
sees "and comes" cal "#plan: you and ann, ben; topic: for us"
enter ben "/mute cal 1h"
sees "a mute without a room is none for an hour" ben "usage: /mute"
enter ben "/mute #plan cal 1h too loud"
sees "who is muted is told by whom, and why" cal "by ben (uid 61002): too loud"
sees "and so is everybody there" ann "cal (uid 61003) is muted in #plan until"
enter cal "I am loud"
sees "what he says goes to nobody" cal "not delivered to #plan: cal (uid 61003) is muted"
check "it did not" hides ann "I am loud"
enter ben "/unmute #plan cal"
sees "it is undone" cal "is not muted any more in #plan"
enter cal "I am quiet"
sees "and he speaks" ann "#plan <cal> I am quiet"
enter cal "/kick ann"
sees "a member puts nobody out" cal "only its owner and operators may do this in #plan"
type_in cal "half a secr"
enter ben "/kick cal go away"
sees "who is put out is told why" cal "was put out of #plan, by ben (uid 61002): go away"
sees "and that his lines go nowhere now" cal "you are not in #plan any more; /join #ROOM or /query HANDLE"
sees "the others are told" ann "cal (uid 61003) was put out of #plan"
await "what he types stands whole" bottom_is cal "> half a secr"
type_in cal "et"
key cal Enter
sees "and is said nowhere" cal "not sent: this line has nowhere to go"
check "neither there nor elsewhere" hides ben "half a secret"
enter ben "/ban #plan 61003 10m spam"
sees "a ban by uid" ann "is banned from #plan until"
enter ben "/invite cal"
sees "who is banned is not invited" ben "cannot invite cal:"
enter ben "/unban #plan 61003"
sees "until it is undone" ann "is not banned any more from #plan"
enter ann "/deop ben"
sees "an operator who is none any more is told" ben "is not an operator any more of #plan"
enter ben "/kick #plan ann"
sees "and can do nothing" ben "cannot change #plan: only its owner and operators may do this"

# In an open room, too.
enter ann "/ban #lobby ben"
sees "whose room that is" ann "ben (uid 61002) is banned from #lobby until that is undone"
enter ben "/msg #lobby hello"
sees "he says nothing there" ben "not delivered to #lobby:"
check "that anybody hears" hides cal "<ben> hello"
enter ann "/unban #lobby ben"
sees "it is undone, too" ben "is not banned any more from #lobby"

# The room itself.
key ann C-u
type_in ann "/room #plan ren"
key ann Tab
await "what it can be told is completed" bottom_is ann "[#plan] /room #plan rename"
type_in ann "#plans"
key ann Enter
sees "it is renamed, for all" ben "#plan is called #plans now"
await "and for the prompts" bottom_is ben "[#plans]"
enter ann "/room owner ben"
enter ben "/room"
sees "it is passed on" ben "#plans is private, 2 members, and belongs to ben"
enter ben "/room announce on"
sees "its owner alone speaks" ben "#plans was changed"
enter ann "may I?"
sees "and others are told so" ann "in #plans only its owner and operators speak"
enter ben "/room close"
sees "closed, its members are told" ann "you are not in #plans any more"
await "and talk nowhere" bottom_is ann ">"
await "nor who has closed it" bottom_is ben ">"
finish_terminals
