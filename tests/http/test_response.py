"""What a response tells."""

import asyncio
import copy
import datetime
import gzip
import json
import pickle
import time
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aioxide
from aioxide import Response
from aioxide.testing import LocalSite, pattern
from tests.servers.raw import RawServer, reply


async def test_a_response_tells_what_came(site: LocalSite, client: aioxide.Client) -> None:
    begin = time.monotonic()
    response = await client.get(f"{site.url}/bytes/1000")
    took = time.monotonic() - begin
    assert (response.status_code, response.status, response.reason_phrase) == (200, 200, "OK")
    assert (response.ok, response.is_success) == (True, True)
    assert response.url == f"{site.url}/bytes/1000"
    assert response.http_version == "HTTP/1.1"
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.content == pattern(1000)
    assert response.content is response.content
    assert response.headers is response.headers
    assert response.text is response.text
    assert response.request is response.request
    assert isinstance(response.elapsed, datetime.timedelta)
    assert 0 < response.elapsed.total_seconds() <= took
    assert repr(response) == "<Response [200 OK]>"
    assert response
    assert response.raise_for_status() is response


@pytest.mark.parametrize("length", [0, 1, 1000, 65_536, 1_000_000, 20_000_000])
@pytest.mark.parametrize("http1", [True, False], ids=["HTTP/1.1", "HTTP/2"])
async def test_a_body_of_any_length_comes_whole(site: LocalSite, length: int, http1: bool) -> None:
    async with aioxide.Client(http1=http1) as client:
        response = await client.get(f"{site.url}/bytes/{length}")
    assert response.content == pattern(length)


async def test_a_body_in_chunks_comes_whole(site: LocalSite, client: aioxide.Client) -> None:
    response = await client.get(f"{site.url}/chunked/1000/333")
    assert response.content == pattern(333) * 1000
    assert "content-length" not in response.headers


async def test_a_body_up_to_the_end_of_the_connection(client: aioxide.Client) -> None:
    with RawServer(reply(b"HTTP/1.0 200 OK\r\n\r\nall of it")) as server:
        response = await client.get(server.url)
    assert (response.text, response.http_version) == ("all of it", "HTTP/1.0")


@pytest.mark.parametrize(
    ("status", "ok", "kinds"),
    [
        (204, True, "success"),
        (304, True, "redirect"),
        (404, False, "client_error"),
        (418, False, "client_error"),
        (503, False, "server_error"),
        (799, False, ""),
    ],
)
async def test_each_class_of_status(
    site: LocalSite, client: aioxide.Client, status: int, ok: bool, kinds: str
) -> None:
    response = await client.get(f"{site.url}/status/{status}")
    assert (response.status_code, response.ok) == (status, ok)
    for kind in ["success", "redirect", "client_error", "server_error"]:
        assert getattr(response, f"is_{kind}") is (kind == kinds)


async def test_the_servers_own_reason(client: aioxide.Client) -> None:
    with RawServer(reply(b"HTTP/1.1 200 Certainly, sir\r\ncontent-length: 0\r\n\r\n")) as server:
        response = await client.get(server.url)
    assert response.reason_phrase == "Certainly, sir"
    assert repr(response) == "<Response [200 Certainly, sir]>"


async def test_http2_has_no_reason_and_gets_the_usual_one(site: LocalSite) -> None:
    async with aioxide.Client(http1=False) as client:
        assert (await client.get(f"{site.url}/status/404")).reason_phrase == "Not Found"


async def test_an_answer_before_the_answer_is_passed_over(client: aioxide.Client) -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
    with RawServer(reply(early)) as server:
        assert (await client.get(server.url)).text == "ok"


# ---- raise_for_status ----


async def test_raise_for_status_shows_the_url_and_the_body(site: LocalSite, client: aioxide.Client) -> None:
    response = await client.get(f"{site.url}/status/404")
    with pytest.raises(aioxide.HTTPStatusError) as caught:
        response.raise_for_status()
    error = caught.value
    assert str(error) == f"404 Not Found for GET {site.url}/status/404: {response.text.strip()}"
    assert error.response is response
    assert error.request is response.request
    assert (error.method, error.url) == ("GET", response.url)
    assert not isinstance(error, aioxide.RequestError)


@pytest.mark.parametrize("status", [200, 204, 304])
async def test_below_400_nothing_is_raised(site: LocalSite, client: aioxide.Client, status: int) -> None:
    response = await client.get(f"{site.url}/status/{status}")
    assert response.raise_for_status() is response


