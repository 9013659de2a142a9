"""FormData: urlencoded or multipart, as aiohttp's."""

import asyncio
import io
import re
import warnings
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict, MultiDictProxy

from aioxide.aiohttp import formdata
from tests.aiohttp.bodies import assert_same

ASYNCIO = pytest.mark.asyncio(loop_factories=["asyncio"])
BOTH = pytest.mark.parametrize("kind", [formdata.FormData, aiohttp.FormData], ids=["ours", "theirs"])


class Named(io.BytesIO):
    """A file in memory with a name."""

    def __init__(self, content: bytes, name: str) -> None:
        super().__init__(content)
        self.name = name


def field(*arguments: Any, form: Any = None, **options: Any) -> Callable[[Any], Any]:
    """A form of one field; what can be called is made anew each time."""

    def make(kind: Any) -> Any:
        made = kind.FormData(**(form or {}))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            made.add_field(*[one() if callable(one) else one for one in arguments], **options)
        return made

    return make


FORMS: dict[str, Callable[[Any], Any]] = {
    "text": field("a", "1"),
    "text of a type": field("a", "{}", content_type="application/json"),
    "text with a file name": field("a", "content", filename="a.html"),
    "names in quotes": field('a"b\\c', "1", filename='x"y.txt'),
    "names that are not ASCII": field("\u00e4", "\u2713", filename="\u00fc b.txt"),
    "not quoted": field("\u00e4 b", "1", filename='\u00fc" b.txt', form={"quote_fields": False}),
    "in latin-1": field("a", "\u00e4", filename="a.txt", form={"charset": "latin-1"}),
    "bytes": field("a", b"\x00\xff"),
    "bytes with a file name": field("a", b"abc", filename="a.bin"),
    "a file": field("a", lambda: Named(b"abc", "dir/some.csv")),
    "a file of a type": field("a", lambda: Named(b"abc", "some.csv"), content_type="x/y", filename="b"),
    "a file without a name": field("a", lambda: io.BytesIO(b"abc")),
    "text of a file": field("a", lambda: io.StringIO("h\u00e4")),
    "transfer encoding": field("a", "b", content_transfer_encoding="base64"),
    "control characters in text": field("a", "b\r\nc", filename="x"),
    "no fields, multipart": lambda kind: kind.FormData(default_to_multipart=True),
    "no fields": lambda kind: kind.FormData(),
    "numbers": lambda kind: kind.FormData({"a": 1, "b": 2.5}),
    "only a file": lambda kind: kind.FormData(Named(b"abc", "x.txt")),
    "files and pairs": lambda kind: kind.FormData([("a", "1"), Named(b"abc", "x.txt"), MultiDict(b="2")]),
    "a multidict": lambda kind: kind.FormData(MultiDictProxy(MultiDict([("a", "1"), ("a", "2")]))),
}


@pytest.mark.parametrize("name", FORMS)
@ASYNCIO
async def test_forms_are_sent_as_aiohttp_sends_them(name: str) -> None:
    await assert_same(FORMS[name])


@ASYNCIO
async def test_a_file_goes_in_one_of_many_fields() -> None:
    def make(kind: Any) -> Any:
        form = kind.FormData()
        form.add_field("first", "1")
        form.add_field("file", Named(b"x" * 1_000_000, "big.bin"))
        form.add_field("last", "2")
        return form

    headers, body = await assert_same(make)
    assert headers[b"content-length"] == str(len(body)).encode()
    assert body.count(b"--" + b"B" * 32) == 4


@ASYNCIO
async def test_a_real_file_is_read_in_a_thread(tmp_path: Any) -> None:
    path = tmp_path / "big.bin"
    path.write_bytes(bytes(range(256)) * 10_000)
    opened: list[Any] = []

    def make(kind: Any) -> Any:
        opened.append(path.open("rb"))
        form = kind.FormData()
        form.add_field("file", opened[-1])
        return form

    _, body = await assert_same(make)
    assert len(body) > 2_560_000
    for file in opened:
        file.close()


@BOTH
def test_what_is_multipart(kind: Any) -> None:
    form = kind({"a": "1"})
    assert not form.is_multipart
    form.add_field("b", "2", content_type="x/y")
    assert form.is_multipart
    assert kind(default_to_multipart=True).is_multipart


@BOTH
def test_a_form_can_be_made_twice(kind: Any) -> None:
    form = kind({"a": "1"}, default_to_multipart=True)
    assert form() is form()
    assert len(form()) == 1


@BOTH
def test_bytes_without_a_file_name_are_deprecated(kind: Any) -> None:
    with pytest.warns(DeprecationWarning, match="v4"):
        kind().add_field("a", b"1")
    with pytest.warns(DeprecationWarning, match="content_transfer_encoding"):
        kind().add_field("a", "1", content_transfer_encoding="base64")


@BOTH
@pytest.mark.parametrize("name", ["filename", "content_type", "content_transfer_encoding"])
def test_what_must_be_text(kind: Any, name: str) -> None:
    with pytest.raises(TypeError, match=name):
        kind().add_field("a", "1", **{name: 5})


@BOTH
@pytest.mark.parametrize("name", ["filename", "content_type", "name"])
@pytest.mark.parametrize("text", ["a\r\nb: c", "a\nb", "\0"])
def test_control_characters_are_refused(kind: Any, name: str, text: str) -> None:
    with pytest.raises(ValueError, match="Forbidden"):
        kind().add_field(**({"name": "a", "value": "1"} | {name: text}))


@BOTH
@pytest.mark.parametrize("fields", ["text", 5, [1], ["ab", "c"], [("a", "b", "c")], None], ids=repr)
def test_what_are_no_fields(kind: Any, fields: Any) -> None:
    with pytest.raises(TypeError):
        kind(fields)


@BOTH
def test_what_cannot_be_a_part(kind: Any) -> None:
    form = kind({"a": object()}, default_to_multipart=True)
    with pytest.raises(TypeError, match="Can not serialize"):
        form()


def made(form: Any) -> tuple[str, bytes]:
    """The media type and all bytes, with one boundary for all."""
    payload = form()
    kind, whole = payload.content_type, asyncio.run(payload.as_bytes())
    found = re.search(r"boundary=([0-9a-f]{32})", kind)
    if found:
        kind, whole = kind.replace(found[1], "B"), whole.replace(found[1].encode(), b"B")
    return kind, whole


TEXT = st.text(max_size=8)


@given(
    fields=st.lists(st.tuples(TEXT, TEXT, st.none() | TEXT, st.none() | st.just("x/y")), max_size=4),
    quote=st.booleans(),
    charset=st.sampled_from([None, "utf-8", "latin-1"]),
    multipart=st.booleans(),
)
def test_any_form_is_as_aiohttps(fields: Any, quote: bool, charset: Any, multipart: bool) -> None:
    results: list[Any] = []
    for kind in (formdata.FormData, aiohttp.FormData):
        try:
            form = kind(quote_fields=quote, charset=charset, default_to_multipart=multipart)
            for name, value, filename, content_type in fields:
                form.add_field(name, value, filename=filename, content_type=content_type)
            results.append(made(form))
        except Exception as error:
            results.append(type(error))
    assert results[0] == results[1]
