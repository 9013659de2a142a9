"""What a body, or a part of one, can be: payloads, and the registry that makes one of a value.

A payload writes itself: ``await payload.write(writer)`` calls ``await writer.write(chunk)`` for each chunk.
Those in memory say so by `content`, and go to the native client without a detour; so do files, which it reads
itself.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import IO, Any, Final, TextIO

from . import hdrs
from ._payload_registry import (
    PAYLOAD_REGISTRY,
    LookupError,  # noqa: A004
    Order,
    Payload,
    PayloadRegistry,
    get_payload,
    payload_type,
    register_payload,
)
from .helpers import guess_filename, parse_mimetype

__all__ = [
    "PAYLOAD_REGISTRY",
    "AsyncIterablePayload",
    "BufferedReaderPayload",
    "BytesIOPayload",
    "BytesPayload",
    "IOBasePayload",
    "JsonBytesPayload",
    "JsonPayload",
    "LookupError",
    "Order",
    "Payload",
    "PayloadRegistry",
    "StringIOPayload",
    "StringPayload",
    "TextIOPayload",
    "get_payload",
    "payload_type",
    "register_payload",
]

# How much a file is asked for at once, in bytes.
_BLOCK: Final = 2**18


class BytesPayload(Payload):
    """Bytes."""

    _size: int
    _autoclose = True

    def __init__(self, value: bytes | bytearray | memoryview, *args: Any, **kwargs: Any) -> None:
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise TypeError(f"the value must be bytes, bytearray or memoryview, not {type(value).__name__}")
        super().__init__(value, *args, **kwargs)
        self._size = value.nbytes if isinstance(value, memoryview) else len(value)

    @property
    def content(self) -> bytes:
        """The bytes."""
        return bytes(self._value)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Give it as text."""
        return self.content.decode(encoding, errors)

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """Give all of it."""
        return self.content

    async def write(self, writer: Any) -> None:
        """Write all of it by ``await writer.write(chunk)``."""
        await writer.write(self._value)


class StringPayload(BytesPayload):
    """Text, in its ``encoding``, or the charset of ``content_type``, or UTF-8."""

    def __init__(
        self,
        value: str,
        *args: Any,
        encoding: str | None = None,
        content_type: str | None = None,
        **kwargs: Any,
    ) -> None:
        encoding, content_type = _text_type(encoding, content_type)
        super().__init__(
            value.encode(encoding), *args, encoding=encoding, content_type=content_type, **kwargs
        )


def _text_type(encoding: str | None, content_type: str | None) -> tuple[str, str]:
    if content_type is None:
        encoding = encoding or "utf-8"
        return encoding, f"text/plain; charset={encoding}"
    if encoding is None:
        encoding = parse_mimetype(content_type).parameters.get("charset", "utf-8")
    return encoding, content_type


