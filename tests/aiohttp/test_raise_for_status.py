"""`raise_for_status`: of the response, the request and the session."""

from typing import Any

import pytest

from tests.http.test_streaming import dripping
from tests.servers.answering import Answering, answer, redirect

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])


@pytest.fixture(autouse=True)
def _pages(server: Answering) -> None:
    server.on("/404", answer(404, body=b"none", reason="Not Found"))
    server.on("/500", answer(500, body=b"bad", reason="Bad"))
    server.on("/399", answer(399, body=b"fine"))
    server.on("/away", redirect("/404"))


async def test_of_a_response(aiohttp: Any, session: Any, server: Answering) -> None:
    async with session.get(f"{server.url}/399") as response:
        assert response.raise_for_status() is None
    async with session.get(f"{server.url}/404") as response:
        with pytest.raises(aiohttp.ClientResponseError) as caught:
            response.raise_for_status()
        # In its block it can still be read.
        assert await response.read() == b"none"
    assert (caught.value.status, caught.value.message) == (404, "Not Found")


async def test_of_a_response_outside_of_a_block(aiohttp: Any, session: Any) -> None:
    head = b"HTTP/1.1 500 Bad\r\ntransfer-encoding: chunked\r\n\r\n"
    from tests.servers.raw import Connection, RawServer

    gone: list[bool] = []

    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(head)
        try:
            connection.hang()
        finally:
            gone.append(True)

    with RawServer(script) as server:
        response = await session.get(server.url)
        with pytest.raises(aiohttp.ClientResponseError):
            response.raise_for_status()
        assert response.closed
    assert gone == [True]


async def test_of_a_request(aiohttp: Any, session: Any, server: Answering) -> None:
    with pytest.raises(aiohttp.ClientResponseError, match="404"):
        async with session.get(f"{server.url}/404", raise_for_status=True):
            pass
    with pytest.raises(aiohttp.ClientResponseError, match="404"):
        await session.get(f"{server.url}/404", raise_for_status=True)
    async with session.get(f"{server.url}/399", raise_for_status=True) as response:
        assert response.status == 399


async def test_of_a_session(aiohttp: Any, server: Answering) -> None:
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        with pytest.raises(aiohttp.ClientResponseError, match="500"):
            await session.get(f"{server.url}/500")
        async with session.get(f"{server.url}/500", raise_for_status=False) as response:
            assert response.status == 500
        async with session.get(f"{server.url}/399") as response:
            assert response.status == 399


async def test_after_redirects(aiohttp: Any, session: Any, server: Answering) -> None:
    with pytest.raises(aiohttp.ClientResponseError) as caught:
        async with session.get(f"{server.url}/away") as response:
            response.raise_for_status()
    assert [before.status for before in caught.value.history] == [302]
    assert str(caught.value.request_info.url) == f"{server.url}/404"


@pytest.mark.parametrize("where", ["session", "request"])
async def test_a_function(aiohttp: Any, server: Answering, where: str) -> None:
    asked: list[int] = []

    async def check(response: Any) -> None:
        asked.append(response.status)
        if response.status == 404:
            raise LookupError(await response.text())

    for_session = {"raise_for_status": check} if where == "session" else {}
    for_request = {"raise_for_status": check} if where == "request" else {}
    async with aiohttp.ClientSession(**for_session) as session:
        async with session.get(f"{server.url}/500", **for_request) as response:
            assert response.status == 500
        with pytest.raises(LookupError, match="none"):
            await session.get(f"{server.url}/404", **for_request)
    assert asked == [500, 404]


async def test_a_function_of_the_session_is_not_asked(aiohttp: Any, server: Answering) -> None:
    async def check(response: Any) -> None:
        raise AssertionError("asked")

    async with aiohttp.ClientSession(raise_for_status=check) as session:
        async with session.get(f"{server.url}/404", raise_for_status=False) as response:
            assert response.status == 404
        with pytest.raises(aiohttp.ClientResponseError):
            await session.get(f"{server.url}/404", raise_for_status=True)


async def test_the_connection_is_not_kept_busy(aiohttp: Any) -> None:
    connector = aiohttp.TCPConnector(limit=1)
    with dripping(b"x: y\r\n") as (drip, url):
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.get(url) as response,
        ):
            drip.end(b"x")
            assert await response.read() == b"x"
