"""`ws_connect`: what a program sees of a WebSocket, asked of aiohttp's and of ours."""

import asyncio
import json
import socket
import warnings
from collections.abc import AsyncIterator
from typing import Any

import pytest

import aioxide
from tests.servers.raw import Connection, RawServer, reply, silence
from tests.websocket.frames import CLOSE, PING, PONG, TEXT, answer, close, frame, read_frame, upgraded


async def echo(websocket: aioxide.WebSocket) -> None:
    async for message in websocket:
        await websocket.send(message)


@pytest.fixture
async def peer() -> AsyncIterator[aioxide.WebSocketServer]:
    async with aioxide.serve_ws(echo, subprotocols=["chat"]) as server:
        yield server


@pytest.fixture(params=[0, 15], ids=["plain", "compressed"])
async def ws(request: Any, peer: aioxide.WebSocketServer, session: Any) -> AsyncIterator[Any]:
    async with session.ws_connect(peer.url, compress=request.param) as ws:
        assert ws.compress == request.param
        yield ws


async def test_texts_and_bytes(ws: Any, aiohttp: Any) -> None:
    await ws.send_str("text é☃")
    message = await ws.receive()
    assert message[:2] == (aiohttp.WSMsgType.TEXT, "text é☃")
    assert isinstance(message, aiohttp.WSMessage)
    assert message.type is aiohttp.WSMsgType.TEXT
    await ws.send_bytes(b"bytes")
    message = await ws.receive()
    assert (message.type, message.data) == (aiohttp.WSMsgType.BINARY, b"bytes")
    await ws.send_bytes(bytearray(100_000))
    assert await ws.receive_bytes() == bytes(100_000)
    await ws.send_str("x")
    assert await ws.receive_str() == "x"
    await ws.send_json({"a": [1, 2]})
    assert await ws.receive_json() == {"a": [1, 2]}
    await ws.send_json_bytes({"a": 1}, dumps=lambda value: json.dumps(value).encode())
    assert (await ws.receive()).json() == {"a": 1}
    await ws.send_frame(b"frame", aiohttp.WSMsgType.BINARY)
    assert await ws.receive_bytes() == b"frame"


async def test_types_that_do_not_fit(ws: Any, aiohttp: Any) -> None:
    with pytest.raises(TypeError, match="data argument must be str"):
        await ws.send_str(b"x")
    with pytest.raises(TypeError, match="data argument must be byte-ish"):
        await ws.send_bytes("x")
    await ws.send_str("x")
    with pytest.raises(aiohttp.WSMessageTypeError, match=r"is not WSMsgType\.BINARY"):
        await ws.receive_bytes()
    await ws.send_bytes(b"x")
    with pytest.raises(TypeError, match=r"is not WSMsgType\.TEXT"):
        await ws.receive_str()


async def test_iterating(ws: Any, aiohttp: Any) -> None:
    for number in range(5):
        await ws.send_str(f"{number}")
    got = []
    async for message in ws:
        got.append(message.data)
        if len(got) == 5:
            await ws.close()
    assert got == [f"{number}" for number in range(5)]
    assert ws.closed
    assert ws.close_code == 1000


async def test_the_client_closes(ws: Any, aiohttp: Any) -> None:
    assert not ws.closed
    assert ws.close_code is None
    assert await ws.close(code=4000, message=b"enough") is True
    assert ws.closed
    assert ws.close_code == 4000
    assert await ws.close() is False
    message = await ws.receive()
    assert message == (aiohttp.WSMsgType.CLOSED, None, None)
    with pytest.raises(aiohttp.ClientConnectionResetError, match="Cannot write to closing transport"):
        await ws.send_str("x")
    assert ws.exception() is None


async def test_the_server_closes(session: Any, aiohttp: Any) -> None:
    async def handler(websocket: aioxide.WebSocket) -> None:
        await websocket.send("one")
        await websocket.close(4001, "why")

    async with aioxide.serve_ws(handler) as server, session.ws_connect(server.url) as ws:
        assert (await ws.receive()).data == "one"
        message = await ws.receive()
        assert message == (aiohttp.WSMsgType.CLOSE, 4001, "why")
        assert (ws.closed, ws.close_code) == (True, 4001)
        assert (await ws.receive()).type is aiohttp.WSMsgType.CLOSED


