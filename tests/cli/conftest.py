"""The command as users run it, in a process of its own, and sites for it to fetch from."""

import os
import pty
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from aioxide.testing import LocalSite, SiteProcess, site_process

# Every warning is an error, and what is not closed is a warning.
PYTHON = [sys.executable, "-W", "error"]

# Seconds; longer than any of these commands takes on a machine that is busy.
PATIENCE = 90.0


@dataclass(frozen=True)
class Command:
    """A command, to be run with further arguments."""

    beginning: list[str]

    def run(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run it to its end, with pipes for what it prints."""
        options = {"capture_output": True, "text": True, "timeout": PATIENCE, **options}
        return subprocess.run([*self.beginning, *arguments], **options)

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen([*self.beginning, *arguments], **options)

    def run_on_terminal(self, *arguments: str, stdout: int | None = None) -> "Shown":
        """Run it with stderr, and unless told otherwise stdout, on a terminal of 80 columns."""
        master, terminal = pty.openpty()
        termios.tcsetwinsize(terminal, (24, 80))
        environment = {**os.environ, "TERM": "xterm"}
        environment.pop("NO_COLOR", None)
        process = self.start(
            *arguments, stdin=subprocess.DEVNULL, stdout=stdout or terminal, stderr=terminal, env=environment
        )
        os.close(terminal)
        text = b"".join(_chunks(master)).decode()
        os.close(master)
        return Shown(process.wait(PATIENCE), text)


@dataclass(frozen=True)
class Shown:
    """What a terminal was sent."""

    returncode: int
    text: str


def _chunks(master: int) -> Iterator[bytes]:
    # EIO is how Linux says that the last one has closed the terminal.
    with suppress(OSError):
        while chunk := os.read(master, 65536):
            yield chunk


@pytest.fixture(scope="session")
def python_command() -> Command:
    return Command(PYTHON)


@pytest.fixture(scope="session")
def aioxide_command() -> Command:
    return Command([*PYTHON, "-m", "aioxide"])


@pytest.fixture(scope="session")
def served() -> Iterator[SiteProcess]:
    """A site in a process of its own."""
    with site_process(log=False) as site:
        yield site


@pytest.fixture
def site() -> Iterator[LocalSite]:
    """A site in this process, whose counts begin at zero."""
    with LocalSite() as site:
        yield site
