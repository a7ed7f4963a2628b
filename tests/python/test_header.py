"""What the module says of the library is what the header says: every number, every place of a field,
every function. A C compiler is asked; without one, the text of the header alone."""

import ctypes
import inspect
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import earshot
from earshot import _library as c
from earshot import events

HEADER = pathlib.Path(__file__).resolve().parents[2] / "client/lib/earshot.h"

# Functions that the module has no use for: it asks by other ones, or these are for who administers
# the hub, or for programs in C.
UNUSED = {
    "earshot_accounts", "earshot_emoji", "earshot_emoji_name",
    "earshot_is_waiting", "earshot_mark_seen",
    "earshot_offer", "earshot_order", "earshot_own_offer", "earshot_pass_over", "earshot_post",
    "earshot_release", "earshot_time",
}

# Of each enumeration by its first name, what the module calls its numbers: a function of the name
# in C, or the words for 0, 1, 2...
WORDS = {
    "EARSHOT_TEXT": events.KINDS,
    "EARSHOT_SENT": events.STATES,
    "EARSHOT_OFFLINE": events.PRESENCES,
    "EARSHOT_NEWS_ONLINE": events.NEWS,
    "EARSHOT_FILE": events.OFFER_KINDS,
    "EARSHOT_TRANSFER_RUNNING": events.TRANSFER_STATES,
    "EARSHOT_ROOM_OPEN": events.FORMS,
    "EARSHOT_CLAIM_HELD": events.CLAIM_STATES,
    "EARSHOT_SKIP_SPECIAL": events.SKIPS,
    "EARSHOT_LAID_MUTE": events.LAID,
}
# Numbers that only the one who administers, or nobody here, needs.
UNNAMED = re.compile(
    r"EARSHOT_(PRIVATE|GROUP|OPEN|RATE|ROOM_ORDERS|WELL_KNOWN|LANE|MAILBOX|REASON_\w+|PRIORITY_\w+)$"
)


def without_comments(text):
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.S)


def enumerations(text):
    """The names of each, in order, with what stands behind the = of those that have it."""
    for body in re.findall(r"enum\s*\w*\s*{([^}]*)}", text):
        yield [item.split("=")[0].strip() for item in body.split(",") if item.strip()]


def functions(text):
    """name: the types that it takes, as C has them."""
    found = {}
    for name, arguments in re.findall(r"\b(earshot_\w+)\(([^()]*)\);", text):
        types = [] if arguments.strip() == "void" else arguments.split(",")
        found[name] = [type_of(a.strip()) for a in types]
    return found


def type_of(argument):
    if "*" in argument or argument.endswith("]"):
        return "void *"
    return argument.rpartition(" ")[0]


def fields(text, name):
    """Those of a structure or of a member of the union of struct earshot_event."""
    if name in c.C_NAMES:
        start = re.search(re.escape(name) + r"\s*{", text).end()
    else:
        event = re.search(r"struct earshot_event\s*{", text).start()
        end = re.compile(r"}\s*" + name + r";").search(text, event).start()
        start = text.rindex("struct {", event, end) + len("struct {")
    depth, at = 1, start
    while depth:
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at += 1
    body = re.sub(r"\[[^]]*\]", "", text[start : at - 1])
    found = []
    for declaration in body.split(";"):
        found += re.findall(r"\*?(\w+)\s*(?:,|$)", declaration.strip())
    return found


class Parity(unittest.TestCase):
    def test_asyncio_has_all_of_it(self):
        for name, method in vars(earshot.Link).items():
            if name.startswith("_") or not callable(method) or name == "poll":
                continue
            other = getattr(earshot.aio.Link, name, None)
            self.assertIsNotNone(other, name)
            ours, theirs = (list(inspect.signature(f).parameters.values()) for f in (method, other))
            self.assertEqual(ours, theirs, name)


