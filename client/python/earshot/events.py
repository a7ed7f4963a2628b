"""What comes from the hub, as values that do not change.

Strings that somebody else wrote are not safe to print on a terminal: see `earshot.safe()`.
"""

from __future__ import annotations

import ctypes
import datetime
import os
from dataclasses import dataclass, field
from typing import Callable, Dict, Optional, Tuple

from . import _library as c

KINDS = ("text", "action", "notice")
STATES = ("sent", "stored", "delivered", "read")
PRESENCES = ("offline", "online", "away")
NEWS = (
    "online",
    "offline",
    "away",
    "back",
    "joined",
    "left",
    "topic",
    "renamed",
    "many",
    "alike",
    "named",
    "order",
    "pins",
)
OFFER_KINDS = ("file", "directory", "stream")
TRANSFER_STATES = ("running", "done", "failed", "declined")
FORMS = ("open", "private", "group", "direct")
CLAIM_STATES = ("held", "waiting", "taken")
LAID = ("mute", "ban", "operator")
SKIPS = ("special", "denied", "vanished", "too-deep", "changed", "replaced", "endless")
PRIORITIES = {"min": -2, "low": -1, "default": 0, "high": 1, "max": 2}


@dataclass(frozen=True)
class Message:
    """Somebody wrote. `conv` is where an answer goes: the room, or the other party."""

    seq: int
    id: str
    at: datetime.datetime
    conv: str
    sender: str
    to: str
    uid: int  #: of the sender; the kernel says so
    kind: str  #: "text", "action" or "notice", which nobody needs to answer
    text: str
    title: str = ""
    priority: int = 0  #: -2 to 2
    reply_to: Optional[str] = None
    mine: bool = False  #: sent by another program of one's own handle
    late: bool = False  #: sent while nobody of this handle was here
    edited: bool = False  #: of the past: the text is not the first one
    removed: bool = False  #: of the past: there is no text any more
    thread: Optional[str] = None  #: of a reply: what its thread began with
    n: int = 0  #: its number in the conversation, by which people name it; 0: none
    reactions: Tuple["Reaction", ...] = ()  #: of the past: to it, by the emoji
    file: Optional["Attachment"] = None  #: a small file came instead of a text: `link.get(message)`
    wants_receipt: bool = field(default=False, repr=False)
    link: int = field(default=0, repr=False)


@dataclass(frozen=True)
class Reaction:
    """The reactions of one emoji to a message."""

    emoji: str
    n: int
    by: Tuple[str, ...]  #: the handles of the first of those whose they are


@dataclass(frozen=True)
class Attachment:
    """A small file in a message."""

    name: str
    size: int
    content: bytes = field(repr=False, default=b"")  #: as it came, packed


@dataclass(frozen=True)
class Edited(Message):
    """The message `id` has another text now. seq, at and sender are those of the edit."""


@dataclass(frozen=True)
class Removed(Message):
    """The message `id` was removed; `text` is the reason, and may be empty."""


@dataclass(frozen=True)
class State:
    """A message of one's own has come further."""

    id: str
    state: str
    seq: Optional[int]
    by: str
    up_to: bool = False  #: and every earlier one of this link that was not refused


@dataclass(frozen=True)
class RefusedMessage:
    """A message of one's own was not taken, and nobody waited for the answer."""

    id: str
    to: str
    code: str
    reason: str


@dataclass(frozen=True)
class News:
    """Somebody came, went, joined, ...: `what` is one of `earshot.events.NEWS`."""

    what: str
    who: str
    room: str
    detail: str
    uid: int


@dataclass(frozen=True)
class User:
    handle: str
    uid: int
    state: str  #: "offline", "online" or "away"
    away: Optional[str]
    idle: int  #: seconds
    pids: Tuple[int, ...]


