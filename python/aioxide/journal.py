"""What was done before, so that it is not done again: keys of URLs, and the file that keeps them.

A key is 64 bits of a hash: of ten million different URLs, two share one with a probability of 3 in a million,
and then one of them is taken for done. Keys are counted: a URL that is given twice is done twice.
"""

import contextlib
import os
import struct
import threading
from hashlib import blake2b
from types import TracebackType
from typing import Any, Self

from aioxide._core import Request
from aioxide.records import RecordFile

__all__ = ["Done", "Journal", "key_of", "open_journal"]

_KIND = b"aioxide journal 1\n"

_KEY = struct.Struct("<Q")

# Keys that are written though nobody says `flush`.
_MANY = 4096


def key_of(item: Any) -> int:
    """Make the key of what ``fetch_all`` is given: a URL, a pair of method and URL, a ``Request``.

    A URL alone, and one with GET, have the same. Of a ``Request``, its headers and options count as well.
    """
    if isinstance(item, str):
        return _hash(item)
    if isinstance(item, Request):
        (method, url, headers), options = item.__getnewargs_ex__()
        given = sorted((name, repr(value)) for name, value in options.items() if value is not None)
        beside = [*headers.multi_items(), *given]
        return _hash("\0".join([_named(method, url), *(f"{name}\0{value}" for name, value in beside)]))
    if isinstance(item, (tuple, list)) and len(item) == 2 and all(isinstance(part, str) for part in item):
        return _hash(_named(*item))
    # What cannot be requested has a result too.
    return _hash(repr(item))


def _named(method: str, url: str) -> str:
    return url if method.upper() == "GET" else f"{method.upper()}\0{url}"


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


class Done:
    """How often each key was done, and not yet left out."""

    def __init__(self) -> None:
        self._left: dict[int, int] = {}

    def __len__(self) -> int:
        return sum(self._left.values())

    def add(self, key: int) -> None:
        """Count a key as done."""
        self._left[key] = self._left.get(key, 0) + 1

    def skip(self, item: Any) -> bool:
        """Tell whether ``item`` was done, and count it as left out."""
        if not self._left:
            return False
        key = key_of(item)
        left = self._left.pop(key, 0)
        if left > 1:
            self._left[key] = left - 1
        return left > 0

    def done(self, item: Any) -> None:
        """Do nothing: what is done is known from elsewhere."""

    def flush(self) -> None:
        """Do nothing."""


class Journal:
    """A file of what was done, for a loop over ``fetch_all(..., journal=...)`` that may be killed.

    A URL counts as done when the loop asks for the result after its own: it is worked on at least once. One
    that was in work when the process was killed is fetched again. What was done before the journal was
    opened is skipped, each URL as often as it was done; their order may have changed. Where all results
    are awaited at once there is no loop that asks, and nothing counts as done.

    Keys are buffered until ``flush``, which ``fetch_all`` calls once for each batch that was done; then a
    kill loses none of them. A power failure may lose the last ones, which are then done again.

    Raises:
        OSError: The file cannot be opened; a BlockingIOError: somebody else has it open.
        ValueError: The file is something else.
    """

    __module__ = "aioxide"

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._lock = threading.Lock()
        self._waiting = bytearray()
        self._before = Done()
        self._file = RecordFile(os.fspath(path), _KIND)
        for record in self._file.records():
            for (key,) in _KEY.iter_unpack(record[: len(record) // _KEY.size * _KEY.size]):
                self._before.add(key)

    def __repr__(self) -> str:
        return f"<Journal {self._file.path!r}{' [closed]' if self._file.closed else ''}>"

    def __len__(self) -> int:
        """How many URLs were done before, and have not been skipped yet."""
        return len(self._before)

    def skip(self, key: Any) -> bool:
        """Tell whether a URL was done before; one that was done twice is skipped twice.

        ``key`` is a URL, a pair of method and URL, or a ``Request``.
        """
        return self._before.skip(key)

    def done(self, key: Any) -> None:
        """Say that a URL is done with. ValueError if the journal is closed."""
        if self._file.closed:
            raise ValueError(f"{self!r} cannot be written any more")
        with self._lock:
            self._waiting += _KEY.pack(key_of(key))
        if len(self._waiting) >= _MANY * _KEY.size:
            self.flush()

    def flush(self) -> None:
        """Write what is done. OSError if it cannot be written; then another ``flush`` tries again."""
        with self._lock:
            if self._waiting and not self._file.closed:
                self._file.add(bytes(self._waiting))
                self._waiting.clear()

    def close(self) -> None:
        """Write what is done, to the disk, and let others open the file. A second time does nothing."""
        try:
            self.flush()
        finally:
            self._file.close(sync=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        # Where `fetch_all` made it of a path, it ends with that.
        file = getattr(self, "_file", None)
        if file is not None:
            with contextlib.suppress(OSError):
                self.flush()
            file.close()


def open_journal(journal: Any) -> Any:
    """Give the journal at a path, or one that was given: what has ``skip``, ``done`` and ``flush``.

    TypeError for what is neither; else as ``Journal``.
    """
    if isinstance(journal, (str, os.PathLike)):
        return Journal(journal)
    if all(callable(getattr(journal, name, None)) for name in ("skip", "done", "flush")):
        return journal
    raise TypeError(f"journal must be a path or a Journal, not {type(journal).__name__}")
