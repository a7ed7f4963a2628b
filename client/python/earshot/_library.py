"""libearshot as ctypes sees it: the structures of earshot.h, field by field, and its functions.

tests/python/test_header.py compares all of this with what a C compiler makes of the header.
"""

from __future__ import annotations

import ctypes
import os
import pathlib
from ctypes import (
    POINTER,
    Structure,
    Union,
    c_bool,
    c_char,
    c_char_p,
    c_int,
    c_int32,
    c_int64,
    c_size_t,
    c_uint,
    c_uint32,
    c_uint64,
    c_void_p,
)

SOVERSION = 1
ID_SIZE = 37
TEXT_MAX = 65536
PAGE_MAX = 1000
POST_MAX = 32768

# enum earshot_outcome
OK, AGAIN, NO_HUB, NOT_PERMITTED, NOT_TRUSTED, OTHER_VERSION, OTHER_NAMESPACE = range(7)
REFUSED, BAD_NAME, BAD_TEXT, LIMIT, BAD_ARGUMENT = range(7, 12)

# earshot_options.flags
LISTEN, ALL_ROOMS, NEWS, AFTER, RECONNECT, UNTIL_READ, CHANNEL, PEEK = (1 << n for n in range(8))

# earshot_message.flags
CORK, WANT_SEQ, WANT_RECEIPT, ACK_NOW, MAKE_ROOM = (1 << n for n in range(5))

# enum earshot_event_type
(
    EVENT_MESSAGE,
    EVENT_PAST,
    EVENT_STATE,
    EVENT_REFUSED,
    EVENT_NEWS,
    EVENT_USER,
    EVENT_ROOM,
    EVENT_COUNTER,
    EVENT_OBJECT,
    EVENT_DONE,
    EVENT_FAILED,
    EVENT_OFFER,
    EVENT_WITHDRAWN,
    EVENT_TRANSFER,
    EVENT_MISSED,
    EVENT_LOST,
    EVENT_BACK,
    EVENT_WOKEN,
    EVENT_SKIPPED,
    EVENT_SHUT_OUT,
    EVENT_UNREAD,
    EVENT_SEEN,
    EVENT_ACCOUNT,
    EVENT_CLAIM,
    EVENT_EDITED,
    EVENT_REMOVED,
    EVENT_LAID,
    EVENT_PINNED,
    EVENT_REACTION,
) = range(29)

# enum earshot_list
USERS, ROOMS, COUNTERS, OBJECTS, HANDLES = range(5)

# enum earshot_pin_what
PIN, UNPIN, STAR, UNSTAR = range(4)

# enum earshot_room_change
(
    MAKE_OPEN,
    MAKE_PRIVATE,
    SET_OWNER,
    SET_NAME,
    CLOSE,
    SET_ANNOUNCE,
    SET_PAST,
    MAKE_GROUP,
) = range(8)

# enum earshot_order_what; and what only a room knows
MUTE, UNMUTE, BAN, UNBAN, KICK = range(5)
MAKE_OPERATOR, NO_OPERATOR, LOCK_TOPIC, UNLOCK_TOPIC = range(6, 10)

CLAIM_WAIT = 1
SIZE_UNKNOWN = 2**64 - 1


class Options(Structure):
    _fields_ = [
        ("hub", c_char_p),
        ("handle", c_char_p),
        ("flags", c_uint),
        ("timeout_ms", c_int),
        ("after", c_uint64),
    ]


class Transfer(Structure):
    _fields_ = [
        ("id", c_char * ID_SIZE),
        ("state", c_int),
        ("outgoing", c_bool),
        ("peer", c_char_p),
        ("name", c_char_p),
        ("bytes", c_uint64),
        ("size", c_uint64),
        ("resumed", c_bool),
        ("path", c_char_p),
        ("xxh3", c_char * 33),
        ("error", c_char_p),
        ("reason", c_uint),
        ("skipped", c_uint64),
        ("offered", c_uint64),
        ("grown", c_bool),
    ]


class Reaction(Structure):
    _fields_ = [("emoji", c_char_p), ("n", c_uint), ("by", c_char_p)]


