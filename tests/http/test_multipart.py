"""Multipart forms: what another parser reads in them is what was given."""

# ruff: noqa: ASYNC230 -- the files are small and local

import asyncio
import email.parser
import email.policy
import io
import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aioxide
from aioxide.testing import LocalSite
from tests.servers.raw import Connection, RawServer


class Part(NamedTuple):
    name: str
    file_name: str | None
    content_type: str | None
    content: bytes


def parse(content_type: str, body: bytes) -> list[Part]:
    """Read a form with the parser of Python's email package."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    assert message.is_multipart()
    assert not message.defects
    parts = []
    for part in message.get_payload():
        disposition = raw_header(part, "content-disposition")
        kind = raw_header(part, "content-type")
        found = re.fullmatch(r'form-data; name="([^"]*)"(?:; filename="([^"]*)")?', disposition or "")
        assert found, disposition
        parts.append(Part(found[1], found[2], kind, part.get_payload(decode=True)))
    return parts


def raw_header(part: Any, name: str) -> str | None:
    """A header as it was sent, since the package reads more into it than RFC 7578 means."""
    for key, value in part._headers:
        if key.lower() == name:
            return str(value).encode("ascii", "surrogateescape").decode()
    return None


def split(content_type: str, body: bytes) -> list[Part]:
    """Read a form by the letter of RFC 2046: the email package changes line ends within text."""
    boundary = re.fullmatch(r"multipart/form-data; boundary=(\S+)", content_type)
    assert boundary
    mark = b"--" + boundary[1].encode()
    assert body.startswith(mark + b"\r\n")
    assert body.endswith(b"\r\n" + mark + b"--\r\n")
    parts = []
    for piece in body[len(mark) + 2 : -len(mark) - 6].split(b"\r\n" + mark + b"\r\n"):
        head, content = piece.split(b"\r\n\r\n", 1)
        lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        found = re.fullmatch(
            r'form-data; name="([^"]*)"(?:; filename="([^"]*)")?', lines["Content-Disposition"]
        )
        assert found, lines
        parts.append(Part(found[1], found[2], lines.get("Content-Type"), content))
    return parts


async def sent(site: LocalSite, **request: Any) -> tuple[str, bytes]:
    """The content type and the body that the site sees."""
    response = await aioxide.fetch(f"{site.url}/echo/body", method="POST", **request)
    return dict(site.requests()[-1].headers)["content-type"], response.content


async def parts(site: LocalSite, **request: Any) -> list[Part]:
    content_type, body = await sent(site, **request)
    found = split(content_type, body)
    if all(part.content.isascii() and b"\r" not in part.content for part in found):
        assert [part[:3] for part in parse(content_type, body)] == [part[:3] for part in found]
    return found


# ---- the forms of a part ----


@pytest.mark.parametrize(
    ("given_file", "part"),
    [
        (b"bytes", ("upload", "application/octet-stream", b"bytes")),
        ("täxt", ("upload", "application/octet-stream", "täxt".encode())),
        (io.BytesIO(b"io"), ("upload", "application/octet-stream", b"io")),
        (("a.txt", b"x"), ("a.txt", "text/plain", b"x")),
        (("a.png", "x", "image/x-mine"), ("a.png", "image/x-mine", b"x")),
        (("a.tar.gz", b"x"), ("a.tar.gz", "application/gzip", b"x")),
        (("a.unknown-to-all", b"x"), ("a.unknown-to-all", "application/octet-stream", b"x")),
        (("dir/a.txt", b"x"), ("dir/a.txt", "text/plain", b"x")),
        ((None, b"x"), (None, None, b"x")),
        ((None, b"x", "text/csv"), (None, "text/csv", b"x")),
        (("a.txt", b"x", None, {"content-type": "text/own"}), ("a.txt", "text/own", b"x")),
        (("a.txt", b"x", "text/first", {"content-type": "text/own"}), ("a.txt", "text/first", b"x")),
        (("a.txt", [b"x", "y"]), ("a.txt", "text/plain", b"xy")),
        (("", b"x"), ("", "application/octet-stream", b"x")),
    ],
)
async def test_a_part(site: LocalSite, given_file: Any, part: tuple[str | None, str | None, bytes]) -> None:
    assert await parts(site, files={"field": given_file}) == [Part("field", *part)]
    assert "content-length" in dict(site.requests()[-1].headers)


async def test_an_open_file_has_its_name_and_its_length(site: LocalSite, tmp_path: Path) -> None:
    path = tmp_path / 'a "b" ü.json'
    path.write_bytes(b"{}" * 100_000)
    with open(path, "rb") as file:
        file.seek(2)
        found = await parts(site, files={"field": file})
        assert file.tell() == 2
    assert found == [Part("field", "a %22b%22 ü.json", "application/json", b"{}" * 99_999)]
    headers = dict(site.requests()[-1].headers)
    assert int(headers["content-length"]) > 199_998
    assert "transfer-encoding" not in headers


async def test_fields_and_files_in_order(site: LocalSite) -> None:
    found = await parts(
        site,
        data={"a": ["1", 2], "b": None, "c": b"\xff\x00", "d": True},
        files=[("f", ("1.txt", b"1")), ("g", b"2"), ("f", ("3.txt", b"3"))],
    )
    assert [(part.name, part.file_name, part.content) for part in found] == [
        ("a", None, b"1"),
        ("a", None, b"2"),
        ("b", None, b""),
        ("c", None, b"\xff\x00"),
        ("d", None, b"true"),
        ("f", "1.txt", b"1"),
        ("g", "upload", b"2"),
        ("f", "3.txt", b"3"),
    ]


async def test_a_list_of_files_repeats_the_name(site: LocalSite) -> None:
    found = await parts(site, files={"f": [b"1", ("b.txt", b"2")]})
    assert [(part.name, part.file_name) for part in found] == [("f", "upload"), ("f", "b.txt")]


async def test_the_headers_of_a_part(site: LocalSite) -> None:
    _, body = await sent(site, files={"f": ("a", b"x", "text/plain", {"X-Own": "ä", "x-own": "b"})})
    assert "\r\nContent-Type: text/plain\r\nx-own: ä\r\nx-own: b\r\n\r\nx\r\n".encode() in body


async def test_no_files_is_a_form(site: LocalSite) -> None:
    for empty in ({}, [], None):
        assert await sent(site, data={"a": "b"}, files=empty) == ("application/x-www-form-urlencoded", b"a=b")


# ---- the boundary ----


async def test_each_form_has_its_own_boundary(site: LocalSite) -> None:
    kinds = {(await sent(site, files={"f": b""}))[0] for _ in range(20)}
    assert len(kinds) == 20
    assert all(re.fullmatch(r"multipart/form-data; boundary=[0-9a-f]{32}", kind) for kind in kinds)


@pytest.mark.parametrize(
    ("header", "boundary"),
    [
        ("multipart/form-data; boundary=mine", b"mine"),
        ('multipart/form-data; boundary="my own"', b"my own"),
        ("Multipart/Form-Data; charset=utf-8; Boundary=Mine", b"Mine"),
        ("multipart/related; boundary=mine", b"mine"),
    ],
)
async def test_the_callers_boundary_is_used(site: LocalSite, header: str, boundary: bytes) -> None:
    content_type, body = await sent(site, files={"f": b"x"}, headers={"Content-Type": header})
    assert content_type == header
    assert body.startswith(b"--" + boundary + b"\r\n")
    assert body.endswith(b"\r\n--" + boundary + b"--\r\n")


@pytest.mark.parametrize("header", ["multipart/form-data", "multipart/form-data;", "multipart/mixed; a=b"])
async def test_a_type_without_a_boundary_gets_one(site: LocalSite, header: str) -> None:
    content_type, body = await sent(site, files={"f": b"x"}, headers={"Content-Type": header})
    found = re.fullmatch(re.escape(header.rstrip(";")) + r"; boundary=([0-9a-f]{32})", content_type)
    assert found
    assert body.startswith(b"--" + found[1].encode())


@pytest.mark.parametrize(
    "header",
    [
        "application/json",
        "text/plain; boundary=x",
        "nonsense",
        'multipart/form-data; boundary=""',
        "multipart/form-data; boundary=" + "x" * 71,
        'multipart/form-data; boundary="a;b"',
        'multipart/form-data; boundary="a "',
    ],
)
def test_a_type_or_boundary_that_cannot_be_is_refused(header: str) -> None:
    with pytest.raises(ValueError, match=r"Content-Type|boundary"):
        aioxide.fetch("http://host/", method="POST", files={"f": b"x"}, headers={"Content-Type": header})


# ---- names, and what is refused ----


@pytest.mark.parametrize("name", ['a"b', "a\r\nX-Evil: 1", "a\nb", "ä€", "a\\b", "a%22b", "a;b=c", ""])
async def test_names_are_escaped_as_browsers_do(site: LocalSite, name: str) -> None:
    escaped = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    assert await parts(site, data={name: "x"}, files={name: (name, b"y", "a/b")}) == [
        Part(escaped, None, None, b"x"),
        Part(escaped, escaped, "a/b", b"y"),
    ]


@pytest.mark.parametrize(
    "file",
    [
        ("a", b"x", "text/plain\r\nX-Evil: 1"),
        ("a", b"x", "text/plain", {"X-A": "b\r\nX-Evil: 1"}),
        ("a", b"x", "text/plain", {"X A": "b"}),
        ("a", b"x", "text/plain", {"Content-Disposition": "form-data; name=evil"}),
        ("a", "\ud800"),
        ("\ud800", b"x"),
    ],
)
def test_what_would_break_a_part_is_refused(file: Any) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        aioxide.fetch("http://host/", method="POST", files={"f": file})
    assert caught.type is not RuntimeError


@pytest.mark.parametrize(
    "files",
    [
        3,
        b"bytes",
        [b"bytes"],
        {"f": None},
        {"f": 3},
        {"f": {"a": b"b"}},
        {"f": ("a",)},
        {"f": ("a", b"", "b", {}, "more")},
        {"f": (b"a", b"")},
        {"f": ("a", b"", 3)},
        {"f": ("a", None)},
        {3: b""},
        {"f": io.StringIO("text")},
    ],
)
def test_files_that_mean_nothing_are_a_type_error(files: Any) -> None:
    with pytest.raises(TypeError):
        aioxide.fetch("http://host/", method="POST", files=files)


@pytest.mark.parametrize("other", ["content", "json"])
def test_files_go_with_data_alone(other: str) -> None:
    with pytest.raises(ValueError, match="three ways to give one body"):
        aioxide.fetch("http://host/", files={"f": b""}, **{other: b"1" if other == "content" else "1"})


# ---- streams ----


async def chunks() -> AsyncIterator[bytes]:
    for number in range(5):
        yield b"%d" % number * 50_000


async def test_iterators_one_after_the_other(site: LocalSite, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"file" * 100_000)
    whole = b"".join([chunk async for chunk in chunks()])
    with open(path, "rb") as file:
        found = await parts(
            site,
            files={
                "a": ("a", chunks()),
                "b": ("b", file),
                "c": ("c", iter([b"x", b"y"])),
                "d": ("d", bytes(200_000)),
                "e": ("e", chunks()),
            },
        )
    assert [part.content for part in found] == [whole, b"file" * 100_000, b"xy", bytes(200_000), whole]
    assert dict(site.requests()[-1].headers)["transfer-encoding"] == "chunked"


async def test_an_iterator_is_asked_when_its_turn_comes(
    client: aioxide.Client, until: Callable[..., Any]
) -> None:
    asked: list[str] = []

    def of(name: str, count: int) -> Iterator[bytes]:
        for _ in range(count):
            asked.append(name)
            yield bytes(1024 * 1024)

    go_on = threading.Event()

    def script(connection: Connection) -> None:
        connection.read_head()
        go_on.wait()

    with RawServer(script) as server:
        request = asyncio.ensure_future(
            client.post(server.url, files={"a": ("a", of("a", 1000)), "b": ("b", of("b", 1))})
        )
        await until(lambda: asked)
        for _ in range(500):
            await aioxide._core.noop()
        assert "b" not in asked
        request.cancel()
        await asyncio.wait([request])
        go_on.set()


async def test_what_the_second_iterator_raises_closes_the_first(site: LocalSite) -> None:
    failure = LookupError("second")

    def fails() -> Iterator[bytes]:
        yield b"a"
        raise failure

    with pytest.raises(LookupError) as caught:
        await sent(site, files={"a": ("a", chunks()), "b": ("b", fails())})
    assert caught.value is failure


async def test_a_form_of_files_is_sent_again_after_a_redirect(site: LocalSite, tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(b"x" * 100_000)
    with open(path, "rb") as file:
        response = await aioxide.fetch(
            f"{site.url}/redirect/to?url=/echo/body&status=308", method="POST", files={"f": file}
        )
    (part,) = split(dict(site.requests()[-1].headers)["content-type"], response.content)
    assert (part.file_name, len(part.content)) == ("file.bin", 100_000)


# ---- any form ----


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
contents = st.binary(max_size=300) | st.integers(60_000, 70_000).map(bytes)
forms = st.lists(st.tuples(names, st.none() | names, contents, st.sampled_from(["whole", "chunks", "io"])))


@settings(max_examples=60, deadline=None)
@given(forms.filter(bool))
def test_a_parser_reads_what_was_given(form: list[tuple[str, str | None, bytes, str]]) -> None:
    def content(data: bytes, how: str) -> Any:
        if how == "chunks":
            return (data[at : at + 7000] for at in range(0, len(data), 7000))
        return io.BytesIO(data) if how == "io" else data

    def escaped(name: str) -> str:
        return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")

    files = [(name, (file_name, content(data, how), "a/b")) for name, file_name, data, how in form]
    found = asyncio.run(parts(SITE, files=files))
    assert found == [
        Part(escaped(name), None if file_name is None else escaped(file_name), "a/b", data)
        for name, file_name, data, _ in form
    ]


@pytest.fixture(autouse=True, scope="module")
def shared_site() -> Iterator[None]:
    """A site for the test that cannot take a fixture."""
    global SITE
    with LocalSite() as SITE:
        yield
