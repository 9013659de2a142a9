"""The files that a command reads and writes: named ones, and ``-`` for the standard ones."""

import contextlib
import os
import sys
from typing import BinaryIO

from aioxide.cli.options import UsageError


def open_input(path: str, files: contextlib.ExitStack) -> int:
    """Open a file to be read, until ``files`` are closed; its descriptor, because nothing is read ahead.

    UsageError if it cannot be opened.
    """
    if path == "-":
        # Descriptor 0 may be something else by now, if it was closed at the start.
        if sys.stdin is None:
            raise UsageError("cannot read -: stdin is closed")
        return sys.stdin.fileno()
    try:
        return files.enter_context(open(path, "rb", buffering=0)).fileno()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error


def standard_output() -> BinaryIO:
    """Give what ``-`` is written to; UsageError if it is closed."""
    if sys.stdout is None:
        raise UsageError("cannot write -: stdout is closed")
    return sys.stdout.buffer


def check_output(path: str, source: int | None) -> None:
    """Check that a file to be written is not the one that is read. UsageError if it is."""
    with contextlib.suppress(OSError):
        if source is not None and os.path.samestat(os.fstat(source), os.stat(path)):
            raise UsageError(f"{path} cannot be read and written at the same time")


def forget_stdout() -> None:
    """Send what stdout still holds to nobody: nobody reads it, and the interpreter's exit would complain."""
    if sys.stdout is not None:
        with open(os.devnull, "wb") as nobody:
            os.dup2(nobody.fileno(), sys.stdout.fileno())
