"""A hub for each test, and the count of what may not be left: descriptors, threads, queues."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import earshot

BIN = os.environ["BIN"]
SECONDS = float(os.environ.get("DEADLINE", 20)) * (4 if os.environ.get("SANITIZE") else 1)  # for every wait


def wait_until(what, condition):
    deadline = time.monotonic() + SECONDS
    pause = threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {SECONDS} s")
        pause.wait(0.01)


def descriptors():
    return {fd: os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{fd}")}


def own_queues():
    """Those that this process used last."""
    with open("/proc/sysvipc/msg") as table:
        rows = [line.split() for line in table][1:]
    return [row[1] for row in rows if str(os.getpid()) in (row[5], row[6])]


def n_threads():
    return len(os.listdir("/proc/self/task"))


class HubTest(unittest.TestCase):
    stored = False

    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="python.")
        self.dir = os.path.join(self.root, "hub")
        self.log = os.path.join(self.root, "log")
        self.start_hub()
        self.before = descriptors()
        self.n_threads = n_threads()

    def tearDown(self):
        wait_until("no descriptor is left", lambda: len(descriptors()) <= len(self.before))
        wait_until("no thread is left", lambda: n_threads() <= self.n_threads)
        subprocess.run(
            [f"{BIN}/earshotd", "--dir", self.dir, "--stop"], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until("no queue is left", lambda: not own_queues())
        shutil.rmtree(self.root)

    def start_hub(self):
        """The same again, too, after it was killed."""
        kind = [] if self.stored else ["--ephemeral"]
        with open(self.log, "a") as log:
            subprocess.run(
                [f"{BIN}/earshotd", "--dir", self.dir, *kind], stdout=log, stderr=log, check=True
            )

    def kill_hub(self):
        with self.link() as link:
            pid = link.hub["pid"]
        os.kill(pid, signal.SIGKILL)
        wait_until("the hub is dead", lambda: not alive(pid))

    def link(self, name=None, **options):
        return earshot.Link(self.dir, name=name, timeout=SECONDS, **options)

    def earshot(self, *words, **options):
        """The program, as another user of the hub."""
        return subprocess.Popen(
            [f"{BIN}/earshot", "--hub", self.dir, *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            **options,
        )

    def finish(self, process, code=0):
        out, err = process.communicate(timeout=SECONDS)
        self.assertEqual(process.returncode, code, err)
        return out

    def is_here(self, handle):
        with self.link() as link:
            return any(u.handle == handle and u.pids for u in link.who())


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


class Thread(threading.Thread):
    """Hands on what went wrong in it."""

    def __init__(self, function):
        super().__init__()
        self.function, self.error = function, None
        self.start()

    def run(self):
        try:
            self.function()
        except BaseException as error:
            self.error = error

    def finish(self):
        self.join(SECONDS * 2)
        assert not self.is_alive(), "the thread does not end"
        if self.error:
            raise self.error


# Debian's unittest tells which test it was at when the suite's time limit ends it.
print(f"python {sys.version.split()[0]}", flush=True)