def test_a_long_body_is_cut_and_a_binary_one_left_out() -> None:
    for body, shown in [
        (b"word " * 1000, "word word"),
        ("ä".encode() * 5000, "ää"),
        (b"\x00\x01\x02" * 10, ""),
        (b"", ""),
        (b"line one\n\n   line two\t", "line one line two"),
    ]:
        with pytest.raises(aioxide.HTTPStatusError) as caught:
            Response(500, content=body).raise_for_status()
        message = str(caught.value)
        assert message.startswith("500 Internal Server Error")
        assert shown in message
        assert len(message) < 250
        assert "\n" not in message


# ---- JSON ----


async def test_json(site: LocalSite, client: aioxide.Client) -> None:
    response = await client.get(f"{site.url}/json/100")
    assert response.json() == json.loads(response.content)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
)


@settings(max_examples=200, deadline=None)
@given(values, st.booleans())
def test_json_is_what_json_loads_makes_of_it(value: Any, ascii_only: bool) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    assert Response(200, content=body).json() == json.loads(body)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=40) | st.text('[]{}",:0123456789.eE+-\\u tfn', max_size=30).map(str.encode))
def test_json_refuses_what_json_loads_refuses(body: bytes) -> None:
    assert outcome(lambda: Response(200, content=body).json()) == outcome(lambda: json.loads(body))


def outcome(parse: Callable[[], Any]) -> str:
    """What came of it, in words: NaN is not equal to itself."""
    try:
        return repr(parse())
    except ValueError as error:
        return f"{type(error)}: {error}"


@pytest.mark.parametrize(
    "body",
    [
        "\ufeff[1]".encode(),
        '["ä"]'.encode("utf-16"),
        '["ä"]'.encode("utf-32-le"),
        b'"\\ud800"',
        b"[" * 500 + b"]" * 500,
        b"[NaN, Infinity, -Infinity, 1e999]",
        b"1" * 4000,
        b'{"a": 1, "a": 2}',
        b" \n[1] \t",
    ],
    ids=["BOM", "UTF-16", "UTF-32", "surrogate", "deep", "no number", "long", "twice", "spaces"],
)
def test_json_reads_all_that_json_loads_reads(body: bytes) -> None:
    got, want = Response(200, content=body).json(), json.loads(body)
    assert repr(got) == repr(want)


def test_json_takes_the_arguments_of_json_loads() -> None:
    assert repr(Response(200, content=b"[1.10]").json(parse_float=str)) == "['1.10']"


@pytest.mark.parametrize("body", [b"", b"<html>", b"{'a': 1}", b"[1,]", b"\xff\xfe\xfa"])
def test_json_that_is_none_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        Response(200, content=body).json()


# ---- codings ----


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate"])
@pytest.mark.parametrize("length", [0, 1, 10_000, 5_000_000])
async def test_codings_are_undone(site: LocalSite, client: aioxide.Client, coding: str, length: int) -> None:
    response = await client.get(f"{site.url}/{coding}/{length}")
    assert response.headers["content-encoding"] == coding
    assert response.content == pattern(length)


def coded(coding: bytes, body: bytes) -> RawServer:
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: %s\r\ncontent-length: %d\r\n\r\n" % (coding, len(body))
    return RawServer(reply(head + body))


def raw_deflate(data: bytes) -> bytes:
    squeeze = zlib.compressobj(wbits=-15)
    return squeeze.compress(data) + squeeze.flush()


DATA = bytes(range(256)) * 1000


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        (b"gzip", gzip.compress(DATA)),
        (b"GZip", gzip.compress(DATA)),
        (b"x-gzip", gzip.compress(DATA)),
        (b"gzip", gzip.compress(DATA[:1000]) + gzip.compress(DATA[1000:])),
        (b"gzip", gzip.compress(DATA) + b"\x00\x00 padding"),
        (b"gzip, gzip", gzip.compress(gzip.compress(DATA))),
        (b"deflate, gzip", gzip.compress(zlib.compress(DATA))),
        (b"identity", DATA),
        (b"identity, gzip", gzip.compress(DATA)),
        (b"deflate", zlib.compress(DATA)),
        (b"deflate", raw_deflate(DATA)),
        (b"", DATA),
        (b"unheard-of", DATA),
        (b"gzip, unheard-of", DATA),
    ],
)
async def test_codings_as_servers_write_them(client: aioxide.Client, coding: bytes, body: bytes) -> None:
    with coded(coding, body) as server:
        assert (await client.get(server.url)).content == DATA


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"zstd"])
async def test_an_empty_body_is_not_coded(client: aioxide.Client, coding: bytes) -> None:
    with coded(coding, b"") as server:
        assert (await client.get(server.url)).content == b""


