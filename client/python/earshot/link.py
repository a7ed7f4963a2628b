"""A link that waits in the library itself: for scripts and threads."""

from __future__ import annotations

import errno
import os
import time
from typing import Any, Callable, Iterable, Iterator, List, Optional, Tuple, TypeVar, Union

from . import _library as c
from . import errors
from .core import Core, Steps, encoded, lib
from .events import Claimed, Laid, Message, Offer, Pinned, Room, Transfer, Unread, User
from .sent import Claim, Handed, Sent

Where = Union[None, str, "os.PathLike[str]"]
Progress = Callable[[Transfer], object]
Self = TypeVar("Self", bound="Link")

FOREVER_S = 86400  # at a time


class Link(Core):
    """Joins a hub. Use it in a `with` block, or close it; it belongs to one thread at a time.

    hub        the rendezvous directory; else the one that `earshot` would find
    name       the handle; else the login name
    listen     receive direct messages, and count as being here
    rooms      join these for as long as the link lasts, and hear what is said there
    all_rooms  hear what is said in all rooms that the handle is a member of
    news       `events()` tells who comes and goes
    reconnect  come back when the hub was restarted; else a lost hub ends the link
    after      begin after the message with this number; else with what nobody of the handle has
               received yet
    take       what the program has seen counts as received and read; False: it only looks on, and
               all of it still comes to the next program of the handle
    timeout    seconds that the hub has for an answer

    Iterating gives messages. One counts as received when the next one is asked for, or the block
    ends without an exception: what the program was at when it died comes again to the next link of
    this handle. A program that must not act twice remembers the `id`.
    """

    def __init__(
        self,
        hub: Where = None,
        *,
        name: Optional[str] = None,
        listen: bool = False,
        rooms: Iterable[str] = (),
        all_rooms: bool = False,
        news: bool = False,
        reconnect: bool = True,
        after: Optional[int] = None,
        take: bool = True,
        timeout: float = 30,
    ):
        super().__init__(
            hub=hub,
            name=name,
            listen=listen,
            all_rooms=all_rooms,
            news=news,
            reconnect=reconnect,
            after=after,
            take=take,
            timeout=timeout,
        )
        self._open_link()
        try:
            self._run(self._op_join_all(rooms, True))
        except BaseException:
            self._close_link()
            raise

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.close(finish=kind is None)

    def close(self, *, finish: bool = True) -> None:
        """Leaves. `finish`: the message in hand counts as received."""
        if self._link is not None and finish and os.getpid() == self._pid:
            self._finish_in_hand()
        self._close_link()

    def __repr__(self) -> str:
        return f"<earshot.Link {'closed' if self.closed else self.handle}>"

    # Waiting.

    def _pump(self, deadline: Optional[float], pause: Optional[float]) -> None:
        """Waits for an event, until the deadline (then it is TimedOut) or for so long."""
        left = FOREVER_S if deadline is None else deadline - time.monotonic()
        if pause is not None:
            left = min(left, pause)
        result = self._next(max(0, int(left * 1000 + 0.999)))
        if result not in (c.OK, c.AGAIN, -errno.EINTR):
            raise self._error_of(result)
        if result != c.OK and deadline is not None and time.monotonic() >= deadline:
            raise errors.TimedOut("there was no answer in time")

    def _run(self, steps: Steps, timeout: Union[None, float, bool] = True) -> Any:
        """Does an operation to its end. timeout True: that of the link; None: for ever."""
        seconds = self._timeout if timeout is True else timeout
        deadline = None if seconds is None else time.monotonic() + seconds
        try:
            _, pause = next(steps)
            while True:
                try:
                    if self._is_overfull():
                        raise self._overfull()
                    if deadline is not None and time.monotonic() >= deadline:
                        raise errors.TimedOut("there was no answer in time")
                    self._pump(deadline, pause)
                except Exception as error:
                    _, pause = steps.throw(error)
                else:
                    _, pause = next(steps)
        except StopIteration as stop:
            return stop.value
        finally:
            steps.close()

    # Hearing.

    def __iter__(self) -> Iterator[Message]:
        return self.messages()

    def messages(
        self, timeout: Optional[float] = None, *, own: bool = False, mended: bool = False
    ) -> Iterator[Message]:
        """What is said to us, until nothing has come for so many seconds (None: for ever).

        own: also what other programs of this handle say; mended: also Edited and Removed. Raises
        Missed when messages are not in the hub's log any more; iterating again goes on behind them.
        """
        self._check_hears()
        while True:
            message = self._take_queued_message(own, mended)
            deadline = None if timeout is None else time.monotonic() + timeout
            while message is None:
                try:
                    self._pump(deadline, None)
                except errors.TimedOut:
                    return
                message = self._take_queued_message(own, mended)
            yield message

    def events(self, timeout: Optional[float] = None) -> Iterator[object]:
        """All that comes, as values of `earshot.events`: messages, offers, who comes and goes, the
        hub lost and back, ... Until nothing has come for so many seconds."""
        while True:
            event = self._take_queued_event()
            deadline = None if timeout is None else time.monotonic() + timeout
            while event is None:
                try:
                    self._pump(deadline, None)
                except errors.TimedOut:
                    return
                event = self._take_queued_event()
            yield event

    def poll(self) -> int:
        """Takes what has come, without waiting, for later; how many events wait then. A program
        that computes for long, and has claims or offers, calls it now and then."""
        while not self._is_overfull():
            result = self._next(0)
            if result == c.AGAIN:
                break
            if result not in (c.OK, -errno.EINTR):
                raise self._error_of(result)
        return len(self._queue)

    # Saying.

    def send(
        self,
        to: str,
        text: str,
        *,
        kind: str = "text",
        reply_to: Union[None, str, Message, Sent] = None,
        title: str = "",
        priority: Union[int, str] = 0,
        id: Optional[str] = None,
        wait: str = "stored",
        make_room: bool = True,
        timeout: Union[None, float, bool] = True,
    ) -> Sent:
        """Sends a message to a handle or #room.

        wait: "sent": do not wait; "stored": it is on the hub's disk, and survives any crash;
        "delivered", "read": somebody has got it, has seen it. NotAcknowledged when that takes too
        long; its id makes a repeat harmless. What is sent without waiting goes on its way with the
        link's next calls; flush() waits for all of it, and what the hub refuses is an event.
        """
        return self._run(
            self._op_send(
                to,
                text,
                wait,
                make_room,
                kind=kind,
                reply_to=reply_to,
                title=title,
                priority=priority,
                id=id,
            ),
            timeout,
        )

    def reply(self, message: Message, text: str, **options: Any) -> Sent:
        """Answers where the message was said."""
        return self.send(message.conv, text, reply_to=message, **options)

    def wait(self, sent: Sent, state: str = "stored", timeout: Optional[float] = None) -> Sent:
        """Until a message of ours is so far. For "delivered" and "read" it must have been sent with
        wait="delivered" or "read": else nobody tells."""
        self._run(self._op_await_sent(sent, state), timeout)
        return sent

    def flush(self, timeout: Union[None, float, bool] = True) -> None:
        """Until all that was sent is stored or refused."""
        self._run(self._op_flush(), timeout)

    def ask(
        self,
        to: str,
        text: str,
        *,
        title: str = "",
        priority: Union[int, str] = 0,
        reply_to: Union[None, str, Message, Sent] = None,
        timeout: Optional[float] = None,
    ) -> Message:
        """Sends it, and waits for the answer: a reply to it, else what they say next. What else
        comes meanwhile waits for its turn."""
        return self._run(
            self._op_ask(to, text, title=title, priority=priority, reply_to=reply_to), timeout
        )

    def edit(self, message: Union[str, Message, Sent], text: str, **fields: Any) -> Sent:
        """Another text (title=, priority=) for a message of one's own."""
        return self._run(self._op_edit(message, text, **fields))

    def remove(
        self, message: Union[str, Message, Sent], reason: str = "", *, author: Optional[int] = None
    ) -> Sent:
        """Takes a message back; author: the uid of who wrote it, for who may remove that of
        others."""
        return self._run(self._op_remove(message, reason, author))

    def react(
        self,
        message: Union[str, Message, Sent],
        emoji: str,
        on: bool = True,
        *,
        author: Optional[int] = None,
    ) -> Sent:
        """An emoji, or its name as ":tada:", for a message; not on: takes it back. author: the uid
        of who wrote it, where only the id is known; else oneself."""
        return self._run(self._op_react(message, emoji, on, author))

    # The past.

    def history(
        self,
        conv: Optional[str] = None,
        n: int = 50,
        *,
        before: int = 0,
        after: Optional[int] = None,
        thread: Union[None, str, Message, Sent] = None,
    ) -> List[Message]:
        """The newest n messages of a conversation, or of all that one may see; oldest first.
        before: of those before this number; after: instead, the first n after this number; thread:
        only those of this thread."""
        if thread is not None:
            if after is not None:
                raise errors.BadArgument("a thread is read backwards; leave out `after`")
            return self.thread(thread, n, conv=conv, before=before)
        return self._run(self._op_history(conv, n, before, after))

    def thread(
        self,
        message: Union[str, Message, Sent],
        n: int = 50,
        *,
        conv: Optional[str] = None,
        before: int = 0,
    ) -> List[Message]:
        """The thread of a message: what it began with, and the newest n replies; oldest first. An id
        is that of the message it began with."""
        return self._run(self._op_thread(message, conv, n, before))

    def find(self, id: str, *, conv: Optional[str] = None) -> List[Message]:
        """The message with this id; several, if several users have used it."""
        return self._run(self._op_find(id, conv))

    def search(
        self,
        words: str,
        *,
        conv: Optional[str] = None,
        sender: Optional[str] = None,
        n: int = 50,
        before: int = 0,
    ) -> List[Message]:
        """Messages with all of these words, newest first."""
        return self._run(self._op_search(words, conv, sender, n, before))

    def pin(self, message: Union[str, Message, Sent], *, author: Optional[int] = None) -> None:
        """Pins it where it was said, for all; author: the uid of who wrote it, if only its id is
        given and it is not one's own."""
        self._run(self._op_pin(message, author, c.PIN))

    def unpin(self, message: Union[str, Message, Sent], *, author: Optional[int] = None) -> None:
        self._run(self._op_pin(message, author, c.UNPIN))

    def star(self, message: Union[str, Message, Sent], *, author: Optional[int] = None) -> None:
        """The same for one's own handle alone."""
        self._run(self._op_pin(message, author, c.STAR))

    def unstar(self, message: Union[str, Message, Sent], *, author: Optional[int] = None) -> None:
        self._run(self._op_pin(message, author, c.UNSTAR))

    def pins(self, conv: str) -> List[Tuple[Message, Pinned]]:
        """What is pinned in a conversation, by whom and when; the newest message first."""
        return self._run(self._op_pins(lib.earshot_pins, conv))

    def stars(self, conv: Optional[str] = None) -> List[Tuple[Message, Pinned]]:
        """What one's own handle has starred, in a conversation or in all."""
        return self._run(self._op_pins(lib.earshot_stars, conv))

    def mentions(self, n: int = 20) -> List[Message]:
        """Messages that name one's own handle, newest first."""
        return self._run(self._op_mentions(n))

    def forget(self, handle: str) -> None:
        """This handle sees nothing any more of what was said with the other one until now."""
        self._run(self._ask_hub(lib.earshot_forget, encoded(handle, "the handle")))

    # People and rooms.

    def who(self, room: Optional[str] = None, *, everybody: bool = False) -> List[User]:
        """Who is here, or in a room; everybody: every handle that the hub knows."""
        return self._run(self._op_users(room, everybody))

    def rooms(self) -> List[Room]:
        return self._run(self._ask_in_turn(lib.earshot_ask, c.ROOMS, None))

    def room(self, name: str) -> Room:
        """All that is to be known about a room."""
        return self._run(self._ask_hub(lib.earshot_about, encoded(name, "the room")))[0]

    def make_room(
        self, name: str, form: str = "open", *, group: Optional[str] = None
    ) -> Room:
        """Makes a room and joins it. form: "open"; "private", for who is invited; "group", for the
        members of the Unix group `group`, of which one joins none. An open room of one's own becomes
        private for ever."""
        return self._run(self._op_room(name, form, group))

    def change_room(
        self,
        name: str,
        *,
        announce: Optional[bool] = None,
        past: Optional[str] = None,
        owner: Optional[str] = None,
        rename: Optional[str] = None,
        close: bool = False,
    ) -> None:
        """For its owner. announce: only owner and operators speak; past, of a private room: "all",
        who joins sees everything, or "invited"; owner: the handle of a member; close: nobody may
        join or speak any more."""
        self._run(self._op_change_room(name, announce, past, owner, rename, close))

    def gather(self, *people: str) -> Room:
        """The direct conversation of these handles and one's own: its `name` is where to send to."""
        return self._run(self._op_gather(people))

    # Order in rooms, for their owners and operators. whom: a handle, or a uid.

    def op(self, room: str, whom: Union[str, int]) -> None:
        self._run(self._govern(room, c.MAKE_OPERATOR, whom))

    def deop(self, room: str, whom: Union[str, int]) -> None:
        self._run(self._govern(room, c.NO_OPERATOR, whom))

    def kick(self, room: str, whom: Union[str, int], reason: str = "") -> None:
        """Puts out of it; who is kicked may come back."""
        self._run(self._govern(room, c.KICK, whom, None, reason))

    def mute(
        self,
        room: str,
        whom: Union[str, int],
        seconds: Optional[float] = None,
        reason: str = "",
    ) -> None:
        """May read there, and says nothing; None: until `unmute()`."""
        self._run(self._govern(room, c.MUTE, whom, seconds, reason))

    def unmute(self, room: str, whom: Union[str, int]) -> None:
        self._run(self._govern(room, c.UNMUTE, whom))

    def ban(
        self,
        room: str,
        whom: Union[str, int],
        seconds: Optional[float] = None,
        reason: str = "",
    ) -> None:
        """Put out, and not let in again; None: until `unban()`."""
        self._run(self._govern(room, c.BAN, whom, seconds, reason))

    def unban(self, room: str, whom: Union[str, int]) -> None:
        self._run(self._govern(room, c.UNBAN, whom))

    def lock_topic(self, room: str, locked: bool = True) -> None:
        """Only owner and operators set it."""
        self._run(self._govern(room, c.LOCK_TOPIC if locked else c.UNLOCK_TOPIC))

    def laid(self, room: str) -> List[Laid]:
        """Who is an operator there, muted or banned."""
        return self._run(self._ask_hub(lib.earshot_laid, encoded(room, "the room")))

    def unread(self, conv: Optional[str] = None) -> List[Unread]:
        return self._run(self._ask_in_turn(lib.earshot_unread, encoded(conv, "the conversation")))

    def join(self, room: str, *, for_session: bool = True) -> None:
        """Hears what is said there; for_session False: also all later links of this handle with
        all_rooms."""
        self._run(self._op_join_all([room], for_session))

    def part(self, room: str) -> None:
        self._run(self._ask_hub(lib.earshot_part, encoded(room, "the room")))

    def topic(self, room: str, text: str) -> None:
        self._run(
            self._ask_hub(lib.earshot_topic, encoded(room, "the room"), encoded(text, "the topic"))
        )

    def invite(self, room: str, handle: str) -> None:
        self._run(
            self._ask_hub(
                lib.earshot_invite, encoded(room, "the room"), encoded(handle, "the handle")
            )
        )

    def away(self, reason: str) -> None:
        self._run(self._ask_hub(lib.earshot_away, encoded(reason, "the reason")))

    def back(self) -> None:
        self._run(self._ask_hub(lib.earshot_away, None))

    def wall(self, text: str) -> None:
        """A notice to everybody who is here, for those who may."""
        self._run(self._ask_hub(lib.earshot_wall, encoded(text, "the text"), again=False))

    # Claims.

    def claim(
        self, name: str, note: str = "", *, wait: bool = True, timeout: Optional[float] = None
    ) -> Claim:
        """Has a name to oneself: ``with link.claim("gpu0"): train()``. wait False: Refused ("taken")
        at once when somebody else has it."""
        return self._run(self._op_claim(name, note, wait), timeout)

    def release_claim(self, claim: Claim) -> None:
        """Gives it to the next; the end of the block does so."""
        if not self.closed:
            self._run(self._op_unclaim(claim))

    def claims(self) -> List[Claimed]:
        """What is claimed, by whom, and who waits."""
        return self._run(self._ask_hub(lib.earshot_claims))

    # Files.

    def offer(self, to: str, file: Any, *, name: Optional[str] = None) -> Handed:
        """Hands over a path, or what is read from a file object or descriptor under a name. A file
        of at most 32 KiB is kept by the hub; all else goes when somebody takes it, as long as this
        link lasts and events are taken: `taken()` waits for that."""
        return self._run(self._op_offer(to, file, name))

    def taken(
        self, handed: Handed, *, timeout: Optional[float] = None, progress: Optional[Progress] = None
    ) -> Transfer:
        """Until somebody has it. progress is called with a Transfer every now and then."""
        return self._run(self._op_await_handed(handed, progress), timeout)

    def put(
        self,
        to: str,
        file: Any,
        *,
        name: Optional[str] = None,
        timeout: Optional[float] = None,
        progress: Optional[Progress] = None,
    ) -> Transfer:
        """Offers it, and waits until somebody has it."""
        handed = self.offer(to, file, name=name)
        try:
            return self.taken(handed, timeout=timeout, progress=progress)
        except BaseException:
            if not self.closed:
                self.cancel(handed)
            raise

    def offers(self) -> List[Offer]:
        """What others offer to this handle and its rooms."""
        return self._run(self._ask_hub(lib.earshot_list_offers))

    def get(
        self,
        what: Union[Offer, Message],
        where: Any = ".",
        *,
        limit: int = 0,
        timeout: Optional[float] = None,
        progress: Optional[Progress] = None,
    ) -> Transfer:
        """Takes an offer, or the file of a message, into a directory or a file object. What exists
        is never overwritten: `path` of the result is the name that it has there."""
        return self._run(self._op_get(what, where, limit, progress), timeout)

    def decline(self, what: Union[Offer, Message], reason: str = "") -> None:
        self._run(self._op_decline(what, reason))

    def cancel(self, what: Union[Handed, Offer]) -> None:
        """Withdraws an offer of one's own, or ends the transfer of one that was taken."""
        self._do(lib.earshot_cancel, encoded(what.id, "the offer"))


def send(to: str, text: str, **options: Any) -> Sent:
    """One message from a script: ``earshot.send("#ops", "done")``. hub= and name= as of Link."""
    link_options = {key: options.pop(key) for key in ("hub", "name") if key in options}
    with Link(**link_options) as link:
        return link.send(to, text, **options)
