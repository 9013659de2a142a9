"""What `data=` may be is on the wire what aiohttp sends for it."""

import asyncio
import io
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDict, MultiDict

from aioxide.aiohttp import payload
from aioxide.aiohttp._bodies import body_of
from tests.aiohttp.bodies import Ours, Theirs, assert_same, sent_by_aiohttp, sent_by_us
from tests.aiohttp.reflecting import reflecting

ASYNCIO = pytest.mark.asyncio(loop_factories=["asyncio"])


async def chunks(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def stream(content: bytes) -> Any:
    """A StreamReader of aiohttp with all of its content."""
    from unittest.mock import Mock

    reader = aiohttp.StreamReader(Mock(_reading_paused=False), 2**16, loop=asyncio.get_running_loop())
    reader.feed_data(content)
    reader.feed_eof()
    return reader


DATA: dict[str, Callable[[Any], Any]] = {
    "None": lambda _: None,
    "bytes": lambda _: b"\x00\xffabc",
    "no bytes": lambda _: b"",
    "bytearray": lambda _: bytearray(b"abc"),
    "memoryview": lambda _: memoryview(b"abcdef")[1:3],
    "str": lambda _: "h\u00e4llo \u2713",
    "no str": lambda _: "",
    "dict": lambda _: {"a": "1", "b": "x y&z", "\u00e4": "\u2713"},
    "no dict": lambda _: {},
    "dict of numbers": lambda _: {"a": 1, "b": 2.5},
    "dict of lists": lambda _: {"a": ["1", "2"]},
    "pairs": lambda _: [("a", "1"), ("a", "2")],
    "tuple of pairs": lambda _: (("a", "1"), ("b", "2")),
    "MultiDict": lambda _: MultiDict([("a", "1"), ("a", "2")]),
    "BytesIO": lambda _: io.BytesIO(b"abc" * 1000),
    "StringIO": lambda _: io.StringIO("h\u00e4llo"),
    "asynchronous generator": lambda _: chunks(b"one", b"two"),
    "stream": lambda _: stream(b"line\nline"),
    "FormData": lambda kind: kind.FormData({"a": "1"}),
    "FormData in latin-1": lambda kind: kind.FormData({"a": "\u00e4"}, charset="latin-1"),
    "FormData, always multipart": lambda kind: kind.FormData({"a": "1"}, default_to_multipart=True),
    "BytesPayload": lambda kind: kind.payload.BytesPayload(b"abc", content_type="x/y"),
    "StringPayload": lambda kind: kind.payload.StringPayload("\u00e4", encoding="latin-1"),
    "StringPayload of a type": lambda kind: kind.payload.StringPayload(
        "\u00e4", content_type="text/csv; charset=latin-1"
    ),
    "JsonPayload": lambda kind: kind.payload.JsonPayload({"a": "\u00e4"}),
    "BytesIOPayload": lambda kind: kind.payload.BytesIOPayload(io.BytesIO(b"abc"), filename="a.txt"),
    "AsyncIterablePayload": lambda kind: kind.payload.AsyncIterablePayload(chunks(b"a", b"b")),
    "payload with headers": lambda kind: kind.payload.BytesPayload(b"a", headers={"Content-Type": "z/z"}),
}


@pytest.mark.parametrize("name", DATA)
@ASYNCIO
async def test_data_is_sent_as_aiohttp_sends_it(name: str) -> None:
    await assert_same(DATA[name])


@pytest.mark.parametrize(
    "options",
    [
        {"chunked": True},
        {"compress": True},
        {"compress": "gzip"},
        {"compress": "deflate"},
        {"headers": {"Content-Type": "a/b"}},
        {"method": "GET"},
        {"method": "PUT"},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["None", "bytes", "no bytes", "dict", "BytesIO", "asynchronous generator"])
@ASYNCIO
async def test_how_it_is_sent(name: str, options: dict[str, Any]) -> None:
    await assert_same(DATA[name], **options)


@pytest.mark.parametrize("mode", ["rb", "r+b", "rb0"], ids=["read", "updated", "unbuffered"])
@ASYNCIO
async def test_files(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "some.csv"
    path.write_bytes(b"0123456789" * 100_000)
    opened: list[Any] = []

    def make(_: Any) -> Any:
        file = path.open(mode.removesuffix("0"), buffering=0 if mode.endswith("0") else -1)
        file.seek(3)
        opened.append(file)
        return file

    headers, body = await assert_same(make)
    assert headers[b"content-type"] == b"text/csv"
    assert len(body) == 999_997
    for file in opened:
        file.close()


@ASYNCIO
async def test_files_in_text_mode(tmp_path: Path) -> None:
    """aiohttp takes the file's length for the text's, which it need not be; ours is sent in chunks."""
    path = tmp_path / "a.txt"
    path.write_text("h\u00e4llo\n", encoding="latin-1")
    async with reflecting() as reflected:
        with path.open(encoding="latin-1") as file:
            headers, body = await sent_by_us(reflected, file)
    assert body == "h\u00e4llo\n".encode()
    assert headers == {b"content-type": b"text/plain; charset=utf-8", b"transfer-encoding": b"chunked"}


@ASYNCIO
async def test_temporary_files() -> None:
    opened: list[Any] = []

    def make(_: Any) -> Any:
        file = tempfile.SpooledTemporaryFile()  # noqa: SIM115
        file.write(b"abc")
        file.seek(0)
        opened.append(file)
        return file

    headers, body = await assert_same(make)
    assert (headers[b"content-length"], body) == (b"3", b"abc")
    for file in opened:
        file.close()


@ASYNCIO
async def test_a_kind_of_the_programs_own() -> None:
    class Point:
        pass

    def register(kind: Any) -> Any:
        class PointPayload(kind.payload.Payload):
            def __init__(self, value: Any, **said: Any) -> None:
                super().__init__(value, content_type="x/point", **said)

            def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
                return "point"

            async def write(self, writer: Any) -> None:
                for letter in b"point":
                    await writer.write(bytes([letter]))
                    await asyncio.sleep(0)

        kind.payload.payload_type(Point)(PointPayload)
        return PointPayload

    register(Ours)
    of_theirs = register(Theirs)
    async with reflecting() as reflected:
        theirs = await sent_by_aiohttp(reflected, Point())
        assert theirs[1] == b"point"
        assert await sent_by_us(reflected, Point()) == theirs
        assert await sent_by_us(reflected, of_theirs(Point())) == theirs


@ASYNCIO
async def test_what_a_payload_raises_is_raised() -> None:
    class Failing(payload.Payload):
        def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
            return ""

        async def write(self, writer: Any) -> None:
            await writer.write(b"a")
            raise KeyError("mine")

    async with reflecting() as reflected:
        with pytest.raises(KeyError, match="mine"):
            await sent_by_us(reflected, Failing(None))


@ASYNCIO
async def test_a_payload_that_nobody_wants_is_told() -> None:
    told = []

    class Endless(payload.Payload):
        def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
            return ""

        async def write(self, writer: Any) -> None:
            try:
                while True:
                    await writer.write(b"a")
            finally:
                told.append("closed")

    content = body_of(Endless(None), headers=CIMultiDict())
    assert [await anext(content), await anext(content)] == [b"a", b"a"]
    await content.aclose()
    assert told == ["closed"]


@pytest.mark.parametrize("data", [5, object(), {1, 2}, [1], iter([b"a"])], ids=repr)
def test_what_is_no_body_is_a_type_error(data: Any) -> None:
    with pytest.raises(TypeError):
        body_of(data, headers=CIMultiDict())


@pytest.mark.parametrize(
    ("headers", "options"),
    [
        ({"Content-Encoding": "gzip"}, {"compress": True}),
        ({"Content-Length": "3"}, {"chunked": True}),
        ({"Transfer-Encoding": "chunked"}, {"chunked": True}),
        ({}, {"compress": "br"}),
    ],
    ids=str,
)
def test_contradictions_are_refused(headers: dict[str, str], options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"compress|chunked"):
        body_of(b"abc", headers=CIMultiDict(headers), **options)


def test_headers_that_are_not_to_be_added() -> None:
    headers: CIMultiDict[str] = CIMultiDict()
    skipped: CIMultiDict[None] = CIMultiDict({"content-type": None})
    assert body_of(b"abc", headers=headers, skip_auto_headers=skipped) == b"abc"
    assert dict(headers) == {"Content-Length": "3"}


@ASYNCIO
async def test_payloads_know_themselves() -> None:
    for kind in (Ours, Theirs):
        text = kind.payload.StringPayload("h\u00e4", filename="a.txt")
        assert (text.size, text.encoding, text.filename, text.decode()) == (3, "utf-8", "a.txt", "h\u00e4")
        assert await text.as_bytes() == "h\u00e4".encode()
        assert (text.consumed, text.autoclose) == (False, True)
        file = kind.payload.BytesIOPayload(io.BytesIO(b"abc"))
        assert (file.size, file.decode(), file.decode(), await file.as_bytes()) == (3, "abc", "abc", b"abc")
        streamed = kind.payload.AsyncIterablePayload(chunks(b"a", b"b"))
        assert streamed.size is None
        with pytest.raises(TypeError):
            streamed.decode()
        assert await streamed.as_bytes() == b"ab"
        assert streamed.decode() == "ab"
        with pytest.raises(kind.payload.LookupError):
            kind.payload.get_payload(object())
        with pytest.raises(TypeError):
            kind.payload.BytesPayload("text")
        with pytest.raises(ValueError, match="Forbidden"):
            kind.payload.BytesPayload(b"", headers={"a": "b\r\nc: d"})._binary_headers  # noqa: B018


@pytest.mark.parametrize("length", [0, 1, 3, 100])
@ASYNCIO
async def test_so_much_of_a_payload(length: int) -> None:
    written: dict[str, bytes] = {}
    for name, kind in (("ours", Ours), ("theirs", Theirs)):
        whole = bytearray()

        class Writer:
            async def write(self, chunk: bytes, whole: bytearray = whole) -> None:
                whole += chunk

        await kind.payload.BytesPayload(b"abcdef").write_with_length(Writer(), length)
        await kind.payload.AsyncIterablePayload(chunks(b"ab", b"cd")).write_with_length(Writer(), length)
        written[name] = bytes(whole)
    assert written["ours"] == written["theirs"]


@ASYNCIO
async def test_a_kind_that_was_registered_with_aiohttp() -> None:
    """A library that knows of aiohttp alone has its payloads sent by our sessions, too."""

    class Document:
        pass

    class DocumentPayload(aiohttp.Payload):
        def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
            return "document"

        async def write(self, writer: Any) -> None:
            await writer.write(b"document")

    aiohttp.payload.register_payload(DocumentPayload, Document)
    headers: CIMultiDict[str] = CIMultiDict()
    body = body_of(Document(), headers=headers)
    assert b"".join([piece async for piece in body]) == b"document"
    assert headers["Transfer-Encoding"] == "chunked"
