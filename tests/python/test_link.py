"""The module without asyncio, against a real hub."""

import gc
import os
import signal
import subprocess
import tempfile
import threading
import unittest
import warnings

import earshot
from earshot import core

from hub import SECONDS, HubTest, Thread, descriptors, own_queues, wait_until


class Talk(HubTest):
    def test_send_and_receive(self):
        with self.link("alice") as alice, self.link("bob", listen=True, rooms=["#ops"]) as bob:
            self.assertEqual(alice.handle, "alice")
            sent = alice.send("bob", "grüß dich", title="Hello", priority="high")
            self.assertEqual(sent.state, "stored")
            alice.send("#ops", "does a dance", kind="action", reply_to=sent)
            first, second = [m for _, m in zip(range(2), bob)]
            self.assertEqual((first.text, first.sender, first.conv), ("grüß dich", "alice", "alice"))
            self.assertEqual((first.title, first.priority, first.uid), ("Hello", 1, os.geteuid()))
            self.assertEqual((first.seq, first.id), (sent.seq, sent.id))
            self.assertEqual((second.conv, second.kind, second.reply_to), ("#ops", "action", sent.id))

    def test_a_repeat_is_one_message(self):
        with self.link("alice") as alice, self.link("bob", listen=True) as bob:
            sent = alice.send("bob", "once")
            alice.send("bob", "once", id=sent.id)
            alice.send("bob", "end")
            self.assertEqual([m.text for _, m in zip(range(2), bob)], ["once", "end"])


    def test_states(self):
        with self.link("alice") as alice:
            tail = self.earshot("--name", "bob", "tail", "--dm", "--count", "1", "--json")
            wait_until("bob is here", lambda: self.is_here("bob"))
            sent = alice.send("bob", "x", wait="delivered", timeout=SECONDS)
            self.assertEqual(sent.delivered_to, ["bob"])
            alice.wait(sent, "read", timeout=SECONDS)
            self.assertEqual((sent.state, sent.read_by), ("read", ["bob"]))
            self.finish(tail)

    def test_what_is_refused(self):
        with self.link("alice") as alice:
            with self.assertRaises(earshot.Refused) as refused:
                alice.send("nobody-at-all", "x")
            self.assertEqual((refused.exception.code, refused.exception.exit_code), ("no-user", 67))
            self.assertEqual(refused.exception.sent.to, "nobody-at-all")
            with self.assertRaises(earshot.BadName):
                alice.send("a b", "x")
            for bad in ("\0", "\ud800", "x" * 70000):
                with self.assertRaises(earshot.BadText):
                    alice.send("alice", bad)
            with self.assertRaises(earshot.BadArgument):
                alice.send("alice", "x", kind="shout")
            with self.assertRaises(earshot.BadArgument):
                next(iter(alice))
            with self.assertRaises(earshot.Refused):
                alice.room("#nowhere")
            alice.send("nobody-at-all", "x", wait="sent")
            event = next(alice.events(SECONDS))
            self.assertEqual((type(event).__name__, event.code), ("RefusedMessage", "no-user"))
            alice.flush()

    def test_no_hub(self):
        with self.assertRaises(earshot.NoHub) as error:
            earshot.Link(os.path.join(self.root, "nowhere"))
        self.assertEqual(error.exception.exit_code, 69)
        with self.assertRaises(earshot.BadName):
            self.link("not a handle")

    def test_one_line(self):
        with self.link("bob", listen=True) as bob:
            earshot.send("bob", "hello", hub=self.dir, name="alice")
            self.assertEqual(next(iter(bob)).text, "hello")

    def test_what_was_not_finished_comes_again(self):
        with self.link("alice") as alice:
            with self.link("bob", listen=True):
                pass
            for text in "one", "two", "three":
                alice.send("bob", text)
            with self.assertRaises(ZeroDivisionError), self.link("bob", listen=True) as bob:
                for message in bob:
                    if message.text == "two":
                        1 / 0
            with self.link("bob", listen=True, take=False) as bob:
                self.assertEqual([next(iter(bob)).text for _ in range(2)], ["two", "three"])
            with self.link("bob", listen=True) as bob:
                texts = []
                for message in bob:
                    texts.append((message.text, message.late))
                    if message.text == "three":
                        break
                self.assertEqual(texts, [("two", True), ("three", True)])
            alice.send("bob", "four")
            with self.link("bob", listen=True) as bob:
                self.assertEqual(next(iter(bob)).text, "four")

    def test_ask(self):
        def answer():
            with self.link("bob", listen=True) as bob:
                question = next(iter(bob))
                with self.link("carol") as carol:
                    carol.send("alice", "something else")
                bob.send("alice", "for another", reply_to="12345678-1234-4123-8123-123456789abc")
                bob.reply(question, "yes")

        with self.link("alice", listen=True) as alice:
            thread = Thread(answer)
            wait_until("bob is here", lambda: self.is_here("bob"))
            self.assertEqual(alice.ask("bob", "may I?", timeout=SECONDS).text, "yes")
            thread.finish()
            others = [m.text for _, m in zip(range(2), alice)]
            self.assertEqual(others, ["something else", "for another"])
            with self.assertRaises(earshot.TimedOut):
                alice.ask("bob", "and now?", timeout=0.05)
        with self.link("alice") as deaf, self.assertRaises(earshot.BadArgument):
            deaf.ask("bob", "?")

    def test_edit_and_remove(self):
        with self.link("alice") as alice, self.link("bob", listen=True) as bob:
            hears = bob.messages(mended=True)
            sent = alice.send("bob", "10 %")
            came = [next(hears)]
            alice.edit(sent, "100 %")
            came.append(next(hears))
            alice.remove(sent, "a mistake")
            came.append(next(hears))
            self.assertEqual([type(m).__name__ for m in came], ["Message", "Edited", "Removed"])
            self.assertEqual([m.text for m in came], ["10 %", "100 %", "a mistake"])
            self.assertEqual({m.id for m in came}, {sent.id})
            self.assertTrue(bob.history("alice")[-1].removed)
            with self.assertRaises(earshot.Refused):
                bob.edit(sent, "not mine")

    def test_pins_and_stars(self):
        with self.link("alice", rooms=["#ops"]) as alice, self.link("bob", rooms=["#ops"]) as bob:
            alice.send("#ops", "the number is 112")
            alice.send("#ops", "tea?")
            message = bob.history("#ops")[0]
            bob.pin(message)
            bob.star(message)
            found = alice.pins("#ops")
            self.assertEqual([(m.text, p.by) for m, p in found], [("the number is 112", "bob")])
            self.assertEqual(found[0][1].seq, message.seq)
            self.assertEqual([m.id for m, _ in bob.stars()], [message.id])
            self.assertEqual(alice.stars("#ops"), [])
            alice.unpin(message.id)
            bob.unstar(message)
            self.assertEqual(alice.pins("#ops") + bob.stars(), [])
            with self.assertRaises(earshot.Refused):
                bob.pin("00000000-0000-4000-8000-000000000001")

    def test_threads(self):
        with self.link("alice", rooms=["#ops"]) as alice, self.link("bob", rooms=["#ops"]) as bob:
            alice.send("#ops", "the disk is full")
            first = next(iter(bob))
            bob.reply(first, "which?")
            reply = next(iter(alice))
            self.assertEqual((reply.reply_to, reply.thread), (first.id, first.id))
            alice.reply(reply, "sda")
            alice.send("#ops", "something else")
            said = [m for _, m in zip(range(2), bob)]
            self.assertEqual([m.thread for m in said], [first.id, None])
            self.assertTrue(reply.n > 0)
            texts = ["the disk is full", "which?", "sda"]
            for message in first, reply, first.id:
                self.assertEqual([m.text for m in bob.thread(message)], texts)
            self.assertEqual([m.text for m in bob.history("#ops", 2, thread=reply)], texts[1:])
            self.assertEqual([m.text for m in bob.find(reply.id)], ["which?"])
            with self.assertRaises(earshot.BadArgument):
                bob.history("#ops", after=1, thread=reply)

    def test_rooms_and_order_in_them(self):
        with self.link("alice") as alice, self.link("bob", listen=True) as bob:
            room = alice.make_room("#plans", "private")
            self.assertEqual((room.form, room.owner, room.members), ("private", "alice", 1))
            bob.join("#plans")
            alice.change_room("#plans", announce=True, past="all")
            self.assertTrue(alice.room("#plans").announces)
            alice.lock_topic("#plans")
            self.assertTrue(alice.room("#plans").locks_topic)
            if os.geteuid() == 0:  # upon whom nobody acts
                for act in alice.op, alice.deop, alice.kick:
                    with self.assertRaises(earshot.Refused):
                        act("#plans", "bob")
            alice.mute("#plans", 4294, 60, "too loud")
            muted = [laid for laid in alice.laid("#plans") if laid.what == "mute"]
            self.assertEqual([(laid.uid, laid.reason) for laid in muted], [(4294, "too loud")])
            self.assertIsNotNone(muted[0].until)
            alice.unmute("#plans", 4294)
            alice.ban("#plans", 4294)
            alice.unban("#plans", 4294)
            self.assertEqual([laid for laid in alice.laid("#plans") if laid.uid == 4294], [])
            alice.change_room("#plans", rename="#done", close=True)
            with self.assertRaises(earshot.Refused):
                alice.send("#done", "one more thing", make_room=False)
            for wrong in (
                lambda: alice.make_room("#x", "secret"),
                lambda: alice.make_room("#x", "group"),
                lambda: alice.mute("#done", "bob", -1),
                lambda: alice.change_room("#done", past="some"),
            ):
                with self.assertRaises(earshot.BadArgument):
                    wrong()
            with self.assertRaises(earshot.Refused):
                alice.kick("#nowhere-at-all", "bob")
            with self.link("carol"):
                together = alice.gather("bob", "carol")
            self.assertEqual((together.form, alice.gather("carol", "bob").name), ("direct", together.name))
            alice.send(together.name, "to both")

    def test_mentions(self):
        with self.link("alice", rooms=["#ops"]) as alice, self.link("bob") as bob:
            bob.send("#ops", "hello Alice!")
            bob.send("#ops", "malice is no name")
            found = alice.mentions()
            self.assertEqual([m.text for m in found], ["hello Alice!"])
            self.assertTrue(alice.mentions_me(found[0]))
        self.assertFalse(earshot.mentions("malice", "alice"))
        self.assertEqual(earshot.safe("a\x1b[2Jb"), earshot.safe("a\x1b[2Jb", keep_lines=True))
        self.assertNotIn("\x1b", earshot.safe("a\x1b[2Jb"))

    def test_people_and_rooms(self):
        with self.link("alice", listen=True) as alice:
            alice.join("#ops")
            alice.topic("#ops", "disks")
            self.assertEqual([(r.name, r.topic) for r in alice.rooms()], [("#ops", "disks")])
            self.assertEqual([u.handle for u in alice.who("#ops")], ["alice"])
            self.assertEqual(alice.room("#ops").form, "open")
            alice.away("at lunch")
            self.assertEqual([(u.state, u.away) for u in alice.who()], [("away", "at lunch")])
            alice.back()
            self.assertEqual(alice.who()[0].pids, (os.getpid(),))
            with self.link("bob") as bob:
                bob.send("alice", "one")
            self.assertEqual([(u.conv, u.unread) for u in alice.unread()], [("bob", 1)])
            alice.part("#ops")

    def test_claims(self):
        with self.link("alice") as alice, self.link("bob") as bob:
            with alice.claim("gpu0", "until six") as claim:
                self.assertTrue(claim.is_held)
                with self.assertRaises(earshot.Refused) as taken:
                    bob.claim("gpu0", wait=False)
                self.assertEqual((taken.exception.code, taken.exception.exit_code), ("taken", 75))
                with self.assertRaises(earshot.TimedOut):
                    bob.claim("gpu0", timeout=0.05)
                held = bob.claims()
                self.assertEqual([(c.name, c.handle, c.note) for c in held], [("gpu0", "alice", "until six")])
            with bob.claim("gpu0", wait=False):
                pass
            self.assertEqual(bob.claims(), [])

    def test_more_than_anybody_takes(self):
        with self.link("alice") as alice, self.link("bob", listen=True) as bob:
            for n in range(50):
                alice.send("bob", str(n), wait="sent")
            alice.flush()
            limit, core.QUEUE_MAX = core.QUEUE_MAX, 20
            try:
                with self.assertRaises(earshot.TryAgain):
                    for _ in range(100):
                        bob.who()
            finally:
                core.QUEUE_MAX = limit
            self.assertEqual([m.text for _, m in zip(range(50), bob)], [str(n) for n in range(50)])
            self.assertEqual(len(bob.who()), 1)

    def test_events(self):
        with self.link("bob", listen=True, news=True) as bob:
            news = (event for event in bob.events() if event.who != "bob")
            with self.link("alice", listen=True):
                event = next(news)
                self.assertEqual((event.what, event.who), ("online", "alice"))
            event = next(news)
            self.assertEqual((event.what, event.who), ("offline", "alice"))
            news.close()
            waker = threading.Timer(0.05, bob.wake)
            waker.start()
            self.assertEqual(type(next(bob.events())).__name__, "Woken")
            waker.join()
            self.assertEqual(list(bob.events(timeout=0)), [])
            self.assertEqual(bob.poll(), 0)