class MessageEvent(Structure):
    _fields_ = [
        ("seq", c_uint64),
        ("id", c_char * ID_SIZE),
        ("reply_to", c_char * ID_SIZE),
        ("at_ms", c_int64),
        ("kind", c_int),
        ("uid", c_uint32),
        ("from", c_char_p),
        ("to", c_char_p),
        ("conv", c_char_p),
        ("text", c_char_p),
        ("text_n", c_size_t),
        ("mine", c_bool),
        ("wants_receipt", c_bool),
        ("late", c_bool),
        ("link", c_uint64),
        ("file", c_void_p),
        ("file_n", c_size_t),
        ("title", c_char_p),
        ("priority", c_int),
        ("edited", c_bool),
        ("removed", c_bool),
        ("thread", c_char * ID_SIZE),
        ("n", c_uint),
        ("on", c_bool),
        ("reactions", POINTER(Reaction)),
        ("n_reactions", c_size_t),
    ]


class StateEvent(Structure):
    _fields_ = [
        ("id", c_char * ID_SIZE),
        ("state", c_int),
        ("seq", c_uint64),
        ("by", c_char_p),
        ("to", c_char_p),
        ("up_to", c_bool),
    ]


class FailedEvent(Structure):
    _fields_ = [
        ("id", c_char * ID_SIZE),
        ("code", c_uint),
        ("to", c_char_p),
        ("reason", c_char_p),
    ]


class NewsEvent(Structure):
    _fields_ = [
        ("what", c_int),
        ("uid", c_uint32),
        ("who", c_char_p),
        ("room", c_char_p),
        ("detail", c_char_p),
    ]


class UserEvent(Structure):
    _fields_ = [
        ("handle", c_char_p),
        ("uid", c_uint32),
        ("state", c_int),
        ("away", c_char_p),
        ("idle_s", c_uint32),
        ("pids", POINTER(c_int)),
        ("n_pids", c_size_t),
    ]


class RoomEvent(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("topic", c_char_p),
        ("members", c_uint32),
        ("owner", c_char_p),
        ("operators", c_char_p),
        ("group", c_char_p),
        ("owner_uid", c_uint32),
        ("form", c_int),
        ("announces", c_bool),
        ("shows_all", c_bool),
        ("closed", c_bool),
        ("invited", c_bool),
        ("locks_topic", c_bool),
    ]


class CounterEvent(Structure):
    _fields_ = [("key", c_char_p), ("value", c_uint64)]


class ObjectEvent(Structure):
    _fields_ = [
        ("role", c_int),
        ("id", c_int),
        ("uid", c_uint32),
        ("pid", c_int),
        ("handle", c_char_p),
    ]


class OfferEvent(Structure):
    _fields_ = [
        ("id", c_char * ID_SIZE),
        ("from", c_char_p),
        ("to", c_char_p),
        ("uid", c_uint32),
        ("kind", c_int),
        ("name", c_char_p),
        ("mime", c_char_p),
        ("size", c_uint64),
        ("mode", c_uint32),
        ("mtime_ns", c_int64),
    ]


class WithdrawnEvent(Structure):
    _fields_ = [("id", c_char * ID_SIZE), ("was_taken", c_bool)]


class SkippedEvent(Structure):
    _fields_ = [
        ("id", c_char * ID_SIZE),
        ("peer", c_char_p),
        ("name", c_char_p),
        ("path", c_char_p),
        ("why", c_int),
        ("error", c_int),
        ("more", c_uint64),
    ]


class UnreadEvent(Structure):
    _fields_ = [
        ("conv", c_char_p),
        ("unread", c_uint32),
        ("mentions", c_uint32),
        ("seq", c_uint64),
    ]


class ClaimEvent(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("state", c_int),
        ("place", c_uint),
        ("handle", c_char_p),
        ("uid", c_uint32),
        ("pid", c_int),
        ("since_ms", c_int64),
        ("note", c_char_p),
    ]


class PinnedEvent(Structure):
    _fields_ = [
        ("seq", c_uint64),
        ("by", c_char_p),
        ("by_uid", c_uint32),
        ("at_ms", c_int64),
    ]


class LaidEvent(Structure):
    _fields_ = [
        ("room", c_char_p),
        ("handle", c_char_p),
        ("what", c_int),
        ("uid", c_uint32),
        ("until_ms", c_int64),
        ("by", c_char_p),
        ("by_uid", c_uint32),
        ("reason", c_char_p),
    ]


class LostEvent(Structure):
    _fields_ = [("reason", c_char_p)]


