"""The same link for asyncio: it waits on the library's descriptor, and no call of it blocks.

    async with earshot.aio.Link(name="echo-bot", listen=True) as link:
        async for message in link:
            await link.reply(message, message.text, kind="notice")

Several tasks may use one link. While nobody takes messages, and no task waits for an answer, they
wait at the hub, not here.
"""

from __future__ import annotations

import asyncio
import errno
import os
from typing import Any, AsyncIterator, Deque, Iterable, List, Optional, Set, Tuple, TypeVar, Union

import collections

from . import _library as c
from . import errors
from .core import Core, Steps, encoded, lib
from .events import Claimed, Laid, Message, Offer, Pinned, Room, Transfer, Unread, User
from .link import Progress, Where
from .sent import Claim, Handed, Record, Sent

Self = TypeVar("Self", bound="Link")

AHEAD_MAX = 1024  # events that are taken before anybody wants them
TURN_EVENTS = 256  # then other tasks have their turn


class Link(Core):
    """As `earshot.Link`, whose arguments it has; joins with ``async with`` or ``await open()``."""

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
        self._rooms = list(rooms)
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._fd = -1
        self._n_waiting = 0
        self._failure: Optional[Exception] = None
        self._drain_handle: Optional[asyncio.Handle] = None
        self._waiting: Set["asyncio.Future[None]"] = set()
        self._arrivals: Deque["asyncio.Future[None]"] = collections.deque()

    async def __aenter__(self: Self) -> Self:
        return await self.open()

    async def __aexit__(self, kind: object, *_: object) -> None:
        await self.close(finish=kind is None)

    async def open(self: Self) -> Self:
        loop = asyncio.get_running_loop()
        opening = loop.run_in_executor(None, self._open_link)
        try:
            await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(self._close_late)
            raise
        try:
            await self._start(loop)
        except BaseException:
            await self.close(finish=False)
            raise
        return self

    def _close_late(self, opening: "asyncio.Future[None]") -> None:
        """It was cancelled while it joined."""
        if not opening.cancelled() and opening.exception() is None:
            self._close_link()

    async def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        steps = self._op_join_all(self._rooms, True)
        pending = next(steps, None)  # asked for before the first event is taken
        self._fd = self._do(lib.earshot_fd)
        if self._fd < 0:
            raise self._error_of(self._fd)
        loop.add_reader(self._fd, self._drain)
        self._schedule()
        if pending is not None:
            await self._drive(steps, self._timeout, pending)

    async def close(self, *, finish: bool = True) -> None:
        """Leaves. Tasks that wait for something of this link are told so."""
        if self._loop is not None and self._fd >= 0:
            self._loop.remove_reader(self._fd)
            self._fd = -1
        if self._drain_handle is not None:
            self._drain_handle.cancel()
            self._drain_handle = None
        self._fail(ValueError("the link is closed"))
        if self._link is None:
            return
        if finish and os.getpid() == self._pid:
            self._finish_in_hand()
        if os.getpid() == self._pid and self._loop is not None:
            await asyncio.shield(self._loop.run_in_executor(None, self._close_link))
        else:
            self._close_link()

    def __repr__(self) -> str:
        return f"<earshot.aio.Link {'closed' if self.closed else self.handle}>"

    # Waiting.

    def _schedule(self) -> None:
        if self._drain_handle is None and self._loop is not None and self._failure is None:
            self._drain_handle = self._loop.call_soon(self._drain)

    def _is_ahead(self) -> bool:
        return len(self._queue) >= AHEAD_MAX and self._n_waiting == 0

    def _drain(self) -> None:
        """Takes what has come; stays here when it is more than anybody wants just now."""
        if self._drain_handle is not None:
            self._drain_handle.cancel()
            self._drain_handle = None
        if self._link is None or self._failure is not None:
            return
        try:
            for _ in range(TURN_EVENTS):
                if self._is_ahead():
                    self._check_result(self._do(lib.earshot_tend))
                    break
                if self._is_overfull():
                    self._wake_all(self._overfull())
                    break
                if self._check_result(self._next(0)) == c.AGAIN:
                    break
            else:
                self._schedule()
        except Exception as error:
            self._fail(error)
            return
        self._tell_arrivals()
        self._wake_all(None, roomless=True)

    def _check_result(self, result: int) -> int:
        if result in (c.OK, c.AGAIN, -errno.EINTR):
            return result
        raise self._error_of(result)

    def _tell_arrivals(self) -> None:
        if self._queue:
            while self._arrivals:
                arrival = self._arrivals.popleft()
                if not arrival.done():
                    arrival.set_result(None)

    def _wake_all(self, error: Optional[Exception], roomless: bool = False) -> None:
        """Whoever waits looks again; roomless: only who waits for nothing that has a name."""
        for future in list(self._waiting):
            if future.done() or (roomless and not getattr(future, "is_roomless", False)):
                continue
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

    def _fail(self, error: Exception) -> None:
        """The link has ended."""
        if self._failure is None:
            self._failure = error
        if self._loop is not None and self._fd >= 0:
            self._loop.remove_reader(self._fd)
            self._fd = -1
        self._wake_all(self._failure)
        while self._arrivals:
            arrival = self._arrivals.popleft()
            if not arrival.done():
                arrival.set_result(None)

    async def _wait(self, record: Optional[Record], seconds: Optional[float]) -> None:
        """Until the record has news, for at most so long."""
        assert self._loop is not None
        if self._failure is not None:
            raise self._failure
        future = _Future(loop=self._loop)
        future.is_roomless = record is None

        def wake() -> None:
            if not future.done():
                future.set_result(None)

        if record is not None:
            record.waiters.append(wake)
        self._waiting.add(future)
        self._n_waiting += 1
        self._schedule()
        try:
            await asyncio.wait((future,), timeout=seconds)
            if future.done():
                future.result()
        finally:
            self._n_waiting -= 1
            self._waiting.discard(future)
            if not future.done():
                future.cancel()
            if record is not None and wake in record.waiters:
                record.waiters.remove(wake)

    async def _drive(
        self, steps: Steps, timeout: Union[None, float, bool] = True, pending: Any = None
    ) -> Any:
        """Does an operation to its end. timeout True: that of the link; None: for ever."""
        if self._loop is None:
            raise ValueError("the link is not open")
        seconds = self._timeout if timeout is True else timeout
        deadline = None if seconds is None else self._loop.time() + seconds
        try:
            record, pause = pending or next(steps)
            while True:
                left = None if deadline is None else deadline - self._loop.time()
                try:
                    if left is not None and left <= 0:
                        raise errors.TimedOut("there was no answer in time")
                    waits = [s for s in (left, pause) if s is not None]
                    await self._wait(record, min(waits) if waits else None)
                except Exception as error:
                    record, pause = steps.throw(error)
                else:
                    record, pause = next(steps)
        except StopIteration as stop:
            return stop.value
        finally:
            steps.close()

    # Hearing.

    def __aiter__(self) -> AsyncIterator[Message]:
        return self.messages()

    async def _wait_arrival(self, timeout: Optional[float]) -> bool:
        """False: nothing has come in time."""
        assert self._loop is not None
        if self._failure is not None:
            raise self._failure
        arrival = self._loop.create_future()
        self._arrivals.append(arrival)
        self._schedule()
        done, _ = await asyncio.wait((arrival,), timeout=timeout)
        if not done:
            arrival.cancel()
        if self._failure is not None and not self._queue:
            raise self._failure
        return bool(done)

    async def messages(
        self, timeout: Optional[float] = None, *, own: bool = False, mended: bool = False
    ) -> AsyncIterator[Message]:
        """What is said to us, until nothing has come for so many seconds (None: for ever)."""
        self._check_hears()
        while True:
            message = self._take_queued_message(own, mended)
            while message is None:
                if not await self._wait_arrival(timeout):
                    return
                message = self._take_queued_message(own, mended)
            self._resume()
            yield message

    async def events(self, timeout: Optional[float] = None) -> AsyncIterator[object]:
        """All that comes, until nothing has come for so many seconds."""
        while True:
            event = self._take_queued_event()
            while event is None:
                if not await self._wait_arrival(timeout):
                    return
                event = self._take_queued_event()
            self._resume()
            yield event

    def _resume(self) -> None:
        """What was left at the hub may come now."""
        if len(self._queue) < AHEAD_MAX:
            self._schedule()

    # Saying: as of earshot.Link.

    async def send(
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
        return await self._drive(
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

    async def reply(self, message: Message, text: str, **options: Any) -> Sent:
        return await self.send(message.conv, text, reply_to=message, **options)

    async def wait(self, sent: Sent, state: str = "stored", timeout: Optional[float] = None) -> Sent:
        await self._drive(self._op_await_sent(sent, state), timeout)
        return sent

    async def flush(self, timeout: Union[None, float, bool] = True) -> None:
        await self._drive(self._op_flush(), timeout)

    async def ask(
        self,
        to: str,
        text: str,
        *,
        title: str = "",
        priority: Union[int, str] = 0,
        reply_to: Union[None, str, Message, Sent] = None,
        timeout: Optional[float] = None,
    ) -> Message:
        return await self._drive(
            self._op_ask(to, text, title=title, priority=priority, reply_to=reply_to), timeout
        )

    async def edit(self, message: Union[str, Message, Sent], text: str, **fields: Any) -> Sent:
        return await self._drive(self._op_edit(message, text, **fields))

    async def remove(
        self, message: Union[str, Message, Sent], reason: str = "", *, author: Optional[int] = None
    ) -> Sent:
        return await self._drive(self._op_remove(message, reason, author))

    async def react(
        self,
        message: Union[str, Message, Sent],
        emoji: str,
        on: bool = True,
        *,
        author: Optional[int] = None,
    ) -> Sent:
        return await self._drive(self._op_react(message, emoji, on, author))

    # The past.

    async def history(
        self,
        conv: Optional[str] = None,
        n: int = 50,
        *,
        before: int = 0,
        after: Optional[int] = None,
        thread: Union[None, str, Message, Sent] = None,
    ) -> List[Message]:
        if thread is not None:
            if after is not None:
                raise errors.BadArgument("a thread is read backwards; leave out `after`")
            return await self.thread(thread, n, conv=conv, before=before)
        return await self._drive(self._op_history(conv, n, before, after))

    async def thread(
        self,
        message: Union[str, Message, Sent],
        n: int = 50,
        *,
        conv: Optional[str] = None,
        before: int = 0,
    ) -> List[Message]:
        return await self._drive(self._op_thread(message, conv, n, before))

    async def find(self, id: str, *, conv: Optional[str] = None) -> List[Message]:
        return await self._drive(self._op_find(id, conv))

    async def search(
        self,
        words: str,
        *,
        conv: Optional[str] = None,
        sender: Optional[str] = None,
        n: int = 50,
        before: int = 0,
    ) -> List[Message]:
        return await self._drive(self._op_search(words, conv, sender, n, before))

    async def pin(self, message: Union[str, Message, Sent], *, author: Optional[int] = None) -> None:
        await self._drive(self._op_pin(message, author, c.PIN))

    async def unpin(
        self, message: Union[str, Message, Sent], *, author: Optional[int] = None
    ) -> None:
        await self._drive(self._op_pin(message, author, c.UNPIN))

    async def star(self, message: Union[str, Message, Sent], *, author: Optional[int] = None) -> None:
        await self._drive(self._op_pin(message, author, c.STAR))

    async def unstar(
        self, message: Union[str, Message, Sent], *, author: Optional[int] = None
    ) -> None:
        await self._drive(self._op_pin(message, author, c.UNSTAR))

    async def pins(self, conv: str) -> List[Tuple[Message, Pinned]]:
        return await self._drive(self._op_pins(lib.earshot_pins, conv))

    async def stars(self, conv: Optional[str] = None) -> List[Tuple[Message, Pinned]]:
        return await self._drive(self._op_pins(lib.earshot_stars, conv))

    async def mentions(self, n: int = 20) -> List[Message]:
        return await self._drive(self._op_mentions(n))

    async def forget(self, handle: str) -> None:
        await self._drive(self._ask_hub(lib.earshot_forget, encoded(handle, "the handle")))

    # People and rooms.

    async def who(
        self, room: Optional[str] = None, *, everybody: bool = False
    ) -> List[User]:
        return await self._drive(self._op_users(room, everybody))

    async def rooms(self) -> List[Room]:
        return await self._drive(self._ask_in_turn(lib.earshot_ask, c.ROOMS, None))

    async def room(self, name: str) -> Room:
        return (await self._drive(self._ask_hub(lib.earshot_about, encoded(name, "the room"))))[0]

    async def make_room(
        self, name: str, form: str = "open", *, group: Optional[str] = None
    ) -> Room:
        return await self._drive(self._op_room(name, form, group))

    async def change_room(
        self,
        name: str,
        *,
        announce: Optional[bool] = None,
        past: Optional[str] = None,
        owner: Optional[str] = None,
        rename: Optional[str] = None,
        close: bool = False,
    ) -> None:
        await self._drive(self._op_change_room(name, announce, past, owner, rename, close))

    async def gather(self, *people: str) -> Room:
        return await self._drive(self._op_gather(people))

    # Order in rooms, for their owners and operators. whom: a handle, or a uid.

    async def op(self, room: str, whom: Union[str, int]) -> None:
        await self._drive(self._govern(room, c.MAKE_OPERATOR, whom))

    async def deop(self, room: str, whom: Union[str, int]) -> None:
        await self._drive(self._govern(room, c.NO_OPERATOR, whom))

    async def kick(self, room: str, whom: Union[str, int], reason: str = "") -> None:
        await self._drive(self._govern(room, c.KICK, whom, None, reason))

    async def mute(
        self,
        room: str,
        whom: Union[str, int],
        seconds: Optional[float] = None,
        reason: str = "",
    ) -> None:
        await self._drive(self._govern(room, c.MUTE, whom, seconds, reason))

    async def unmute(self, room: str, whom: Union[str, int]) -> None:
        await self._drive(self._govern(room, c.UNMUTE, whom))

    async def ban(
        self,
        room: str,
        whom: Union[str, int],
        seconds: Optional[float] = None,
        reason: str = "",
    ) -> None:
        await self._drive(self._govern(room, c.BAN, whom, seconds, reason))

    async def unban(self, room: str, whom: Union[str, int]) -> None:
        await self._drive(self._govern(room, c.UNBAN, whom))

    async def lock_topic(self, room: str, locked: bool = True) -> None:
        await self._drive(self._govern(room, c.LOCK_TOPIC if locked else c.UNLOCK_TOPIC))

    async def laid(self, room: str) -> List[Laid]:
        return await self._drive(self._ask_hub(lib.earshot_laid, encoded(room, "the room")))

    async def unread(self, conv: Optional[str] = None) -> List[Unread]:
        return await self._drive(
            self._ask_in_turn(lib.earshot_unread, encoded(conv, "the conversation"))
        )

    async def join(self, room: str, *, for_session: bool = True) -> None:
        await self._drive(self._op_join_all([room], for_session))

    async def part(self, room: str) -> None:
        await self._drive(self._ask_hub(lib.earshot_part, encoded(room, "the room")))

    async def topic(self, room: str, text: str) -> None:
        await self._drive(
            self._ask_hub(lib.earshot_topic, encoded(room, "the room"), encoded(text, "the topic"))
        )

    async def invite(self, room: str, handle: str) -> None:
        await self._drive(
            self._ask_hub(
                lib.earshot_invite, encoded(room, "the room"), encoded(handle, "the handle")
            )
        )

    async def away(self, reason: str) -> None:
        await self._drive(self._ask_hub(lib.earshot_away, encoded(reason, "the reason")))

    async def back(self) -> None:
        await self._drive(self._ask_hub(lib.earshot_away, None))

    async def wall(self, text: str) -> None:
        await self._drive(self._ask_hub(lib.earshot_wall, encoded(text, "the text"), again=False))

    # Claims: ``async with await link.claim("gpu0"):``

    async def claim(
        self, name: str, note: str = "", *, wait: bool = True, timeout: Optional[float] = None
    ) -> Claim:
        return await self._drive(self._op_claim(name, note, wait), timeout)

    async def release_claim(self, claim: Claim) -> None:
        if not self.closed:
            await self._drive(self._op_unclaim(claim))

    async def claims(self) -> List[Claimed]:
        return await self._drive(self._ask_hub(lib.earshot_claims))

    # Files.

    async def offer(self, to: str, file: Any, *, name: Optional[str] = None) -> Handed:
        return await self._drive(self._op_offer(to, file, name))

    async def taken(
        self, handed: Handed, *, timeout: Optional[float] = None, progress: Optional[Progress] = None
    ) -> Transfer:
        return await self._drive(self._op_await_handed(handed, progress), timeout)

    async def put(
        self,
        to: str,
        file: Any,
        *,
        name: Optional[str] = None,
        timeout: Optional[float] = None,
        progress: Optional[Progress] = None,
    ) -> Transfer:
        handed = await self.offer(to, file, name=name)
        try:
            return await self.taken(handed, timeout=timeout, progress=progress)
        except BaseException:
            if not self.closed:
                self.cancel(handed)
            raise

    async def offers(self) -> List[Offer]:
        return await self._drive(self._ask_hub(lib.earshot_list_offers))

    async def get(
        self,
        what: Union[Offer, Message],
        where: Any = ".",
        *,
        limit: int = 0,
        timeout: Optional[float] = None,
        progress: Optional[Progress] = None,
    ) -> Transfer:
        return await self._drive(self._op_get(what, where, limit, progress), timeout)

    async def decline(self, what: Union[Offer, Message], reason: str = "") -> None:
        await self._drive(self._op_decline(what, reason))

    def cancel(self, what: Union[Handed, Offer]) -> None:
        """Withdraws an offer of one's own, or ends the transfer of one that was taken."""
        self._do(lib.earshot_cancel, encoded(what.id, "the offer"))


class _Future(asyncio.Future):  # type: ignore[type-arg]
    """What one task waits for."""

    is_roomless = False