async def test_without_autoclose(session: Any, aiohttp: Any) -> None:
    heard = []

    def script(connection: Connection) -> None:
        connection.send(close(1000))
        heard.append(read_frame(connection))

    with RawServer(upgraded(script)) as server:
        async with session.ws_connect(server.url, autoclose=False) as ws:
            message = await ws.receive()
            assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1000)
            assert not ws.closed
            assert heard == []
            assert await ws.close(code=1001) is True
            assert ws.close_code == 1000
    assert heard == [(CLOSE, b"\x03\xe9")]


async def test_closing_while_another_task_receives(ws: Any, aiohttp: Any) -> None:
    receiving = asyncio.ensure_future(ws.receive())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match=r"Concurrent call to receive\(\) is not allowed"):
        await ws.receive()
    assert await ws.close() is True
    assert await receiving == (aiohttp.WSMsgType.CLOSING, None, None)
    assert ws.close_code == 1000


async def test_a_connection_that_breaks(session: Any, aiohttp: Any) -> None:
    def script(connection: Connection) -> None:
        connection.send(frame(TEXT, b"one"))

    with RawServer(upgraded(script)) as server:
        async with session.ws_connect(server.url) as ws:
            assert (await ws.receive()).data == "one"
            message = await ws.receive()
            assert message.type is aiohttp.WSMsgType.CLOSED
            assert ws.closed
            assert ws.close_code in {1000, 1006}


@pytest.mark.parametrize(
    ("data", "code"), [(frame(TEXT, b"\xff"), 1007), (frame(3, b""), 1002), (frame(TEXT, bytes(2000)), 1009)]
)
async def test_a_server_that_breaks_the_rules(session: Any, aiohttp: Any, data: bytes, code: int) -> None:
    def script(connection: Connection) -> None:
        connection.send(data)
        opcode, payload = read_frame(connection)
        assert (opcode, int.from_bytes(payload[:2], "big")) == (CLOSE, code)
        connection.end()

    with RawServer(upgraded(script)) as server:
        options: Any = {"max_msg_size": 1000, "timeout": aiohttp.ClientWSTimeout(ws_close=0.1)}
        async with session.ws_connect(server.url, **options) as ws:
            message = await ws.receive()
            assert message.type is aiohttp.WSMsgType.ERROR
            assert isinstance(message.data, aiohttp.WebSocketError)
            assert message.data.code == code
            assert (await ws.receive()).type is aiohttp.WSMsgType.CLOSED


async def test_limits_on_receiving(peer: aioxide.WebSocketServer, session: Any, aiohttp: Any) -> None:
    timeout = aiohttp.ClientWSTimeout(ws_receive=0.05)
    async with session.ws_connect(peer.url, timeout=timeout) as ws:
        with pytest.raises(TimeoutError):
            await ws.receive()
        with pytest.raises(TimeoutError):
            await ws.receive(timeout=0.01)
        await ws.send_str("still open")
        assert await ws.receive_str(timeout=5) == "still open"


async def test_old_ways_to_say_limits_warn(peer: aioxide.WebSocketServer, session: Any) -> None:
    with pytest.warns(DeprecationWarning, match="parameter 'timeout' of type 'float'"):
        async with session.ws_connect(peer.url, timeout=1.0):
            pass
    with pytest.warns(DeprecationWarning, match="float parameter 'receive_timeout'"):
        ws = await session.ws_connect(peer.url, receive_timeout=0.02)
    with pytest.raises(TimeoutError):
        await ws.receive()
    await ws.close()


async def test_pings_of_the_server(session: Any, aiohttp: Any) -> None:
    heard = []

    def script(connection: Connection) -> None:
        connection.send(frame(PING, b"?"))
        heard.append(read_frame(connection))
        connection.send(frame(PONG, b"unasked") + frame(TEXT, b"text") + close(1000))
        connection.end()

    with RawServer(upgraded(script)) as server:
        async with session.ws_connect(server.url) as ws:
            assert [message.data async for message in ws] == ["text"]
    assert heard == [(PONG, b"?")]
    heard.clear()
    with RawServer(upgraded(script)) as server:
        async with session.ws_connect(server.url, autoping=False) as ws:
            message = await ws.receive()
            assert (message.type, message.data) == (aiohttp.WSMsgType.PING, b"?")
            await ws.pong(b"by hand")
            message = await ws.receive()
            assert (message.type, message.data) == (aiohttp.WSMsgType.PONG, b"unasked")
            assert (await ws.receive()).data == "text"
    assert heard == [(PONG, b"by hand")]


async def test_pings_of_the_program(peer: aioxide.WebSocketServer, session: Any, aiohttp: Any) -> None:
    async with session.ws_connect(peer.url, autoping=False) as ws:
        await ws.ping(b"mine")
        message = await ws.receive()
        assert (message.type, message.data) == (aiohttp.WSMsgType.PONG, b"mine")


