"""What was done before, so that it is not done again: keys of URLs, and the file that keeps them.

A key is 64 bits of a hash: of ten million different URLs, two share one with a probability of 3 in a million,
and then one of them is taken for done. Keys are counted: a URL that is given twice is done twice.
"""

import contextlib
import os
import re
import struct
import threading
from array import array
from collections.abc import Mapping
from hashlib import blake2b
from types import TracebackType
from typing import Any, Self
from weakref import WeakValueDictionary

from aioxide._core import Request
from aioxide.records import RecordFile

__all__ = ["Asked", "Done", "Journal", "Key", "key_of", "open_journal"]

_KIND = b"aioxide journal 1\n"

_KEY = struct.Struct("<Q")

# What a record begins with that is not keys of what was done, and so has one byte more: keys of what failed;
# nothing, and what failed up to here is to be done again.
_FAILED, _AGAIN = b"F", b"A"

# Options that make another request of a URL; the others say how it is made.
_SAYS_WHAT = ("content", "data", "files", "json", "params")

# Where in memory something is, which is somewhere else the next time.
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")

# Journals that `open_journal` made, and that somebody still has; by their paths.
_made: "WeakValueDictionary[str | bytes, Journal]" = WeakValueDictionary()

# Keys that are written though nobody says `flush`.
_MANY = 4096


class Key(int):
    """A key, in the place of what it is the key of."""


def key_of(item: Any) -> int:
    """Make the key of what ``fetch_all`` is given: a URL, a pair of method and URL, a ``Request``.

    A URL alone, and one with GET, have the same. Of a ``Request``, its headers and options count as well.
    """
    if isinstance(item, str):
        return _hash(item)
    if isinstance(item, Key):
        return item
    if isinstance(item, Request):
        (method, url, headers), options = item.__getnewargs_ex__()
        beside = [*headers.multi_items(), *_written(options)]
        return _hash("\0".join([_named(method, url), *(f"{name}\0{value}" for name, value in beside)]))
    if isinstance(item, (tuple, list)) and len(item) == 2 and all(isinstance(part, str) for part in item):
        return _hash(_named(*item))
    # What cannot be requested has a result too.
    return _hash(repr(item))


def _named(method: str, url: str) -> str:
    return url if method.upper() == "GET" else f"{method.upper()}\0{url}"


def _written(options: Mapping[str, Any]) -> list[tuple[str, str]]:
    given = {name: value for name, value in options.items() if value is not None}
    return sorted((name, _ADDRESS.sub("", repr(value))) for name, value in given.items())


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


class Asked:
    """What makes requests of the URLs of one ``fetch_all``: a method, and a query and a body for all of them.

    So a POST of a URL is something else than its GET, to a journal as to the server.
    """

    def __init__(self, method: str = "GET", options: Mapping[str, Any] | None = None) -> None:
        self._method = method
        options = options or {}
        self._said = {name: options[name] for name in _SAYS_WHAT if options.get(name) is not None}
        self._written: str | None = None
        #: Whether a URL alone says everything.
        self.is_plain = method == "GET" and not self._said

    def item(self, item: Any) -> Any:
        """Add the method to a URL that has none and needs one."""
        return (self._method, item) if isinstance(item, str) and self._method != "GET" else item

    def key(self, item: Any) -> Key:
        """Make the key of the request that becomes of an item."""
        key = key_of(self.item(item))
        if self._said:
            if self._written is None:
                self._written = "\0".join(f"{name}\0{value}" for name, value in _written(self._said))
            key = _hash(f"{key:016x}\0{self._written}")
        return Key(key)

    def told(self, journal: Any) -> Any:
        """Make what tells a journal of items, by their requests."""
        return journal if self.is_plain and isinstance(journal, Journal) else _Told(journal, self)


class _Told:
    """A journal that is told of requests where ``fetch_all`` tells of items."""

    def __init__(self, journal: Any, asked: Asked) -> None:
        self._journal = journal
        # Whoever brings a journal of his own wants to see what it is about.
        self._named = asked.key if isinstance(journal, Journal) else asked.item

    def skip(self, item: Any) -> Any:
        return self._journal.skip(self._named(item))

    def done(self, item: Any) -> None:
        self._journal.done(self._named(item))

    def failed(self, item: Any) -> None:
        # One that makes no difference needs no second method.
        getattr(self._journal, "failed", self._journal.done)(self._named(item))

    def flush(self) -> None:
        self._journal.flush()


# What stands in a place of the table that no key has, or none any more.
_FREE, _LEFT_OUT = 0, 1


