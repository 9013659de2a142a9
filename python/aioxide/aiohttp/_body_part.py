"""One part of a body of several, while it comes: ``BodyPartReader``.

A part ends where its boundary begins, which may come cut anywhere. So what might be the beginning of a
boundary is held back until more has come; what is behind the end is put back into the stream, for the next
part.

Invariant: of what was taken from the stream, ``_held`` is not known to be of the part, and ``_ready`` is.
"""

from __future__ import annotations

import base64
import binascii
import json
import sys
import warnings
import zlib
from collections.abc import AsyncIterator, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl

from multidict import CIMultiDictProxy

from aioxide._core import BodyReader

from . import hdrs
from ._content_disposition import content_disposition_filename, parse_content_disposition
from ._installed import base
from .helpers import parse_mimetype

__all__ = ["BodyPartReader", "unread"]

#: What is taken from the stream at a time, in bytes.
_PIECE = 2**16

#: What ``decode_iter`` gives at a time, in bytes.
_DECODED = 2**18

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_NOT_BASE64 = bytes(byte for byte in range(256) if byte not in _BASE64)

#: How ``Content-Encoding`` is undone, by the window of zlib. Deflate is raw here, unlike a body's.
_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": -zlib.MAX_WBITS}


def _begin_of(end: bytes, window: bytes) -> int:
    """Give where ``end`` may begin at the end of ``window``, which has it nowhere in whole."""
    at = window.find(end[:1], max(0, len(window) - len(end) + 1))
    while at >= 0 and not end.startswith(window[at:]):
        at = window.find(end[:1], at + 1)
    return at if at >= 0 else len(window)


def unread(content: Any, data: bytes) -> None:
    """Put back into a stream, of ours or of aiohttp, what was read of it."""
    if not data:
        return
    native = getattr(content, "_body", None)
    if isinstance(native, BodyReader):
        native.unread(data)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        content.unread_data(data)


if TYPE_CHECKING:

    class _Theirs: ...

else:
    _Theirs = base("aiohttp.multipart", "BodyPartReader")