class Past(HubTest):
    def test_pages(self):
        with self.link("alice") as alice:
            for n in range(2500):
                alice.send("#log", f"line {n}", wait="sent")
            alice.flush()
            alice.join("#log")
            newest = alice.history("#log", 2200)
            self.assertEqual([m.text for m in newest], [f"line {n}" for n in range(300, 2500)])
            first = alice.history("#log", 1100, after=0)
            self.assertEqual([m.text for m in first], [f"line {n}" for n in range(1100)])
            more = alice.history("#log", 5, after=first[-1].seq)
            self.assertEqual([m.text for m in more], [f"line {n}" for n in range(1100, 1105)])
            before = alice.history("#log", 2, before=more[0].seq)
            self.assertEqual([m.text for m in before], ["line 1098", "line 1099"])
            self.assertEqual([m.text for m in alice.search("1234", n=5)], ["line 1234"])
            self.assertEqual(len(alice.search("line", conv="#log", sender="alice", n=1200)), 1200)
            self.assertEqual(alice.search("nothing like it"), [])
            with self.assertRaises(earshot.Refused):
                alice.history("#nowhere")


class Files(HubTest):
    def setUp(self):
        super().setUp()
        self.inbox = os.path.join(self.root, "in")
        os.mkdir(self.inbox)
        self.small = os.path.join(self.root, "small.txt")
        self.big = os.path.join(self.root, "big.bin")
        with open(self.small, "w") as file:
            file.write("a small file\n")
        with open(self.big, "wb") as file:
            file.write(os.urandom(3_000_000))

    def same(self, one, other):
        with open(one, "rb") as a, open(other, "rb") as b:
            self.assertEqual(a.read(), b.read())

    def taker(self, handle, count=1):
        def take():
            with self.link(handle, listen=True) as link:
                n = 0
                for event in link.events():
                    is_file = isinstance(event, earshot.Message) and event.file
                    if not isinstance(event, earshot.Offer) and not is_file:
                        continue
                    self.got.append(link.get(event, self.inbox, timeout=SECONDS))
                    n += 1
                    if n == count:
                        break

        self.got = []
        thread = Thread(take)
        wait_until("it is here", lambda: self.is_here(handle))
        return thread

    def test_put_and_get(self):
        thread = self.taker("bob", 2)
        steps = []
        with self.link("alice") as alice:
            small = alice.put("bob", self.small, timeout=SECONDS)
            big = alice.put("bob", self.big, timeout=SECONDS, progress=steps.append)
        thread.finish()
        self.assertEqual((small.state, small.peer, small.size), ("done", "bob", 13))
        self.assertEqual((big.state, big.bytes, big.size), ("done", 3_000_000, 3_000_000))
        self.assertEqual(steps[-1].state, "done")
        self.assertEqual([t.path for t in self.got], ["small.txt", "big.bin"])
        self.assertEqual(self.got[1].xxh3, big.xxh3)
        self.same(self.small, os.path.join(self.inbox, "small.txt"))
        self.same(self.big, os.path.join(self.inbox, "big.bin"))

    def test_a_stream(self):
        thread = self.taker("bob")
        reading, writing = os.pipe()

        def write():
            with open(writing, "wb") as out:
                out.write(b"x" * 200_000)

        writer = Thread(write)
        with self.link("alice") as alice, open(reading, "rb") as source:
            done = alice.put("bob", source, name="dump", timeout=SECONDS)
        writer.finish()
        thread.finish()
        self.assertEqual((done.bytes, done.name), (200_000, "dump"))
        self.assertEqual(os.path.getsize(os.path.join(self.inbox, "dump")), 200_000)

    def test_into_a_file_object(self):
        with self.link("alice") as alice, self.link("bob", listen=True) as bob:
            alice.offer("bob", self.small)
            message = next(iter(bob))
            self.assertEqual((message.file.name, message.file.size), ("small.txt", 13))
            with tempfile.TemporaryFile() as out:
                bob.get(message, out)
                out.seek(0)
                self.assertEqual(out.read(), b"a small file\n")
            with self.assertRaises(OSError):
                bob.get(message, os.path.join(self.root, "nowhere"))
            with self.assertRaises(earshot.BadArgument):
                bob.get(alice.history("bob")[0].__class__(
                    **{**vars(message), "file": None}))

    def test_what_cannot_be_offered(self):
        with self.link("alice") as alice:
            with self.assertRaises(FileNotFoundError):
                alice.offer("bob", os.path.join(self.root, "nothing"))
            with self.assertRaises(earshot.Refused):
                alice.offer("nobody-at-all", self.big)

    def test_declined_and_withdrawn(self):
        def decline():
            with self.link("bob", listen=True) as bob:
                for event in bob.events():
                    if isinstance(event, earshot.Offer):
                        bob.decline(event, "no room")
                        break

        thread = Thread(decline)
        wait_until("bob is here", lambda: self.is_here("bob"))
        with self.link("alice") as alice:
            with self.assertRaises(earshot.Declined) as declined:
                alice.put("bob", self.big, timeout=SECONDS)
            self.assertIn("no room", str(declined.exception))
            thread.finish()
            with self.link("bob", listen=True) as bob:
                with self.assertRaises(earshot.TimedOut):
                    alice.put("bob", self.big, timeout=0.05)
                wait_until("it is withdrawn", lambda: bob.offers() == [])


