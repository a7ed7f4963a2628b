"""What a link does, whichever way it waits.

An operation is a generator. It yields what it waits for, and how long at most until it looks again;
`Link` waits in the library itself, `aio.Link` on its descriptor. An event that comes goes to the
operation that waits for it, or into a queue, in the order in which it came.
"""

from __future__ import annotations

import collections
import ctypes
import errno
import os
import threading
import warnings
import weakref
from ctypes import byref
from typing import Any, Callable, Deque, Dict, Generator, Iterable, List, Optional, Tuple, Union

from . import _library as c
from . import errors, events
from .events import Message, Offer, Pinned
from .sent import Claim, Handed, Record, Sent

Steps = Generator[Tuple[Optional[Record], Optional[float]], None, Any]

QUEUE_MAX = 65536  # events that wait while an operation waits for its answer
QUEUE_BYTES_MAX = 64 << 20  # of their texts and files
EVENT_BYTES = 512  # what one counts for besides
QUESTIONS_MAX = 8  # at a time about the past: the hub takes no more of one link
ROOM_S = 0.05  # until a call is made again that found no room
PROGRESS_S = 0.2

lib = c.lib


def encoded(value: Optional[str], what: str) -> Optional[bytes]:
    """For a NUL-terminated string of the library."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"{what} is a {type(value).__name__}, not a str")
    try:
        data = value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise errors.BadText(f"{what} is no text: {error.reason}") from None
    if b"\0" in data:
        raise errors.BadText(f"{what} has a NUL in it")
    return data


def id_of(message: Union[str, Message, Sent]) -> str:
    return message if isinstance(message, str) else message.id


def word_index(words: Tuple[str, ...], word: str, what: str) -> int:
    if word not in words:
        raise errors.BadArgument(f"{what} cannot be {word!r}; it is one of {', '.join(words)}")
    return words.index(word)


def priority_of(priority: Union[int, str]) -> int:
    if isinstance(priority, str):
        if priority not in events.PRIORITIES:
            word_index(tuple(events.PRIORITIES), priority, "the priority")
        return events.PRIORITIES[priority]
    return priority


def same_name(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def event_bytes(event: object) -> int:
    n = EVENT_BYTES
    if isinstance(event, Message):
        n += len(event.text) + len(event.title)
        n += len(event.file.content) if event.file else 0
    return n


class Question:
    """What `ask` waits for: a reply to it, else the next message of who was asked."""

    def __init__(self, to: str, old_seq: int):
        self.to, self.old_seq = to, old_seq
        self.id = ""
        self.record = Record()
        self.answer: Optional[Message] = None

    def may_answer(self, message: Message) -> bool:
        if self.to.startswith("#"):
            if message.conv.startswith("#"):
                return same_name(message.conv, self.to)
            return not message.mine
        return same_name(message.sender, self.to)

    def is_answered_by(self, message: Message) -> bool:
        if message.reply_to:
            return message.reply_to == self.id and self.may_answer(message)
        return not message.mine and message.seq > self.old_seq and same_name(message.conv, self.to)


class Core:
    """The part of a link that does not wait."""

    def __init__(
        self,
        *,
        hub: Union[None, str, "os.PathLike[str]"],
        name: Optional[str],
        listen: bool,
        all_rooms: bool,
        news: bool,
        reconnect: bool,
        after: Optional[int],
        take: bool,
        timeout: float,
    ):
        self._link: Optional[int] = None
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._wake_lock = threading.Lock()
        self._event = c.roomy(c.Event)
        self._queue: Deque[object] = collections.deque()
        self._queue_bytes = 0
        self._in_hand: Optional[Message] = None
        self._open_messages: Deque[Message] = collections.deque()
        self._finished: set = set()
        self._records: Dict[int, Record] = {}
        self._questions: List[Question] = []
        self._unacknowledged: "collections.OrderedDict[str, Sent]" = collections.OrderedDict()
        self._sent: "weakref.WeakValueDictionary[str, Sent]" = weakref.WeakValueDictionary()
        self._handed: "weakref.WeakValueDictionary[str, Handed]" = weakref.WeakValueDictionary()
        self._takes: Dict[str, Record] = {}
        self._back = Record()
        self._n_questions = 0
        self._question_over = Record()
        self._hears = listen or all_rooms
        self._takes_mail = take
        self._reconnects = reconnect
        self._timeout = timeout
        flags = (c.LISTEN if listen else 0) | (c.ALL_ROOMS if all_rooms else 0)
        flags |= (c.NEWS if news else 0) | (c.RECONNECT if reconnect else 0) | c.UNTIL_READ
        flags |= c.AFTER if after is not None else 0
        self._options = c.Options(
            os.fsencode(hub) if hub is not None else None,
            encoded(name, "the handle"),
            flags,
            max(1, int(timeout * 1000)),
            after or 0,
        )

    # The library.

    def _open_link(self) -> None:
        link = ctypes.c_void_p()
        result = lib.earshot_open(byref(link), byref(self._options))
        if result == c.OK:
            self._link = link.value
            return
        error = errors.of_result(link.value, result)
        lib.earshot_close(link)
        raise error

    def _close_link(self) -> None:
        """In a child of the process it is only forgotten: the link is its parent's."""
        with self._wake_lock:
            link, self._link = self._link, None
        if link is not None and os.getpid() == self._pid:
            with self._lock:
                lib.earshot_close(link)

    def __del__(self) -> None:
        if getattr(self, "_link", None) is not None:
            warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self)
            self._close_link()

    def _check_usable(self) -> int:
        if self._link is None:
            raise ValueError("the link is closed")
        if os.getpid() != self._pid:
            raise ValueError("a link does not outlive fork(); open one in the new process")
        return self._link

    def _do(self, function: Callable[..., int], *arguments: Any) -> int:
        """Calls the library. A link belongs to one thread at a time."""
        link = self._check_usable()
        if not self._lock.acquire(blocking=False):
            raise RuntimeError("another thread is using this link; it belongs to one at a time")
        try:
            return function(link, *arguments)
        finally:
            self._lock.release()

    def _next(self, timeout_ms: int) -> int:
        """The next event goes where it belongs. Outcomes as earshot_next()."""
        link = self._check_usable()
        if not self._lock.acquire(blocking=False):
            raise RuntimeError("another thread is using this link; it belongs to one at a time")
        try:
            result = lib.earshot_next(link, byref(self._event), timeout_ms)
            request, type_ = self._event.request, self._event.type
            event = events.of_library(link, self._event) if result == c.OK else None
        finally:
            self._lock.release()
        if event is not None:
            self._dispatch(type_, request, event)
        return result

    def _error_of(self, result: int) -> Exception:
        return errors.of_result(self._link, result)

    @property
    def hub(self) -> Dict[str, Any]:
        """What is known about the hub: dir, name, pid, uid, mode, seq, ..."""
        info = c.roomy(c.HubInfo)
        self._do(lib.earshot_hub, byref(info))
        return {
            "dir": os.fsdecode(info.dir or b""),
            "name": (info.name or b"").decode(),
            "pid": info.pid,
            "uid": info.uid,
            "mode": ("private", "group", "open")[info.mode],
            "seq": info.seq,
            "keep_days": info.keep_days,
            "keep_bytes": info.keep_bytes,
            "instance": info.instance.decode(),
        }

    @property
    def handle(self) -> str:
        """One's own, as the hub spells it."""
        info = c.roomy(c.HubInfo)
        self._do(lib.earshot_hub, byref(info))
        return (info.handle or b"").decode()

    @property
    def is_joined(self) -> bool:
        """Whether there is a hub just now."""
        return bool(self._do(lib.earshot_is_joined))

    @property
    def closed(self) -> bool:
        return self._link is None

    def wake(self) -> None:
        """`events()` gives a Woken. May be called by another thread."""
        with self._wake_lock:
            if self._link is not None and os.getpid() == self._pid:
                lib.earshot_wake(self._link)

    def mentions_me(self, message: Message) -> bool:
        """Whether it names one's own handle, as a word, whatever its case."""
        return mentions(message.text, self.handle) or mentions(message.title, self.handle)

    # What came.

    def _dispatch(self, type_: int, request: int, event: object) -> None:
        if type_ in (c.EVENT_MESSAGE, c.EVENT_EDITED, c.EVENT_REMOVED):
            self._take_message(event)  # type: ignore[arg-type]
        elif isinstance(event, events.State):
            self._take_state(event)
        elif isinstance(event, events.RefusedMessage):
            self._take_refusal(event)
        elif request:
            record = self._records.get(request)
            if record is not None:
                record.take(event)
        else:
            if isinstance(event, events.Transfer):
                self._take_transfer(event)
            elif isinstance(event, events.OfferGone) and event.id in self._takes:
                self._takes[event.id].take(event)
            elif isinstance(event, events.HubBack):
                self._back.notify()
            self._enqueue(event)

    def _enqueue(self, event: object) -> None:
        self._queue.append(event)
        self._queue_bytes += event_bytes(event)

    def _pop(self) -> object:
        event = self._queue.popleft()
        self._queue_bytes -= event_bytes(event)
        return event

    def _is_overfull(self) -> bool:
        return len(self._queue) >= QUEUE_MAX or self._queue_bytes >= QUEUE_BYTES_MAX

    def _overfull(self) -> errors.TryAgain:
        return errors.TryAgain(
            f"{len(self._queue)} events came while an answer was awaited; take these first"
        )

    def _take_message(self, message: Message) -> None:
        self._open_messages.append(message)
        for question in self._questions:
            if type(message) is Message and question.is_answered_by(message):
                self._questions.remove(question)
                question.answer = message
                question.record.finish()
                return
        self._enqueue(message)

    def _finish_message(self, message: Message) -> None:
        """The program is through with it. The hub is told in the order in which they came, so that
        one that is not finished yet comes again if this process dies."""
        self._finished.add(id(message))
        while self._open_messages and id(self._open_messages[0]) in self._finished:
            first = self._open_messages.popleft()
            self._finished.discard(id(first))
            if self._takes_mail and self._link is not None:
                self._do(lib.earshot_mark_read, byref(events.to_library(first)))

    def _finish_in_hand(self) -> None:
        message, self._in_hand = self._in_hand, None
        if message is not None:
            self._finish_message(message)

    def _take_queued_message(self, own: bool, mended: bool) -> Optional[Message]:
        """The next message of the queue; other events are passed over. None: there is none."""
        self._finish_in_hand()
        while self._queue:
            event = self._pop()
            if isinstance(event, events.MissedMessages):
                raise errors.Missed(
                    f"{event.count} messages are not in the hub's log any more", "missed"
                )
            if not isinstance(event, Message):
                continue
            if (event.mine and not own) or (type(event) is not Message and not mended):
                self._finish_message(event)
                continue
            self._in_hand = event
            return event
        return None

    def _take_queued_event(self) -> Optional[object]:
        self._finish_in_hand()
        if not self._queue:
            return None
        event = self._pop()
        if isinstance(event, Message):
            self._in_hand = event
        return event

    def _check_hears(self) -> None:
        if not self._hears:
            raise errors.BadArgument(
                "the link hears nothing; open it with listen=True, or name rooms"
            )

    # What was sent.

    def _take_state(self, state: events.State) -> None:
        if state.state == "stored":
            self._take_stored(state)
        sent = self._sent.get(state.id)
        if sent is not None:
            sent.advance(state.state, state.seq, state.by)
        handed = self._handed.get(state.id)
        if handed is not None:
            handed.take_state(state)

    def _take_stored(self, state: events.State) -> None:
        if state.id not in self._unacknowledged:
            return
        if not state.up_to:
            self._unacknowledged.pop(state.id).advance("stored", state.seq, "")
            return
        while self._unacknowledged:
            id_, sent = self._unacknowledged.popitem(last=False)
            sent.advance("stored", state.seq if id_ == state.id else None, "")
            if id_ == state.id:
                return

    def _take_refusal(self, refused: events.RefusedMessage) -> None:
        sent = self._unacknowledged.pop(refused.id, None) or self._sent.get(refused.id)
        handed = self._handed.get(refused.id)
        error = errors.Refused(refused.reason or refused.code, refused.code)
        error.exit_code = EXIT_CODES.get(refused.code, 1)
        if sent is not None:
            error.sent = sent
            sent.fail(error)
        if handed is not None:
            handed.fail(error)
        if handed is None and (sent is None or not sent.is_awaited):
            self._enqueue(refused)

    def _take_transfer(self, transfer: events.Transfer) -> None:
        if transfer.outgoing:
            handed = self._handed.get(transfer.id)
            if handed is not None:
                handed.take_transfer(transfer)
        elif transfer.id in self._takes:
            self._takes[transfer.id].take(transfer)

    # Operations.

    def _call(self, function: Callable[..., int], *arguments: Any) -> Steps:
        """Until the library takes it: it may want events to be taken first, or have no room."""
        while True:
            result = self._do(function, *arguments)
            if result == c.OK:
                return
            if result == c.AGAIN:
                if self._is_overfull():
                    raise self._overfull()
                yield None, ROOM_S
            elif result != -errno.EINTR:
                raise self._error_of(result)

    def _ask_hub(self, function: Callable[..., int], *arguments: Any, again: bool = True) -> Steps:
        """A request and all lines of its answer. `again`: to do it twice does no harm, so it is
        asked again when the hub was lost meanwhile and is back."""
        while True:
            record = yield from self._ask_hub_once(function, *arguments)
            if record.failed is None:
                return record.lines
            error = errors.of_hub(record.failed.code, record.failed.reason)
            if not (again and self._reconnects and isinstance(error, errors.HubLost)):
                raise error
            while not self.is_joined:
                yield self._back, None

    def _ask_hub_once(self, function: Callable[..., int], *arguments: Any) -> Steps:
        request = ctypes.c_uint32()
        yield from self._call(function, *arguments, byref(request))
        record = self._records[request.value] = Record()
        try:
            while not record.is_over:
                yield record, None
        finally:
            del self._records[request.value]
        return record

    def _ask_in_turn(self, function: Callable[..., int], *arguments: Any) -> Steps:
        """The same of what the hub has to look up, a few at a time."""
        while self._n_questions >= QUESTIONS_MAX:
            yield self._question_over, None
        self._n_questions += 1
        try:
            return (yield from self._ask_hub(function, *arguments))
        finally:
            self._n_questions -= 1
            self._question_over.notify()

    def _op_join_all(self, rooms: Iterable[str], for_session: bool) -> Steps:
        """All of them are asked for before the first event is taken, so that they begin together."""
        records = []
        for room in rooms:
            request = ctypes.c_uint32()
            yield from self._call(
                lib.earshot_join, encoded(room, "the room"), for_session, byref(request)
            )
            record = self._records[request.value] = Record()
            records.append((request.value, record))
            self._hears = True
        try:
            for _, record in records:
                while not record.is_over:
                    yield record, None
        finally:
            for request, _ in records:
                del self._records[request]
        for _, record in records:
            if record.failed is not None:
                error = errors.of_hub(record.failed.code, record.failed.reason)
                if not (self._reconnects and isinstance(error, errors.HubLost)):
                    raise error

    def _message(
        self,
        to: Optional[str],
        text: str,
        kind: str = "text",
        id: Optional[str] = None,
        reply_to: Union[None, str, Message, Sent] = None,
        flags: int = 0,
        priority: Union[int, str] = 0,
        title: str = "",
    ) -> c.OutgoingMessage:
        data = encoded(text, "the text") or b""
        return c.OutgoingMessage(
            to=encoded(to, "the recipient"),
            text=data,
            text_n=len(data),
            kind=word_index(events.KINDS, kind, "the kind"),
            id=encoded(id, "the id"),
            reply_to=encoded(id_of(reply_to), "the message") if reply_to is not None else None,
            flags=flags,
            priority=priority_of(priority),
            title=encoded(title, "the title"),
            author=reply_to.uid if isinstance(reply_to, Message) else 0,
            has_author=isinstance(reply_to, Message),
        )

    def _op_say(self, call: Callable[[Any], Steps], to: str, wait: str) -> Steps:
        """Sends something that is acknowledged as a message is, and waits until it is so far."""
        wanted = word_index(events.STATES, wait, "wait")
        buffer = ctypes.create_string_buffer(c.ID_SIZE)
        yield from call(buffer)
        sent = Sent(buffer.value.decode(), to)
        self._unacknowledged[sent.id] = sent
        self._sent[sent.id] = sent
        sent.is_awaited = wanted > 0
        try:
            yield from self._op_await_sent(sent, wait)
        finally:
            sent.is_awaited = False
        return sent

    def _op_await_sent(self, sent: Sent, wait: str) -> Steps:
        wanted = word_index(events.STATES, wait, "wait")
        while sent.error is None and not sent.has_reached(wanted):
            try:
                yield sent.record, None
            except errors.TimedOut:
                raise errors.NotAcknowledged(
                    f"the message is {sent.state}, and was not {wait} in time; to send it again, "
                    f"and not twice, give its id",
                    sent,
                ) from None
            except errors.NoHub as error:
                error.sent = sent  # type: ignore[attr-defined]
                raise
        if sent.error is not None:
            raise sent.error

    def _op_send(self, to: str, text: str, wait: str, make_room: bool, **fields: Any) -> Steps:
        flags = c.MAKE_ROOM if make_room else 0
        if wait != "sent":
            flags |= c.ACK_NOW | c.WANT_SEQ
        if wait in ("delivered", "read"):
            flags |= c.WANT_RECEIPT
        message = self._message(to, text, flags=flags, **fields)
        return (
            yield from self._op_say(
                lambda id_: self._call(lib.earshot_send, byref(message), id_), to, wait
            )
        )

    def _op_edit(self, target: Union[str, Message, Sent], text: str, **fields: Any) -> Steps:
        message = self._message(None, text, flags=c.ACK_NOW | c.WANT_SEQ, **fields)
        id_of_target = encoded(id_of(target), "the message")
        return (
            yield from self._op_say(
                lambda id_: self._call(lib.earshot_edit, id_of_target, byref(message), id_),
                "",
                "stored",
            )
        )

    def _op_react(
        self, target: Union[str, Message, Sent], emoji: str, on: bool, author: Optional[int]
    ) -> Steps:
        message = self._message(None, emoji, flags=c.ACK_NOW | c.WANT_SEQ)
        id_of_target = encoded(id_of(target), "the message")
        if author is None:
            author = target.uid if isinstance(target, Message) else os.geteuid()
        return (
            yield from self._op_say(
                lambda id_: self._call(
                    lib.earshot_react, id_of_target, author, on, byref(message), id_
                ),
                "",
                "stored",
            )
        )

    def _op_remove(
        self, target: Union[str, Message, Sent], reason: str, author: Optional[int]
    ) -> Steps:
        message = self._message(None, reason, flags=c.ACK_NOW | c.WANT_SEQ)
        id_of_target = encoded(id_of(target), "the message")
        if author is None:
            author = target.uid if isinstance(target, Message) else os.geteuid()
        return (
            yield from self._op_say(
                lambda id_: self._call(
                    lib.earshot_remove, id_of_target, author, byref(message), id_
                ),
                "",
                "stored",
            )
        )

    def _op_flush(self) -> Steps:
        yield from self._call(lib.earshot_flush)
        for sent in list(self._unacknowledged.values()):
            while sent.error is None and not sent.has_reached(1):
                yield sent.record, None

    def _op_ask(self, to: str, text: str, **fields: Any) -> Steps:
        if not to.startswith("#") and not self._options.flags & c.LISTEN:
            raise errors.BadArgument("only a link with listen=True can ask: the answer comes to it")
        if to.startswith("#"):
            yield from self._op_join_all([to], True)
        question = Question(to, self.hub["seq"])
        for message in self._open_messages:
            question.old_seq = max(question.old_seq, message.seq)
        fields.setdefault("flags", c.ACK_NOW)
        message = self._message(to, text, **fields)
        buffer = ctypes.create_string_buffer(c.ID_SIZE)
        yield from self._call(lib.earshot_send, byref(message), buffer)
        question.id = buffer.value.decode()
        sent = self._unacknowledged[question.id] = Sent(question.id, to)
        sent.is_awaited = True
        sent.record = question.record
        self._questions.append(question)
        try:
            while question.answer is None:
                if sent.error is not None:
                    raise sent.error
                yield question.record, None
        finally:
            if question in self._questions:
                self._questions.remove(question)
        self._finish_message(question.answer)
        return question.answer

    def _op_history(
        self, conv: Optional[str], n: int, before: int, after: Optional[int]
    ) -> Steps:
        """The newest n, or the first n after `after`; oldest first."""
        name = encoded(conv, "the conversation")
        found: List[Message] = []
        if after == 0:  # which asks for the newest: so the very first is the one before 2
            found = yield from self._ask_in_turn(lib.earshot_history, name, 2, 0, 1)
            after = 1
        while len(found) < n:
            limit = min(n - len(found), c.PAGE_MAX)
            page = yield from self._ask_in_turn(lib.earshot_history, name, before, after or 0, limit)
            if not page:
                break
            if after:
                found, after = found + page, page[-1].seq
            else:
                found, before = page + found, page[0].seq
                if before <= 1:
                    break
        return found[:n]

    def _op_thread(
        self, message: Union[str, Message, Sent], conv: Optional[str], n: int, before: int
    ) -> Steps:
        """The newest n of it, oldest first."""
        id_ = message.thread or message.id if isinstance(message, Message) else id_of(message)
        found: List[Message] = []
        while len(found) < n:
            page = yield from self._ask_in_turn(
                lib.earshot_find,
                encoded(conv, "the conversation"),
                encoded(id_, "the message"),
                True,
                before,
                min(n - len(found), c.PAGE_MAX),
            )
            if not page:
                break
            found, before = page + found, page[0].seq
            if before <= 1:
                break
        return found

    def _op_find(self, id_: str, conv: Optional[str]) -> Steps:
        return (
            yield from self._ask_in_turn(
                lib.earshot_find,
                encoded(conv, "the conversation"),
                encoded(id_, "the id"),
                False,
                0,
                c.PAGE_MAX,
            )
        )

    # Rooms.

    def _op_room(self, name: str, form: Optional[str], group: Optional[str]) -> Steps:
        """What it is; with a form, made or changed first."""
        room = encoded(name, "the room")
        if form is not None:
            changes = {"open": c.MAKE_OPEN, "private": c.MAKE_PRIVATE, "group": c.MAKE_GROUP}
            if form not in changes:
                word_index(tuple(changes), form, "the form")
            if (form == "group") != (group is not None):
                raise errors.BadArgument('a Unix group goes with form="group", which needs one')
            yield from self._ask_hub(
                lib.earshot_change_room, room, changes[form], encoded(group, "the group")
            )
        return (yield from self._ask_hub(lib.earshot_about, room))[0]

    def _op_change_room(
        self,
        name: str,
        announce: Optional[bool],
        past: Optional[str],
        owner: Optional[str],
        rename: Optional[str],
        close: bool,
    ) -> Steps:
        """In this order, so that each is still allowed, and the name is right."""
        changes: List[Tuple[int, Optional[str]]] = []
        if announce is not None:
            changes.append((c.SET_ANNOUNCE, "on" if announce else "off"))
        if past is not None:
            word_index(("all", "invited"), past, "the past")
            changes.append((c.SET_PAST, past))
        if rename is not None:
            changes.append((c.SET_NAME, rename))
        if close:
            changes.append((c.CLOSE, None))
        if owner is not None:
            changes.append((c.SET_OWNER, owner))
        for what, argument in changes:
            yield from self._ask_hub(
                lib.earshot_change_room,
                encoded(name, "the room"),
                what,
                encoded(argument, "the argument"),
            )
            if what == c.SET_NAME and argument is not None:
                name = argument

    def _op_gather(self, people: Iterable[str]) -> Steps:
        names = encoded(people if isinstance(people, str) else ",".join(people), "the people")
        return (yield from self._ask_hub(lib.earshot_gather, names))[0]

    def _govern(
        self,
        room: str,
        what: int,
        whom: Union[None, str, int] = None,
        seconds: Optional[float] = None,
        reason: str = "",
    ) -> Steps:
        """whom: a handle, or a uid."""
        if seconds is not None and seconds <= 0:
            raise errors.BadArgument("the seconds must be more than 0; None is until it is undone")
        order = c.Order(
            what=what,
            handle=encoded(whom, "the handle") if isinstance(whom, str) else None,
            uid=whom if isinstance(whom, int) else 2**32 - 1,
            value=max(1, int(seconds * 1000)) if seconds is not None else 0,
            reason=encoded(reason, "the reason") if reason else None,
        )
        return self._ask_hub(lib.earshot_govern, encoded(room, "the room"), what, byref(order))

    def _op_search(
        self, words: str, conv: Optional[str], sender: Optional[str], n: int, before: int
    ) -> Steps:
        found: List[Message] = []
        while len(found) < n:
            page = yield from self._ask_in_turn(
                lib.earshot_search,
                encoded(words, "the search"),
                encoded(conv, "the conversation"),
                encoded(sender, "the handle"),
                before,
                min(n - len(found), c.PAGE_MAX),
            )
            if not page:
                break
            found += page
            before = page[-1].seq
        return found

    def _op_pin(self, target: Union[str, Message, Sent], author: Optional[int], what: int) -> Steps:
        if author is None:
            author = target.uid if isinstance(target, Message) else os.geteuid()
        id_of_target = encoded(id_of(target), "the message")
        yield from self._ask_in_turn(lib.earshot_pin, id_of_target, author, what)

    def _op_pins(self, function: Callable[..., int], conv: Optional[str]) -> Steps:
        found: List[Tuple[Message, Pinned]] = []
        name, before = encoded(conv, "the conversation"), 0
        while True:
            page = yield from self._ask_in_turn(function, name, before, c.PAGE_MAX)
            if not page:
                return found
            found += [(message, pinned) for pinned, message in zip(page[::2], page[1::2])]
            before = page[-1].seq

    def _op_mentions(self, n: int) -> Steps:
        handle, found, before = self.handle, [], 0
        while len(found) < n:
            page = yield from self._op_search(handle + "*", None, None, c.PAGE_MAX, before)
            found += [m for m in page if not m.mine and m.sender != handle and self.mentions_me(m)]
            if not page:
                break
            before = page[-1].seq
        return found[:n]

    def _op_users(self, room: Optional[str], everybody: bool) -> Steps:
        what = c.HANDLES if everybody else c.USERS
        return (yield from self._ask_in_turn(lib.earshot_ask, what, encoded(room, "the room")))

    # Claims.

    def _op_claim(self, name: str, note: str, wait: bool) -> Steps:
        request = ctypes.c_uint32()
        yield from self._call(
            lib.earshot_claim,
            encoded(name, "the name"),
            encoded(note, "the note"),
            c.CLAIM_WAIT if wait else 0,
            byref(request),
        )
        claim = Claim(self, name, request.value)
        self._records[request.value] = claim.record
        try:
            while not claim.is_held:
                if claim.record.failed is not None:
                    raise errors.of_hub(claim.record.failed.code, claim.record.failed.reason)
                yield claim.record, None
        except BaseException:
            self._records.pop(request.value, None)
            if self._link is not None and claim.record.failed is None:
                self._do(lib.earshot_unclaim, encoded(name, ""), byref(ctypes.c_uint32()))
            raise
        return claim

    def _op_unclaim(self, claim: Claim) -> Steps:
        self._records.pop(claim.request, None)
        yield from self._ask_hub(lib.earshot_unclaim, encoded(claim.name, "the name"))

    # Files.

    def _progress_of(self, id_: str, peer: Optional[str] = None) -> Optional[events.Transfer]:
        transfer = c.roomy(c.Transfer)
        n = 0
        while self._do(lib.earshot_progress, n, byref(transfer)) == c.OK:
            if transfer.id.decode() == id_:
                return events.transfer_of(transfer)
            n += 1
        return None

    def _tell_progress(
        self, id_: str, progress: Optional[Callable[[events.Transfer], object]]
    ) -> None:
        transfer = self._progress_of(id_) if progress else None
        if progress and transfer:
            progress(transfer)

    def _source(self, file: Any, name: Optional[str]) -> c.Source:
        if isinstance(file, (str, bytes, os.PathLike)):
            return c.Source(os.fsencode(file), -1, None)
        fd = file if isinstance(file, int) else file.fileno()
        return c.Source(None, fd, os.fsencode(name or "stream"))

    def _op_offer(self, to: str, file: Any, name: Optional[str]) -> Steps:
        """Hands it over: it is open, and the hub knows of it or has it."""
        source = self._source(file, name)
        transfer, request = c.roomy(c.Transfer), ctypes.c_uint32()
        yield from self._call(
            lib.earshot_put, encoded(to, "the recipient"), byref(source), byref(transfer), byref(request)
        )
        made = events.transfer_of(transfer)
        handed = Handed(self, made.id, to, made.name, made.size, request.value == 0, file)
        self._handed[handed.id] = handed
        if handed.is_message:
            while handed.error is None and not handed.is_stored:
                yield handed.record, None
            if handed.error is not None:
                raise handed.error
            return handed
        record = self._records[request.value] = Record()
        try:
            while not record.is_over:
                yield record, None
        finally:
            del self._records[request.value]
        if record.failed is not None:
            raise errors.of_hub(record.failed.code, record.failed.reason)
        return handed

    def _op_await_handed(
        self, handed: Handed, progress: Optional[Callable[[events.Transfer], object]]
    ) -> Steps:
        """Until somebody has it, or does not want it."""
        while not handed.ended:
            if handed.error is not None:
                raise handed.error
            yield handed.record, PROGRESS_S if progress else None
            self._tell_progress(handed.id, progress)
        return self._ended(handed.ended.popleft(), progress)

    def _ended(
        self,
        transfer: events.Transfer,
        progress: Optional[Callable[[events.Transfer], object]] = None,
    ) -> events.Transfer:
        if progress:
            progress(transfer)
        if transfer.state == "declined":
            raise errors.Declined(
                f"{transfer.peer} does not want {transfer.name}: {transfer.error}", transfer
            )
        if transfer.state != "done":
            raise errors.TransferFailed(
                f"{transfer.name}, {'to' if transfer.outgoing else 'from'} {transfer.peer}: "
                f"{transfer.error}",
                transfer,
            )
        return transfer

    def _target(self, where: Any, limit: int) -> c.Target:
        if isinstance(where, (str, bytes, os.PathLike)):
            return c.Target(os.fsencode(where), -1, limit)
        return c.Target(None, where if isinstance(where, int) else where.fileno(), limit)

    def _op_get(
        self,
        what: Union[Offer, Message],
        where: Any,
        limit: int,
        progress: Optional[Callable[[events.Transfer], object]],
    ) -> Steps:
        target = self._target(where, limit)
        if isinstance(what, Message):
            return self._save(what, target)
        id_ = encoded(what.id, "the offer")
        record = self._takes[what.id] = Record()
        is_over = False
        try:
            yield from self._call(lib.earshot_accept, id_, byref(target))
            while True:
                for event in record.take_lines():
                    if isinstance(event, events.OfferGone):
                        is_over = True
                        raise errors.Withdrawn(f"the offer of {what.name} is gone")
                    if event.state != "running":
                        is_over = True
                        return self._ended(event, progress)
                yield record, PROGRESS_S if progress else None
                self._tell_progress(what.id, progress)
        finally:
            self._takes.pop(what.id, None)
            if not is_over and self._link is not None:
                self._do(lib.earshot_cancel, id_)

    def _save(self, message: Message, target: c.Target) -> events.Transfer:
        if message.file is None:
            raise errors.BadArgument("there is no file in this message")
        transfer = c.roomy(c.Transfer)
        result = self._do(
            lib.earshot_save, byref(events.to_library(message)), byref(target), byref(transfer)
        )
        if result < 0:
            raise self._error_of(result)
        return self._ended(events.transfer_of(transfer))

    def _op_decline(self, what: Union[Offer, Message], reason: str) -> Steps:
        if isinstance(what, Message):
            yield from self._call(lib.earshot_refuse, byref(events.to_library(what)))
        else:
            yield from self._call(
                lib.earshot_decline, encoded(what.id, "the offer"), encoded(reason, "the reason")
            )


def mentions(text: str, handle: str) -> bool:
    """Whether a text names a handle, as a word, whatever its case."""
    data = text.encode("utf-8", "replace")
    return bool(lib.earshot_mentions(data, len(data), encoded(handle, "the handle")))


def safe(text: str, keep_lines: bool = False) -> str:
    """A copy that is safe to print: control, escape and invisible characters made visible."""
    data = text.encode("utf-8", "replace")
    copy = lib.earshot_safe(data, len(data), keep_lines)
    if not copy:
        raise MemoryError
    try:
        return ctypes.string_at(copy).decode("utf-8", "replace")
    finally:
        c.libc.free(copy)


def _exit_codes() -> Dict[str, int]:
    codes: Dict[str, int] = {}
    for code in range(1, 256):
        name = lib.earshot_fail_name(code).decode()
        codes.setdefault(name, lib.earshot_fail_exit_code(code))
    return codes


EXIT_CODES = _exit_codes()
