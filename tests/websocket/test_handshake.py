"""Opening a WebSocket: what is asked, what is answered, and what comes of other answers."""

import asyncio
from typing import Any

import pytest

import aioxide
from tests.servers.raw import Connection, RawServer, hang_up, reply, reset, silence
from tests.websocket.conftest import echo
from tests.websocket.frames import KEY, RawClient, accept, answer, upgraded


def lines(head: bytes) -> dict[str, str]:
    _, *rest = head.decode().removesuffix("\r\n\r\n").split("\r\n")
    return {name.lower(): value for name, value in (line.split(": ", 1) for line in rest)}


async def request_of(url_end: str = "/", **options: Any) -> bytes:
    """The head that a client sends."""
    with RawServer(upgraded(lambda connection: None)) as server:
        websocket = await aioxide.connect_ws(f"ws://127.0.0.1:{server.port}{url_end}", **options)
        with pytest.raises(aioxide.ConnectionClosed):
            await websocket.receive()
        return server.received[0]


# ---- what a client says ----


async def test_the_request() -> None:
    head = await request_of("/chat/room?a=b%20c#part")
    assert head.startswith(b"GET /chat/room?a=b%20c HTTP/1.1\r\n")
    said = lines(head.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
    assert said.pop("host").startswith("127.0.0.1:")
    assert len(said.pop("sec-websocket-key")) == 24
    assert said.pop("user-agent").startswith("aioxide/")
    assert said == {
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec-websocket-version": "13",
        "sec-websocket-extensions": "permessage-deflate; client_max_window_bits",
    }


async def test_what_can_be_added() -> None:
    head = await request_of(
        headers=[("X-One", "1"), ("Cookie", "a=b"), ("User-Agent", "mine"), ("Host", "elsewhere")],
        subprotocols=["chat", "superchat"],
        origin="https://example.org",
        compression=False,
    )
    said = lines(head.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
    assert said["x-one"] == "1"
    assert said["cookie"] == "a=b"
    assert said["user-agent"] == "mine"
    assert said["host"] == "elsewhere"
    assert said["sec-websocket-protocol"] == "chat, superchat"
    assert said["origin"] == "https://example.org"
    assert "sec-websocket-extensions" not in said
    head = await request_of(compression=10)
    assert b"permessage-deflate; client_max_window_bits; server_max_window_bits=10\r\n" in head


async def test_credentials_of_the_url_become_a_header_and_are_not_shown() -> None:
    with RawServer(upgraded(lambda connection: None)) as server:
        websocket = await aioxide.connect_ws(f"ws://user:secret@127.0.0.1:{server.port}/?token=hidden")
        assert "hidden" not in repr(websocket)
        assert "secret" not in repr(websocket) + websocket.url + repr(websocket.request_headers)
        assert b"authorization: Basic dXNlcjpzZWNyZXQ=\r\n" in server.received[0]
        websocket.abort()


@pytest.mark.parametrize("scheme", ["http", "HTTP", "ws", "WS"])
async def test_schemes(server: aioxide.WebSocketServer, scheme: str) -> None:
    async with aioxide.connect_ws(f"{scheme}://localhost:{server.port}/") as websocket:
        assert websocket.url == f"ws://localhost:{server.port}/"
        assert websocket.path == "/"
        assert websocket.remote_address is not None
        assert websocket.remote_address[1] == server.port
        assert websocket.local_address is not None
        assert websocket.request_headers["host"] == f"localhost:{server.port}"
        assert websocket.headers == websocket.response_headers


@pytest.mark.parametrize(
    ("url", "error", "words"),
    [
        ("", ValueError, "no scheme: ws:// or wss://"),
        ("host/path", ValueError, "no scheme"),
        ("ws:///path", ValueError, "no host"),
        ("ws://", ValueError, "no host"),
        ("ws://h:99999/", ValueError, "port"),
        ("ws://h/\n", ValueError, "control character"),
        ("ftp://host/", aioxide.UnsupportedProtocol, "'ftp' is not supported, only ws and wss"),
        (b"ws://host/", TypeError, "url must be str, not bytes"),
        (None, TypeError, "url must be str, not NoneType"),
    ],
)
def test_urls_that_cannot_be(url: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        aioxide.connect_ws(url)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"nothing": 1}, TypeError, "unexpected keyword argument 'nothing'"),
        ({"timeout": "1"}, TypeError, "timeout must be a number of seconds or None, not str"),
        ({"timeout": 0}, ValueError, "timeout must be more than zero seconds"),
        ({"ping_interval": -1}, ValueError, "ping_interval must be more than zero"),
        ({"ping_timeout": True}, TypeError, "ping_timeout must be"),
        ({"close_timeout": float("nan")}, ValueError, "close_timeout must be"),
        ({"max_message_size": 0}, ValueError, "max_message_size must be one or more"),
        ({"max_queue": 0}, ValueError, "max_queue must be one or more"),
        ({"write_limit": 1.5}, TypeError, "write_limit must be int, not float"),
        ({"compression": 8}, ValueError, "compression must be True, False or a window"),
        ({"compression": "deflate"}, ValueError, "compression must be True, False"),
        ({"autoping": 1}, TypeError, "autoping must be True or False, not int"),
        ({"subprotocols": "chat"}, TypeError, "subprotocols must be a list of str, not str"),
        ({"subprotocols": ["chat", 1]}, TypeError, "subprotocols must be a list of str"),
        ({"subprotocols": ["a b"]}, ValueError, "'a b' is not a subprotocol"),
        ({"subprotocols": ["a", "a"]}, ValueError, "'a' is there twice"),
        ({"headers": {"Upgrade": "x"}}, ValueError, "'upgrade' is the handshake's own"),
        ({"headers": {"Sec-WebSocket-Key": "x"}}, ValueError, "the handshake's own"),
        ({"headers": {"a": "b\r\nc: d"}}, ValueError, "line break"),
        ({"origin": 1}, TypeError, "origin must be str"),
        ({"origin": "a\nb"}, ValueError, "control character"),
        ({"proxy": 1}, TypeError, "proxy must be"),
        ({"verify": 1}, TypeError, "verify must be"),
        ({"server_hostname": 1}, TypeError, "server_hostname must be str"),
        ({"server_hostname": "a b"}, ValueError, "server_hostname must be a name"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        aioxide.connect_ws("ws://localhost/", **options)


# ---- what a client makes of the answer ----


def answered(*more: bytes, drop: bytes = b"", **keywords: Any) -> Any:
    def script(connection: Connection) -> None:
        said = answer(connection.read_head(), *more, **keywords)
        if drop:
            said = b"\r\n".join(line for line in said.split(b"\r\n") if not line.startswith(drop))
        connection.send(said)
        connection.end()

    return script


@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        (answered(accept=lambda key: b"x" * 28), "accept", "Sec-WebSocket-Accept is not the answer"),
        (answered(accept=lambda key: accept(KEY)), "accept", "Sec-WebSocket-Accept is not the answer"),
        (answered(drop=b"Sec-"), "accept", "Sec-WebSocket-Accept is not the answer"),
        (answered(drop=b"Upgrade"), "upgrade", "no 'Upgrade: websocket'"),
        (answered(drop=b"Connection"), "connection", "no 'Connection: Upgrade'"),
        (answered(b"Sec-WebSocket-Protocol: other"), "subprotocol", "subprotocol that was not offered"),
        (answered(b"Sec-WebSocket-Protocol: chat, superchat"), "subprotocol", "that was not offered"),
        (answered(b"Sec-WebSocket-Extensions: x-other"), "extension", "that was not offered: 'x-other'"),
        (answered(b"Sec-WebSocket-Extensions: permessage-deflate; what=1"), "extension", "not valid"),
    ],
)
async def test_answers_that_make_no_websocket(script: Any, kind: str, words: str) -> None:
    with RawServer(script) as server, pytest.raises(aioxide.HandshakeError, match=words) as caught:
        await aioxide.connect_ws(server.url, subprotocols=["chat", "superchat"])
    assert (caught.value.kind, caught.value.status_code) == (kind, 101)
    assert not isinstance(caught.value, aioxide.HandshakeRefused)


