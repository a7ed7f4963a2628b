"""The module with asyncio, against a real hub."""

import asyncio
import os
import threading
import unittest

import earshot
from earshot import aio

from hub import SECONDS, HubTest, Thread, own_queues, wait_until


def in_loop(test):
    """A test that is a coroutine, in a loop of its own, with asyncio's own checks."""

    def run(self):
        async def bounded():
            await asyncio.wait_for(test(self), SECONDS * 3)

        asyncio.run(bounded(), debug=True)

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


class Async(HubTest):
    stored = True

    def aio(self, name, **options):
        return aio.Link(self.dir, name=name, timeout=SECONDS, **options)

    @in_loop
    async def test_talk(self):
        async with self.aio("alice") as alice, self.aio("bob", listen=True, rooms=["#ops"]) as bob:

            async def answer():
                async for message in bob:
                    if message.text == "end":
                        return message.conv
                    await bob.reply(message, "re: " + message.text, wait="sent")

            task = asyncio.create_task(answer())
            await alice.send("bob", "x", wait="read", timeout=SECONDS)
            await alice.send("#ops", "end")
            self.assertEqual(await task, "#ops")
            with self.assertRaises(earshot.Refused) as refused:
                await alice.send("nobody-at-all", "x")
            self.assertEqual(refused.exception.code, "no-user")
            self.assertEqual([u.handle for u in await alice.who("#ops")], ["bob"])
            self.assertEqual([r.name for r in await alice.rooms()], ["#ops"])

    @in_loop
    async def test_many_tasks_one_link(self):
        async with self.aio("alice", listen=True) as alice, self.aio("bob", listen=True) as bob:

            async def serve():
                async for message in bob:
                    await bob.reply(message, "yes, " + message.text)

            server = asyncio.create_task(serve())
            answers = await asyncio.gather(
                *(alice.ask("bob", str(n), timeout=SECONDS * 2) for n in range(50))
            )
            self.assertEqual([a.text for a in answers], [f"yes, {n}" for n in range(50)])
            pages = await asyncio.gather(*(alice.history("bob", 7) for _ in range(50)))
            self.assertTrue(all(len(page) == 7 for page in pages))
            server.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await server

    @in_loop
    async def test_what_nobody_takes_waits_at_the_hub(self):
        limit, aio.AHEAD_MAX = aio.AHEAD_MAX, 30
        try:
            async with self.aio("alice") as alice, self.aio("bob", listen=True) as bob:
                for n in range(1500):
                    await alice.send("bob", str(n), wait="sent")
                await alice.flush()
                await asyncio.sleep(0)
                self.assertLessEqual(len(bob._queue), 30)
                texts = []
                async for message in bob:
                    texts.append(message.text)
                    if len(texts) == 1500:
                        break
                self.assertEqual(texts, [str(n) for n in range(1500)])
        finally:
            aio.AHEAD_MAX = limit

    @in_loop
    async def test_timeouts_and_cancelling(self):
        async with self.aio("alice", listen=True) as alice:
            with self.assertRaises(earshot.TimedOut):
                await alice.ask("alice", "?", timeout=0.05)
            task = asyncio.create_task(alice.ask("alice", "?"))
            await asyncio.sleep(0)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            self.assertEqual(alice._questions, [])
            self.assertEqual(alice._records, {})
            texts = [m.text async for m in alice.messages(timeout=0.05, own=True)]
            self.assertLessEqual(set(texts), {"?"})
            async with self.aio("bob") as bob:
                async with await alice.claim("gpu0"):
                    with self.assertRaises(earshot.TimedOut):
                        await bob.claim("gpu0", timeout=0.05)
                async with await bob.claim("gpu0", wait=False):
                    self.assertEqual([c.handle for c in await bob.claims()], ["bob"])

    @in_loop
    async def test_a_link_that_is_closed_under_its_tasks(self):
        alice = await self.aio("alice", listen=True).open()
        hears = asyncio.create_task(alice.__aiter__().__anext__())
        asks = asyncio.create_task(alice.ask("alice", "?"))
        await asyncio.sleep(0.01)
        await alice.close()
        for task in hears, asks:
            with self.assertRaises(ValueError):
                await task
        with self.assertRaises(ValueError):
            await alice.send("alice", "x")
        with self.assertRaises(earshot.NoHub):
            await aio.Link(os.path.join(self.root, "nowhere")).open()

    @in_loop
    async def test_files(self):
        big, inbox = os.path.join(self.root, "big"), os.path.join(self.root, "in")
        os.mkdir(inbox)
        with open(big, "wb") as file:
            file.write(os.urandom(2_000_000))
        async with self.aio("alice") as alice, self.aio("bob", listen=True) as bob:

            async def take():
                async for event in bob.events():
                    if isinstance(event, earshot.Offer):
                        return await bob.get(event, inbox, timeout=SECONDS)

            task = asyncio.create_task(take())
            steps = []
            done = await alice.put("bob", big, timeout=SECONDS, progress=steps.append)
            got = await task
            self.assertEqual((done.state, got.path, got.xxh3), ("done", "big", done.xxh3))
            self.assertEqual(steps[-1].state, "done")
            handed = await alice.offer("bob", big)
            waits = asyncio.create_task(alice.taken(handed))
            await asyncio.sleep(0)
            waits.cancel()
            alice.cancel(handed)
            while await bob.offers():
                await asyncio.sleep(0.01)

    @in_loop
    async def test_the_hub_is_killed_in_the_middle(self):
        """Nothing is lost, nothing doubled, all in order; and the loop goes on meanwhile."""
        n_each, came = 400, []
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.005)

        async with self.aio("alice") as alice, self.aio("bob", listen=True) as bob:

            async def listen():
                async for message in bob:
                    came.append(message.text)
                    if message.text == "end":
                        return

            listener, ticker = asyncio.create_task(listen()), asyncio.create_task(tick())
            loop = asyncio.get_running_loop()
            for part in range(3):
                for n in range(n_each):
                    await alice.send("bob", f"{part} {n}", wait="sent" if n % 50 else "stored")
                await loop.run_in_executor(None, self.kill_hub)
                question = asyncio.create_task(alice.history("bob", 1))
                await alice.send("bob", f"{part} {n_each}", wait="sent")
                before = ticks
                while ticks < before + 3:
                    await asyncio.sleep(0.005)
                await loop.run_in_executor(None, self.start_hub)
                self.assertEqual(len(await question), 1)
            await alice.send("bob", "end")
            await listener
            ticker.cancel()
        wanted = [f"{part} {n}" for part in range(3) for n in range(n_each + 1)] + ["end"]
        self.assertEqual(came, wanted)

    @in_loop
    async def test_a_hub_that_stays_away(self):
        async with self.aio("alice", reconnect=False, listen=True) as alice:
            await asyncio.get_running_loop().run_in_executor(None, self.kill_hub)
            with self.assertRaises(earshot.NoHub):
                await alice.__aiter__().__anext__()
            with self.assertRaises(earshot.NoHub):
                await alice.send("alice", "x")
        self.start_hub()

    def test_nothing_leaks(self):
        async def once(n):
            async with self.aio("alice", listen=True) as alice:
                await alice.send("alice", str(n))

        for n in range(30):
            asyncio.run(once(n))
        self.assertLessEqual(len(own_queues()), 1)  # the hub's, which it wrote to

    def test_a_thread_beside_the_loop(self):
        """`wake` is what another thread may call; the rest it leaves to the loop."""

        async def wait():
            async with self.aio("alice", listen=True) as alice:
                waker = threading.Timer(0.02, alice.wake)
                waker.start()
                async for event in alice.events():
                    waker.join()
                    return type(event).__name__

        self.assertEqual(asyncio.run(wait()), "Woken")
        thread = Thread(lambda: self.link("bob").close())
        thread.finish()
        wait_until("it is gone", lambda: not self.is_here("bob"))


if __name__ == "__main__":
    unittest.main()