class StringIOPayload(StringPayload):
    """What is left to read of a StringIO."""

    def __init__(self, value: IO[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(value.read(), *args, **kwargs)


class JsonPayload(BytesPayload):
    """A value as JSON."""

    def __init__(
        self,
        value: Any,
        encoding: str = "utf-8",
        content_type: str = "application/json",
        dumps: Callable[[Any], str] = json.dumps,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        text = dumps(value).encode(encoding)
        super().__init__(text, *args, encoding=encoding, content_type=content_type, **kwargs)


class JsonBytesPayload(BytesPayload):
    """A value as JSON, by an encoder that gives bytes."""

    def __init__(
        self,
        value: Any,
        dumps: Callable[[Any], bytes],
        content_type: str = "application/json",
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(dumps(value), *args, content_type=content_type, **kwargs)


class IOBasePayload(Payload):
    """What is left to read of a file, which is read in a thread and not closed."""

    _value: Any
    _start: int | None = None

    def __init__(
        self, value: IO[Any], disposition: str | None = "attachment", *args: Any, **kwargs: Any
    ) -> None:
        if "filename" not in kwargs:
            kwargs["filename"] = guess_filename(value)
        super().__init__(value, *args, **kwargs)
        named = self._filename is not None and disposition is not None
        if named and hdrs.CONTENT_DISPOSITION not in self._headers:
            self.set_content_disposition(str(disposition), filename=str(self._filename))

    @property
    def size(self) -> int | None:
        """How many bytes there were to read when it was first asked; None for what is no plain file."""
        try:
            if self._start is None:
                self._start = self._value.tell()
            return os.fstat(self._value.fileno()).st_size - self._start
        except (AttributeError, OSError):
            return None

    @property
    def content(self) -> Any:
        """The file."""
        self._rewind()
        return self._value

    def _rewind(self) -> None:
        """Go to where it was when it was first asked."""
        try:
            if self._start is None:
                self._start = self._value.tell()
            else:
                self._value.seek(self._start)
        except (AttributeError, OSError):
            self._consumed = True

    def _read(self) -> Any:
        return self._value.read(_BLOCK)

    def _read_first(self) -> Any:
        self._rewind()
        return self._read()

    def _read_all(self) -> bytes:
        self._rewind()
        return b"".join(self._value.readlines())

    async def write(self, writer: Any) -> None:
        """Write all of it by ``await writer.write(chunk)``."""
        loop = asyncio.get_running_loop()
        chunk = await loop.run_in_executor(None, self._read_first)
        while chunk:
            await writer.write(chunk)
            chunk = await loop.run_in_executor(None, self._read)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Give it as text. Blocks."""
        return self._read_all().decode(encoding, errors)

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """Give all of it."""
        return await asyncio.get_running_loop().run_in_executor(None, self._read_all)

    async def close(self) -> None:
        """Close the file, in a thread."""
        if not self._consumed:
            self._consumed = True
            await asyncio.get_running_loop().run_in_executor(None, self._value.close)


class TextIOPayload(IOBasePayload):
    """What is left to read of a file in text mode, in ``encoding``."""

    _encoding: str

    def __init__(
        self,
        value: TextIO,
        *args: Any,
        encoding: str | None = None,
        content_type: str | None = None,
        **kwargs: Any,
    ) -> None:
        encoding, content_type = _text_type(encoding, content_type)
        super().__init__(value, *args, content_type=content_type, encoding=encoding, **kwargs)

    @property
    def size(self) -> int | None:
        """None: how many bytes its text will be is not known."""
        return None

    @property
    def content(self) -> None:
        """None: it has to be encoded."""
        return None

    def _read(self) -> bytes:
        text: str = self._value.read(_BLOCK)
        return text.encode(self._encoding)

    def _read_all(self) -> bytes:
        self._rewind()
        text: str = self._value.read()
        return text.encode(self._encoding)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Give it as text. Blocks."""
        return self._read_all().decode(self._encoding)


class BytesIOPayload(IOBasePayload):
    """What is left to read of a BytesIO."""

    _value: io.BytesIO
    _size: int
    _autoclose = True

    def __init__(self, value: io.BytesIO, *args: Any, **kwargs: Any) -> None:
        super().__init__(value, *args, **kwargs)
        self._start = value.tell()
        self._size = len(value.getbuffer()) - self._start

    @property
    def size(self) -> int:
        """How many bytes there were to read."""
        return self._size

    @property
    def content(self) -> bytes:
        """The bytes."""
        self._rewind()
        return self._value.read()

    async def write(self, writer: Any) -> None:
        """Write all of it by ``await writer.write(chunk)``."""
        await writer.write(self.content)

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """Give all of it."""
        return self.content

    async def close(self) -> None:
        """Do nothing: it is in memory."""


class BufferedReaderPayload(IOBasePayload):
    """What is left to read of a file in binary mode."""


class AsyncIterablePayload(Payload):
    """What an asynchronous iterator gives."""

    _autoclose = True

    def __init__(self, value: AsyncIterable[bytes], *args: Any, **kwargs: Any) -> None:
        if not isinstance(value, AsyncIterable):
            raise TypeError(f"the value must be an asynchronous iterable, not {type(value).__name__}")
        super().__init__(value, *args, **kwargs)
        self._iterator: AsyncIterator[bytes] = aiter(value)
        self._whole: bytes | None = None

    @property
    def content(self) -> Any:
        """The iterator, or what it has given."""
        if self._whole is None:
            self._consumed = True
            return self._iterator
        return self._whole

    async def write(self, writer: Any) -> None:
        """Write all of it by ``await writer.write(chunk)``."""
        if self._whole is not None:
            await writer.write(self._whole)
            return
        self._consumed = True
        async for chunk in self._iterator:
            await writer.write(chunk)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Give it as text, once it was read by `as_bytes`.

        Raises:
            TypeError: It was not.
        """
        if self._whole is None:
            raise TypeError("an asynchronous body cannot be decoded before as_bytes() has read it")
        return self._whole.decode(encoding, errors)

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """Read all of it, and keep it."""
        if self._whole is None:
            self._whole = b"".join([chunk async for chunk in self._iterator])
        return self._whole


PAYLOAD_REGISTRY.register(BytesPayload, (bytes, bytearray, memoryview))
PAYLOAD_REGISTRY.register(StringPayload, str)
PAYLOAD_REGISTRY.register(StringIOPayload, io.StringIO)
PAYLOAD_REGISTRY.register(TextIOPayload, io.TextIOBase)
PAYLOAD_REGISTRY.register(BytesIOPayload, io.BytesIO)
PAYLOAD_REGISTRY.register(BufferedReaderPayload, (io.BufferedReader, io.BufferedRandom))
PAYLOAD_REGISTRY.register(IOBasePayload, io.IOBase)
# Last, for those whose kinds are asynchronous iterators of something else.
PAYLOAD_REGISTRY.register(AsyncIterablePayload, AsyncIterable, order=Order.try_last)