@pytest.mark.parametrize("squeeze", [gzip.compress, zlib.compress, raw_deflate])
async def test_a_coded_body_that_comes_byte_by_byte(client: aioxide.Client, squeeze: Any) -> None:
    body = squeeze(b"slow and steady" * 20)
    coding = b"gzip" if squeeze is gzip.compress else b"deflate"
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: %s\r\ntransfer-encoding: chunked\r\n\r\n" % coding
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    with RawServer(reply(head + chunks)) as server:
        assert (await client.get(server.url)).content == b"slow and steady" * 20


@settings(max_examples=100, deadline=None)
@given(st.integers(min_value=7_500, max_value=9_000), st.integers(0, 9))
def test_a_decoder_whose_output_is_full_to_the_last_byte(length: int, level: int) -> None:
    """Rooms are powers of two, and an end that coincides with one is still an end."""

    async def get() -> bytes:
        async with aioxide.Client() as client:
            return (await client.get(server.url)).content

    data = bytes(length)
    squeeze = zlib.compressobj(level, wbits=-15)
    with coded(b"deflate", squeeze.compress(data) + squeeze.flush()) as server:
        assert asyncio.run(get()) == data


async def test_head_of_a_coded_body(site: LocalSite, client: aioxide.Client) -> None:
    response = await client.head(f"{site.url}/gzip/1000")
    assert (response.headers["content-encoding"], response.content) == ("gzip", b"")


@pytest.mark.parametrize(
    ("status", "error", "informational", "leads"),
    [
        (199, False, True, False),
        (200, False, False, False),
        (302, False, False, True),
        (304, False, False, False),
    ]
    + [(404, True, False, False), (503, True, False, False), (600, False, False, False)],
)
def test_the_kinds_of_status_that_httpx_has(
    status: int, error: bool, informational: bool, leads: bool
) -> None:
    response = Response(status, headers={"location": "/"})
    assert (response.is_error, response.is_informational) == (error, informational)
    assert response.has_redirect_location is leads
    assert not Response(status).has_redirect_location


@pytest.mark.parametrize("http1", [True, False], ids=["HTTP/1.1", "HTTP/2"])
async def test_extensions(site: LocalSite, http1: bool) -> None:
    async with aioxide.Client(http1=http1) as client:
        response = await client.get(f"{site.url}/status/404")
    if http1:
        assert response.extensions == {"http_version": b"HTTP/1.1", "reason_phrase": b"Not Found"}
    else:
        assert response.extensions == {"http_version": b"HTTP/2"}
    response.extensions["mine"] = b""
    assert "mine" not in response.extensions


async def test_of_a_stream_the_time_is_that_to_its_head(site: LocalSite, client: aioxide.Client) -> None:
    async with client.get(f"{site.url}/hang/body") as response:
        head = response.elapsed
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await response.aread()
        assert head == response.elapsed > datetime.timedelta()


# ---- made by hand ----


def test_a_response_made_by_hand() -> None:
    request = aioxide.Request("GET", "http://host/")
    response = Response(
        404,
        headers=[("a", "1"), ("A", "2")],
        content=b"body",
        url="http://host/x",
        http_version="HTTP/2",
        reason_phrase="Gone fishing",
        elapsed=datetime.timedelta(seconds=1.5),
        request=request,
    )
    assert response.headers["a"] == "1, 2"
    assert (response.text, response.url, response.http_version) == ("body", "http://host/x", "HTTP/2")
    assert (response.reason_phrase, response.elapsed.total_seconds()) == ("Gone fishing", 1.5)
    assert response.request is request
    bare = Response(200)
    assert (bare.content, bare.url, bare.request, bare.elapsed) == (b"", "", None, datetime.timedelta())


@pytest.mark.parametrize("status", [0, 99, 1000])
def test_a_status_that_is_none_is_a_value_error(status: int) -> None:
    with pytest.raises(ValueError, match="not an HTTP status"):
        Response(status)


async def test_a_response_can_be_pickled_and_copied(site: LocalSite, client: aioxide.Client) -> None:
    response = await client.get(f"{site.url}/headers", params={"set-cookie": ["a=1", "b=2"]})
    for twin in [pickle.loads(pickle.dumps(response)), copy.copy(response), copy.deepcopy(response)]:
        for name in ["status_code", "reason_phrase", "headers", "url", "http_version", "content", "text"]:
            assert getattr(twin, name) == getattr(response, name), name
        assert (twin.json(), twin.elapsed) == (response.json(), response.elapsed)
        assert repr(twin.request) == repr(response.request)
        assert twin.request is not None
        assert response.request is not None
        assert twin.request.headers == response.request.headers
