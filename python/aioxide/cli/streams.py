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


def open_output(path: str, source: int | None, files: contextlib.ExitStack) -> BinaryIO:
    """Open a file to be written, until ``files`` are closed; what it had is lost.

    UsageError if it cannot be opened, or is ``source``, the descriptor of what is read.
    """
    if path == "-":
        if sys.stdout is None:
            raise UsageError("cannot write -: stdout is closed")
        return sys.stdout.buffer
    try:
        if source is not None and os.path.exists(path) and os.path.samestat(os.fstat(source), os.stat(path)):
            raise UsageError(f"{path} cannot be read and written at the same time")
        return files.enter_context(open(path, "wb"))
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error


def forget_stdout() -> None:
    """Send what stdout still holds to nobody: nobody reads it, and the interpreter's exit would complain."""
    if sys.stdout is not None:
        with open(os.devnull, "wb") as nobody:
            os.dup2(nobody.fileno(), sys.stdout.fileno())