class Header(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.text = without_comments(HEADER.read_text())

    def test_every_function_is_here(self):
        there = set(functions(self.text)) - UNUSED
        self.assertEqual(there - set(c.PROTOTYPES), set(), "in the header, not in the module")
        self.assertEqual(set(c.PROTOTYPES) - there, set(), "in the module, not in the header")

    def test_every_field_is_here(self):
        unions = {k: t for k, t in c.Details._fields_ if k not in ("transfer", "missed", "account")}
        for name, structure in {**c.C_NAMES, **unions}.items():
            ours = [field[0] for field in structure._fields_]
            if name != "struct earshot_event":
                self.assertEqual(fields(self.text, name), ours, name)

    def test_every_member_of_the_union_is_here(self):
        start = self.text.index("struct earshot_event {")
        body = self.text[start : self.text.index("};\n};", start)]
        there = set(re.findall(r"}\s*(\w+);", body)) | {"transfer", "missed", "account"}
        self.assertEqual(there, {name for name, _ in c.Details._fields_})

    def numbers(self):
        """C expression: what the module has for it."""
        expected = {f"EARSHOT_{n}": getattr(c, n) for n in ("SOVERSION", "ID_SIZE", "TEXT_MAX", "PAGE_MAX", "POST_MAX", "SIZE_UNKNOWN")}
        for names in enumerations(self.text):
            words = WORDS.get(names[0])
            if words is not None:
                self.assertEqual(len(names), len(words), f"{names} and {words}")
                expected.update({name: n for n, name in enumerate(names)})
                continue
            for name in names:
                value = getattr(c, name[len("EARSHOT_"):], None)
                if value is None and name == "EARSHOT_PRIORITY_MIN":
                    continue
                if UNNAMED.match(name):
                    continue
                self.assertIsNotNone(value, f"the module has no {name}")
                expected[name] = value
        for word, value in events.PRIORITIES.items():
            expected[f"EARSHOT_PRIORITY_{word.upper()}"] = value
        for name, structure in c.C_NAMES.items():
            expected[f"sizeof({name})"] = ctypes.sizeof(structure)
            for field in structure._fields_:
                if field[0] != "details":
                    expected.update(self.places(name, field[0], getattr(structure, field[0])))
        at = c.Event.details.offset
        for name, type_ in c.Details._fields_:
            expected.update(self.places("struct earshot_event", name, getattr(c.Event, name)))
            if not issubclass(type_, ctypes.Structure) or name == "transfer":
                continue
            for field in type_._fields_:
                place = getattr(type_, field[0])
                expected[f"offsetof(struct earshot_event, {name}.{field[0]})"] = at + place.offset
                expected[f"sizeof(((struct earshot_event *)0)->{name}.{field[0]})"] = place.size
        for name, arguments in functions(self.text).items():
            if name in c.PROTOTYPES:
                types = c.PROTOTYPES[name][1:]
                self.assertEqual(len(arguments), len(types), name)
                for n, (theirs, ours) in enumerate(zip(arguments, types)):
                    size = 8 if issubclass(ours, ctypes.Array) else ctypes.sizeof(ours)
                    expected[f"sizeof({theirs}) /* {name}, {n} */"] = size
        return expected

    @staticmethod
    def places(structure, name, field):
        return {
            f"offsetof({structure}, {name})": field.offset,
            f"sizeof((({structure} *)0)->{name})": field.size,
        }

    def test_numbers(self):
        compiler = shutil.which(os.environ.get("CC", "").split(" ")[0] or "cc") or shutil.which("gcc")
        expected = self.numbers()
        if not compiler:
            self.skipTest("there is no C compiler")
        lines = "\n".join(f'printf("%lld\\n", (long long)({what}));' for what in expected)
        source = f'#include "{HEADER}"\n#include <stdio.h>\nint main(void) {{\n{lines}\nreturn 0;\n}}\n'
        with tempfile.TemporaryDirectory() as place:
            program = os.path.join(place, "numbers")
            subprocess.run(
                [compiler, "-D_GNU_SOURCE", "-x", "c", "-o", program, "-"], input=source, text=True, check=True
            )
            out = subprocess.run([program], stdout=subprocess.PIPE, text=True, check=True).stdout
        for what, line in zip(expected, out.split()):
            with self.subTest(what):
                self.assertEqual(int(line) % 2**64, expected[what] % 2**64, what)
        self.assertEqual(len(out.split()), len(expected))