class Hardship(HubTest):
    stored = True

    def test_the_hub_is_killed_in_the_middle(self):
        """Nothing is lost, nothing doubled, all in order; and a question is asked again."""
        n_each, came = 600, []
        started = threading.Event()

        def listen():
            with self.link("bob", listen=True) as bob:
                started.set()
                for message in bob:
                    came.append(message.text)
                    if message.text == "end":
                        break

        thread = Thread(listen)
        started.wait(SECONDS)
        with self.link("alice") as alice, self.link("carol") as carol:
            for part in range(3):
                for n in range(n_each):
                    alice.send("bob", f"{part} {n}", wait="sent" if n % 50 else "stored")
                self.kill_hub()
                asker = Thread(lambda: self.assertTrue(carol.who(everybody=True)))
                alice.send("bob", f"{part} {n_each}", wait="sent")
                self.start_hub()
                asker.finish()
            alice.send("bob", "end", timeout=SECONDS)
        thread.finish()
        wanted = [f"{part} {n}" for part in range(3) for n in range(n_each + 1)] + ["end"]
        self.assertEqual(came, wanted)

    def test_without_reconnect_the_loss_is_told(self):
        with self.link("alice", reconnect=False) as alice:
            self.kill_hub()
            with self.assertRaises(earshot.NoHub):
                alice.send("alice", "x")
            with self.assertRaises(earshot.NoHub):
                alice.who()
        self.start_hub()

    def test_not_acknowledged_in_time(self):
        with self.link("alice") as alice:
            pid = alice.hub["pid"]
            os.kill(pid, signal.SIGSTOP)
            try:
                with self.assertRaises(earshot.NotAcknowledged) as late:
                    alice.send("alice", "once", timeout=0.05)
            finally:
                os.kill(pid, signal.SIGCONT)
            alice.send("alice", "once", id=late.exception.sent.id)
            self.assertEqual([m.text for m in alice.history()], ["once"])

    def test_a_signal_ends_the_waiting(self):
        class Alarm(Exception):
            pass

        def ring(*_):
            raise Alarm

        before = signal.signal(signal.SIGALRM, ring)
        try:
            with self.link("alice", listen=True) as alice:
                signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)  # one may come just before it waits
                with self.assertRaises(Alarm):
                    next(iter(alice))
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.signal(signal.SIGALRM, lambda *_: None)
                signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)  # and one that does not is nothing
                with self.assertRaises(earshot.TimedOut):
                    alice.ask("alice", "?", timeout=0.2)
                signal.setitimer(signal.ITIMER_REAL, 0)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    def test_fork(self):
        with self.link("alice", listen=True) as alice:
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    alice.send("alice", "x")
                except ValueError:
                    alice.close()
                    code = 0
                finally:
                    os._exit(code)
            self.assertEqual(os.waitpid(child, 0)[1], 0)
            alice.send("alice", "still here")
            self.assertTrue(alice.is_joined)
        with self.assertRaises(ValueError):
            alice.send("alice", "x")

    def test_one_thread_at_a_time(self):
        with self.link("alice", listen=True) as alice:
            thread = Thread(lambda: next(alice.events(), None))

            def is_busy():
                try:
                    alice.is_joined
                except RuntimeError:
                    return True
                return False

            wait_until("another thread is refused", is_busy)
            alice.wake()
            thread.finish()

    def test_nothing_leaks(self):
        for n in range(100):
            with self.link("alice", listen=True) as alice:
                alice.send("alice", str(n))
        with self.assertRaises(earshot.Refused):
            earshot.send("nobody-at-all", "x", hub=self.dir)
        self.assertLessEqual(len(own_queues()), 1)  # the hub's, which it wrote to
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            link = self.link("alice")
            del link
            gc.collect()
        self.assertEqual([w.category for w in seen], [ResourceWarning])
        self.assertLessEqual(len(descriptors()), len(self.before))