async def test_compression_that_was_not_offered() -> None:
    refused = pytest.raises(aioxide.HandshakeError, match="compression, which was not offered")
    with RawServer(answered(b"Sec-WebSocket-Extensions: permessage-deflate")) as server, refused:
        await aioxide.connect_ws(server.url, compression=False)


@pytest.mark.parametrize("bits", [9, 10, 11, 15])
async def test_a_window_that_is_wider_than_was_asked_for(bits: int) -> None:
    """RFC 7692, section 7.1.2.1."""
    more = b"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=%d" % bits
    with RawServer(answered(more)) as server:
        opening = aioxide.connect_ws(server.url, compression=10)
        if bits > 10:
            with pytest.raises(aioxide.HandshakeError, match="not valid") as caught:
                await opening
            assert caught.value.kind == "extension"
        else:
            (await opening).abort()


async def test_a_refusal() -> None:
    said = b"HTTP/1.1 403 Keep Out\r\nX-Why: members\r\nContent-Length: 12\r\n\r\nmembers only"
    refused = pytest.raises(aioxide.HandshakeRefused, match="the server answered 403 Keep Out")
    with RawServer(reply(said)) as server, refused as caught:
        await aioxide.connect_ws(server.url)
    assert (caught.value.kind, caught.value.status_code) == ("status", 403)
    assert caught.value.headers is not None
    assert caught.value.headers["x-why"] == "members"
    assert caught.value.content == b"members only"


