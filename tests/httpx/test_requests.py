"""What is asked and what comes back: the same on httpx's own transport and on ours."""

import gzip
import io
import json

import pytest

from aioxide.testing import LocalSite
from tests.httpx.faces import Face, Kind
from tests.servers.raw import Connection, RawServer, reply

# httpx's own transports are the yardstick, and not what is tested on every loop.
pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"])
async def test_methods(face: Face, site: LocalSite, method: str) -> None:
    response = await face.request(method, f"{site.url}/echo?a=b%20c")
    echo = response.json()
    assert (echo["method"], response.status_code, response.reason_phrase) == (method, 200, "OK")
    assert response.http_version == "HTTP/1.1"
    assert (response.is_closed, response.is_stream_consumed) == (True, True)
    assert response.elapsed.total_seconds() > 0


async def test_head_has_no_body(face: Face, site: LocalSite) -> None:
    response = await face.request("HEAD", f"{site.url}/bytes/100")
    assert (response.content, response.headers["content-length"]) == (b"", "100")


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({"content": b"bytes \x00\xff"}, b"bytes \x00\xff"),
        ({"content": ""}, b""),
        ({"json": {"a": [1]}}, b'{"a":[1]}'),
        ({"data": {"a": "1 2"}}, b"a=1+2"),
        ({"content": b"x" * 3_000_000}, b"x" * 3_000_000),
    ],
    ids=["bytes", "nothing", "json", "form", "megabytes"],
)
async def test_bodies(face: Face, site: LocalSite, options: dict[str, object], sent: bytes) -> None:
    response = await face.request("POST", f"{site.url}/echo/body", **options)
    assert response.content == sent
    assert response.request.headers["content-length"] == str(len(sent))


async def test_files(face: Face, site: LocalSite) -> None:
    file = io.BytesIO(b"in a file")
    response = await face.request("POST", f"{site.url}/echo/body", files={"f": ("n.txt", file, "text/x")})
    assert b'filename="n.txt"' in response.content
    assert b"\r\n\r\nin a file\r\n" in response.content


async def test_what_is_on_the_wire(face: Face) -> None:
    """The head of a request is the same, byte for byte, where names are written as httpx writes them."""
    with RawServer(reply(OK)) as server:
        await face.get(f"{server.url}/a?b=c#part", headers={"X-Own": "1"})
        head = server.received[0].decode()
    lines = head.replace(str(server.port), "PORT").split("\r\n")
    version = face.library.__version__
    name = "python-httpx2" if face.library.__name__ == "httpx2" else "python-httpx"
    assert lines[:2] == ["GET /a?b=c HTTP/1.1", "Host: 127.0.0.1:PORT"]
    assert f"User-Agent: {name}/{version}" in lines
    assert "X-Own: 1" in lines
    assert "Connection: keep-alive" in lines
    assert sorted(line.partition(":")[0] for line in lines[1:-2]) == [
        "Accept", "Accept-Encoding", "Connection", "Host", "User-Agent", "X-Own",
    ]  # fmt: skip


async def test_targets_are_not_rewritten(kind: Kind) -> None:
    """What stands in the URL is asked for, also where others would write it in another way."""
    paths = ["/a/./b/../c", "/a//b", "/'quoted'?q='x'", "/%41%2f?%7e", "/x|y?a|b", "/^", "/?a=b=c&&", "/?"]
    heads = []
    for one in (kind, Kind(kind.library, False, kind.asynchronous)):
        with RawServer(reply(OK)) as server:
            async with one.face() as face:
                for path in paths:
                    await face.get(server.url + path, headers={"connection": "close"})
            heads.append([received.split(b" HTTP/1.1")[0] for received in server.received])
    assert heads[0] == heads[1]


async def test_headers_as_they_were_written(face: Face) -> None:
    head = (
        b"HTTP/1.1 203 Rather Good\r\nSeRver: x\r\nX-B: 1\r\nb: \xe9\r\nx-b: 2\r\nContent-Length: 0\r\n\r\n"
    )
    early = b"HTTP/1.1 103 Early Hints\r\nLink: y\r\n\r\n"
    with RawServer(reply(early + head)) as server:
        response = await face.get(server.url)
    assert response.headers.raw == [
        (b"SeRver", b"x"), (b"X-B", b"1"), (b"b", b"\xe9"), (b"x-b", b"2"), (b"Content-Length", b"0"),
    ]  # fmt: skip
    assert response.headers["x-b"] == "1, 2"
    assert (response.status_code, response.reason_phrase) == (203, "Rather Good")
    assert response.extensions["reason_phrase"] == b"Rather Good"
    assert response.extensions["http_version"] == b"HTTP/1.1"


