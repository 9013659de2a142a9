"""Each broken peer has its class, its phase and its message."""

import gzip
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

import aioxide
from aioxide.testing import LocalSite
from tests.http.trust import authority
from tests.servers.http2 import REFUSED_STREAM, frame, goaway, http2, no_content, read_headers, rst_stream
from tests.servers.raw import (
    Connection,
    RawServer,
    Script,
    hang_up,
    reply,
    reply_and_reset,
    reset,
)


@dataclass(frozen=True)
class Case:
    name: str
    script: Script
    error: type[aioxide.RequestError]
    phase: str
    words: str
    scheme: str = "http"
    http2: bool = False


def close_in_handshake(connection: Connection) -> None:
    connection.read(1)
    connection.end()


def plain_at_once(connection: Connection) -> None:
    connection.send(TEN)
    connection.hang()


def endless_header(connection: Connection) -> None:
    connection.read_head()
    connection.send(b"HTTP/1.1 200 OK\r\nx: ")
    while True:
        connection.send(b"a" * 65536)


OK = b"HTTP/1.1 200 OK\r\n"
TEN = OK + b"content-length: 10\r\n\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"


def coded(coding: bytes, body: bytes) -> bytes:
    return OK + b"content-encoding: %s\r\ncontent-length: %d\r\n\r\n%s" % (coding, len(body), body)


INCOMPLETE = "closed the connection before the response was complete"