class Details(Union):
    _fields_ = [
        ("message", MessageEvent),
        ("state", StateEvent),
        ("failed", FailedEvent),
        ("news", NewsEvent),
        ("user", UserEvent),
        ("room", RoomEvent),
        ("counter", CounterEvent),
        ("object", ObjectEvent),
        ("offer", OfferEvent),
        ("withdrawn", WithdrawnEvent),
        ("transfer", Transfer),
        ("skipped", SkippedEvent),
        ("missed", c_uint64),
        ("unread", UnreadEvent),
        ("account", c_void_p),
        ("laid", LaidEvent),
        ("claim", ClaimEvent),
        ("pinned", PinnedEvent),
        ("lost", LostEvent),
    ]


class Event(Structure):
    _anonymous_ = ("details",)
    _fields_ = [("type", c_int), ("request", c_uint32), ("details", Details)]


class HubInfo(Structure):
    _fields_ = [
        ("dir", c_char_p),
        ("name", c_char_p),
        ("handle", c_char_p),
        ("pid", c_int),
        ("uid", c_uint32),
        ("mode", c_int),
        ("msqid", c_int),
        ("key", c_int32),
        ("seq", c_uint64),
        ("keep_days", c_uint32),
        ("keep_bytes", c_uint64),
        ("instance", c_char * ID_SIZE),
    ]


class OutgoingMessage(Structure):
    _fields_ = [
        ("to", c_char_p),
        ("text", c_char_p),
        ("text_n", c_size_t),
        ("kind", c_int),
        ("id", c_char_p),
        ("reply_to", c_char_p),
        ("flags", c_uint),
        ("priority", c_int),
        ("title", c_char_p),
        ("author", c_uint32),
        ("has_author", c_bool),
    ]


class Order(Structure):
    _fields_ = [
        ("what", c_int),
        ("handle", c_char_p),
        ("uid", c_uint32),
        ("value", c_uint64),
        ("reason", c_char_p),
    ]


class Source(Structure):
    _fields_ = [("path", c_char_p), ("fd", c_int), ("name", c_char_p)]


class Target(Structure):
    _fields_ = [("dir", c_char_p), ("fd", c_int), ("n_bytes_max", c_uint64)]


def roomy(structure):
    """One that the library fills: it may be a little larger there than this module knows."""
    return structure.from_buffer(bytearray(ctypes.sizeof(structure) + 1024))


# Of each structure what the header calls it: for the comparison.
C_NAMES = {
    "struct earshot_options": Options,
    "struct earshot_transfer": Transfer,
    "struct earshot_reaction": Reaction,
    "struct earshot_event": Event,
    "struct earshot_hub_info": HubInfo,
    "struct earshot_message": OutgoingMessage,
    "struct earshot_order": Order,
    "struct earshot_source": Source,
    "struct earshot_target": Target,
}

_LINK = c_void_p
_REQUEST = POINTER(c_uint32)
_ID = c_char * ID_SIZE