async def test_a_second_answer_on_a_connection_is_heard_anew(face: Face) -> None:
    def script(connection: Connection) -> None:
        for number in range(3):
            connection.read_head()
            connection.send(b"HTTP/1.1 200 OK\r\nX-%d: y\r\nContent-Length: 1\r\n\r\nz" % number)

    with RawServer(script) as server:
        for number in range(3):
            response = await face.get(server.url)
            assert response.headers.raw[0] == (b"X-%d" % number, b"y")
    assert len(server.received) == 1


async def test_http_1_0(face: Face) -> None:
    with RawServer(reply(b"HTTP/1.0 200 Fine\r\n\r\nto the end")) as server:
        response = await face.get(server.url)
    assert (response.http_version, response.content) == ("HTTP/1.0", b"to the end")


async def test_codings_are_undone_by_httpx_alone(face: Face) -> None:
    coded = gzip.compress(b"plain " * 1000)
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        % len(coded)
    )
    with RawServer(reply(head + coded)) as server:
        response = await face.get(server.url)
        assert response.content == b"plain " * 1000
        assert response.num_bytes_downloaded == len(coded)
        assert response.headers["content-encoding"] == "gzip"
        async with face.stream("GET", server.url) as opened:
            assert await opened.rest() == coded


async def test_a_coding_that_is_none(face: Face) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnone"
    with RawServer(reply(head)) as server, pytest.raises(face.library.DecodingError) as caught:
        await face.get(server.url)
    assert str(caught.value.request.url) == server.url


async def test_redirects_are_httpxs(face: Face, site: LocalSite) -> None:
    response = await face.get(f"{site.url}/redirect/2")
    assert (response.status_code, response.next_request is None) == (302, False)
    response = await face.get(f"{site.url}/redirect/2", follow_redirects=True)
    assert (response.status_code, len(response.history)) == (200, 2)


async def test_cookies_are_httpxs(face: Face, site: LocalSite) -> None:
    await face.get(f"{site.url}/cookies/set?a=1")
    assert dict(face.client.cookies) == {"a": "1"}
    echo = (await face.get(f"{site.url}/cookies")).json()
    assert "a" in json.dumps(echo)


async def test_credentials_are_httpxs(face: Face, site: LocalSite) -> None:
    url = site.url.replace("http://", "http://user:p%40ss@")
    echo = (await face.get(f"{url}/echo")).json()
    assert dict(echo["headers"])["authorization"] == "Basic dXNlcjpwQHNz"


async def test_nothing_is_added(face: Face) -> None:
    """No header of ours: what httpx is told to leave out is not sent."""
    with RawServer(reply(OK)) as server:
        request = face.library.Request("GET", server.url, headers=[(b"Host", b"own.test")])
        send = face.client.send(request)
        if hasattr(send, "__await__"):
            await send
    assert server.received == [b"GET / HTTP/1.1\r\nHost: own.test\r\n\r\n"]


async def test_the_target_of_an_extension(face: Face) -> None:
    with RawServer(reply(OK)) as server:
        await face.request("OPTIONS", server.url, extensions={"target": b"*"})
    assert server.received[0].startswith(b"OPTIONS * HTTP/1.1\r\n")


async def test_the_two_ends_of_the_connection(face: Face, site: LocalSite) -> None:
    async with face.stream("GET", f"{site.url}/bytes/10") as opened:
        stream = opened.response.extensions["network_stream"]
        assert stream.get_extra_info("server_addr") == ("127.0.0.1", site.port)
        client = stream.get_extra_info("client_addr")
        assert client[0] == "127.0.0.1"
        assert client[1] != site.port
        assert stream.get_extra_info("ssl_object") is None
        await opened.read()


async def test_a_connection_cannot_be_taken_out(our_kind: Kind, site: LocalSite) -> None:
    async with our_kind.face() as face:
        stream = (await face.get(f"{site.url}/json")).extensions["network_stream"]
    for method, arguments in (("read", (1,)), ("write", (b"x",)), ("start_tls", (None,))):
        with pytest.raises(NotImplementedError, match="connect_ws"):
            getattr(stream, method)(*arguments, timeout=None)