CASES = [
    Case("closes without an answer", hang_up, aioxide.RemoteProtocolError, "headers", INCOMPLETE),
    Case("resets without an answer", reset, aioxide.ReadError, "headers", "reset"),
    Case("is no HTTP", reply(b"SSH-2.0-x\r\n"), aioxide.RemoteProtocolError, "headers", "invalid HTTP"),
    Case(
        "closes in the head",
        reply(OK + b"content-le"),
        aioxide.RemoteProtocolError,
        "headers",
        INCOMPLETE,
    ),
    Case("endless header", endless_header, aioxide.RemoteProtocolError, "headers", "too large"),
    Case(
        "two lengths",
        reply(OK + b"content-length: 1\r\ncontent-length: 2\r\n\r\nab"),
        aioxide.RemoteProtocolError,
        "headers",
        "content-length",
    ),
    Case("short body", reply(TEN + b"12345"), aioxide.RemoteProtocolError, "body", ""),
    Case("reset in the body", reply_and_reset(TEN + b"12345"), aioxide.ReadError, "body", "reset"),
    Case("short chunk", reply(CHUNKED + b"a\r\n12345"), aioxide.RemoteProtocolError, "body", ""),
    Case("no last chunk", reply(CHUNKED + b"1\r\na\r\n"), aioxide.RemoteProtocolError, "body", ""),
    Case("bad chunk size", reply(CHUNKED + b"x\r\n"), aioxide.RemoteProtocolError, "body", ""),
    Case("reset in a chunk", reply_and_reset(CHUNKED + b"a\r\n12"), aioxide.ReadError, "body", "reset"),
    Case("no gzip", reply(coded(b"gzip", b"plain text")), aioxide.DecodingError, "body", "gzip"),
    Case(
        "half gzip",
        reply(coded(b"gzip", gzip.compress(b"x" * 1000)[:20])),
        aioxide.DecodingError,
        "body",
        "ends in the middle",
    ),
    Case("no br", reply(coded(b"br", b"\xffplain")), aioxide.DecodingError, "body", "Content-Encoding"),
    Case("no zstd", reply(coded(b"zstd", b"plain")), aioxide.DecodingError, "body", "Content-Encoding"),
    Case("no deflate", reply(coded(b"deflate", b"\xff\xff")), aioxide.DecodingError, "body", ""),
    Case("coded too often", reply(coded(b"gzip," * 6, b"x")), aioxide.DecodingError, "body", "too many"),
    Case("plain behind https", plain_at_once, aioxide.TLSError, "connect", "cannot connect to", "https"),
    Case(
        "closes in the handshake",
        close_in_handshake,
        aioxide.ConnectError,
        "connect",
        "cannot connect to",
        "https",
    ),
    Case(
        "HTTP/2: resets the stream",
        http2(rst_stream(1, 2)),
        aioxide.RemoteProtocolError,
        "headers",
        "internal error",
        http2=True,
    ),
    Case(
        "HTTP/2: goes away",
        http2(goaway(0, 11)),
        aioxide.RemoteProtocolError,
        "headers",
        "excessive load",
        http2=True,
    ),
    Case(
        "HTTP/2: sends nonsense",
        http2(frame(4, 0, 1, b"12345")),
        aioxide.RemoteProtocolError,
        "headers",
        "",
        http2=True,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_broken_peer_has_its_class(case: Case) -> None:
    with RawServer(case.script) as server:
        url = f"{case.scheme}://127.0.0.1:{server.port}/path?q=1"
        async with aioxide.Client(http1=not case.http2, trust_env=False) as client:
            with pytest.raises(aioxide.RequestError) as caught:
                await client.get(url, headers={"x-mark": "1", "authorization": "secret"})
    error = caught.value
    assert type(error) is case.error, repr(error)
    assert error.phase == case.phase
    assert case.words in str(error)
    assert (error.method, error.url, error.attempt) == ("GET", url, 1)
    assert (error.host, error.port) == ("127.0.0.1", server.port)
    assert error.request is not None
    assert error.request.headers["x-mark"] == "1"
    assert "authorization" not in error.request.headers


@pytest.mark.parametrize(
    "nack", [rst_stream(1, REFUSED_STREAM), goaway(0, 0)], ids=["REFUSED_STREAM", "GOAWAY"]
)
async def test_a_request_that_an_http2_server_did_not_look_at_is_sent_again(nack: bytes) -> None:
    """RFC 9113, section 8.7."""
    again = 3 if nack == rst_stream(1, REFUSED_STREAM) else 1

    def refuse(connection: Connection) -> None:
        """On one connection, or on a second one where the first is going away."""
        http2(nack, end=False)(connection)
        read_headers(connection)
        connection.send(no_content(again))
        connection.hang()

    with RawServer(refuse if again == 3 else http2(nack), http2(no_content(1))) as server:
        async with aioxide.Client(http1=False) as client:
            assert (await client.post(server.url, content=b"once")).status_code == 204


async def test_a_server_that_looks_at_nothing_is_given_up() -> None:
    with RawServer(http2(goaway(0, 0))) as server:
        async with aioxide.Client(http1=False) as client:
            with pytest.raises(aioxide.RemoteProtocolError):
                await client.get(server.url)
        assert len(server.received) == 3


@pytest.fixture
def free_port() -> Iterator[int]:
    """A port that refuses connections: bound, so that nobody else gets it, and not listening."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


async def test_a_refused_port_is_a_connect_error(free_port: int) -> None:
    with pytest.raises(
        aioxide.ConnectError, match=rf"127\.0\.0\.1:{free_port}: Connection refused"
    ) as caught:
        await aioxide.fetch(f"http://127.0.0.1:{free_port}/")
    assert isinstance(caught.value, ConnectionError)
    assert caught.value.phase == "connect"
    assert caught.value.port == free_port


async def test_a_host_that_does_not_resolve_is_a_connect_error() -> None:
    with pytest.raises(aioxide.ConnectError, match=r"cannot resolve no\.such\.host\.invalid: ") as caught:
        await aioxide.fetch("http://no.such.host.invalid/")
    assert isinstance(caught.value, ConnectionError)
    assert (caught.value.host, caught.value.port) == ("no.such.host.invalid", 80)


async def test_a_certificate_nobody_vouches_for_is_a_tls_error(tls_site: LocalSite) -> None:
    with pytest.raises(aioxide.TLSError, match="certificate") as caught:
        await aioxide.fetch(f"{tls_site.url}/json")
    assert caught.value.phase == "connect"


async def test_a_certificate_for_another_name_is_a_tls_error() -> None:
    with LocalSite(host="127.0.0.2", tls=True) as site:
        async with aioxide.Client(verify=authority(site)) as client:
            with pytest.raises(aioxide.TLSError, match="127\\.0\\.0\\.2"):
                await client.get(f"https://127.0.0.2:{site.port}/json")


async def test_a_route_that_is_cut_off_is_a_remote_protocol_error(
    site: LocalSite, client: aioxide.Client
) -> None:
    with pytest.raises(aioxide.RemoteProtocolError):
        await client.get(f"{site.url}/truncated/100000")


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate"])
async def test_a_broken_coding_is_a_decoding_error(
    site: LocalSite, client: aioxide.Client, coding: str
) -> None:
    with pytest.raises(aioxide.DecodingError):
        await client.get(f"{site.url}/broken/{coding}")


async def test_credentials_in_a_url_are_in_no_error(free_port: int) -> None:
    with RawServer(hang_up) as server:
        for port in [free_port, server.port]:
            with pytest.raises(aioxide.RequestError) as caught:
                await aioxide.fetch(f"http://user:hunter2@127.0.0.1:{port}/")
            error = caught.value
            assert error.request is not None
            assert "hunter2" not in f"{error!r} {error} {error.url} {error.request!r}"
            assert "authorization" not in error.request.headers
        assert b"authorization: Basic dXNlcjpodW50ZXIy" in server.received[0]


OTHERS = {
    "BrokenBarrierError",
    "CookieConflict",
    "InsecureWarning",
    "QueueEmpty",
    "QueueFull",
    "QueueShutDown",
}


def test_the_tree_is_the_one_drawn_in_the_docstring() -> None:
    from aioxide import exceptions

    drawn = exceptions.__doc__
    assert drawn is not None
    for name in exceptions.__all__:
        assert name in drawn
        assert getattr(aioxide, name) is getattr(exceptions, name)
        assert issubclass(getattr(exceptions, name), aioxide.HTTPError) or name in OTHERS
    assert issubclass(aioxide.TimeoutException, TimeoutError)
    assert issubclass(aioxide.NetworkError, ConnectionError)
    assert issubclass(aioxide.InvalidURL, ValueError)
    assert issubclass(aioxide.LocalProtocolError, ValueError)
    assert not issubclass(aioxide.HTTPStatusError, aioxide.RequestError)


def test_an_error_made_by_hand_knows_nothing_else() -> None:
    error = aioxide.ConnectError("no")
    assert (str(error), error.request, error.url, error.method, error.host, error.port) == (
        "no",
        None,
        None,
        None,
        None,
        None,
    )
    assert (error.phase, error.attempt) == (None, None)


def test_what_cannot_be_encoded_is_refused_by_the_right_class() -> None:
    client = aioxide.Client()
    with pytest.raises(aioxide.InvalidURL, match="surrogate"):
        client.get("http://host/\udcff")
    for headers in ({"a": "\udcff"}, {"\udcff": "a"}):
        with pytest.raises(aioxide.LocalProtocolError, match="surrogate"):
            client.get("http://host/", headers=headers)