class BodyPartReader(_Theirs):
    """A part that has no parts of its own.

    One reads it to its end, or releases it, before the next part is asked for; the ``MultipartReader``
    releases it otherwise.

    Args:
        boundary: What stands before each part, with the two hyphens that it begins with.
        headers: Those of the part.
        content: The stream, behind the part's headers.
        subtype: That of the whole; a part of ``form-data`` has neither a length nor a coding (RFC 7578).
        default_charset: The charset of text that says none.
        max_decompress_size: How much ``decode_iter`` gives at a time, in bytes.
        client_max_size: How long the part may be, in bytes, for ``read`` and what comes of it.
        max_size_error_cls: What is raised for a longer one.

    Raises:
        ValueError: ``Content-Length`` is no number.
    """

    chunk_size = 8192

    def __init__(
        self,
        boundary: bytes,
        headers: CIMultiDictProxy[str],
        content: Any,
        *,
        subtype: str = "mixed",
        default_charset: str | None = None,
        max_decompress_size: int = _DECODED,
        client_max_size: int = sys.maxsize,
        max_size_error_cls: type[Exception] = ValueError,
    ) -> None:
        self.headers = headers
        self._boundary = boundary
        self._content = content
        self._default_charset = default_charset
        self._is_form_data = subtype == "form-data"
        self._max_decompress_size = max_decompress_size
        self._client_max_size = client_max_size
        self._max_size_error_cls = max_size_error_cls
        length = None if self._is_form_data else headers.get(hdrs.CONTENT_LENGTH)
        if length is not None and not (length.isascii() and length.isdigit()):
            raise ValueError(f"invalid Content-Length: {length!r}")
        #: How much of the part is still to come, where its headers say how long it is.
        self._left = None if length is None else int(length)
        self._ready = bytearray()
        # The line break behind the headers is that before the boundary, if there is nothing between.
        self._held = b"\r\n"
        self._skip = len(self._held)
        #: The stream stands at the boundary.
        self._ended = False
        #: All of it was given.
        self._at_eof = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        part = await self.next()
        if part is None:
            raise StopAsyncIteration
        return part

    async def next(self) -> bytes | None:
        """Give all of it; None if that was done, or there is nothing."""
        return await self.read() or None

    # ---- what the stream brings ----

    async def _more(self) -> None:
        """Take something from the stream, which may be the end of the part.

        Raises:
            ValueError: The stream ends before the part does.
        """
        if self._left is not None:
            await self._more_by_length(self._left)
            return
        end = b"\r\n" + self._boundary
        piece = await self._content.read(_PIECE)
        if not piece:
            # What there is of it is given before that is said.
            if len(self._held) <= self._skip:
                raise ValueError("Reading after EOF")
            self._keep(len(self._held))
            self._held, self._skip = b"", 0
            return
        window = self._held + piece
        at = window.find(end)
        if at >= 0:
            self._ended = True
            self._held = window
            self._keep(at)
            # The line break before the boundary is the boundary's.
            unread(self._content, window[at + 2 :])
            self._held = b""
            return
        self._held = window
        self._keep(_begin_of(end, window))

    def _keep(self, count: int) -> None:
        """Find the first ``count`` bytes of what is held to be of the part."""
        skipped = min(self._skip, count)
        self._ready += self._held[skipped:count]
        self._skip -= skipped
        self._held = self._held[count:]

    async def _more_by_length(self, left: int) -> None:
        if left:
            piece = await self._content.read(min(left, _PIECE))
            if not piece:
                raise ValueError("Reader did not read all the data or it is malformed")
            self._ready += piece
            self._left = left - len(piece)
        if not self._left:
            self._ended = True
            if await self._content.readline() != b"\r\n":
                raise ValueError("Reader did not read all the data or it is malformed")

    # ---- reading ----

    async def read(self, *, decode: bool = False) -> bytes:
        """Give all that is left of it; ``decode``: without its codings.

        Raises:
            ValueError: It does not come to its end, or is longer than it may be.
            RuntimeError: A coding is not known.
        """
        if self._at_eof:
            return b""
        data = bytearray()
        while not self._at_eof:
            data += await self.read_chunk(_PIECE)
            self._check_size(len(data))
        if not decode:
            return data
        decoded = bytearray()
        async for piece in self.decode_iter(data):
            decoded += piece
            self._check_size(len(decoded))
        return decoded

    def _check_size(self, size: int) -> None:
        if size > self._client_max_size:
            raise self._max_size_error_cls(self._client_max_size)

    async def read_chunk(self, size: int = chunk_size) -> bytes:
        """Give up to ``size`` bytes of it; nothing at the end.

        What is in base64 is given in pieces that can be decoded one by one.

        Raises:
            ValueError: It does not come to its end, or ``size`` is less than one.
        """
        if size < 1:
            raise ValueError("a chunk has at least one byte")
        if self._at_eof:
            return b""
        while not self._ended and len(self._ready) < size:
            before = len(self._ready)
            await self._more()
            if len(self._ready) > before and not self._is_base64:
                break
        count = min(size, len(self._ready))
        if self._is_base64:
            while not (whole := self._whole_quartets(count)) and count and not self._is_last(count):
                # There is no whole one in so little.
                count += 1
                while count > len(self._ready) and not self._ended:
                    await self._more()
            count = whole or count
        chunk = bytes(self._ready[:count])
        del self._ready[:count]
        self._at_eof = self._is_last(0)
        return chunk

    def _is_last(self, count: int) -> bool:
        return self._ended and count >= len(self._ready)

    @property
    def _is_base64(self) -> bool:
        return self.headers.get(hdrs.CONTENT_TRANSFER_ENCODING, "").lower() == "base64"

    def _whole_quartets(self, count: int) -> int:
        """Give how much of the first ``count`` bytes is to be given, so that four letters are not parted."""
        if self._is_last(count):
            return count
        data = self._ready[:count]
        over = len(data.translate(None, _NOT_BASE64)) % 4
        while over:
            count -= 1
            over -= self._ready[count] in _BASE64
        return count

    async def readline(self) -> bytes:
        r"""Give the next line of it with its ``\n``, or what is left; nothing at the end."""
        if self._at_eof:
            return b""
        searched = 0
        while (found := self._ready.find(b"\n", searched)) < 0 and not self._ended:
            searched = len(self._ready)
            await self._more()
        end = found + 1 if found >= 0 else len(self._ready)
        line = bytes(self._ready[:end])
        del self._ready[:end]
        self._at_eof = self._is_last(0)
        return line

    async def release(self) -> None:
        """Read it to its end, and drop it."""
        while not self._at_eof:
            await self.read_chunk(_PIECE)

    def at_eof(self) -> bool:
        """Whether it was read to its end."""
        return self._at_eof

    # ---- as something ----

    async def text(self, *, encoding: str | None = None) -> str:
        """Give it as text, by default in the charset that its Content-Type says, or UTF-8.

        Raises:
            UnicodeDecodeError: It is not text in that encoding.
        """
        data = await self.read(decode=True)
        return data.decode(encoding or self.get_charset(default="utf-8"))

    async def json(self, *, encoding: str | None = None) -> Any:
        """Give what it says as JSON; None if it is empty.

        Raises:
            ValueError: It is no JSON.
        """
        data = await self.read(decode=True)
        return json.loads(data.decode(encoding or self.get_charset(default="utf-8"))) if data else None

    async def form(self, *, encoding: str | None = None) -> list[tuple[str, str]]:
        """Give the fields of an urlencoded form.

        Raises:
            ValueError: It is not text in that encoding.
        """
        data = await self.read(decode=True)
        encoding = encoding or self.get_charset(default="utf-8")
        try:
            text = data.rstrip().decode(encoding)
        except UnicodeDecodeError as error:
            raise ValueError(f"data cannot be decoded with {encoding} encoding") from error
        return parse_qsl(text, keep_blank_values=True, encoding=encoding)

    def get_charset(self, default: str) -> str:
        """Give the charset that its Content-Type says, else that of the whole, else ``default``."""
        said = parse_mimetype(self.headers.get(hdrs.CONTENT_TYPE, "")).parameters
        return said.get("charset", self._default_charset or default)

    @cached_property
    def name(self) -> str | None:
        """Its name, by its Content-Disposition."""
        return self._said("name")

    @cached_property
    def filename(self) -> str | None:
        """The name of its file, by its Content-Disposition."""
        return self._said("filename")

    def _said(self, name: str) -> str | None:
        _, parameters = parse_content_disposition(self.headers.get(hdrs.CONTENT_DISPOSITION))
        return content_disposition_filename(parameters, name)

    # ---- its codings ----

    def decode(self, data: bytes) -> bytes:
        """Undo its Content-Transfer-Encoding and its Content-Encoding.

        Raises:
            RuntimeError: One of them is not known.
        """
        return b"".join(self._decoded(data))

    async def decode_iter(self, data: bytes) -> AsyncIterator[bytes]:
        """Undo them piece by piece: little data may come to much.

        Raises:
            RuntimeError: One of them is not known.
        """
        for piece in self._decoded(data):
            yield piece

    def _decoded(self, data: bytes) -> Iterator[bytes]:
        transfer = self.headers.get(hdrs.CONTENT_TRANSFER_ENCODING, "binary").lower()
        match transfer:
            case "base64":
                data = base64.b64decode(data)
            case "quoted-printable":
                data = binascii.a2b_qp(data)
            case "binary" | "8bit" | "7bit":
                pass
            case _:
                raise RuntimeError(f"unknown content transfer encoding: {transfer}")
        # RFC 7578, section 4.8: a part of a form has none.
        coding = (
            "identity" if self._is_form_data else self.headers.get(hdrs.CONTENT_ENCODING, "identity").lower()
        )
        if coding == "identity":
            yield data
        elif coding in _WINDOWS:
            yield from _inflated(data, _WINDOWS[coding], self._max_decompress_size)
        else:
            raise RuntimeError(f"unknown content encoding: {coding}")


def _inflated(data: bytes, window: int, size: int) -> Iterator[bytes]:
    """Undo gzip or deflate, ``size`` bytes at a time; gzip may be several, one behind the other."""
    while data:
        inflating = zlib.decompressobj(wbits=window)
        while not inflating.eof:
            piece = inflating.decompress(data, size)
            data = inflating.unconsumed_tail
            if piece:
                yield piece
            elif not data:
                break
        data = inflating.unused_data if window > zlib.MAX_WBITS else b""
