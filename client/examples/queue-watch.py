#!/usr/bin/python3
"""Watches a queue, as that of a batch system, and tells a room what comes and goes; asyncio.

    queue-watch.py '#cluster' -- squeue -h -o '%i %u %j'

Runs the command again and again: a line of it is a job, and its first word is the job's number.
Whoever writes "queue?" gets what is in it now.
"""

import argparse
import asyncio
import sys

import earshot


class Watch:
    def __init__(self, room, command, every):
        self.room, self.command, self.every = room, command, every
        self.jobs = None  # number: line

    async def look(self):
        process = await asyncio.create_subprocess_exec(
            *self.command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        if process.returncode != 0:
            return None  # the batch system is away: nothing is known
        lines = out.decode(errors="replace").replace("\0", "").splitlines()
        return {line.split()[0]: line.strip() for line in lines if line.strip()}

    async def tell_changes(self, link):
        while True:
            jobs = await self.look()
            if jobs is not None:
                old, self.jobs = self.jobs or {}, jobs
                came = [f"+ {jobs[number]}" for number in jobs if number not in old]
                gone = [f"- {old[number]}" for number in old if number not in jobs]
                if came or gone:
                    await link.send(self.room, "\n".join(came + gone)[:10000], kind="notice")
            await asyncio.sleep(self.every)

    async def answer(self, link):
        async for message in link:
            if message.text.strip() == "queue?" and message.kind == "text":
                text = "\n".join((self.jobs or {}).values())[:10000]
                await link.reply(message, text or "the queue is empty", kind="notice")


async def run(words):
    watch = Watch(words.room, words.command, words.every)
    async with earshot.aio.Link(name=words.name, listen=True, rooms=[words.room]) as link:
        await asyncio.gather(watch.tell_changes(link), watch.answer(link))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("room")
    parser.add_argument("--name", default="queue-watch", metavar="HANDLE")
    parser.add_argument("--every", type=float, default=30, metavar="SECONDS")
    parser.add_argument("command", nargs="+")
    words = parser.parse_args()
    asyncio.run(run(words))


if __name__ == "__main__":
    try:
        main()
    except (earshot.Error, OSError) as error:
        sys.exit(f"queue-watch: {error}")
    except KeyboardInterrupt:
        pass