@dataclass(frozen=True)
class Room:
    name: str
    topic: str
    members: int
    owner: Optional[str] = None  #: this and what follows: only of `link.room()`
    operators: Tuple[str, ...] = ()
    group: Optional[str] = None
    form: str = "open"
    announces: bool = False
    closed: bool = False
    invited: bool = False
    locks_topic: bool = False  #: only its owner and operators set it


@dataclass(frozen=True)
class Laid:
    """Who is an operator in a room, muted or banned there; by whom, until when and why."""

    room: str
    what: str  #: "mute", "ban" or "operator"
    handle: str  #: "" when only the uid is known
    uid: int
    until: Optional[datetime.datetime]  #: None: until it is undone
    by: str
    by_uid: int
    reason: str


@dataclass(frozen=True)
class Pinned:
    """Who has pinned a message, or starred it, and when."""

    seq: int
    by: str
    uid: int
    at: datetime.datetime


@dataclass(frozen=True)
class Unread:
    conv: str
    unread: int
    mentions: int
    seq: int


@dataclass(frozen=True)
class Seen:
    """Another program of this handle has shown a conversation, up to a message."""

    conv: str
    seq: int


@dataclass(frozen=True)
class Claimed:
    """Who has a name, or waits for it."""

    name: str
    state: str
    place: int
    handle: str
    uid: int
    pid: int
    since: datetime.datetime
    note: str


@dataclass(frozen=True)
class Offer:
    """Somebody has a file, a directory or a stream for us: `link.get(offer)`."""

    id: str
    sender: str
    to: str
    uid: int
    kind: str  #: "file", "directory" or "stream"
    name: str
    mime: str
    size: Optional[int]
    mode: int
    mtime_ns: int


@dataclass(frozen=True)
class OfferGone:
    """An offer was withdrawn, or another program of this handle took it."""

    id: str
    was_taken: bool


@dataclass(frozen=True)
class Transfer:
    """How far a file is, to or from one other program."""

    id: str
    state: str  #: "running", "done", "failed" or "declined"
    outgoing: bool
    peer: str
    name: str
    bytes: int
    size: Optional[int]
    resumed: bool
    path: str  #: incoming: under which name it is in the directory
    xxh3: str
    error: str
    reason: int
    skipped: int
    grown: bool


@dataclass(frozen=True)
class Skipped:
    """An entry of a directory of ours is not sent."""

    id: str
    peer: str
    name: str
    path: str
    why: str
    more: int


@dataclass(frozen=True)
class MissedMessages:
    """So many messages are not in the hub's log any more."""

    count: int


@dataclass(frozen=True)
class HubGone:
    """The hub is gone, or has ended the session for the reason; the link tries to come back."""

    reason: str


@dataclass(frozen=True)
class HubBack:
    """The link is joined again."""


@dataclass(frozen=True)
class ShutOut:
    """A hub is there, but does not let the link in, which goes on trying."""

    reason: str


@dataclass(frozen=True)
class Woken:
    """`link.wake()` was called."""


@dataclass(frozen=True)
class Done:
    """A request is fulfilled."""


@dataclass(frozen=True)
class Failed:
    """A request was refused."""

    code: int
    reason: str


def _text(value: Optional[bytes]) -> str:
    return value.decode("utf-8", "replace") if value else ""


def _path(value: Optional[bytes]) -> str:
    return os.fsdecode(value) if value else ""


def _size(value: int) -> Optional[int]:
    return None if value == c.SIZE_UNKNOWN else value


def _time(ms: int) -> datetime.datetime:
    try:
        return datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc)
    except (OverflowError, OSError, ValueError):
        return datetime.datetime.fromtimestamp(0, datetime.timezone.utc)


def _word(words: Tuple[str, ...], n: int) -> str:
    """What a later library has behind the last of them is "other"."""
    return words[n] if 0 <= n < len(words) else "other"


def _attachment(link: int, event: c.Event) -> Optional[Attachment]:
    message = event.message
    if not message.file:
        return None
    file = c.roomy(c.Transfer)
    c.lib.earshot_event_file(link, ctypes.byref(event), ctypes.byref(file))
    content = ctypes.string_at(message.file, message.file_n)
    return Attachment(_path(file.name), file.size, content)


