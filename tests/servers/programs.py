"""Servers from packages of the system, started for the tests and stopped by them."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

#: How often another port is tried: somebody else may have taken the one that was free.
PORTS = 5

#: How long a program may take to start, in seconds.
PATIENCE = 20.0

#: Where servers are installed, which is not in everybody's PATH.
FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin"


def program(name: str) -> str:
    """Where it is installed; skips the test where it is not."""
    found = shutil.which(name) or shutil.which(name, path=FOLDERS)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


class Program:
    """Runs ``command(port)``, which listens on this port of 127.0.0.1, while its ``with`` block runs."""

    def __init__(self, command: Callable[[int], list[str]], log: Path) -> None:
        self._command = command
        self._log = log
        self.port = 0

    def __enter__(self) -> Self:
        for _ in range(PORTS):
            self.port = free_port()
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    self._command(self.port), stdin=subprocess.DEVNULL, stdout=log, stderr=log
                )
            if self._listens():
                return self
            self._stop()
        pytest.fail(f"{self._command(0)} does not start: {self.log()}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._process.poll() is None, f"it ended by itself: {self.log()}"
        self._stop()

    def log(self) -> str:
        """What it has said."""
        return self._log.read_text(errors="replace")

    def _listens(self) -> bool:
        """It says nothing when it is ready, so it is asked."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
            except ConnectionRefusedError:
                time.sleep(0.005)
            else:
                return self._process.poll() is None
        return False

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has, for the moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
