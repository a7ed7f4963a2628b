"""Starts a private hub and a door for each test of irctest, see tests/irctest/run."""

import atexit
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Optional, Set, Type

from irctest.basecontrollers import BaseServerController, DirectoryBasedController
from irctest.runner import NotImplementedByController

BIN = Path(os.environ["BIN"])
DEADLINE = 60  # seconds for a test: one that waits for what never comes would wait for ever


def late(number: int, frame: object) -> None:
    raise TimeoutError(f"not done within {DEADLINE} s")


class EarshotController(BaseServerController, DirectoryBasedController):
    software_name = "Earshot"
    supported_sasl_mechanisms: Set[str] = set()
    supports_sts = False
    last: Optional["EarshotController"] = None  # one that the suite has not ended, as after a skip

    def run(
        self,
        hostname: str,
        port: int,
        *,
        password: Optional[str],
        ssl: bool,
        run_services: bool,
        faketime: Optional[str],
    ) -> None:
        if password:
            raise NotImplementedByController("passwords: the kernel says who somebody is")
        end_last()
        EarshotController.last = self
        signal.signal(signal.SIGALRM, late)
        signal.alarm(DEADLINE)
        self.port = port
        self.hostname = hostname
        self.create_config()
        assert self.directory
        hub = self.directory / "hub"
        subprocess.run(
            [BIN / "earshotd", "--dir", hub, "--ephemeral", "--name", "My.Little.Server"],
            check=True,
        )
        self.proc = self.execute(
            [BIN / "earshot", "--hub", hub, "irc", "--listen", f"127.0.0.1:{port}"],
        )

    def kill(self) -> None:
        signal.alarm(0)
        EarshotController.last = None
        directory, self.directory = self.directory, None
        super().kill()
        if directory:
            subprocess.run([BIN / "earshotd", "--dir", directory / "hub", "--stop"], check=False)
            shutil.rmtree(directory)


def end_last() -> None:
    if EarshotController.last:
        EarshotController.last.kill()


atexit.register(end_last)


def get_irctest_controller_class() -> Type[EarshotController]:
    return EarshotController
