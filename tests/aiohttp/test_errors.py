"""What is raised, and what it tells."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from tests.servers.answering import Answering, answer
from tests.servers.programs import free_port
from tests.servers.raw import Connection, RawServer, hang_up, reply, reply_and_reset, reset, silence

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])


async def test_nobody_listens(aiohttp: Any, session: Any) -> None:
    port = free_port()
    with pytest.raises(aiohttp.ClientConnectorError) as caught:
        await session.get(f"http://127.0.0.1:{port}/")
    error = caught.value
    assert isinstance(error, aiohttp.ClientOSError | OSError)
    assert isinstance(error, aiohttp.ClientConnectionError)
    assert (error.host, error.port) == ("127.0.0.1", port)
    assert isinstance(error.os_error, OSError)
    assert error.os_error.errno is not None
    assert error.errno == error.os_error.errno
    assert f"Cannot connect to host 127.0.0.1:{port}" in str(error)


async def test_no_such_host(aiohttp: Any, session: Any) -> None:
    with pytest.raises(aiohttp.ClientConnectorDNSError) as caught:
        await session.get("http://no-such-host.invalid/")
    assert isinstance(caught.value, aiohttp.ClientConnectorError)
    assert (caught.value.host, caught.value.port) == ("no-such-host.invalid", 80)


@pytest.mark.parametrize("script", [hang_up, reply(b"")])
async def test_the_server_hangs_up(aiohttp: Any, session: Any, script: Any) -> None:
    with RawServer(script) as server, pytest.raises(aiohttp.ServerDisconnectedError) as caught:
        await session.post(server.url, data=b"x")
    assert isinstance(caught.value, aiohttp.ClientConnectionError)
    assert str(caught.value) == "Server disconnected"


async def test_the_server_resets(aiohttp: Any, session: Any) -> None:
    with (
        RawServer(reset) as server,
        pytest.raises((aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)) as caught,
    ):
        await session.post(server.url)
    assert isinstance(caught.value, aiohttp.ClientConnectionError)


async def test_what_is_no_answer(aiohttp: Any, session: Any) -> None:
    with (
        RawServer(reply(b"SMTP is not HTTP\r\n\r\n")) as server,
        pytest.raises(aiohttp.ClientResponseError) as caught,
    ):
        await session.get(server.url)
    assert caught.value.status == 400
    assert caught.value.request_info.url == URL(server.url)


async def test_half_a_head(aiohttp: Any, session: Any) -> None:
    with (
        RawServer(reply(b"HTTP/1.1 200 OK\r\nx: ")) as server,
        pytest.raises(aiohttp.ServerDisconnectedError),
    ):
        await session.get(server.url)


async def test_half_a_body(aiohttp: Any, session: Any) -> None:
    with RawServer(reply(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")) as server:
        async with session.get(server.url) as response:
            with pytest.raises(aiohttp.ClientPayloadError) as caught:
                await response.read()
    assert isinstance(caught.value, aiohttp.ClientError)
    assert not isinstance(caught.value, aiohttp.ClientConnectionError)


async def test_a_reset_in_the_body(aiohttp: Any, session: Any) -> None:
    with (
        RawServer(reply_and_reset(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")) as server,
        pytest.raises(aiohttp.ClientError),
    ):
        async with session.get(server.url) as response:
            await response.read()


async def test_the_status(aiohttp: Any, session: Any, server: Answering) -> None:
    url = server.on("/x", answer(503, [("Retry-After", "1")], b"busy", reason="Busy"))
    async with session.get(url) as response:
        with pytest.raises(aiohttp.ClientResponseError) as caught:
            response.raise_for_status()
    error = caught.value
    assert (error.status, error.message) == (503, "Busy")
    assert error.headers["Retry-After"] == "1"
    assert error.history == ()
    assert error.request_info.url == URL(url)
    assert error.request_info.method == "GET"
    assert str(error) == f"503, message='Busy', url='{url}'"


async def test_what_is_caught_by_what(aiohttp: Any) -> None:
    assert issubclass(aiohttp.ServerTimeoutError, asyncio.TimeoutError)
    assert issubclass(aiohttp.ServerTimeoutError, aiohttp.ServerConnectionError)
    assert issubclass(aiohttp.ConnectionTimeoutError, aiohttp.ServerTimeoutError)
    assert issubclass(aiohttp.SocketTimeoutError, aiohttp.ServerTimeoutError)
    assert issubclass(aiohttp.ServerDisconnectedError, aiohttp.ServerConnectionError)
    assert issubclass(aiohttp.ClientOSError, OSError)
    assert issubclass(aiohttp.ClientConnectorError, aiohttp.ClientOSError)
    assert issubclass(aiohttp.ClientProxyConnectionError, aiohttp.ClientConnectorError)
    assert issubclass(aiohttp.ClientSSLError, aiohttp.ClientConnectorError)
    assert issubclass(aiohttp.ContentTypeError, aiohttp.ClientResponseError)
    assert issubclass(aiohttp.TooManyRedirects, aiohttp.ClientResponseError)
    assert issubclass(aiohttp.ClientHttpProxyError, aiohttp.ClientResponseError)
    assert issubclass(aiohttp.WSServerHandshakeError, aiohttp.ClientResponseError)
    assert issubclass(aiohttp.InvalidURL, ValueError)
    assert aiohttp.client_exceptions.ClientError is aiohttp.ClientError


async def test_cancelled_it_is_cancelled(session: Any) -> None:
    with RawServer(silence) as server:
        task = asyncio.ensure_future(session.get(server.url))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_lost_connection_is_tried_once_more(session: Any) -> None:
    first = b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1"

    def once(connection: Any) -> None:
        connection.read_head()
        connection.send(first)
        connection.read_head()

    with RawServer(once, reply(first)) as server:
        async with session.get(server.url) as response:
            assert await response.read() == b"1"
        async with session.get(server.url) as response:
            assert await response.read() == b"1"
        assert len(server.received) == 2


async def test_a_post_is_not(aiohttp: Any, session: Any) -> None:
    first = b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1"

    def once(connection: Any) -> None:
        connection.read_head()
        connection.send(first)
        connection.read_head()

    with RawServer(once, reply(first)) as server:
        async with session.get(server.url) as response:
            assert await response.read() == b"1"
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await session.post(server.url, data=b"")


async def test_a_head_that_is_too_long(aiohttp: Any, session: Any, server: Answering) -> None:
    server.on("/x", answer(headers=[("X", "y" * 300_000)]))
    with pytest.raises(aiohttp.ClientResponseError) as caught:
        await session.get(f"{server.url}/x")
    assert caught.value.status == 400


async def test_an_address_of_somebody_else(aiohttp: Any, server: Answering) -> None:
    connector = aiohttp.TCPConnector(local_addr=("192.0.2.1", 0))
    async with aiohttp.ClientSession(connector=connector) as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(server.url)


def lost(first: bytes, times: int) -> tuple[RawServer, list[bytes]]:
    """A server that says no more than that on so many connections, and the heads of what it was asked."""
    heads: list[bytes] = []

    def script(connection: Connection) -> None:
        heads.append(connection.read_head())
        if len(heads) <= times:
            connection.send(first)
            connection.end()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    return RawServer(script), heads


@pytest.mark.parametrize("middlewares", [None, ()], ids=["in Rust", "in Python"])
@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\nCont"], ids=["nothing", "half a head"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
async def test_what_may_be_repeated_is_sent_once_more(
    aiohttp: Any, session: Any, method: str, first: bytes, middlewares: Any
) -> None:
    """Also where the connection was a new one: a server that drops one in a hundred is not noticed."""
    server, heads = lost(first, 1)
    with server:
        async with session.request(method, server.url, middlewares=middlewares) as response:
            assert (response.status, await response.text()) == (200, "ok")
    assert len(heads) == 2
    assert heads[0] == heads[1]
    server, heads = lost(first, 2)
    with server, pytest.raises(aiohttp.ServerDisconnectedError):
        await session.request(method, server.url, middlewares=middlewares)
    assert len(heads) == 2


@pytest.mark.parametrize("middlewares", [None, ()], ids=["in Rust", "in Python"])
async def test_a_file_is_sent_once_more_from_where_it_was(
    session: Any, tmp_path: Path, middlewares: Any
) -> None:
    bodies: list[bytes] = []

    def script(connection: Connection) -> None:
        connection.read_head()
        bodies.append(connection.read(5))
        if len(bodies) == 1:
            connection.end()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    with RawServer(script) as server, path.open("rb") as file:
        file.seek(5)
        async with session.put(server.url, data=file, middlewares=middlewares) as response:
            assert response.status == 200
    assert bodies == [b"56789"] * 2


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_what_may_not_be_repeated_is_not(aiohttp: Any, session: Any, method: str) -> None:
    server, heads = lost(b"", 1)
    with server, pytest.raises(aiohttp.ServerDisconnectedError):
        await session.request(method, server.url)
    assert len(heads) == 1


@pytest.mark.parametrize("raised", [KeyError("here"), OSError(5, "no more to read")], ids=["any", "system"])
async def test_a_body_that_cannot_be_read(aiohttp: Any, session: Any, raised: Exception) -> None:
    """Who catches ClientError catches it; what the program itself has raised is the cause."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b"one"
        raise raised

    with RawServer(silence) as server, pytest.raises(aiohttp.ClientConnectionError) as caught:
        await session.post(server.url, data=chunks())
    assert caught.value.__cause__ is raised
    if isinstance(raised, OSError):
        assert isinstance(caught.value, aiohttp.ClientOSError)
        assert caught.value.errno == 5
