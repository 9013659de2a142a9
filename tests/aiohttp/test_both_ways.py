"""What a request gives is awaited, entered, and handed to tasks."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Coroutine
from typing import Any

import pytest

from tests.servers.answering import Answering, Seen
from tests.servers.raw import Connection, RawServer, silence


async def test_awaited(aiohttp: Any, session: Any, server: Answering) -> None:
    response = await session.get(server.url)
    assert isinstance(response, aiohttp.ClientResponse)
    assert (response.status, (await response.json())["method"]) == (200, "GET")


async def test_entered(aiohttp: Any, session: Any, server: Answering) -> None:
    async with session.get(server.url) as response:
        assert isinstance(response, aiohttp.ClientResponse)
        assert (await response.json())["method"] == "GET"


async def test_entered_by_hand(session: Any, server: Answering) -> None:
    manager = session.get(server.url)
    response = await manager.__aenter__()
    assert (await response.json())["method"] == "GET"
    assert await manager.__aexit__(None, None, None) in {None, False}
    assert response.closed


async def test_what_it_is(session: Any, server: Answering) -> None:
    request = session.get(server.url)
    assert inspect.isawaitable(request)
    assert isinstance(request, Awaitable)
    assert isinstance(request, Coroutine)
    assert asyncio.iscoroutine(request)
    assert server.seen == []
    request.close()


async def test_in_tasks(session: Any, server: Answering) -> None:
    tasks = [asyncio.create_task(session.get(f"{server.url}/{n}")) for n in range(10)]
    for n, task in enumerate(tasks):
        async with await task as response:
            assert (await response.json())["target"] == f"/{n}"


async def test_in_a_gather(session: Any, server: Answering) -> None:
    responses = await asyncio.gather(*[session.get(f"{server.url}/{n}") for n in range(10)])
    assert [(await response.json())["target"] for response in responses] == [f"/{n}" for n in range(10)]


async def test_in_a_gather_that_keeps_exceptions(aiohttp: Any, session: Any, server: Answering) -> None:
    good, bad = await asyncio.gather(
        session.get(server.url), session.get("http://127.0.0.1:1/"), return_exceptions=True
    )
    assert good.status == 200
    assert isinstance(bad, aiohttp.ClientConnectorError)
    good.release()


async def test_in_a_group(session: Any, server: Answering) -> None:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(session.get(server.url))
    async with task.result() as response:
        assert response.status == 200


async def test_as_completed(session: Any, server: Answering) -> None:
    found = set()
    for future in asyncio.as_completed([session.get(f"{server.url}/{n}") for n in range(5)]):
        async with await future as response:
            found.add((await response.json())["target"])
    assert found == {f"/{n}" for n in range(5)}


async def test_waited_for(session: Any, server: Answering) -> None:
    response = await asyncio.wait_for(session.get(server.url), 10)
    response.release()
    done, _ = await asyncio.wait([asyncio.ensure_future(session.get(server.url))])
    done.pop().result().release()


async def test_shielded(session: Any, server: Answering) -> None:
    response = await asyncio.shield(session.get(server.url))
    response.release()


async def test_a_cancelled_task(session: Any) -> None:
    with RawServer(silence) as server:
        for enter in (False, True):

            async def run(enter: bool = enter) -> None:
                if enter:
                    async with session.get(server.url):
                        pass
                else:
                    await session.get(server.url)

            task = asyncio.create_task(run())
            await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task


async def test_reads_in_a_gather(session: Any, server: Answering) -> None:
    responses = await asyncio.gather(*[session.get(f"{server.url}/{n}") for n in range(5)])
    texts = await asyncio.gather(*[response.text() for response in responses])
    assert all(str(n) in text for n, text in enumerate(texts))
    documents = await asyncio.gather(*[asyncio.create_task(response.json()) for response in responses])
    assert [document["target"] for document in documents] == [f"/{n}" for n in range(5)]


async def test_methods_are_called_by_name(session: Any, server: Answering) -> None:
    for name in ("get", "post"):
        request = getattr(session, name)
        async with request(url=server.url) as response:
            assert (await response.json())["method"] == name.upper()
    async with session.request(method="GET", url=server.url) as response:
        assert response.status == 200


@pytest.mark.parametrize("middlewares", [None, ()], ids=["in Rust", "in Python"])
async def test_more_than_the_limit_can_be_awaited_before_any_is_read(
    aiohttp: Any, server: Answering, middlewares: Any
) -> None:
    # The body comes after the head, and is not asked for until every response is here.
    url = server.run("/late", late(b"x" * 1000, b"y" * 50_000))
    connector = aiohttp.TCPConnector(limit=2)
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.timeout(10):
        asked = [session.get(url, middlewares=middlewares) for _ in range(6)]
        responses = await asyncio.gather(*asked)
        assert [len(await response.read()) for response in responses] == [51_000] * 6


def late(*pieces: bytes) -> Any:
    def script(seen: Seen, connection: Connection) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n")
        for piece in pieces:
            time.sleep(0.02)
            connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        connection.send(b"0\r\n\r\n")
        connection.end()

    return script