async def test_a_heartbeat_that_nobody_answers(session: Any, aiohttp: Any) -> None:
    def script(connection: Connection) -> None:
        assert read_frame(connection)[0] == PING
        connection.hang()

    with RawServer(upgraded(script)) as server:
        options: Any = {"heartbeat": 0.1, "timeout": aiohttp.ClientWSTimeout(ws_close=0.1)}
        async with session.ws_connect(server.url, **options) as ws:
            message = await ws.receive()
            assert message.type is aiohttp.WSMsgType.ERROR
            assert isinstance(message.data, aiohttp.ServerTimeoutError)
            assert "No PONG received after 0.05 seconds" in str(message.data)
            assert (ws.closed, ws.close_code) == (True, 1006)
            assert ws.exception() is message.data


async def test_a_heartbeat_that_is_answered(session: Any) -> None:
    def script(connection: Connection) -> None:
        for _ in range(3):
            opcode, payload = read_frame(connection)
            assert opcode == PING
            connection.send(frame(PONG, payload))
        connection.send(frame(TEXT, b"alive") + close(1000))
        connection.end()

    with RawServer(upgraded(script)) as server:
        async with session.ws_connect(server.url, heartbeat=0.3) as ws:
            assert [message.data async for message in ws] == ["alive"]


async def test_what_is_asked(aiohttp: Any) -> None:
    with RawServer(upgraded(lambda connection: connection.hang())) as server:
        cookies = {"flavour": "oat"}
        async with aiohttp.ClientSession(headers={"X-Session": "s"}, cookies=cookies) as session:
            headers = {"X-Mine": "m", "Authorization": "Bearer t"}
            options: Any = {"params": {"q": "1"}, "headers": headers, "origin": "http://o"}
            async with session.ws_connect(f"{server.url}/path", protocols=["a", "b"], **options) as ws:
                head = server.received[0].partition(b"\r\n\r\n")[0].decode().lower()
                (ws._websocket.abort if hasattr(ws, "_websocket") else ws._response.close)()
    assert head.startswith("get /path?q=1 http/1.1\r\n")
    for line in (
        "x-session: s",
        "x-mine: m",
        "origin: http://o",
        "cookie: flavour=oat",
        "authorization: bearer t",
        "upgrade: websocket",
        "connection: upgrade",
        "sec-websocket-version: 13",
    ):
        assert f"\r\n{line}" in head, line
    assert "sec-websocket-protocol: a,b" in head.replace(", b", ",b")
    assert "sec-websocket-extensions" not in head


async def test_subprotocols(peer: aioxide.WebSocketServer, session: Any) -> None:
    async with session.ws_connect(peer.url, protocols=("other", "chat")) as ws:
        assert ws.protocol == "chat"
    async with session.ws_connect(peer.url) as ws:
        assert ws.protocol is None


async def test_where_it_leads(peer: aioxide.WebSocketServer, session: Any) -> None:
    async with session.ws_connect(peer.url) as ws:
        assert ws.get_extra_info("peername") == ("127.0.0.1", peer.port)
        assert ws.get_extra_info("nothing", "default") == "default"
        assert ws.client_notakeover is False


async def test_cookies_of_the_handshake_are_kept(aiohttp: Any) -> None:
    async with aioxide.serve_ws(echo, headers={"Set-Cookie": "a=b"}) as server:
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as session:
            async with session.ws_connect(server.url):
                pass
            assert {cookie.key: cookie.value for cookie in jar} == {"a": "b"}


def other_answer(*drop: bytes) -> Any:
    def script(connection: Connection) -> None:
        said = answer(connection.read_head())
        connection.send(b"\r\n".join(line for line in said.split(b"\r\n") if not line.startswith(drop)))
        connection.end()

    return script


@pytest.mark.parametrize(
    ("script", "status", "message"),
    [
        (reply(b"HTTP/1.1 403 No\r\nX: y\r\nContent-Length: 2\r\n\r\nno"), 403, "Invalid response status"),
        (other_answer(b"Sec-"), 101, "Invalid challenge response"),
        (other_answer(b"Upgrade:"), 101, "Invalid upgrade header"),
        (other_answer(b"Connection:"), 101, "Invalid connection header"),
        (other_answer(b"Upgrade:", b"Connection:", b"Sec-"), 101, "Invalid upgrade header"),
    ],
)
async def test_refusals(session: Any, aiohttp: Any, script: Any, status: int, message: str) -> None:
    with RawServer(script) as server, pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await session.ws_connect(server.url + "/p")
    assert (caught.value.status, caught.value.message) == (status, message)
    assert caught.value.request_info.method == "GET"
    assert caught.value.request_info.url.path == "/p"
    if status == 403:
        assert caught.value.headers["x"] == "y"


