"""A request: each of its keyword arguments, as the server sees it."""

import asyncio
import io
import json
import tarfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from multidict import MultiDict
from yarl import URL

from tests.servers.answering import Answering, Seen, answer, chunked
from tests.servers.raw import RawServer, reply

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])


async def asked(session: Any, server: Answering, method: str = "POST", **options: Any) -> Seen:
    async with session.request(method, f"{server.url}/x", **options) as response:
        assert response.status == 200
        await response.read()
    return server.seen[-1]


# ---- params ----


@pytest.mark.parametrize(
    ("params", "query"),
    [
        ({"a": "1 2", "b": "\xe9&"}, "a=1+2&b=%C3%A9%26"),
        ({"a": 1, "b": 1.5}, "a=1&b=1.5"),
        ({"a": ["1", "2"]}, "a=1&a=2"),
        ([("a", "1"), ("a", "2")], "a=1&a=2"),
        (MultiDict([("a", "1"), ("b", "x"), ("a", "2")]), "a=1&b=x&a=2"),
        ("a=b c", "a=b+c"),
        ({}, None),
        (None, None),
        ("", None),
        ({"a+b": "c+d/e?"}, "a%2Bb=c%2Bd/e?"),
        ({"a": "it's"}, "a=it's"),
    ],
)
async def test_params(session: Any, server: Answering, params: Any, query: str | None) -> None:
    async with session.get(f"{server.url}/x", params=params) as response:
        assert str(response.url) == str(URL(f"{server.url}/x").extend_query(params))
    assert server.seen[0].target == ("/x" if query is None else f"/x?{query}")


async def test_params_are_added_to_those_of_the_url(session: Any, server: Answering) -> None:
    async with session.get(f"{server.url}/x?a=1&b=2", params={"b": "3", "c": "4"}) as response:
        assert response.url.query_string == "a=1&b=2&b=3&c=4"
    assert server.seen[0].target == "/x?a=1&b=2&b=3&c=4"


@pytest.mark.parametrize("value", [True, None])
async def test_params_that_are_none(session: Any, server: Answering, value: Any) -> None:
    with pytest.raises(TypeError):
        await session.get(server.url, params={"a": value})


# ---- url ----


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("", "/"),
        ("/a b", "/a%20b"),
        ("/a%20b", "/a%20b"),
        ("/\xe9", "/%C3%A9"),
        ("/a/../b/./c", "/b/c"),
        ("/a?b=\xe9 c", "/a?b=%C3%A9+c"),
        ("/a#b", "/a"),
        ("/a%2Fb", "/a%2Fb"),
        ("/a?x=%2B", "/a?x=%2B"),
        ("/a;b=c,d", "/a;b=c,d"),
        ("/~a!$'()*", "/~a!$'()*"),
        ("/a?b='c'", "/a?b='c'"),
        ("?a=1", "/?a=1"),
        ("/", "/"),
    ],
)
async def test_urls(session: Any, server: Answering, path: str, target: str) -> None:
    async with session.get(server.url + path) as response:
        assert response.status == 200
        assert str(response.url) == str(URL(server.url + path).with_fragment(None))
        assert str(response.real_url) == str(URL(server.url + path))
    assert server.seen[0].target == target


async def test_a_url_that_is_encoded_already(session: Any, server: Answering) -> None:
    async with session.get(URL(f"{server.url}/%7Ea%2f?b=%7E", encoded=True)):
        pass
    assert server.seen[0].target == "/%7Ea%2f?b=%7E"


# ---- headers ----


@pytest.mark.parametrize("value", [1, None, 1.5, ["a"]])
async def test_values_of_headers_are_text(session: Any, server: Answering, value: Any) -> None:
    with pytest.raises(TypeError):
        await session.get(server.url, headers={"A": value})


