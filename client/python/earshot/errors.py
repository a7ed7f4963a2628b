"""What can go wrong. Every exception says what happened, to what, and what to do, and carries the
outcome: `code` is the name that `earshot --json` prints ("no-user"), `exit_code` what a program
ends with that gives up here.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Dict, Optional, Type

from . import _library as c

if TYPE_CHECKING:
    from .sent import Sent


class Error(Exception):
    """All of Earshot's own; those of the system, about files, are OSError."""

    code = "internal"
    exit_code = 1

    def __init__(self, text: str, code: Optional[str] = None, exit_code: Optional[int] = None):
        super().__init__(text)
        if code is not None:
            self.code = code
        if exit_code is not None:
            self.exit_code = exit_code


class NoHub(Error):
    """No hub lives there, or it is gone and the link does not come back by itself."""

    code, exit_code = "no-hub", 69


class OtherVersion(NoHub):
    """The hub speaks another version of the protocol, or is too old for this."""

    code = "version"


class OtherNamespace(NoHub):
    """The hub is in another IPC namespace, as that of a container."""

    code = "other-namespace"


class NotPermitted(Error):
    code, exit_code = "not-permitted", 77


class NotTrusted(NotPermitted):
    """Directory or queue do not belong to whom they should."""

    code = "not-trusted"


class BadName(Error, ValueError):
    """No handle, room or id."""

    code, exit_code = "bad-name", 64


class BadText(Error, ValueError):
    """No text, or too long."""

    code, exit_code = "bad-text", 65


class BadArgument(Error, ValueError):
    code, exit_code = "bad-argument", 64


class LimitReached(Error):
    """A limit of the kernel; the text names it."""

    code, exit_code = "limit", 75


class TryAgain(Error):
    """So much has come that messages must be taken first, or something is full just now."""

    code, exit_code = "busy", 75


class TimedOut(Error, TimeoutError):
    """There was no answer in time."""

    code, exit_code = "timed-out", 75


class NotAcknowledged(TimedOut):
    """A message was sent, and nobody knows how far it came: `sent` says what is known. To send it
    again, and not twice, give its id: ``link.send(to, text, id=error.sent.id)``.
    """

    def __init__(self, text: str, sent: "Sent"):
        super().__init__(text)
        self.sent = sent


class Refused(Error):
    """The hub refused it: `code` and `exit_code` say why. `sent` is the message, if it was one."""

    sent: Optional["Sent"] = None


class HubLost(Refused):
    """The hub went away before it had answered; what was asked may have been done."""


class TransferFailed(Error):
    """A file did not come to its end: `transfer` tells how far it came, and where that is."""

    def __init__(self, text: str, transfer: object = None):
        super().__init__(text, "transfer", 1)
        self.transfer = transfer


class Declined(TransferFailed):
    """The other side does not want it."""


class Withdrawn(TransferFailed):
    """The offer is gone: its sender has left, or another program of this handle has taken it."""


class Missed(Error):
    """So many messages are not in the hub's log any more."""

    code = "missed"


OUTCOMES: Dict[int, Type[Error]] = {
    c.AGAIN: TryAgain,
    c.NO_HUB: NoHub,
    c.NOT_PERMITTED: NotPermitted,
    c.NOT_TRUSTED: NotTrusted,
    c.OTHER_VERSION: OtherVersion,
    c.OTHER_NAMESPACE: OtherNamespace,
    c.BAD_NAME: BadName,
    c.BAD_TEXT: BadText,
    c.LIMIT: LimitReached,
    c.BAD_ARGUMENT: BadArgument,
}

FAIL_LOST = 19
FAIL_TIMED_OUT = 18


def of_hub(code: int, reason: str) -> Refused:
    """What a FAILED or REFUSED event says."""
    kind = HubLost if code == FAIL_LOST else Refused
    name = c.lib.earshot_fail_name(code).decode()
    return kind(reason or name, name, c.lib.earshot_fail_exit_code(code))


def of_result(link: Optional[int], result: int) -> Exception:
    """What a function of the library returned."""
    text = c.lib.earshot_error(link).decode(errors="replace")
    code = c.lib.earshot_fail_code(link)
    if result == c.REFUSED:
        return of_hub(code, text)
    if result == c.AGAIN and code == FAIL_TIMED_OUT:
        return TimedOut(text)
    if result in OUTCOMES:
        return OUTCOMES[result](text)
    return OSError(-result, os.strerror(-result))
