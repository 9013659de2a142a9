"""Where request bodies come from: what of it has to be Python.

A source is what ``content=`` or ``files=`` was given and is not in memory: it is asked for its chunks one by
one, and closed when somebody wants no more of them. `feed` does that in a task, `feed_blocking` in a thread.
"""

import asyncio
import inspect
import io
import mimetypes
import os
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Iterable, Iterator, Mapping, Set
from typing import Any, Protocol

from aioxide._core import to_thread

__all__ = ["feed", "feed_blocking", "name_of", "reading", "recognise", "type_of"]

# How much a file without a descriptor is asked for at once, in bytes.
_BLOCK = 65536

# What stands for the end of a source.
_END = object()

# Media types of files that are compressed, by what `mimetypes` calls the compression.
_COMPRESSED = {
    "gzip": "application/gzip",
    "bzip2": "application/x-bzip2",
    "xz": "application/x-xz",
    "br": "application/x-brotli",
    "compress": "application/x-compress",
}


class _Pipe(Protocol):
    def room(self) -> Awaitable[bool]: ...
    def room_blocking(self) -> bool: ...
    def put(self, chunk: object) -> None: ...
    def end(self) -> None: ...
    def fail(self, error: BaseException) -> bool: ...


class _Source:
    """Chunks, asked for one by one.

    ``suspends``: what `pull` gives has to be awaited. ``needs_loop``: a plain thread cannot pull.
    """

    suspends = False
    needs_loop = False

    def pull(self) -> Any:
        raise NotImplementedError

    def pull_blocking(self) -> Any:
        """Give the next chunk, or `_END`, on this thread."""
        return self.pull()

    async def aclose(self) -> None:
        """Hear that no more chunks are wanted, after the first was."""
        self.close()

    def close(self) -> None:
        """Do the same from a plain thread."""


class _Iterated(_Source):
    """An iterator, or what gives one. Pulled where it is fed: on the loop's own thread."""

    def __init__(self, iterable: Iterable[Any]) -> None:
        self._iterator: Iterator[Any] = iter(iterable)

    def pull(self) -> Any:
        return next(self._iterator, _END)

    def close(self) -> None:
        close = getattr(self._iterator, "close", None)
        if close is not None:
            close()


class _AsyncIterated(_Source):
    """An asynchronous iterator, or what gives one."""

    suspends = True
    needs_loop = True

    def __init__(self, iterable: AsyncIterable[Any]) -> None:
        self._iterator: AsyncIterator[Any] = aiter(iterable)

    async def pull(self) -> Any:
        return await anext(self._iterator, _END)

    async def aclose(self) -> None:
        aclose = getattr(self._iterator, "aclose", None)
        if aclose is not None:
            await aclose()


class _Read(_Source):
    """What has ``read(size)``, called in a thread. Never closed: whoever opened it does that."""

    suspends = True

    def __init__(self, read: Any) -> None:
        self._read = read

    async def pull(self) -> Any:
        chunk = await to_thread(self._read, _BLOCK)
        return _read_bytes(await chunk if inspect.isawaitable(chunk) else chunk)

    def pull_blocking(self) -> Any:
        return _read_bytes(self._read(_BLOCK))


class _AsyncRead(_Read):
    """What has ``async def read(size)``."""

    needs_loop = True

    async def pull(self) -> Any:
        return _read_bytes(await self._read(_BLOCK))


def _read_bytes(chunk: Any) -> Any:
    if isinstance(chunk, str):
        raise TypeError("the body is a file that gives str: open it in binary mode")
    if not isinstance(chunk, (bytes, bytearray, memoryview)):
        raise TypeError(f"read() of the file that is the body must give bytes, not {type(chunk).__name__}")
    return chunk if len(chunk) else _END


def recognise(value: Any, what: str) -> bytes | tuple[io.FileIO, int] | _Source | None:
    """Tell what a body is that is neither bytes nor str: bytes, a file and its position, or a source.

    None for what can be none of them.

    Raises:
        TypeError: A file in text mode.
        ValueError: A file that is closed, or not open for reading.
    """
    if hasattr(value, "read"):
        return _file(value, what)
    if isinstance(value, (Mapping, Set)):
        return None
    if isinstance(value, AsyncIterable):
        return _AsyncIterated(value)
    if isinstance(value, Iterable):
        return _Iterated(value)
    return None