# name: what it returns, what it takes
PROTOTYPES = {
    "earshot_open": (c_int, POINTER(c_void_p), POINTER(Options)),
    "earshot_close": (None, _LINK),
    "earshot_hub": (None, _LINK, POINTER(HubInfo)),
    "earshot_error": (c_char_p, _LINK),
    "earshot_fail_code": (c_uint, _LINK),
    "earshot_fail_name": (c_char_p, c_uint),
    "earshot_fail_exit_code": (c_int, c_uint),
    "earshot_send": (c_int, _LINK, POINTER(OutgoingMessage), _ID),
    "earshot_edit": (c_int, _LINK, c_char_p, POINTER(OutgoingMessage), _ID),
    "earshot_remove": (c_int, _LINK, c_char_p, c_uint32, POINTER(OutgoingMessage), _ID),
    "earshot_react": (c_int, _LINK, c_char_p, c_uint32, c_bool, POINTER(OutgoingMessage), _ID),
    "earshot_flush": (c_int, _LINK),
    "earshot_n_unacknowledged": (c_size_t, _LINK),
    "earshot_mark_read": (c_int, _LINK, POINTER(Event)),
    "earshot_join": (c_int, _LINK, c_char_p, c_bool, _REQUEST),
    "earshot_part": (c_int, _LINK, c_char_p, _REQUEST),
    "earshot_topic": (c_int, _LINK, c_char_p, c_char_p, _REQUEST),
    "earshot_away": (c_int, _LINK, c_char_p, _REQUEST),
    "earshot_nick": (c_int, _LINK, c_char_p, _REQUEST),
    "earshot_ask": (c_int, _LINK, c_int, c_char_p, _REQUEST),
    "earshot_about": (c_int, _LINK, c_char_p, _REQUEST),
    "earshot_change_room": (c_int, _LINK, c_char_p, c_int, c_char_p, _REQUEST),
    "earshot_govern": (c_int, _LINK, c_char_p, c_uint, POINTER(Order), _REQUEST),
    "earshot_laid": (c_int, _LINK, c_char_p, _REQUEST),
    "earshot_gather": (c_int, _LINK, c_char_p, _REQUEST),
    "earshot_find": (c_int, _LINK, c_char_p, c_char_p, c_bool, c_uint64, c_uint, _REQUEST),
    "earshot_invite": (c_int, _LINK, c_char_p, c_char_p, _REQUEST),
    "earshot_history": (c_int, _LINK, c_char_p, c_uint64, c_uint64, c_uint, _REQUEST),
    "earshot_search": (c_int, _LINK, c_char_p, c_char_p, c_char_p, c_uint64, c_uint, _REQUEST),
    "earshot_pin": (c_int, _LINK, c_char_p, c_uint32, c_int, _REQUEST),
    "earshot_pins": (c_int, _LINK, c_char_p, c_uint64, c_uint, _REQUEST),
    "earshot_stars": (c_int, _LINK, c_char_p, c_uint64, c_uint, _REQUEST),
    "earshot_unread": (c_int, _LINK, c_char_p, _REQUEST),
    "earshot_claim": (c_int, _LINK, c_char_p, c_char_p, c_uint, _REQUEST),
    "earshot_unclaim": (c_int, _LINK, c_char_p, _REQUEST),
    "earshot_claims": (c_int, _LINK, _REQUEST),
    "earshot_forget": (c_int, _LINK, c_char_p, _REQUEST),
    "earshot_wall": (c_int, _LINK, c_char_p, _REQUEST),
    "earshot_put": (c_int, _LINK, c_char_p, POINTER(Source), POINTER(Transfer), _REQUEST),
    "earshot_list_offers": (c_int, _LINK, _REQUEST),
    "earshot_accept": (c_int, _LINK, c_char_p, POINTER(Target)),
    "earshot_decline": (c_int, _LINK, c_char_p, c_char_p),
    "earshot_cancel": (c_int, _LINK, c_char_p),
    "earshot_event_file": (c_int, _LINK, POINTER(Event), POINTER(Transfer)),
    "earshot_save": (c_int, _LINK, POINTER(Event), POINTER(Target), POINTER(Transfer)),
    "earshot_refuse": (c_int, _LINK, POINTER(Event)),
    "earshot_list_posts": (c_int, _LINK, c_char_p, c_uint64, c_uint, _REQUEST),
    "earshot_progress": (c_int, _LINK, c_uint, POINTER(Transfer)),
    "earshot_next": (c_int, _LINK, POINTER(Event), c_int),
    "earshot_fd": (c_int, _LINK),
    "earshot_tend": (c_int, _LINK),
    "earshot_is_joined": (c_bool, _LINK),
    "earshot_wake": (None, _LINK),
    "earshot_safe": (c_void_p, c_char_p, c_size_t, c_bool),
    "earshot_mentions": (c_bool, c_char_p, c_size_t, c_char_p),
}


def _candidates():
    """$EARSHOT_LIBRARY alone; else the library of the same prefix, then the system's."""
    name = f"libearshot.so.{SOVERSION}"
    chosen = os.environ.get("EARSHOT_LIBRARY")
    if chosen:
        yield chosen
        return
    here = pathlib.Path(__file__).resolve()
    for directory in here.parents[3:4]:  # of lib/python3/dist-packages/earshot/_library.py
        if (directory / name).exists():
            yield str(directory / name)
    yield name


def _load() -> ctypes.CDLL:
    problems = []
    for path in _candidates():
        try:
            return ctypes.CDLL(path, use_errno=False)
        except OSError as error:
            problems.append(str(error))
    raise ImportError(
        "cannot load libearshot: "
        + "; ".join(problems)
        + "; install it, or name it in $EARSHOT_LIBRARY"
    )


lib = _load()
for _name, (_result, *_arguments) in PROTOTYPES.items():
    try:
        _function = getattr(lib, _name)
    except AttributeError:
        raise ImportError(f"libearshot is older than this module: it has no {_name}()") from None
    _function.restype = _result
    _function.argtypes = _arguments

libc = ctypes.CDLL(None)
libc.free.argtypes = [c_void_p]
libc.free.restype = None