@pytest.mark.parametrize(
    ("script", "error", "words"),
    [
        (hang_up, aioxide.RemoteProtocolError, "the connection was closed"),
        (reset, aioxide.ReadError, "reset"),
        (reply(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), aioxide.RemoteProtocolError, "not HTTP/1.1"),
        (
            reply(b"HTTP/1.1 101 x\r\na: " + bytes([65]) * 70_000),
            aioxide.RemoteProtocolError,
            "more than 65536",
        ),
    ],
)
async def test_servers_that_break_off(script: Any, error: type[aioxide.RequestError], words: str) -> None:
    with RawServer(script) as server, pytest.raises(error, match=words) as caught:
        await aioxide.connect_ws(server.url)
    assert caught.value.phase == "headers"
    assert caught.value.port == server.port


async def test_nobody_is_there() -> None:
    with pytest.raises(aioxide.ConnectError, match=r"cannot connect to 127\.0\.0\.1:1") as caught:
        await aioxide.connect_ws("ws://127.0.0.1:1/")
    assert (caught.value.phase, caught.value.url) == ("connect", "http://127.0.0.1:1/")
    with pytest.raises(aioxide.ConnectError, match=r"cannot resolve nowhere\.invalid"):
        await aioxide.connect_ws("ws://nowhere.invalid/")


async def test_a_server_that_says_nothing() -> None:
    late = pytest.raises(aioxide.TimeoutException, match=r"not open within 0\.05 s")
    with RawServer(silence) as server, late as caught:
        await aioxide.connect_ws(server.url, timeout=0.05)
    assert caught.value.phase == "headers"
    assert isinstance(caught.value, TimeoutError)


async def test_cancelling_closes_the_connection(until: Any) -> None:
    ended = []

    def script(connection: Connection) -> None:
        try:
            connection.hang()
        finally:
            ended.append(True)

    with RawServer(script) as server:
        opening = asyncio.ensure_future(aioxide.connect_ws(server.url))
        await until(lambda: server.received)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        await until(lambda: ended)


async def test_redirects_are_followed(server: aioxide.WebSocketServer) -> None:
    target = f"http://localhost:{server.port}/there"
    said = f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode()
    with RawServer(reply(said)) as first:
        headers = {"Authorization": "Bearer x", "Cookie": "a=b", "X-Mine": "y"}
        async with aioxide.connect_ws(first.url, headers=headers) as websocket:
            assert websocket.url == f"ws://localhost:{server.port}/there"
            # What proves who we are stays behind.
            assert "authorization" not in websocket.request_headers
            assert "cookie" not in websocket.request_headers
            assert websocket.request_headers["x-mine"] == "y"
        with pytest.raises(aioxide.HandshakeRefused) as caught:
            await aioxide.connect_ws(first.url, follow_redirects=False)
        assert caught.value.status_code == 302


async def test_redirects_that_lead_nowhere() -> None:
    for location, error in (("/", aioxide.TooManyRedirects), ("ftp://x/", aioxide.InvalidURL)):
        said = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()
        with RawServer(reply(said)) as server, pytest.raises(error):
            await aioxide.connect_ws(server.url)


# ---- what a server makes of the request ----


async def ask(port: int, head: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head)
    said = await reader.read()
    writer.close()
    await writer.wait_closed()
    return said