@pytest.mark.parametrize("value", ["a\nb", "a\r\nB: c", "a\0b"])
async def test_headers_are_not_split(session: Any, server: Answering, value: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the words are the implementation's
        await session.get(server.url, headers={"A": value})
    assert server.seen == []


async def test_text_in_a_header(session: Any, server: Answering) -> None:
    seen = await asked(session, server, "GET", headers={"A": "\xe9"})
    assert seen.one("a") == "\xe9"


async def test_the_type_that_is_said_stays(session: Any, server: Answering) -> None:
    seen = await asked(session, server, json={}, headers={"content-type": "application/x"})
    assert seen.all("content-type") == ["application/x"]


# ---- cookies ----


@pytest.mark.parametrize(
    ("cookies", "header"),
    [
        ({"a": "1", "b": "2"}, "a=1; b=2"),
        ([("a", "1")], "a=1"),
        ({"a": "x y"}, 'a="x y"'),
        ({}, None),
        (None, None),
    ],
)
async def test_cookies(session: Any, server: Answering, cookies: Any, header: str | None) -> None:
    seen = await asked(session, server, "GET", cookies=cookies)
    assert seen.one("cookie") == header
    seen = await asked(session, server, "GET")
    assert seen.one("cookie") is None


async def test_cookies_of_the_session(aiohttp: Any, server: Answering) -> None:
    async with aiohttp.ClientSession(cookies={"a": "1", "b": "2"}) as session:
        seen = await asked(session, server, "GET", cookies={"b": "3", "c": "4"})
    assert sorted((seen.one("cookie") or "").split("; ")) == ["a=1", "b=3", "c=4"]


async def test_a_cookie_header_beside_cookies(session: Any, server: Answering) -> None:
    seen = await asked(session, server, "GET", headers={"Cookie": "x=1"}, cookies={"a": "2"})
    assert sorted((seen.one("cookie") or "").split("; ")) == ["a=2", "x=1"]


# ---- bodies ----


async def test_two_bodies_are_one_too_many(session: Any, server: Answering) -> None:
    with pytest.raises(ValueError, match="data and json"):
        await session.post(server.url, data=b"", json={})


async def test_a_body_in_chunks(session: Any, server: Answering) -> None:
    seen = await asked(session, server, data=b"x" * 5, chunked=True)
    assert (seen.body, seen.one("transfer-encoding"), seen.one("content-length")) == (
        b"xxxxx",
        "chunked",
        None,
    )


@pytest.mark.parametrize(
    ("compress", "coding", "wbits"), [(True, "deflate", 15), ("deflate", "deflate", 15), ("gzip", "gzip", 31)]
)
async def test_a_compressed_body(
    session: Any, server: Answering, compress: Any, coding: str, wbits: int
) -> None:
    seen = await asked(session, server, data=b"x" * 1000, compress=compress)
    assert zlib.decompress(seen.body, wbits) == b"x" * 1000
    assert seen.one("content-encoding") == coding
    assert seen.one("transfer-encoding") == "chunked"


async def test_compressed_twice(session: Any, server: Answering) -> None:
    with pytest.raises(ValueError, match="Content-Encoding"):
        await session.post(server.url, data=b"x", compress=True, headers={"Content-Encoding": "gzip"})


async def test_a_body_that_waits_for_leave(session: Any, server: Answering) -> None:
    seen = await asked(session, server, data=b"abc", expect100=True)
    assert (seen.body, seen.one("expect")) == (b"abc", "100-continue")


async def test_a_file_on_disk(session: Any, server: Answering, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"abc" * 10_000)
    with path.open("rb") as file:
        seen = await asked(session, server, data=file)
    assert seen.body == path.read_bytes()
    assert seen.one("content-length") == "30000"
    assert seen.one("content-type") in {"application/octet-stream", "text/plain"}


async def test_a_file_from_where_it_stands(session: Any, server: Answering) -> None:
    file = io.BytesIO(b"abcdef")
    file.seek(3)
    seen = await asked(session, server, data=file)
    assert seen.body == b"def"


async def test_a_form(aiohttp: Any, session: Any, server: Answering, tmp_path: Path) -> None:
    form = aiohttp.FormData()
    form.add_field("a", "1")
    form.add_field("f", b"xyz", filename="x.bin", content_type="image/png")
    seen = await asked(session, server, data=form)
    assert (seen.one("content-type") or "").startswith("multipart/form-data; boundary=")
    assert b'name="a"\r\n\r\n1\r\n' in seen.body
    assert (
        b'Content-Type: image/png\r\nContent-Disposition: form-data; name="f"; filename="x.bin"' in seen.body
    )


async def test_a_form_without_files(aiohttp: Any, session: Any, server: Answering) -> None:
    form = aiohttp.FormData({"a": "1"})
    form.add_field("b", "2 3")
    seen = await asked(session, server, data=form)
    assert (seen.one("content-type"), seen.body) == (
        "application/x-www-form-urlencoded",
        b"a=1&b=2+3",
    )


async def test_parts(aiohttp: Any, session: Any, server: Answering) -> None:
    with aiohttp.MultipartWriter("mixed", boundary="mark") as writer:
        writer.append("text")
        writer.append_json({"a": 1})
    seen = await asked(session, server, data=writer)
    assert seen.one("content-type") == "multipart/mixed; boundary=mark"
    assert seen.body == (
        b"--mark\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 4\r\n\r\ntext\r\n"
        b"--mark\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n"
        b'{"a": 1}\r\n--mark--\r\n'
    )


async def test_a_response_as_a_body(session: Any, server: Answering) -> None:
    server.on("/source", answer(body=b"x" * 100_000))
    async with session.get(f"{server.url}/source") as response:
        seen = await asked(session, server, data=response.content)
    assert seen.body == b"x" * 100_000
    assert seen.one("transfer-encoding") == "chunked"


async def test_what_is_no_body(session: Any, server: Answering) -> None:
    with pytest.raises(TypeError):
        await session.post(server.url, data=object())


async def test_an_iterator_that_fails(aiohttp: Any, session: Any, server: Answering) -> None:
    async def chunks() -> Any:
        yield b"one"
        raise LookupError("in the middle")

    with pytest.raises((LookupError, aiohttp.ClientError)):
        async with session.post(server.url, data=chunks()) as response:
            await response.read()


async def test_a_body_of_get(session: Any, server: Answering) -> None:
    seen = await asked(session, server, "GET", json={"a": 1})
    assert json.loads(seen.body) == {"a": 1}


# ---- auth ----


@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")
async def test_auth(aiohttp: Any, session: Any, server: Answering) -> None:
    seen = await asked(session, server, "GET", auth=aiohttp.BasicAuth("user", "pass"))
    assert seen.one("authorization") == "Basic dXNlcjpwYXNz"
    with pytest.raises(ValueError, match="Cannot combine AUTHORIZATION header"):
        await session.get(server.url, auth=aiohttp.BasicAuth("u", "p"), headers={"Authorization": "x"})


async def test_auth_says_that_it_is_deprecated(aiohttp: Any, session: Any, server: Answering) -> None:
    with pytest.warns(DeprecationWarning, match="auth"):
        auth = aiohttp.BasicAuth("user", "pass")
    with pytest.warns(DeprecationWarning, match="'auth' parameter is deprecated"):
        await asked(session, server, "GET", auth=auth)


async def test_auth_in_a_header(aiohttp: Any, session: Any, server: Answering) -> None:
    value = aiohttp.encode_basic_auth("user", "p\xe9")
    seen = await asked(session, server, "GET", headers={"Authorization": value})
    assert seen.one("authorization") == value == "Basic dXNlcjpww6k="


async def test_auth_in_the_url(session: Any, server: Answering) -> None:
    url = server.url.replace("http://", "http://user:pa%40ss@")
    async with session.get(url) as response:
        assert response.url == URL(server.url)
        assert "user" not in str(response.request_info.real_url)
    assert server.seen[0].one("authorization") == "Basic dXNlcjpwYUBzcw=="


@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")
async def test_auth_of_the_session(aiohttp: Any, server: Answering) -> None:
    async with aiohttp.ClientSession(auth=aiohttp.BasicAuth("user", "pass")) as session:
        seen = await asked(session, server, "GET")
        assert seen.one("authorization") == "Basic dXNlcjpwYXNz"
        with pytest.raises(ValueError, match="Cannot combine AUTHORIZATION"):
            await session.get(server.url, headers={"Authorization": "x"})


@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")
async def test_auth_is_an_object(session: Any, server: Answering) -> None:
    with pytest.raises(TypeError, match="BasicAuth"):
        await session.get(server.url, auth=("user", "pass"))
    with pytest.raises(ValueError, match="BasicAuth"):
        await session.get(server.url, proxy=server.url, proxy_auth=("user", "pass"))


async def test_auth_by_netrc(
    aiohttp: Any, server: Answering, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login user password pass\n")
    monkeypatch.setenv("NETRC", str(netrc))
    async with aiohttp.ClientSession(trust_env=True) as session:
        seen = await asked(session, server, "GET")
        assert seen.one("authorization") == "Basic dXNlcjpwYXNz"
    async with aiohttp.ClientSession() as session:
        seen = await asked(session, server, "GET")
        assert seen.one("authorization") is None


# ---- what is not to be had ----


@pytest.mark.parametrize("url", ["http://", "http:///path", "http://[::1", "http://example.org:port/"])
async def test_urls_that_are_none(aiohttp: Any, session: Any, url: str) -> None:
    with pytest.raises(aiohttp.InvalidURL) as caught:
        await session.get(url)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, aiohttp.ClientError)


@pytest.mark.parametrize("url", ["ftp://example.org/", "file:///etc/passwd", "data:,x"])
async def test_schemes_of_others(aiohttp: Any, session: Any, url: str) -> None:
    with pytest.raises(aiohttp.NonHttpUrlClientError):
        await session.get(url)


@pytest.mark.parametrize("url", ["", "/path", "path"])
async def test_urls_without_a_host(aiohttp: Any, session: Any, url: str) -> None:
    with pytest.raises(aiohttp.InvalidUrlClientError):
        await session.get(url)


@pytest.mark.parametrize("url", [None, 1, b"http://example.org/"])
async def test_what_is_no_url(session: Any, url: Any) -> None:
    with pytest.raises(TypeError):
        await session.get(url)


@pytest.mark.parametrize("method", ["G ET", "GET\r\n", "\xe9"])
async def test_methods_that_are_none(session: Any, server: Answering, method: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the words are the implementation's
        await session.request(method, server.url)
    assert server.seen == []


async def test_many_at_once(session: Any, server: Answering) -> None:
    async def one(n: int) -> str:
        async with session.get(f"{server.url}/{n}") as response:
            return str((await response.json())["target"])

    assert await asyncio.gather(*map(one, range(50))) == [f"/{n}" for n in range(50)]


@pytest.mark.parametrize("path", ['/a b?c="d"&e=<f>', "/`a`", "/\u00e9?\u00e9", "/{a}|b^c"])
@pytest.mark.parametrize("middlewares", [None, ()], ids=["in Rust", "in Python"])
async def test_what_is_said_to_be_encoded_and_is_not(
    session: Any, ours: bool, server: Answering, path: str, middlewares: Any
) -> None:
    """aiohttp sends it as it is, though no request can have that in it; ours encodes what it must."""
    if not ours:
        pytest.skip("what aiohttp sends is no request")
    url = URL(server.url + path, encoded=True)
    async with session.get(url, middlewares=middlewares) as response:
        assert response.status == 200
    assert URL(server.seen[0].target) == URL(path)


async def test_a_question_mark_that_asks_for_nothing(session: Any, server: Answering) -> None:
    async with session.get(f"{server.url}/x?") as response:
        assert response.status == 200
    assert server.seen[0].target == "/x"


async def test_a_file_of_an_archive_that_is_read_as_it_comes(session: Any, server: Answering) -> None:
    """It does not know whether it can seek."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        member = tarfile.TarInfo("a.txt")
        member.size = 5
        tar.addfile(member, io.BytesIO(b"hello"))
    archive.seek(0)
    with tarfile.open(fileobj=archive, mode="r|") as tar:
        for member in tar:
            async with session.post(server.url, data=tar.extractfile(member)) as response:
                assert response.status == 200
    assert server.seen[0].body == b"hello"


async def test_the_size_of_chunks_is_deprecated(session: Any, server: Answering) -> None:
    with pytest.warns(DeprecationWarning, match="Chunk size is deprecated"):
        async with session.post(server.url, data=b"x", chunked=1024) as response:
            assert response.status == 200
    assert server.seen[0].body == b"x"


@pytest.mark.parametrize("until_the_end", [True, False])
async def test_a_body_that_ends_with_its_connection(session: Any, until_the_end: bool) -> None:
    with RawServer(reply(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nbody")) as server:
        async with session.get(server.url, read_until_eof=until_the_end) as response:
            assert await response.read() == (b"body" if until_the_end else b"")
            assert await response.content.read() == b""


async def test_a_body_that_has_an_end(session: Any, server: Answering) -> None:
    server.on("/a", answer(body=b"with a length"))
    server.on("/b", chunked(b"in ", b"chunks"))
    for path, body in (("/a", b"with a length"), ("/b", b"in chunks")):
        async with session.get(f"{server.url}{path}", read_until_eof=False) as response:
            assert await response.read() == body
