"""The body of a response as it comes: ``response.content``.

The reading is native; this has aiohttp's names and defaults for it. What a method gives is awaitable, a
coroutine for whoever needs one, and is done without suspending if what it asks for is here.
"""

from __future__ import annotations

import asyncio
import collections
import logging
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Final, Generic, NoReturn, TypeVar

from aioxide._core import BodyPieces, BodyReader, Operation, Response

from ._installed import base, or_theirs
from .http_exceptions import LineTooLong

__all__ = ["EMPTY_PAYLOAD", "DataQueue", "EofStream", "StreamReader"]

_T = TypeVar("_T")

#: ``read_bufsize``, if nobody says another, in bytes.
DEFAULT_LIMIT = 2**18

_or_theirs = or_theirs("aiohttp.streams")
_log = logging.getLogger("aiohttp.internal")


@_or_theirs
class EofStream(Exception):
    """A queue has come to its end."""


def _too_long(part: bytes, limit: int) -> BaseException:
    return LineTooLong(part + b"...", limit)


def _logged(callback: Callable[[], object]) -> Callable[[], object]:
    def call() -> None:
        try:
            callback()
        except Exception:
            _log.exception("Exception in eof callback")

    return call


if TYPE_CHECKING:

    class _Theirs: ...

else:
    _Theirs = base("aiohttp.streams", "StreamReader")


class StreamReader(_Theirs):
    """The body of a response, read as it comes; one reads at a time.

    Every read raises what has broken the body off: ``ClientPayloadError``, ``ServerTimeoutError`` and
    the like. Cancelling a read loses nothing: the next one gives what it would have given.

    Args:
        body: Its native part; only a response has one to give.
        limit: ``read_bufsize``, in bytes: half of what ``readline`` and ``readuntil`` take for one part.
        translate: Makes the exception to raise of one of aioxide's.
    """

    __slots__ = ("__weakref__", "_body", "_high_water", "_low_water")

    def __init__(
        self,
        body: BodyReader,
        limit: int = DEFAULT_LIMIT,
        *,
        translate: Callable[[BaseException], BaseException] | None = None,
    ) -> None:
        if not isinstance(body, BodyReader):
            raise TypeError("a StreamReader of aioxide is made by the response whose body it reads")
        body.raise_by(translate, _too_long)
        self._body = body
        self._low_water = limit
        self._high_water = 2 * limit

    def __repr__(self) -> str:
        info = [type(self).__name__]
        if self.is_eof():
            info.append("eof")
        if self.exception() is not None:
            info.append(f"e={self.exception()!r}")
        return f"<{' '.join(info)}>"

    # ---- reading ----

    def read(self, n: int = -1) -> Operation[bytes]:
        """Give up to ``n`` bytes of what is here, at least one; a negative number: all, to the end.

        ``b""`` at the end.
        """
        return self._body.all() if n and n < 0 else self._body.some(n or 0)

    def readany(self) -> Operation[bytes]:
        """Give all that is here, at least one byte; ``b""`` at the end."""
        return self._body.some()

    def readline(self, *, max_line_length: int | None = None) -> Operation[bytes]:
        r"""Give the next line with its ``\n``, or what is left.

        Raises:
            LineTooLong: For one of more than ``max_line_length`` bytes, by default twice the session's
                ``read_bufsize``.
        """
        return self._body.until(b"\n", max_line_length or self._high_water)

    def readuntil(self, separator: bytes = b"\n", *, max_size: int | None = None) -> Operation[bytes]:
        """Give what comes up to and with the separator, or what is left.

        Raises:
            ValueError: The separator is empty.
            LineTooLong: It is more than ``max_size`` bytes, by default twice the session's ``read_bufsize``.
        """
        return self._body.until(separator, max_size or self._high_water)

    def readexactly(self, n: int) -> Operation[bytes]:
        """Give ``n`` bytes.

        Raises:
            asyncio.IncompleteReadError: There are fewer; with those in it, which are taken.
        """
        return self._body.exactly(max(n, 0))

    def readchunk(self) -> Operation[tuple[bytes, bool]]:
        """Give a piece as it came, and whether a chunk ends with it; ``(b"", False)`` at the end.

        A chunk may come in several pieces. Without chunked transfer encoding there are none.
        """
        return self._body.chunk()

    def read_nowait(self, n: int = -1) -> bytes:
        """Give up to ``n`` bytes of what is here, ``b""`` if nothing is; a negative number: all of it."""
        return self._body.now(None if n < 0 else n)

    def unread_data(self, data: bytes) -> None:
        """Put back what was read. Deprecated, as in aiohttp."""
        warnings.warn(
            "unread_data() is deprecated and will be removed in future releases (#3260)",
            DeprecationWarning,
            stacklevel=2,
        )
        self._body.unread(data)

    # ---- iterating ----

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Iterate over the lines, as ``readline`` gives them."""
        return self._body.each_until(b"\n", self._high_water)

    def iter_chunked(self, n: int) -> BodyPieces[bytes]:
        """Iterate over pieces of up to ``n`` bytes, as ``read(n)`` gives them."""
        return self._body.each_some(n) if n >= 0 else self._body.each_some()

    def iter_any(self) -> BodyPieces[bytes]:
        """Iterate over what comes, as ``readany`` gives it."""
        return self._body.each_some()

    def iter_chunks(self) -> BodyPieces[tuple[bytes, bool]]:
        """Iterate over the pieces as they came, as ``readchunk`` gives them."""
        return self._body.each_chunk()

    # ---- the end ----

    def at_eof(self) -> bool:
        """Whether everything has come and was read."""
        return self._body.is_drained

    def is_eof(self) -> bool:
        """Whether everything has come, read or not."""
        return self._body.is_whole

    def wait_eof(self) -> Awaitable[None]:
        """Wait until everything has come; it is kept until it is read."""
        return self._body.end()

    def on_eof(self, callback: Callable[[], None]) -> None:
        """Call it once everything has come: at once, or when a read finds it."""
        self._body.call_when_whole(_logged(callback))

    def exception(self) -> BaseException | None:
        """Give what every read raises; None while none does."""
        return self._body.failure

    def set_exception(self, exc: BaseException, exc_cause: BaseException | None = None) -> None:
        """Let every read raise this from now on."""
        if exc_cause is not None:
            exc.__cause__ = exc_cause
        self._body.fail(exc)

    # ---- how much there is of it ----

    @property
    def total_bytes(self) -> int:
        """How many bytes of the body have come, decoded."""
        return self._body.total

    @property
    def total_compressed_bytes(self) -> int | None:
        """How many bytes have come as they were sent; None if the body has no content encoding."""
        return self._body.total_coded

    @property
    def total_raw_bytes(self) -> int:
        """How many bytes have come as they were sent."""
        coded = self._body.total_coded
        return self._body.total if coded is None else coded

    def get_read_buffer_limits(self) -> tuple[int, int]:
        """Give the limits of the buffer, in bytes; the second is the default of ``readline``'s limit."""
        return (self._low_water, self._high_water)

    def set_read_chunk_size(self, n: int) -> None:
        """Raise the limits to what is read at a time, in bytes."""
        if n > self._low_water:
            self._low_water = n
            self._high_water = 2 * n

    # ---- what a connection does in aiohttp ----

    def feed_data(self, data: bytes, size: int = 0) -> NoReturn:
        """Refuse: the body comes from its connection, and from nowhere else."""
        raise NotImplementedError("the body of a response of aioxide comes from its connection alone")

    def feed_eof(self) -> NoReturn:
        """Refuse, as ``feed_data``."""
        raise NotImplementedError("the body of a response of aioxide comes from its connection alone")


