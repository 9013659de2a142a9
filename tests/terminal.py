"""A terminal on the standard error of a process."""

import os
import subprocess
import sys

import pytest


def drawn_by(source: str, *arguments: str) -> bytes:
    """What a program has written to its terminal. It has to end well; skips where there are no terminals."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", source, *arguments], stderr=theirs) as child:
        os.close(theirs)
        drawn = b""
        with open(ours, "rb", buffering=0) as terminal:
            try:
                while data := terminal.read(4096):
                    drawn += data
            except OSError:
                pass  # the other end is closed
    assert child.returncode == 0
    return drawn