def _reactions(message: c.MessageEvent) -> Tuple[Reaction, ...]:
    return tuple(
        Reaction(_text(r.emoji), r.n, tuple(_text(r.by).split()))
        for r in message.reactions[: message.n_reactions]
    )


def _message(link: int, event: c.Event) -> Message:
    message = event.message
    kind = {c.EVENT_EDITED: Edited, c.EVENT_REMOVED: Removed}.get(event.type, Message)
    return kind(
        seq=message.seq,
        id=_text(message.id),
        at=_time(message.at_ms),
        conv=_text(message.conv),
        sender=_text(getattr(message, "from")),
        to=_text(message.to),
        uid=message.uid,
        kind=_word(KINDS, message.kind),
        text=_text(message.text),
        title=_text(message.title),
        priority=message.priority,
        reply_to=_text(message.reply_to) or None,
        mine=message.mine,
        late=message.late,
        edited=message.edited,
        removed=message.removed,
        thread=_text(message.thread) or None,
        n=message.n,
        reactions=_reactions(message) if message.n_reactions else (),
        file=_attachment(link, event),
        wants_receipt=message.wants_receipt,
        link=message.link,
    )


def transfer_of(transfer: c.Transfer) -> Transfer:
    return Transfer(
        id=_text(transfer.id),
        state=_word(TRANSFER_STATES, transfer.state),
        outgoing=transfer.outgoing,
        peer=_text(transfer.peer),
        name=_path(transfer.name),
        bytes=transfer.bytes,
        size=_size(transfer.size),
        resumed=transfer.resumed,
        path=_path(transfer.path),
        xxh3=_text(transfer.xxh3),
        error=_text(transfer.error),
        reason=transfer.reason,
        skipped=transfer.skipped,
        grown=transfer.grown,
    )


def _state(_link: int, event: c.Event) -> State:
    state = event.state
    return State(
        _text(state.id), _word(STATES, state.state), state.seq or None, _text(state.by), state.up_to
    )


def _refused(_link: int, event: c.Event) -> RefusedMessage:
    failed = event.failed
    name = c.lib.earshot_fail_name(failed.code).decode()
    return RefusedMessage(_text(failed.id), _text(failed.to), name, _text(failed.reason))


def _news(_link: int, event: c.Event) -> News:
    news = event.news
    return News(
        _word(NEWS, news.what), _text(news.who), _text(news.room), _text(news.detail), news.uid
    )


def _user(_link: int, event: c.Event) -> User:
    user = event.user
    return User(
        _text(user.handle),
        user.uid,
        _word(PRESENCES, user.state),
        _text(user.away) or None,
        user.idle_s,
        tuple(user.pids[i] for i in range(user.n_pids)),
    )


def _room(_link: int, event: c.Event) -> Room:
    room = event.room
    if room.owner is None:
        return Room(_text(room.name), _text(room.topic), room.members)
    return Room(
        _text(room.name),
        _text(room.topic),
        room.members,
        _text(room.owner),
        tuple(_text(room.operators).split()),
        _text(room.group) or None,
        _word(FORMS, room.form),
        room.announces,
        room.closed,
        room.invited,
        room.locks_topic,
    )


def _offer(_link: int, event: c.Event) -> Offer:
    offer = event.offer
    return Offer(
        _text(offer.id),
        _text(getattr(offer, "from")),
        _text(offer.to),
        offer.uid,
        _word(OFFER_KINDS, offer.kind),
        _path(offer.name),
        _text(offer.mime),
        _size(offer.size),
        offer.mode,
        offer.mtime_ns,
    )


def _laid(_link: int, event: c.Event) -> Laid:
    laid = event.laid
    return Laid(
        _text(laid.room),
        _word(LAID, laid.what),
        _text(laid.handle),
        laid.uid,
        _time(laid.until_ms) if laid.until_ms else None,
        _text(laid.by),
        laid.by_uid,
        _text(laid.reason),
    )