@pytest.mark.parametrize("url", ["ws://us%20er:p%40ss@", "http://us%20er:p%40ss@"])
async def test_credentials_in_the_url(session: Any, url: str) -> None:
    """They are no use of `BasicAuth` by the program, which is not warned of it."""

    def script(connection: Connection) -> None:
        connection.send(answer(connection.read_head()))
        assert read_frame(connection)[0] == CLOSE
        connection.send(close(1000))

    with RawServer(script) as server, warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        async with session.ws_connect(url + f"127.0.0.1:{server.port}/"):
            pass
        assert b"\r\nauthorization: basic dXMgZXI6cEBzcw==\r\n".lower() in server.received[0].lower()


async def test_nobody_is_there(session: Any, aiohttp: Any) -> None:
    with pytest.raises(aiohttp.ClientConnectorError) as caught:
        await session.ws_connect("ws://127.0.0.1:1/")
    assert (caught.value.host, caught.value.port) == ("127.0.0.1", 1)
    assert isinstance(caught.value.os_error, OSError)
    with pytest.raises(aiohttp.ClientConnectorDNSError):
        await session.ws_connect("ws://nowhere.invalid/")
    with pytest.raises(aiohttp.ClientError):
        await session.ws_connect("ftp://host/")


async def test_a_session_that_is_closed(session: Any, aiohttp: Any) -> None:
    await session.close()
    with pytest.raises(RuntimeError, match="Session is closed"):
        await session.ws_connect("ws://localhost/")


async def test_awaited(peer: aioxide.WebSocketServer, session: Any) -> None:
    ws = await session.ws_connect(peer.url)
    await ws.send_str("x")
    assert (await ws.receive()).data == "x"
    await ws.close()


# ---- what is ours alone ----


async def test_text_as_bytes(peer: aioxide.WebSocketServer) -> None:
    from aioxide import aiohttp

    async with aiohttp.ClientSession() as session, session.ws_connect(peer.url, decode_text=False) as ws:
        await ws.send_str("é")
        message = await ws.receive()
        assert (message.type, message.data) == (aiohttp.WSMsgType.TEXT, "é".encode())


async def test_what_cannot_be_done_is_refused(peer: aioxide.WebSocketServer) -> None:
    from aioxide import aiohttp

    async with aiohttp.ClientSession() as session:
        for options, error, words in (
            ({"method": "POST"}, NotImplementedError, "asked for with GET"),
            ({"compress": 8}, ValueError, "between 9 and 15"),
            ({"heartbeat": 0}, ValueError, "heartbeat must be more than zero"),
            ({"headers": {"Sec-WebSocket-Extensions": "x"}}, ValueError, "use compress"),
            ({"protocols": ["a b"]}, ValueError, "not a subprotocol"),
        ):
            with pytest.raises(error, match=words):
                await session.ws_connect(peer.url, **options)
        async with session.ws_connect(peer.url) as ws:
            with pytest.raises(ValueError, match="compression was not agreed on"):
                await ws.send_str("x", compress=15)
    async with aiohttp.ClientSession(ws_response_class=int) as session:
        with pytest.raises(TypeError, match="ws_response_class must be a subclass"):
            await session.ws_connect(peer.url)


async def test_it_is_an_instance_of_aiohttps(peer: aioxide.WebSocketServer) -> None:
    import aiohttp as theirs

    from aioxide import aiohttp

    async with aiohttp.ClientSession() as session, session.ws_connect(peer.url) as ws:
        assert isinstance(ws, aiohttp.ClientWebSocketResponse)
        assert isinstance(ws, theirs.ClientWebSocketResponse)


async def test_a_class_of_ones_own(peer: aioxide.WebSocketServer) -> None:
    from aioxide import aiohttp

    class Mine(aiohttp.ClientWebSocketResponse):
        async def shout(self, text: str) -> None:
            await self.send_str(text.upper())

    async with (
        aiohttp.ClientSession(ws_response_class=Mine) as session,
        session.ws_connect(peer.url) as ws,
    ):
        await ws.shout("hey")
        assert await ws.receive_str() == "HEY"


