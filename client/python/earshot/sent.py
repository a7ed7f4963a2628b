"""What goes on after a call: a message on its way, a file that is offered, a claim."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING, Any, Callable, Deque, List, Optional

from . import events

if TYPE_CHECKING:
    from .core import Core


class Record:
    """What an operation waits for. Whoever waits is told by `waiters`."""

    __slots__ = ("lines", "is_over", "failed", "waiters", "__weakref__")

    def __init__(self) -> None:
        self.lines: List[Any] = []
        self.is_over = False
        self.failed: Optional[events.Failed] = None
        self.waiters: List[Callable[[], None]] = []

    def take(self, event: object) -> None:
        if isinstance(event, events.Failed):
            self.failed = event
            self.finish()
        elif isinstance(event, events.Done):
            self.finish()
        else:
            self.lines.append(event)
            if not isinstance(event, events.Message):  # of which a page is awaited as a whole
                self.notify()

    def take_lines(self) -> List[Any]:
        lines, self.lines = self.lines, []
        return lines

    def finish(self) -> None:
        self.is_over = True
        self.notify()

    def notify(self) -> None:
        waiters, self.waiters = self.waiters, []
        for waiter in waiters:
            waiter()


class Sent:
    """A message of ours. It goes on to tell how far it is as long as the link takes events."""

    def __init__(self, id_: str, to: str):
        self.id = id_
        self.to = to
        self.seq: Optional[int] = None  #: its number in the hub's log, once it is stored
        self.error: Optional[Exception] = None  #: why the hub did not take it
        self.delivered_to: List[str] = []
        self.read_by: List[str] = []
        self.is_stored = False
        self.is_awaited = False
        self.record = Record()

    @property
    def state(self) -> str:
        """ "sent", "stored", "delivered" or "read"."""
        if self.read_by:
            return "read"
        if self.delivered_to:
            return "delivered"
        return "stored" if self.is_stored else "sent"

    def has_reached(self, wanted: int) -> bool:
        """A receipt can be faster than the disk, and says nothing of it."""
        if wanted >= 1 and not self.is_stored:
            return False
        return events.STATES.index(self.state) >= wanted

    def advance(self, state: str, seq: Optional[int], by: str) -> None:
        if state == "stored":
            self.is_stored = True
        elif state == "delivered" and by not in self.delivered_to:
            self.delivered_to.append(by)
        elif state == "read" and by not in self.read_by:
            self.read_by.append(by)
        if seq:
            self.seq = seq
        self.record.notify()

    def fail(self, error: Exception) -> None:
        self.error = error
        self.record.finish()

    def __repr__(self) -> str:
        return f"<Sent {self.id} to {self.to!r}: {self.error or self.state}>"


class Handed:
    """A file of ours that others may take."""

    def __init__(
        self, link: "Core", id_: str, to: str, name: str, size: Optional[int], small: bool, file: Any
    ):
        self.link = link
        self.id = id_
        self.to = to
        self.name = name
        self.size = size
        self.is_message = small  #: it is kept by the hub for who is away
        self.is_stored = False
        self.error: Optional[Exception] = None
        self.ended: Deque[events.Transfer] = collections.deque()
        self.record = Record()
        self._file = file  # a stream is read until the transfer is over

    def take_state(self, state: events.State) -> None:
        if state.state == "stored":
            self.is_stored = True
        elif state.state == "read":
            size = self.size or 0
            self.ended.append(
                events.Transfer(
                    self.id, "done", True, state.by, self.name, size, size, False, "", "", "", 0, 0, False
                )
            )
        self.record.notify()

    def take_transfer(self, transfer: events.Transfer) -> None:
        if transfer.state != "running":
            self.ended.append(transfer)
            self.record.notify()

    def fail(self, error: Exception) -> None:
        self.error = error
        self.record.finish()

    def __repr__(self) -> str:
        return f"<Handed {self.name!r} to {self.to!r}>"


class Claim:
    """A name that is ours until the block ends, or the link or process does."""

    def __init__(self, link: "Core", name: str, request: int):
        self.link = link
        self.name = name
        self.request = request
        self.record = Record()

    @property
    def is_held(self) -> bool:
        """Whether it is ours, as far as the events that were taken tell."""
        lines = self.record.lines
        return self.record.failed is None and bool(lines) and lines[-1].state == "held"

    @property
    def place(self) -> int:
        """In the queue, from 1 on; 0: it is ours."""
        return self.record.lines[-1].place if self.record.lines else 0

    # For `with`, of a Link; and `async with`, of an aio.Link.

    def __enter__(self) -> "Claim":
        return self

    def __exit__(self, *_: object) -> None:
        self.link.release_claim(self)  # type: ignore[attr-defined]

    async def __aenter__(self) -> "Claim":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.link.release_claim(self)  # type: ignore[attr-defined]

    def __repr__(self) -> str:
        return f"<Claim {self.name!r}: {'held' if self.is_held else 'not held'}>"