def _claimed(_link: int, event: c.Event) -> Claimed:
    claim = event.claim
    return Claimed(
        _text(claim.name),
        _word(CLAIM_STATES, claim.state),
        claim.place,
        _text(claim.handle),
        claim.uid,
        claim.pid,
        _time(claim.since_ms),
        _text(claim.note),
    )


def _skipped(_link: int, event: c.Event) -> Skipped:
    skipped = event.skipped
    return Skipped(
        _text(skipped.id),
        _text(skipped.peer),
        _path(skipped.name),
        _path(skipped.path),
        _word(SKIPS, skipped.why),
        skipped.more,
    )


_MAKERS: Dict[int, Callable[[int, c.Event], object]] = {
    c.EVENT_MESSAGE: _message,
    c.EVENT_PAST: _message,
    c.EVENT_EDITED: _message,
    c.EVENT_REMOVED: _message,
    c.EVENT_STATE: _state,
    c.EVENT_REFUSED: _refused,
    c.EVENT_NEWS: _news,
    c.EVENT_USER: _user,
    c.EVENT_ROOM: _room,
    c.EVENT_COUNTER: lambda _, e: (_text(e.counter.key), e.counter.value),
    c.EVENT_DONE: lambda _, e: Done(),
    c.EVENT_FAILED: lambda _, e: Failed(e.failed.code, _text(e.failed.reason)),
    c.EVENT_OFFER: _offer,
    c.EVENT_WITHDRAWN: lambda _, e: OfferGone(_text(e.withdrawn.id), e.withdrawn.was_taken),
    c.EVENT_TRANSFER: lambda _, e: transfer_of(e.transfer),
    c.EVENT_MISSED: lambda _, e: MissedMessages(e.missed),
    c.EVENT_LOST: lambda _, e: HubGone(_text(e.lost.reason)),
    c.EVENT_BACK: lambda _, e: HubBack(),
    c.EVENT_WOKEN: lambda _, e: Woken(),
    c.EVENT_SKIPPED: _skipped,
    c.EVENT_SHUT_OUT: lambda _, e: ShutOut(_text(e.lost.reason)),
    c.EVENT_UNREAD: lambda _, e: Unread(
        _text(e.unread.conv), e.unread.unread, e.unread.mentions, e.unread.seq
    ),
    c.EVENT_SEEN: lambda _, e: Seen(_text(e.unread.conv), e.unread.seq),
    c.EVENT_CLAIM: _claimed,
    c.EVENT_PINNED: lambda _, e: Pinned(
        e.pinned.seq, _text(e.pinned.by), e.pinned.by_uid, _time(e.pinned.at_ms)
    ),
    c.EVENT_LAID: _laid,
}


def of_library(link: int, event: c.Event) -> Optional[object]:
    """A copy of what came; None: this module does not know what it is."""
    maker = _MAKERS.get(event.type)
    return maker(link, event) if maker else None


def to_library(message: Message) -> c.Event:
    """The event again that a message came in. It refers to the strings that it keeps itself."""
    kinds = {Edited: c.EVENT_EDITED, Removed: c.EVENT_REMOVED}
    event = c.roomy(c.Event)
    event.type = kinds.get(type(message), c.EVENT_MESSAGE)
    target = event.message
    target.seq, target.uid, target.link = message.seq, message.uid, message.link
    target.id = message.id.encode()
    target.reply_to = (message.reply_to or "").encode()
    target.conv, target.to = message.conv.encode(), message.to.encode()
    setattr(target, "from", message.sender.encode())
    target.text, target.title = message.text.encode(), message.title.encode()
    target.mine, target.wants_receipt = message.mine, message.wants_receipt
    if message.file:
        content = ctypes.create_string_buffer(message.file.content, len(message.file.content))
        event.kept = content
        target.file, target.file_n = ctypes.addressof(content), len(message.file.content)
    return event