class Header(unittest.TestCase):
    def test_structures(self):
        """Every field stands where the compiler has it, and is as large; every constant is the same."""
        from earshot import _library as c

        lines, wanted = [], []
        for name, structure in c.C_NAMES.items():
            self.note(lines, wanted, name, "", structure)
        self.assertIn("sizeof(((struct earshot_event *)0)->message.text)", "".join(lines))
        for name in "AGAIN REFUSED BAD_ARGUMENT LISTEN NEWS AFTER UNTIL_READ PEEK ACK_NOW MAKE_ROOM " \
            "EVENT_MESSAGE EVENT_LOST EVENT_REMOVED EVENT_CLAIM HANDLES CLAIM_WAIT SOVERSION ID_SIZE " \
                "TEXT_MAX PAGE_MAX POST_MAX".split():
            lines.append(f'printf("%zu\\n", (size_t)EARSHOT_{name});')
            wanted.append(getattr(c, name))
        source = os.path.join(tempfile.mkdtemp(), "probe.c")
        program = "#include <earshot.h>\n#include <stdio.h>\nint main(void) {" + "\n".join(lines) + "}"
        with open(source, "w") as file:
            file.write(program)
        header = os.path.join(os.path.dirname(__file__), "../../client/lib")
        subprocess.run(
            [os.environ.get("CC", "gcc"), "-I", header, source, "-o", source[:-2]], check=True
        )
        out = subprocess.run([source[:-2]], stdout=subprocess.PIPE, check=True, text=True).stdout
        for line, got, value in zip(lines, out.split(), wanted):
            self.assertEqual((line, int(got)), (line, value))

    def note(self, lines, wanted, name, prefix, structure):
        import ctypes

        for field, kind in structure._fields_:
            if field == "details":  # without a name in the header
                for inner, inner_kind in kind._fields_:
                    self.note_field(lines, wanted, name, inner, inner_kind, 8)
            else:
                self.note_field(lines, wanted, name, prefix + field, kind,
                                getattr(structure, field).offset)
        if not prefix:
            lines.append(f'printf("%zu\\n", sizeof({name}));')
            wanted.append(ctypes.sizeof(structure))

    def note_field(self, lines, wanted, name, path, kind, offset):
        import ctypes

        lines.append(f'printf("%zu\\n", offsetof({name}, {path}));')
        wanted.append(offset)
        lines.append(f'printf("%zu\\n", sizeof((({name} *)0)->{path}));')
        wanted.append(ctypes.sizeof(kind))
        if hasattr(kind, "_fields_"):
            for field, inner in kind._fields_:
                self.note_field(lines, wanted, name, f"{path}.{field}", inner,
                                offset + getattr(kind, field).offset)


if __name__ == "__main__":
    unittest.main()