GOOD = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: WebSocket\r\nConnection: x, UPGRADE\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY + b"\r\n\r\n"
)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (GOOD.replace(b"GET", b"POST"), b"405 Method Not Allowed"),
        (GOOD.replace(b"HTTP/1.1", b"HTTP/1.0"), b"400 Bad Request"),
        (GOOD.replace(b"Host: x\r\n", b""), b"400 Bad Request"),
        (GOOD.replace(b"Host: x\r\n", b"Host: x\r\nHost: y\r\n"), b"400 Bad Request"),
        (GOOD.replace(b"Upgrade: WebSocket\r\n", b""), b"426 Upgrade Required"),
        (GOOD.replace(b"Connection: x, UPGRADE\r\n", b""), b"426 Upgrade Required"),
        (GOOD.replace(b": 13", b": 8"), b"426 Upgrade Required"),
        (GOOD.replace(KEY, b"c2hvcnQ="), b"400 Bad Request"),
        (GOOD.replace(KEY, b"not base64"), b"400 Bad Request"),
        (GOOD.replace(b"Sec-WebSocket-Key: " + KEY + b"\r\n", b""), b"400 Bad Request"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400 Bad Request"),
        (b"GET / HTTP/1.1\r\nx: " + b"y" * 70_000, b"431 Request Header"),
    ],
)
async def test_requests_that_are_not_let_in(
    server: aioxide.WebSocketServer, head: bytes, status: bytes
) -> None:
    said = await ask(server.port, head)
    assert said.startswith(b"HTTP/1.1 " + status), said
    head, _, body = said.partition(b"\r\n\r\n")
    assert body
    assert f"Content-Length: {len(body)}".encode() in head
    assert (b"sec-websocket-version: 13" in head.lower()) == status.startswith(b"426")
    assert server.connections == set()


async def test_a_client_that_takes_its_time() -> None:
    async with aioxide.serve_ws(echo, timeout=0.05) as server:
        assert await ask(server.port, GOOD[:40]) == b""


async def test_subprotocols(server: aioxide.WebSocketServer, until: Any) -> None:
    def served() -> list[str | None]:
        return [one.subprotocol for one in server.connections]

    for offered, chosen in (
        (["superchat", "chat"], "chat"),
        (["x", "superchat"], "superchat"),
        (["x"], None),
    ):
        async with aioxide.connect_ws(server.url, subprotocols=offered) as websocket:
            assert websocket.subprotocol == chosen
            await until(lambda expected=[chosen]: served() == expected)


async def test_what_a_server_knows_of_a_client(until: Any) -> None:
    seen: list[aioxide.WebSocket] = []

    async def handler(websocket: aioxide.WebSocket) -> None:
        seen.append(websocket)
        await websocket.receive()

    async with aioxide.serve_ws(handler, headers={"X-Server": "s"}) as server:
        url = f"{server.url}/path?query"
        async with aioxide.connect_ws(url, headers={"X-Client": "c"}) as websocket:
            await until(lambda: seen)
            (connection,) = seen
            assert connection.url == url
            assert connection.path == "/path?query"
            assert connection.headers["x-client"] == "c"
            assert connection.headers == connection.request_headers
            assert connection.response_headers["x-server"] == websocket.headers["x-server"] == "s"
            assert connection.remote_address == websocket.local_address
            assert connection.local_address == websocket.remote_address


async def test_origins() -> None:
    async with aioxide.serve_ws(echo, origins=["https://example.org"]) as server:
        async with aioxide.connect_ws(server.url, origin="https://example.org"):
            pass
        for origin in ("https://evil.example", None):
            with pytest.raises(aioxide.HandshakeRefused) as caught:
                await aioxide.connect_ws(server.url, origin=origin)
            assert caught.value.status_code == 403


@pytest.mark.parametrize(
    ("offer", "chosen"),
    [
        (b"permessage-deflate", b"permessage-deflate\r\n"),
        (
            b"permessage-deflate; server_max_window_bits=10",
            b"permessage-deflate; server_max_window_bits=10\r\n",
        ),
        (b"permessage-deflate; server_max_window_bits=8, permessage-deflate", b"permessage-deflate\r\n"),
        (b"permessage-deflate; server_max_window_bits=99", None),
        (b"x-unknown", None),
    ],
)
async def test_offers_of_compression(
    server: aioxide.WebSocketServer, offer: bytes, chosen: bytes | None
) -> None:
    async with RawClient(server.port, b"Sec-WebSocket-Extensions: " + offer) as client:
        if chosen is None:
            assert b"Extensions" not in client.head
        else:
            assert b"Sec-WebSocket-Extensions: " + chosen in client.head


async def test_where_a_host_is_said_to_be() -> None:
    async with (
        aioxide.serve_ws(echo) as server,
        aioxide.connect_ws(
            f"ws://Somewhere.invalid:{server.port}/", resolve={"somewhere.invalid": ["127.0.0.1"]}
        ) as websocket,
    ):
        await websocket.send("x")
        assert await websocket.receive() == "x"


@pytest.mark.parametrize(
    ("resolve", "error"),
    [([], TypeError), ({1: "127.0.0.1"}, TypeError), ({"a": "b"}, ValueError), ({"a": []}, ValueError)],
)
async def test_where_no_host_can_be(resolve: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="resolve"):
        aioxide.connect_ws("ws://a.invalid/", resolve=resolve)
