"""`MultipartReader` and `BodyPartReader`: parts as they were sent, however the stream is cut."""

import asyncio
import base64
import binascii
import gzip
import importlib
import warnings
import zlib
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers.answering import Answering, answer
from tests.servers.raw import Connection, RawServer

ASYNCIO = pytest.mark.asyncio(loop_factories=["asyncio"])
BOTH = [importlib.import_module(name) for name in ("aiohttp", "aioxide.aiohttp")]

LONG = b"some text, some text, some text.\r\n--bor\r\n" * 3000


class Cut:
    """A stream that gives its data in pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = [piece for piece in pieces if piece]

    async def read(self, n: int = -1) -> bytes:
        if not self._pieces or n == 0:
            return b""
        first = self._pieces.pop(0)
        if 0 < n < len(first):
            self._pieces.insert(0, first[n:])
            first = first[:n]
        return first

    async def readline(self, *, max_line_length: int | None = None) -> bytes:
        line = b""
        while self._pieces and not line.endswith(b"\n"):
            first = self._pieces.pop(0)
            end = first.find(b"\n") + 1 or len(first)
            line += first[:end]
            if first[end:]:
                self._pieces.insert(0, first[end:])
        return line

    def at_eof(self) -> bool:
        return not self._pieces

    def unread_data(self, data: bytes) -> None:
        if data:
            self._pieces.insert(0, data)


def multipart(*parts: tuple[dict[str, str], bytes], boundary: str = "border", last: bool = True) -> bytes:
    lines = b""
    for headers, content in parts:
        said = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        lines += f"--{boundary}\r\n{said}\r\n".encode() + content + b"\r\n"
    return lines + (f"--{boundary}--\r\n".encode() if last else b"")


def headers(boundary: str = "border", subtype: str = "mixed") -> dict[str, str]:
    return {"Content-Type": f'multipart/{subtype}; boundary="{boundary}"'}


def serve(server: Answering, body: bytes, **of: str) -> str:
    return server.on("/parts", answer(headers=list(headers(**of).items()), body=body))


@ASYNCIO
async def test_the_parts_of_a_response(aiohttp: Any, session: Any, server: Answering) -> None:
    text = {"Content-Type": "text/plain; charset=latin-1", "X-Own": "y"}
    parts = [(text, "h\xe4".encode("latin-1")), ({"Content-Type": "application/json"}, b'{"a": [1]}')]
    url = serve(server, b"a preamble\r\n" + multipart(*parts, ({}, b""), ({}, LONG)) + b"an epilogue")
    async with session.get(url) as response:
        reader = aiohttp.MultipartReader.from_response(response)
        one = await reader.next()
        assert isinstance(one, aiohttp.BodyPartReader)
        assert one.headers["x-own"] == "y"
        assert not one.at_eof()
        assert await one.text() == "h\xe4"
        assert one.at_eof()
        assert await one.read() == b""
        two = await reader.next()
        assert await two.json() == {"a": [1]}
        rest = [await part.read() async for part in reader]
        assert rest == [b"", LONG]
        assert await reader.next() is None
        assert response.connection is None


@ASYNCIO
async def test_what_is_not_read_is_passed_over(aiohttp: Any, session: Any, server: Answering) -> None:
    url = serve(server, multipart(({"A": "1"}, LONG), ({"A": "2"}, b"x" * 100), ({"A": "3"}, b"")))
    async with session.get(url) as response:
        seen = []
        async for part in aiohttp.MultipartReader.from_response(response):
            seen.append(part.headers["A"])
            if part.headers["A"] == "2":
                assert await part.read_chunk(64) == b"x" * 64
    assert seen == ["1", "2", "3"]


@ASYNCIO
async def test_it_is_released(aiohttp: Any, session: Any, server: Answering) -> None:
    async with session.get(serve(server, multipart(({}, b"a"), ({}, b"b")))) as response:
        reader = aiohttp.MultipartReader(response.headers, response.content)
        part = await reader.next()
        await part.release()
        assert part.at_eof()
        await reader.release()
        assert reader.at_eof()
        assert await reader.next() is None


@ASYNCIO
async def test_parts_come_while_the_body_does() -> None:
    # aiohttp waits for what is behind a part.
    [_, aiohttp] = BOTH
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def script(connection: Connection) -> None:
        connection.read_head()
        head = answer(headers=list(headers().items()), length=None)
        connection.send(head + multipart(({"A": "1"}, b"one"), last=False) + b"--border\r\nA: 2\r\n\r\ntwo")
        asyncio.run_coroutine_threadsafe(asked.wait(), loop).result()
        connection.send(b"\r\n--border--\r\n")

    with RawServer(script) as server:
        async with aiohttp.ClientSession() as session, session.get(server.url) as response:
            reader = aiohttp.MultipartReader.from_response(response)
            assert await (await reader.next()).read() == b"one"
            part = await reader.next()
            assert part.headers["A"] == "2"
            asked.set()
            assert await part.read() == b"two"
            assert await reader.next() is None


@ASYNCIO
async def test_parts_of_parts(aiohttp: Any, session: Any, server: Answering) -> None:
    inner = multipart(({}, b"in one"), ({}, b"in two"), boundary="inner")
    nested = ({"Content-Type": "multipart/related; boundary=inner"}, b"preamble\r\n" + inner)
    url = serve(server, multipart(({}, b"before"), nested, nested, ({}, b"after")))
    async with session.get(url) as response:
        reader = aiohttp.MultipartReader.from_response(response)
        assert await (await reader.next()).read() == b"before"
        parts = await reader.next()
        assert isinstance(parts, aiohttp.MultipartReader)
        assert [await part.read() async for part in parts] == [b"in one", b"in two"]
        assert parts.at_eof()
        # The next is passed over.
        await reader.next()
        assert await (await reader.next()).read() == b"after"
        assert await reader.next() is None


@ASYNCIO
async def test_what_is_behind_the_parts_of_a_part() -> None:
    # aiohttp expects one line at the most.
    [_, aiohttp] = BOTH
    inner = multipart(({}, b"in"), boundary="inner") + b"an epilogue\r\nof two lines"
    nested = ({"Content-Type": "multipart/related; boundary=inner"}, inner)
    reader = aiohttp.MultipartReader(headers(), Cut(multipart(nested, ({}, b"after"))))
    found = [await part.read() async for part in await reader.next()]
    assert found == [b"in"]
    assert await (await reader.next()).read() == b"after"


CODED = {
    "gzip": ({"Content-Encoding": "gzip"}, gzip.compress(LONG)),
    "deflate": ({"Content-Encoding": "deflate"}, zlib.compress(LONG, wbits=-15)),
    "identity": ({"Content-Encoding": "identity"}, LONG),
    "base64": ({"Content-Transfer-Encoding": "base64"}, base64.encodebytes(LONG)),
    "quoted-printable": (
        {"Content-Transfer-Encoding": "Quoted-Printable"},
        binascii.b2a_qp(LONG.replace(b"\r\n", b"\n") + b"\xff"),
    ),
    "binary": ({"Content-Transfer-Encoding": "binary"}, LONG),
    "7bit": ({"Content-Transfer-Encoding": "7bit"}, LONG),
    "both": (
        {"Content-Encoding": "gzip", "Content-Transfer-Encoding": "base64"},
        base64.b64encode(gzip.compress(LONG)),
    ),
    "two of gzip": ({"Content-Encoding": "gzip"}, gzip.compress(LONG[:100]) + gzip.compress(LONG[100:])),
}


@pytest.mark.parametrize("name", CODED)
@ASYNCIO
async def test_codings(aiohttp: Any, session: Any, server: Answering, name: str) -> None:
    said, content = CODED[name]
    whole = LONG.replace(b"\r\n", b"\n") + b"\xff" if name == "quoted-printable" else LONG
    part = ({"Content-Type": "text/plain; charset=latin-1", **said}, content)
    async with session.get(serve(server, multipart(part, part, part))) as response:
        reader = aiohttp.MultipartReader.from_response(response)
        first = await reader.next()
        assert await first.read() == content
        assert b"".join([bytes(piece) async for piece in first.decode_iter(content)]) == whole
        assert await (await reader.next()).read(decode=True) == whole
        assert await (await reader.next()).text() == whole.decode("latin-1")


@pytest.mark.parametrize("name", ["Content-Encoding", "Content-Transfer-Encoding"])
@ASYNCIO
async def test_codings_that_are_not_known(aiohttp: Any, name: str) -> None:
    reader = aiohttp.MultipartReader(headers(), Cut(multipart(({name: "rot13"}, b"x"))))
    part = await reader.next()
    with pytest.raises(RuntimeError, match=r"unknown content .*encoding: rot13"):
        await part.read(decode=True)


@ASYNCIO
async def test_in_pieces_of_base64_that_can_be_decoded(aiohttp: Any) -> None:
    data = bytes(range(256)) * 50
    part = ({"Content-Transfer-Encoding": "base64"}, base64.encodebytes(data))
    reader = aiohttp.MultipartReader(headers(), Cut(multipart(part)))
    part = await reader.next()
    decoded = b""
    while chunk := await part.read_chunk(101):
        assert len(chunk) <= 101
        decoded += part.decode(chunk)
    assert decoded == data


@ASYNCIO
async def test_lines(aiohttp: Any) -> None:
    for content, lines in (
        (b"one\r\ntwo\n\nthree", [b"one\r\n", b"two\n", b"\n", b"three"]),
        (b"one", [b"one"]),
    ):
        reader = aiohttp.MultipartReader(headers(), Cut(multipart(({}, content), ({}, b"next"))))
        part, found = await reader.next(), []
        while line := await part.readline():
            found.append(line)
        assert found == lines
        assert await (await reader.next()).readline() == b"next"


@ASYNCIO
async def test_a_form(aiohttp: Any) -> None:
    content = b"a=1&b=&c=%E4&a=2\r\n"
    part = ({"Content-Type": "application/x-www-form-urlencoded; charset=latin-1"}, content)
    reader = aiohttp.MultipartReader(headers(), Cut(multipart(part, part, ({}, b""), ({}, b"\xff"))))
    assert await (await reader.next()).form() == [("a", "1"), ("b", ""), ("c", "\xe4"), ("a", "2")]
    assert await (await reader.next()).form(encoding="utf-8") == [
        ("a", "1"),
        ("b", ""),
        ("c", "\ufffd"),
        ("a", "2"),
    ]
    empty = await reader.next()
    assert (await empty.form(), await empty.json(), await empty.text()) == ([], None, "")
    with pytest.raises(ValueError, match="utf-8"):
        await (await reader.next()).form()


@pytest.mark.parametrize(
    ("value", "name", "filename"),
    [
        ('form-data; name="a b"; filename="c;d.txt"', "a b", "c;d.txt"),
        ("attachment; filename*=utf-8''f%C3%BC.txt; filename=x", None, "f\xfc.txt"),
        ('attachment; filename*0="one-"; filename*1=two', None, "one-two"),
        ("attachment; filename*0*=utf-8'en'%c3%a4; filename*1=b", None, "\xe4b"),
        ('attachment; filename="../../etc/passwd"', None, "../../etc/passwd"),
        ('attachment; filename="/etc/passwd"', None, "etc/passwd"),
        (None, None, None),
    ],
)
@ASYNCIO
async def test_names(aiohttp: Any, value: str | None, name: str | None, filename: str | None) -> None:
    said = {} if value is None else {"Content-Disposition": value}
    part = await aiohttp.MultipartReader(headers(), Cut(multipart((said, b"")))).next()
    assert (part.name, part.filename) == (name, filename)


@ASYNCIO
async def test_a_disposition_that_cannot_be_read(aiohttp: Any, session: Any, server: Answering) -> None:
    server.on("/x", answer(headers=[("Content-Disposition", "attachment; filename=a b")]))
    async with session.get(f"{server.url}/x") as response:
        with pytest.warns(aiohttp.BadContentDispositionHeader):
            disposition = response.content_disposition
        assert (disposition.type, disposition.filename) == (None, None)
    server.on("/x", answer(headers=[("Content-Disposition", "attachment; filename*=none''%C3; n=1")]))
    async with session.get(f"{server.url}/x") as response:
        with pytest.warns(aiohttp.BadContentDispositionParam):
            disposition = response.content_disposition
        assert disposition.type == "attachment"
        assert dict(disposition.parameters) == {"n": "1"}


@ASYNCIO
async def test_a_length(aiohttp: Any) -> None:
    inside = b"a\r\n--border\r\nb"
    parts = [({"Content-Length": "0"}, b""), ({"Content-Length": str(len(inside))}, inside), ({}, b"c")]
    reader = aiohttp.MultipartReader(headers(), Cut(multipart(*parts)))
    assert [await part.read() async for part in reader] == [b"", inside, b"c"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", "starting boundary"),
        (b"nothing of it\r\n", "starting boundary"),
        (multipart(({}, b"abc"), last=False)[:-2], "after EOF"),
        (multipart(({"Content-Length": "2"}, b"abc")), "malformed"),
        (multipart(({"Content-Length": "1000"}, b"abc")), "malformed"),
        (multipart(({"Content-Length": "+3"}, b"abc")), "Content-Length"),
        (multipart(({}, b"abc"), last=False) + b"--borderline\r\n", "Invalid boundary"),
    ],
)
@ASYNCIO
async def test_what_is_wrong(aiohttp: Any, body: bytes, error: str) -> None:
    reader = aiohttp.MultipartReader(headers(), Cut(body))

    async def read() -> None:
        async for part in reader:
            await part.read()

    with pytest.raises(ValueError, match=error):
        await read()


@pytest.mark.parametrize("line", [b"no colon", b": x", b"a b: c", b"a : b", b"a: \x00"])
@ASYNCIO
async def test_headers_that_are_none(aiohttp: Any, line: bytes) -> None:
    errors = importlib.import_module(f"{aiohttp.__name__}.http_exceptions")
    body = b"--border\r\n" + line + b"\r\n\r\nx\r\n--border--\r\n"
    with pytest.raises(errors.InvalidHeader):
        await aiohttp.MultipartReader(headers(), Cut(body)).next()


@ASYNCIO
async def test_headers_that_are_too_many(aiohttp: Any) -> None:
    errors = importlib.import_module(f"{aiohttp.__name__}.http_exceptions")
    for said in (b"a: b\r\n" * 5, b"Content-Type: a/b\r\n" * 2):
        body = b"--border\r\n" + said + b"\r\nx\r\n--border--\r\n"
        with pytest.raises(errors.BadHttpMessage):
            await aiohttp.MultipartReader(headers(), Cut(body), max_headers=3).next()


@ASYNCIO
async def test_a_part_that_is_too_long(aiohttp: Any) -> None:
    class TooLongError(Exception):
        pass

    for content in (b"x" * 2000, gzip.compress(b"x" * 2000)):
        coded = {} if content[:1] == b"x" else {"Content-Encoding": "gzip"}
        limits = {"client_max_size": 1000, "max_size_error_cls": TooLongError}
        reader = aiohttp.MultipartReader(headers(), Cut(multipart((coded, content))), **limits)
        with pytest.raises(TooLongError):
            await (await reader.next()).read(decode=True)


def test_what_is_no_multipart(aiohttp: Any) -> None:
    with pytest.raises((ValueError, AssertionError), match="multipart"):
        aiohttp.MultipartReader({"Content-Type": "text/plain"}, Cut())
    with pytest.raises(ValueError, match="boundary missed"):
        aiohttp.MultipartReader({"Content-Type": "multipart/mixed"}, Cut())
    with pytest.raises(ValueError, match="too long"):
        aiohttp.MultipartReader(headers("b" * 71), Cut())
    with pytest.raises(KeyError):
        aiohttp.MultipartReader({}, Cut())


@ASYNCIO
async def test_the_charset_of_a_form() -> None:
    # aiohttp takes the boundary behind it for a header.
    [_, aiohttp] = BOTH
    first = ({"Content-Disposition": 'form-data; name="_charset_"'}, b"latin-1")
    body = multipart(first, ({}, b"\xe4"), ({"Content-Type": "text/plain; charset=utf-8"}, b"\xc3\xa4"))
    reader = aiohttp.MultipartReader(headers(subtype="form-data"), Cut(body))
    assert [await part.text() async for part in reader] == ["\xe4", "\xe4"]
    reader = aiohttp.MultipartReader(headers(subtype="form-data"), Cut(multipart(first)))
    assert await reader.next() is None
    long = (first[0], b"x" * 32)
    with pytest.raises(RuntimeError, match="Invalid default charset"):
        await aiohttp.MultipartReader(headers(subtype="form-data"), Cut(multipart(long))).next()


@ASYNCIO
async def test_classes_of_ones_own(aiohttp: Any, session: Any, server: Answering) -> None:
    class Part(aiohttp.BodyPartReader):  # type: ignore[misc, name-defined]
        pass

    class Inner(aiohttp.MultipartReader):  # type: ignore[misc, name-defined]
        pass

    class Reader(aiohttp.MultipartReader):  # type: ignore[misc, name-defined]
        part_reader_cls = Part
        multipart_reader_cls = Inner

    nested = multipart(({}, b"x"), boundary="inner")
    body = multipart(({}, b"a"), ({"Content-Type": "multipart/mixed; boundary=inner"}, nested))
    async with session.get(serve(server, body)) as response:
        kinds = [type(part) async for part in Reader.from_response(response)]
    assert kinds == [Part, Inner]


@ASYNCIO
async def test_a_part_is_sent_on(aiohttp: Any, session: Any, server: Answering) -> None:
    said = {"Content-Disposition": 'form-data; name="n"; filename="f.txt"'}
    body = multipart((said, LONG), ({"Content-Encoding": "gzip"}, gzip.compress(b"unzipped")))
    async with session.get(serve(server, body)) as response:
        async for part in aiohttp.MultipartReader.from_response(response):
            async with session.post(f"{server.url}/on", data=part) as answered:
                assert answered.status == 200
    first, second = (seen for seen in server.seen if seen.path == "/on")
    assert first.body == LONG
    assert first.one("content-disposition") == 'attachment; name="n"; filename="f.txt"'
    assert second.body == b"unzipped"


# ---- however it is cut ----

#: What looks like a boundary, or like a part of one.
CONTENTS = st.lists(
    st.sampled_from(
        [b"\r", b"\n", b"-", b"--", b"\r\n--", b"\r\n--bor", b"--border", b"border", b"x", b"\r\n"]
    ),
    max_size=12,
).map(b"".join)


def is_possible(content: bytes) -> bool:
    return b"\r\n--border" not in b"\r\n" + content


def pieces(body: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, *(cut % (len(body) + 1) for cut in cuts), len(body)})
    return [body[begin:end] for begin, end in pairwise(places)]


@pytest.mark.parametrize("library", BOTH, ids=lambda library: library.__name__)
@given(
    contents=st.lists(CONTENTS.filter(is_possible), min_size=1, max_size=4),
    cuts=st.lists(st.integers(min_value=0), max_size=12),
    size=st.integers(min_value=16, max_value=60),
)
def test_however_it_is_cut(library: Any, contents: list[bytes], cuts: list[int], size: int) -> None:
    body = multipart(*[({}, content) for content in contents])

    async def read() -> list[bytes]:
        found = []
        reader = library.MultipartReader(headers(), Cut(*pieces(body, cuts)))
        async for part in reader:
            chunks = []
            while not part.at_eof():
                chunks.append(await part.read_chunk(size))
            assert all(len(chunk) <= size for chunk in chunks)
            found.append(b"".join(chunks))
        return found

    assert asyncio.run(read()) == contents


@given(
    contents=st.lists(CONTENTS.filter(is_possible), min_size=1, max_size=4),
    cuts=st.lists(st.integers(min_value=0), max_size=12),
)
def test_lines_however_they_are_cut(contents: list[bytes], cuts: list[int]) -> None:
    body = multipart(*[({}, content) for content in contents])

    async def read() -> list[list[bytes]]:
        found = []
        async for part in BOTH[1].MultipartReader(headers(), Cut(*pieces(body, cuts))):
            lines = []
            while line := await part.readline():
                lines.append(line)
            assert part.at_eof()
            found.append(lines)
        return found

    expected = [content.split(b"\n") for content in contents]
    lines = [[line + b"\n" for line in some[:-1]] + [last for last in some[-1:] if last] for some in expected]
    assert asyncio.run(read()) == lines


@given(
    content=st.lists(st.sampled_from([b"\r\n", b"abcd", b"e", b"fg", b" ", b"="]), max_size=30).map(b"".join),
    cuts=st.lists(st.integers(min_value=0), max_size=12),
    size=st.integers(min_value=1, max_value=40),
)
def test_base64_however_it_is_cut(content: bytes, cuts: list[int], size: int) -> None:
    body = multipart(({"Content-Transfer-Encoding": "base64"}, content))

    async def read() -> list[bytes]:
        part = await BOTH[1].MultipartReader(headers(), Cut(*pieces(body, cuts))).next()
        chunks = []
        while not part.at_eof():
            chunks.append(await part.read_chunk(size))
        return chunks

    chunks = asyncio.run(read())
    assert b"".join(chunks) == content
    letters = [len(chunk.translate(None, b" \r\n")) for chunk in chunks]
    assert all(count % 4 == 0 for count in letters[:-1] if chunks[-1]) or not chunks[-1]


@given(
    st.lists(
        st.sampled_from([*"abfn*=;\"' \\/%09\xe9", "filename", "utf-8''", "%C3%A9", "*0", "*1*"]), max_size=14
    )
)
def test_dispositions_are_read_as_by_aiohttp(pieces: list[str]) -> None:
    found = []
    for library in BOTH:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            kind, parameters = library.parse_content_disposition("attachment; " + "".join(pieces))
            try:
                name = library.content_disposition_filename(parameters)
            except ValueError:
                # aiohttp expects two quotes where it finds one.
                name = None
        found.append((kind, parameters, name, [(one.category, str(one.message)) for one in told]))
    assert found[0] == found[1]
