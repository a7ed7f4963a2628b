#!/usr/bin/python3
"""Runs a training, or anything that takes long, and lets a room follow it.

    train-report.py '#ml' [--claim gpu0] -- python3 train.py

One message in the room always has the last line that the command wrote; with --claim it waits for
its turn first. In the end the room is told how it went, and gets the whole output as a file: when
it failed, so that it rings.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time

import earshot

EVERY_S = 5  # between two edits


def follow(link, room, process, log, title):
    """Copies its output into the log, and the last line of it into the message."""
    shown = link.send(room, "begins", title=title)
    told, last = time.monotonic(), "nothing was written"
    for line in process.stdout:
        log.write(line)
        last = line.decode(errors="replace").replace("\0", "").strip()[:200] or last
        if time.monotonic() - told >= EVERY_S:
            link.edit(shown, last, title=title)
            told = time.monotonic()
    link.edit(shown, last, title=title)
    return process.wait()


def run(link, room, command):
    title = " ".join(command)[:80]
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "output.txt")
        with open(path, "wb") as log, subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            code = follow(link, room, process, log, title)
        how = "is done" if code == 0 else f"failed with {code}"
        link.send(
            room,
            f"{how} after {time.monotonic() - begin:.0f} s",
            title=title,
            priority="default" if code == 0 else "high",
        )
        if 0 < os.path.getsize(path) <= 32768:  # what the hub keeps for who is away
            link.offer(room, path)
    return code


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("room")
    parser.add_argument("--claim", metavar="NAME", help="have this to oneself, as gpu0")
    parser.add_argument("command", nargs="+")
    words = parser.parse_args()
    with earshot.Link() as link, contextlib.ExitStack() as stack:
        if words.claim:
            stack.enter_context(link.claim(words.claim, words.command[0]))
        return run(link, words.room, words.command)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (earshot.Error, OSError) as error:
        sys.exit(f"train-report: {error}")