class Done:
    """Keys that were done, each as often as it was, and not yet left out.

    A table with open addressing of 16 to 32 bytes a key, where a dict of numbers has a hundred: ten million
    of them are to fit anywhere. Keys are hashes already, so that they are their own places.
    """

    def __init__(self) -> None:
        #: What requests are made of items.
        self.asked = Asked()
        self._table = array("Q", bytes(8 * 64))
        # Keys that were ever put into this table, and those that are still to be left out.
        self._used = 0
        self._left = 0

    def __len__(self) -> int:
        return self._left

    def add(self, key: int) -> None:
        """Count a key as done."""
        if 2 * self._used >= len(self._table):
            self._grow()
        self._put(self._table, max(key, _LEFT_OUT + 1))
        self._used += 1
        self._left += 1

    def _grow(self) -> None:
        table = array("Q", bytes(16 * len(self._table)))
        for key in self._table:
            if key > _LEFT_OUT:
                self._put(table, key)
        self._table = table
        self._used = self._left

    @staticmethod
    def _put(table: "array[int]", key: int) -> None:
        # Its length is a power of two.
        last = len(table) - 1
        place = key & last
        while table[place] != _FREE:
            place = (place + 1) & last
        table[place] = key

    def skip(self, item: Any) -> bool:
        """Tell whether ``item`` was done, and count it as left out."""
        if not self._left:
            return False
        key = max(key_of(item) if self.asked.is_plain else self.asked.key(item), _LEFT_OUT + 1)
        table = self._table
        last = len(table) - 1
        place = key & last
        while (there := table[place]) != key:
            if there == _FREE:
                return False
            place = (place + 1) & last
        table[place] = _LEFT_OUT
        self._left -= 1
        return True

    def done(self, item: Any) -> None:
        """Do nothing: what is done is known from elsewhere."""

    failed = done

    def flush(self) -> None:
        """Do nothing."""


class Journal:
    """A file of what was done, for a loop over ``fetch_all(..., journal=...)`` that may be killed.

    A URL counts as done when the loop asks for the result after its own: it is worked on at least once. One
    that was in work when the process was killed is fetched again. What was done before the journal was
    opened is skipped, each URL as often as it was done; their order may have changed. Where all results
    are awaited at once there is no loop that asks, and nothing counts as done.

    What failed counts as done too: an error, or a status of 429 or 5xx. With ``retry_failed`` it does not, as
    far as it was done before the journal was opened, and is fetched again, once for each time that somebody
    opens it so.

    Keys are buffered until ``flush``, which ``fetch_all`` calls once for each batch that was done; then a
    kill loses none of them. A power failure may lose the last ones, which are then done again.

    Raises:
        OSError: The file cannot be opened; a BlockingIOError: somebody else has it open.
        ValueError: The file is something else.
    """

    __module__ = "aioxide"

    def __init__(self, path: str | os.PathLike[str], *, retry_failed: bool = False) -> None:
        self._owner = os.getpid()
        self._lock = threading.Lock()
        # Keys of what was done, and of what failed.
        self._waiting, self._waiting_failed = bytearray(), bytearray(_FAILED)
        self._before = Done()
        self._file = RecordFile(os.fspath(path), _KIND)
        failed = self._read()
        if not retry_failed:
            for key in failed:
                self._before.add(key)
        elif failed:
            self._file.add(_AGAIN)

    def _read(self) -> "array[int]":
        """Count what was done; the keys of what failed."""
        failed = array("Q")
        for record in self._file.records():
            if record == _AGAIN:
                del failed[:]
            elif record[:1] == _FAILED and len(record) % _KEY.size == 1:
                failed.extend(key for (key,) in _KEY.iter_unpack(record[1:]))
            else:
                for (key,) in _KEY.iter_unpack(record[: len(record) // _KEY.size * _KEY.size]):
                    self._before.add(key)
        return failed

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
        self._note(self._waiting, key)

    def failed(self, key: Any) -> None:
        """Say that a URL is done with, and has failed. ValueError if the journal is closed."""
        self._note(self._waiting_failed, key)

    def _note(self, waiting: bytearray, key: Any) -> None:
        if self._file.closed:
            raise ValueError(f"{self!r} cannot be written any more: it was closed, or opened again")
        with self._lock:
            waiting += _KEY.pack(key_of(key))
        if len(waiting) >= _MANY * _KEY.size:
            self.flush()

    def flush(self) -> None:
        """Write what is done. OSError if it cannot be written; then another ``flush`` tries again."""
        with self._lock:
            for waiting, least in ((self._waiting, 0), (self._waiting_failed, len(_FAILED))):
                if len(waiting) > least and not self._file.closed:
                    self._file.add(bytes(waiting))
                    del waiting[least:]

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
            # In a forked child, what waits is the parent's to write.
            if self._owner == os.getpid():
                with contextlib.suppress(OSError):
                    self.flush()
            file.close()


def open_journal(journal: Any) -> Any:
    """Give the journal at a path, or one that was given: what has ``skip``, ``done`` and ``flush``.

    One that was made here before of the same path is closed: its loop may have been left by an exception,
    whose traceback keeps it alive.

    TypeError for what is neither; else as ``Journal``.
    """
    if isinstance(journal, (str, os.PathLike)):
        path = os.path.realpath(journal)
        if (before := _made.get(path)) is not None:
            before.close()
        _made[path] = made = Journal(journal)
        return made
    if all(callable(getattr(journal, name, None)) for name in ("skip", "done", "flush")):
        return journal
    raise TypeError(f"journal must be a path or a Journal, not {type(journal).__name__}")