def _file(value: Any, what: str) -> bytes | tuple[io.FileIO, int] | _Source:
    if type(value).__module__ == "tempfile" and isinstance(getattr(value, "file", None), io.IOBase):
        # It stands around a file that is a plain one.
        value = value.file
    if isinstance(value, io.TextIOBase):
        raise TypeError(f"{what} is a file in text mode: open it in binary mode")
    if isinstance(value, io.IOBase) and not value.readable():
        raise ValueError(f"{what} is a file that is not open for reading")
    # The exact classes: one derived from them may read in its own way.
    kind = type(value)
    if kind is io.BytesIO:
        return bytes(value.getbuffer()[value.tell() :])
    if kind is io.BufferedRandom:
        value.flush()
    raw = value.raw if kind in (io.BufferedReader, io.BufferedRandom) else value
    if type(raw) is io.FileIO and raw.seekable():
        return raw, value.tell()
    return reading(value)


def reading(file: Any) -> _Source:
    """Give a source that calls ``file.read``, whatever it is a file of."""
    if inspect.iscoroutinefunction(file.read):
        return _AsyncRead(file.read)
    # `read` of a pipe would wait for all of it.
    return _Read(file.read1 if type(file) is io.BufferedReader else file.read)


def name_of(value: Any) -> str | None:
    """Give the file name in ``value.name``, without its folders; None if it has none, as a pipe."""
    name = getattr(value, "name", None)
    if isinstance(name, (bytes, os.PathLike)):
        name = os.fsdecode(name)
    if not isinstance(name, str) or (name.startswith("<") and name.endswith(">")):
        return None
    return os.path.basename(name).encode("utf-8", "replace").decode() or None


def type_of(name: str) -> str:
    """Guess the media type from a file name."""
    # Before 3.13 there is only the one for URLs.
    guess = getattr(mimetypes, "guess_file_type", mimetypes.guess_type)
    kind, compression = guess(name)
    if compression is not None:
        kind = _COMPRESSED.get(compression)
    return kind or "application/octet-stream"


async def feed(source: _Source, pipe: _Pipe) -> None:
    """Put the chunks of ``source`` into ``pipe`` as there is room, until one of them ends.

    What the source raises is the pipe's, except for what has to leave the loop, which is raised as well.
    """
    begun = False
    try:
        while await pipe.room():
            begun = True
            chunk = source.pull()
            if source.suspends:
                chunk = await chunk
            if chunk is _END:
                pipe.end()
                return
            pipe.put(chunk)
        if begun:
            await _aclose(source)
    except GeneratorExit as error:
        # The loop has dropped the task: nothing can be awaited any more.
        pipe.fail(error)
        raise
    except BaseException as error:
        if not pipe.fail(error) and not isinstance(error, asyncio.CancelledError):
            _report(source, error)
        if begun:
            await _aclose(source)
        if isinstance(error, asyncio.CancelledError):
            raise
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            task = asyncio.current_task()
            if task is not None:
                # Somebody else hears of it: the request has it too.
                task.add_done_callback(asyncio.Task.exception)
            raise


async def _aclose(source: _Source) -> None:
    try:
        await source.aclose()
    except Exception as error:
        _report(source, error)


def _report(source: _Source, error: BaseException) -> None:
    """Tell the loop of an exception that nobody waits for any more."""
    asyncio.get_running_loop().call_exception_handler(
        {
            "message": "an exception of an upload that was no longer wanted",
            "exception": error,
            "source": source,
        }
    )


def feed_blocking(source: _Source, pipe: _Pipe) -> None:
    """Do what `feed` does, on a plain thread, and raise what the source raises.

    Raises:
        TypeError: The source is asynchronous.
    """
    if source.needs_loop:
        error = TypeError("an asynchronous body can only be sent from a loop")
        pipe.fail(error)
        raise error
    begun = False
    try:
        while pipe.room_blocking():
            begun = True
            chunk = source.pull_blocking()
            if chunk is _END:
                pipe.end()
                return
            pipe.put(chunk)
    except BaseException as error:
        pipe.fail(error)
        if begun:
            source.close()
        raise
    if begun:
        source.close()