class _EmptyStreamReader(StreamReader):
    """The body of what has none; shared, so that nothing can be put into it."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(BodyReader(Response(200)))

    def __repr__(self) -> str:
        return "<EmptyStreamReader>"

    def unread_data(self, data: bytes) -> None:
        """Refuse: it would be everybody's."""
        raise RuntimeError("nothing was read from an empty body")

    def set_exception(self, exc: BaseException, exc_cause: BaseException | None = None) -> None:
        """Do nothing, since no read can fail."""


EMPTY_PAYLOAD: Final[StreamReader] = _EmptyStreamReader()


@_or_theirs
class DataQueue(Generic[_T]):
    """A queue with one reader, which ends: ``read`` raises ``EofStream`` then."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._items: collections.deque[_T] = collections.deque()
        self._ended = False
        self._exception: BaseException | None = None
        self._waiter: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self._items)

    def is_eof(self) -> bool:
        """Whether nothing more comes."""
        return self._ended

    def at_eof(self) -> bool:
        """Whether nothing more comes and everything was read."""
        return self._ended and not self._items

    def exception(self) -> BaseException | None:
        """Give what the end raises, if that is not ``EofStream``."""
        return self._exception

    def set_exception(self, exc: BaseException, exc_cause: BaseException | None = None) -> None:
        """End it with an exception."""
        if exc_cause is not None:
            exc.__cause__ = exc_cause
        self._exception = exc
        self.feed_eof()

    def feed_data(self, data: _T, size: int = 0) -> None:
        """Put something in; its ``size`` does not matter."""
        self._items.append(data)
        self._wake()

    def feed_eof(self) -> None:
        """End it."""
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def read(self) -> _T:
        """Take the first, and wait for it.

        Raises:
            EofStream: There is no more.
        """
        if not self._items and not self._ended:
            if self._waiter is not None:
                raise RuntimeError("another coroutine is reading this queue")
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if self._items:
            return self._items.popleft()
        raise self._exception or EofStream

    async def __aiter__(self) -> AsyncIterator[_T]:
        """Iterate over what comes, to the end."""
        try:
            while True:
                yield await self.read()
        except EofStream:
            return