def test_without_aiohttp(script: Any) -> None:
    """The same where aiohttp is not installed, with classes of our own."""
    printed = script.works("""
        import asyncio, sys

        class Refuse:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] == "aiohttp":
                    raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        sys.meta_path.insert(0, Refuse())

        import aioxide
        from aioxide import aiohttp

        async def echo(websocket):
            async for message in websocket:
                await websocket.send(message)

        async def main():
            async with aioxide.serve_ws(echo) as server, aiohttp.ClientSession() as session:
                async with session.ws_connect(server.url, compress=15) as ws:
                    await ws.send_str("x")
                    message = await ws.receive()
                    print(message.type is aiohttp.WSMsgType.TEXT, message.data, type(message).__module__)
                    await ws.close()
                    print((await ws.receive()).type.name, ws.close_code)
                limits = aiohttp.ClientWSTimeout(ws_receive=0.01)
                async with session.ws_connect(server.url, timeout=limits) as ws:
                    try:
                        await ws.receive()
                    except TimeoutError:
                        print("late")
        asyncio.run(main())
    """)
    assert printed == "True x aioxide.aiohttp.http_websocket\nCLOSED 1000\nlate\n"


async def test_it_ends_with_its_session(peer: aioxide.WebSocketServer, aiohttp: Any) -> None:
    session = aiohttp.ClientSession()
    ws = await session.ws_connect(peer.url)
    reading = asyncio.create_task(ws.receive())
    await asyncio.sleep(0)
    await session.close()
    message = await asyncio.wait_for(reading, 5)
    assert message.type is aiohttp.WSMsgType.CLOSED
    assert (ws.closed, ws.close_code) == (True, 1006)


async def test_it_outlives_a_session_without_the_connector(
    peer: aioxide.WebSocketServer, aiohttp: Any
) -> None:
    connector = aiohttp.TCPConnector()
    async with aiohttp.ClientSession(connector=connector, connector_owner=False) as session:
        ws = await session.ws_connect(peer.url)
    await ws.send_str("still here")
    assert await ws.receive_str() == "still here"
    await connector.close()
    assert (await asyncio.wait_for(ws.receive(), 5)).type is aiohttp.WSMsgType.CLOSED


async def test_one_that_is_being_opened_ends_with_its_session(aiohttp: Any, until: Any) -> None:
    with RawServer(silence) as server:
        session = aiohttp.ClientSession()
        opening = asyncio.create_task(session._ws_connect(server.url))
        await until(lambda: server.received)
        await session.close()
        with pytest.raises(aiohttp.ClientConnectionError, match="Connector is closed"):
            await asyncio.wait_for(opening, 5)


async def test_the_program_finds_the_address(peer: aioxide.WebSocketServer, aiohttp: Any) -> None:
    port = peer.port
    asked: list[Any] = []

    class Guarded(aiohttp.TCPConnector):  # type: ignore[misc, name-defined]
        async def _resolve_host(self, host: str, port: int, traces: Any = None) -> Any:
            asked.append((host, port))
            if host == "127.0.0.1":
                raise OSError(None, "not there")
            found = {"hostname": host, "host": "127.0.0.1", "port": port, "family": socket.AF_INET}
            return [{**found, "proto": 0, "flags": socket.AI_NUMERICHOST}]

    async with aiohttp.ClientSession(connector=Guarded()) as session:
        async with session.ws_connect(f"ws://somewhere.invalid:{port}/") as ws:
            await ws.send_str("x")
            assert await ws.receive_str() == "x"
        with pytest.raises(aiohttp.ClientConnectorDNSError, match="not there"):
            await session.ws_connect(f"ws://127.0.0.1:{port}/")
    assert asked == [("somewhere.invalid", port), ("127.0.0.1", port)]


async def test_a_redirect_to_where_nobody_has_looked(peer: aioxide.WebSocketServer) -> None:
    from aioxide import aiohttp

    class Resolver(aiohttp.abc.AbstractResolver):
        async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> Any:
            if host == "elsewhere.invalid":
                port += 1
            found = {"hostname": host, "host": "127.0.0.1", "port": port, "family": family}
            return [{**found, "proto": 0, "flags": 0}]

        async def close(self) -> None:
            pass

    answered = f"HTTP/1.1 302 Found\r\nLocation: {peer.url}\r\nContent-Length: 0\r\n\r\n".encode()
    connector = aiohttp.TCPConnector(resolver=Resolver())
    with RawServer(reply(answered)) as server:
        async with aiohttp.ClientSession(connector=connector) as session:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(f"ws://somewhere.invalid:{server.port}/")
            assert refused.value.status == 302
            with pytest.raises(NotImplementedError, match="another port"):
                await session.ws_connect(f"ws://elsewhere.invalid:{server.port}/")
