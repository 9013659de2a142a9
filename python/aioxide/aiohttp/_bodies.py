"""From what a program gives as ``data=`` to what a native client takes as ``content=``."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import zlib
from collections.abc import AsyncIterator, Callable, Container, Coroutine
from typing import Any, Final

from multidict import CIMultiDict

from . import hdrs
from .formdata import FormData
from .payload import PAYLOAD_REGISTRY, AsyncIterablePayload, LookupError  # noqa: A004

__all__ = ["body_of"]

# Methods whose requests have no body if none is given.
_WITHOUT: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
# Methods whose requests have a type even then.
_WITH: Final = frozenset({"PATCH", "POST", "PUT"})
_CODINGS: Final = {"gzip": 31, "deflate": 15}


def body_of(
    data: Any,
    *,
    headers: CIMultiDict[str],
    method: str = "POST",
    chunked: bool | None = None,
    compress: str | bool | None = None,
    skip_auto_headers: Container[str] | None = None,
) -> Any:
    """Give what a native client sends for ``data``: bytes, a file, an asynchronous iterator, or None.

    ``headers`` gets what aiohttp would add: the media type, and the length, or that it comes in chunks.

    Args:
        data: Whatever aiohttp takes: bytes, text, a form, a payload of ours or of aiohttp, a file, an
            asynchronous iterator, a stream.
        headers: Those of the request, so far.
        method: The method of the request, in upper case.
        chunked: Whether the body is sent in chunks although its length may be known.
        compress: The coding to send it in, ``"deflate"`` or ``"gzip"``; True for deflate.
        skip_auto_headers: Headers that are not to be added; asked in any case, so best a CIMultiDict.

    Raises:
        TypeError: ``data`` is none of these.
        ValueError: ``headers`` contradict the arguments.
    """
    content = _body_of(data, headers, method, bool(chunked), compress, skip_auto_headers or ())
    if (
        method in _WITH
        and hdrs.CONTENT_TYPE not in headers
        and hdrs.CONTENT_TYPE not in (skip_auto_headers or ())
    ):
        headers[hdrs.CONTENT_TYPE] = "application/octet-stream"
    return content


def _body_of(
    data: Any,
    headers: CIMultiDict[str],
    method: str,
    chunked: bool,
    compress: str | bool | None,
    skipped: Container[str],
) -> Any:
    coding = _coding(data, headers, compress)
    chunked = chunked or coding is not None
    if data is None:
        if method not in _WITHOUT and not chunked and hdrs.CONTENT_LENGTH not in headers:
            headers[hdrs.CONTENT_LENGTH] = "0"
        if chunked and method not in _WITHOUT:
            _say_chunked(headers)
            return _one(b"")
        return None
    payload = _payload(data)
    if not chunked and hdrs.CONTENT_LENGTH not in headers:
        size = payload.size
        if size is None:
            chunked = True
        else:
            headers[hdrs.CONTENT_LENGTH] = str(size)
    for name, value in payload.headers.items():
        if name not in headers and name not in skipped:
            headers[name] = value
    if chunked:
        _say_chunked(headers)
    content = _content(payload)
    if coding is not None:
        return _compressed(content, coding)
    in_chunks = "chunked" in headers.get(hdrs.TRANSFER_ENCODING, "").lower()
    # Bytes have a length, and would be sent with it.
    return _one(content) if in_chunks and isinstance(content, bytes) else content


def _coding(data: Any, headers: CIMultiDict[str], compress: str | bool | None) -> str | None:
    if not compress or not data:
        return None
    if headers.get(hdrs.CONTENT_ENCODING):
        raise ValueError("compress can not be set if Content-Encoding header is set")
    coding = compress if isinstance(compress, str) else "deflate"
    if coding not in _CODINGS:
        raise ValueError(f"compress must be 'deflate', 'gzip' or a bool, not {compress!r}")
    headers[hdrs.CONTENT_ENCODING] = coding
    return coding


def _say_chunked(headers: CIMultiDict[str]) -> None:
    if "chunked" in headers.get(hdrs.TRANSFER_ENCODING, "").lower():
        raise ValueError('chunked can not be set if "Transfer-Encoding: chunked" header is set')
    if hdrs.CONTENT_LENGTH in headers:
        raise ValueError("chunked can not be set if Content-Length header is set")
    headers[hdrs.TRANSFER_ENCODING] = "chunked"


def _payload(data: Any) -> Any:
    """Make a payload of ours, or give back one of aiohttp."""
    if isinstance(data, FormData) or _is_theirs("aiohttp.formdata", "FormData", data):
        return data()
    if _is_theirs("aiohttp.payload", "Payload", data):
        return data
    if hasattr(data, "iter_any"):
        # A StreamReader, of ours or of aiohttp, which iterates over lines.
        return AsyncIterablePayload(data.iter_any())
    try:
        return PAYLOAD_REGISTRY.get(data, disposition=None)
    except LookupError:
        pass
    theirs = sys.modules.get("aiohttp.payload")
    if theirs is not None:
        # Who has registered a kind of its own with aiohttp means every session.
        with contextlib.suppress(theirs.LookupError):
            return theirs.PAYLOAD_REGISTRY.get(data, disposition=None)
    return FormData(data)()


def _is_theirs(module: str, name: str, value: Any) -> bool:
    """Whether it is of a class of aiohttp, which is not imported for that."""
    theirs = getattr(sys.modules.get(module), name, None)
    return theirs is not None and isinstance(value, theirs)


def _content(payload: Any) -> Any:
    content = getattr(payload, "content", None)
    if content is None and _is_theirs("aiohttp.payload", "BytesPayload", payload):
        content = _at_once(payload)
    return _written(payload) if content is None else content


def _at_once(payload: Any) -> bytes | None:
    """Give what a payload of bytes writes; None if it has to wait for something."""
    whole = bytearray()

    class Writer:
        async def write(self, chunk: bytes) -> None:
            whole.extend(chunk)

    writing: Coroutine[Any, Any, None] = payload.write(Writer())
    try:
        writing.send(None)
    except StopIteration:
        return bytes(whole)
    writing.close()
    return None


async def _one(content: bytes) -> AsyncIterator[bytes]:
    if content:
        yield content


async def _written(payload: Any) -> AsyncIterator[bytes]:
    """Give what a payload writes, chunk by chunk: it writes the next when that is asked for."""
    handed: list[bytes] = []
    ready, taken = asyncio.Event(), asyncio.Event()

    class Writer:
        async def write(self, chunk: bytes) -> None:
            if chunk:
                handed.append(bytes(chunk))
                ready.set()
                await taken.wait()
                taken.clear()

        async def drain(self) -> None:
            pass

    writing = asyncio.ensure_future(payload.write(Writer()))
    writing.add_done_callback(lambda _: ready.set())
    try:
        while True:
            await ready.wait()
            ready.clear()
            if not handed:
                break
            yield handed.pop()
            taken.set()
        # What it raised.
        await writing
    finally:
        if not writing.done():
            writing.cancel()
            await asyncio.wait([writing])


async def _compressed(content: Any, coding: str) -> AsyncIterator[bytes]:
    compressor = zlib.compressobj(wbits=_CODINGS[coding])
    async for chunk in _chunks(content):
        # It is slow, and not the interpreter's work.
        compressed = await asyncio.to_thread(compressor.compress, chunk)
        if compressed:
            yield compressed
    yield compressor.flush()


async def _chunks(content: Any) -> AsyncIterator[bytes]:
    if isinstance(content, bytes):
        yield content
    elif hasattr(content, "__aiter__"):
        async for chunk in content:
            yield chunk
    else:
        read: Callable[[int], bytes] = content.read
        while chunk := await asyncio.to_thread(read, 2**18):
            yield chunk
