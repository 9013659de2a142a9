"""MultipartWriter: the parts, and how they are encoded, as aiohttp's."""

import asyncio
import io
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

import aioxide.aiohttp as drop_in
from aioxide.aiohttp import multipart
from tests.aiohttp.bodies import Ours, Theirs, assert_same

ASYNCIO = pytest.mark.asyncio(loop_factories=["asyncio"])
BOTH = pytest.mark.parametrize(
    "kind", [multipart.MultipartWriter, aiohttp.MultipartWriter], ids=["ours", "theirs"]
)
LONG = b"some text, some text, some text. " * 3000


def parts(*given: tuple[Any, dict[str, str]], subtype: str = "mixed") -> Callable[[Any], Any]:
    def make(kind: Any) -> Any:
        with kind.MultipartWriter(subtype, boundary="border") as writer:
            for value, headers in given:
                writer.append(value() if callable(value) else value, headers)
        return writer

    return make


def nested(kind: Any) -> Any:
    inner = kind.MultipartWriter("related", boundary="inner")
    inner.append("in")
    outer = kind.MultipartWriter("mixed", boundary="outer")
    outer.append(inner)
    outer.append_json({"a": [1, "\u00e4"]})
    outer.append_form([("a", "1"), ("b", "x y")])
    outer.append_form({"c": "3"}, {"X-Own": "y"})
    return outer


def dispositions(kind: Any) -> Any:
    writer = kind.MultipartWriter("form-data", boundary="b")
    writer.append("one")
    part = writer.append("two")
    part.set_content_disposition("form-data", name="n\u00e4me", filename="f\u00fc.txt")
    writer.append(io.BytesIO(b"three"))
    return writer


BODIES: dict[str, Callable[[Any], Any]] = {
    "nothing": parts(),
    "text": parts(("h\u00e4", {})),
    "several": parts(("a", {}), (b"b", {"Content-Type": "x/y"}), (lambda: io.BytesIO(b"c"), {"X-A": "b"})),
    "gzip": parts((LONG, {"Content-Encoding": "gzip"})),
    "deflate": parts((LONG, {"Content-Encoding": "deflate"})),
    "identity": parts((LONG, {"Content-Encoding": "identity"})),
    "base64": parts((LONG + b"x", {"Content-Transfer-Encoding": "base64"})),
    "quoted-printable": parts(("h\u00e4=", {"Content-Transfer-Encoding": "quoted-printable"})),
    "binary": parts((b"abc", {"Content-Transfer-Encoding": "binary"})),
    "gzip in base64": parts((LONG, {"Content-Encoding": "gzip", "Content-Transfer-Encoding": "base64"})),
    "a form": parts(("a", {}), ("b", {}), subtype="form-data"),
    "a form without names": dispositions,
    "nested": nested,
}


@pytest.mark.parametrize("name", BODIES)
@ASYNCIO
async def test_parts_are_sent_as_aiohttp_sends_them(name: str) -> None:
    await assert_same(BODIES[name])


@ASYNCIO
async def test_parts_of_aiohttp_within_ours() -> None:
    def make(kind: Any) -> Any:
        writer = kind.MultipartWriter(boundary="x")
        for one in (Theirs.payload.StringPayload("a"), Theirs.payload.BytesIOPayload(io.BytesIO(b"b"))):
            writer.append(one)
        return writer

    await assert_same(make)


@BOTH
@pytest.mark.parametrize("boundary", ["a", "a b", 'q"uoted\\', "x" * 70, "a(b)", "a,b"])
def test_boundaries(kind: Any, boundary: str) -> None:
    writer = kind(boundary=boundary)
    assert writer.boundary == boundary
    assert writer.content_type == aiohttp.MultipartWriter(boundary=boundary).content_type


@BOTH
@pytest.mark.parametrize("boundary", ["\u00e4", "a\nb", "\0"])
def test_what_is_no_boundary(kind: Any, boundary: str) -> None:
    with pytest.raises(ValueError, match="boundary"):
        kind(boundary=boundary)


@BOTH
def test_what_is_no_part(kind: Any) -> None:
    writer = kind()
    with pytest.raises(TypeError, match="Cannot create payload"):
        writer.append(5)
    with pytest.raises(RuntimeError, match="content encoding"):
        writer.append("a", {"Content-Encoding": "br"})
    with pytest.raises(RuntimeError, match="transfer encoding"):
        writer.append("a", {"Content-Transfer-Encoding": "7bit"})


def test_what_a_form_has_not() -> None:
    for name in ("Content-Encoding", "Content-Length", "Content-Transfer-Encoding"):
        with pytest.raises(ValueError, match="form"):
            multipart.MultipartWriter("form-data").append("a", {name: "gzip"})


@BOTH
def test_a_writer_is_a_collection_and_true(kind: Any) -> None:
    writer = kind()
    assert (len(writer), bool(writer), list(writer)) == (0, True, [])
    part = writer.append("a")
    assert len(writer) == 1
    assert next(iter(writer))[0] is part
    assert writer.size == len(asyncio.run(writer.as_bytes()))
    assert not writer.consumed
    asyncio.run(writer.close())
    assert writer.consumed


@BOTH
def test_a_writer_as_text(kind: Any) -> None:
    writer = kind(boundary="b")
    writer.append("h\u00e4")
    expected = "--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 3\r\n\r\nh\u00e4"
    assert writer.decode() == expected


async def written(writer: Any) -> bytes:
    whole = bytearray()

    class Writer:
        async def write(self, chunk: bytes) -> None:
            whole.extend(chunk)

    await writer.write(Writer())
    return bytes(whole)


HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Content-Encoding": st.sampled_from(["gzip", "deflate", "identity", "GZIP"]),
        "Content-Transfer-Encoding": st.sampled_from(["base64", "quoted-printable", "binary"]),
        "Content-Type": st.sampled_from(["text/plain", "text/plain; charset=latin-1", "x"]),
    },
)


@given(given=st.lists(st.tuples(st.binary(max_size=50) | st.text(max_size=9), HEADERS), max_size=4))
def test_any_parts_are_as_aiohttps(given: Any) -> None:
    results: list[Any] = []
    for kind in (Ours, Theirs):
        writer = kind.MultipartWriter(boundary="b")
        try:
            for value, headers in given:
                writer.append(value, headers)
            results.append((writer.size, asyncio.run(written(writer))))
        except Exception as error:
            results.append(type(error))
    assert results[0] == results[1]


def test_all_parts_are_closed_though_one_fails(caplog: pytest.LogCaptureFixture) -> None:
    for kind in (aiohttp, drop_in):

        class Bad(kind.IOBasePayload):  # type: ignore[misc, name-defined]
            async def close(self) -> None:
                raise RuntimeError("cannot be closed")

        second = io.BytesIO(b"b")
        writer = kind.MultipartWriter()
        writer.append(Bad(io.BytesIO(b"a")))
        writer.append(kind.IOBasePayload(second))
        asyncio.run(writer.close())
        assert second.closed
        assert caplog.messages == ["Failed to close multipart part 0: cannot be closed"]
        caplog.clear()
