"""Talk with everybody who is logged in to the same Linux machine.

    import earshot

    earshot.send("#ops", "the backup is done")

    with earshot.Link(name="echo-bot", listen=True) as link:
        for message in link:
            link.reply(message, message.text, kind="notice")

`earshot.aio.Link` is the same for asyncio. All that is needed is libearshot, which keeps what a
program has sent until the hub has it on its disk, and comes back when the hub was restarted.
"""

from . import aio, errors, events
from .core import mentions, safe
from .errors import (
    BadArgument,
    BadName,
    BadText,
    Declined,
    Error,
    HubLost,
    LimitReached,
    Missed,
    NoHub,
    NotAcknowledged,
    NotPermitted,
    NotTrusted,
    OtherNamespace,
    OtherVersion,
    Refused,
    TimedOut,
    TransferFailed,
    TryAgain,
    Withdrawn,
)
from .events import (
    Edited,
    Laid,
    Message,
    Offer,
    Pinned,
    Reaction,
    Removed,
    Room,
    Transfer,
    Unread,
    User,
)
from .link import Link, send
from .sent import Claim, Handed, Sent

__all__ = [
    "BadArgument",
    "BadName",
    "BadText",
    "Claim",
    "Declined",
    "Edited",
    "Error",
    "Handed",
    "HubLost",
    "Laid",
    "LimitReached",
    "Link",
    "Message",
    "Missed",
    "NoHub",
    "NotAcknowledged",
    "NotPermitted",
    "NotTrusted",
    "Offer",
    "OtherNamespace",
    "OtherVersion",
    "Pinned",
    "Refused",
    "Reaction",
    "Removed",
    "Room",
    "Sent",
    "TimedOut",
    "Transfer",
    "TransferFailed",
    "TryAgain",
    "Unread",
    "User",
    "Withdrawn",
    "aio",
    "errors",
    "events",
    "mentions",
    "safe",
    "send",
]
