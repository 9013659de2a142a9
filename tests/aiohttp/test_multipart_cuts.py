"""`MultipartReader`: the same parts, however the stream is cut; and dispositions as aiohttp reads them."""

import asyncio
import warnings
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.aiohttp.parts import BOTH, Cut, headers, multipart

#: What looks like a boundary, or like a part of one.
LIKE_ONE = [b"\r", b"\n", b"-", b"--", b"\r\n--", b"\r\n--bor", b"--border", b"border", b"x", b"\r\n"]


def without_a_boundary(parts: list[bytes]) -> bytes:
    """Put them together to what a part may have in it, behind the blank line before it."""
    return (b"\r\n" + b"".join(parts)).replace(b"\r\n--border", b"\r\n--bord")[2:]


CONTENTS = st.lists(
    st.lists(st.sampled_from(LIKE_ONE), max_size=12).map(without_a_boundary), min_size=1, max_size=4
)
CUTS = st.lists(st.integers(min_value=0), max_size=12)

# How long it takes is the machine's.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def pieces(body: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, *(cut % (len(body) + 1) for cut in cuts), len(body)})
    return [body[begin:end] for begin, end in pairwise(places)]


@pytest.mark.parametrize("library", BOTH, ids=lambda library: library.__name__)
@UNHURRIED
@given(
    contents=CONTENTS,
    cuts=CUTS,
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


@UNHURRIED
@given(
    contents=CONTENTS,
    cuts=CUTS,
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


@UNHURRIED
@given(
    content=st.lists(st.sampled_from([b"\r\n", b"abcd", b"e", b"fg", b" ", b"="]), max_size=30).map(b"".join),
    cuts=CUTS,
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


@UNHURRIED
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
