"""Whoever waits no longer: the server sees it, and nothing stays behind."""

import asyncio
import threading
from typing import Any

import pytest

import aioxide
from aioxide.testing import LocalSite, bridge_statistics
from tests.servers.raw import Connection, RawServer


@pytest.fixture(params=[False, True], ids=["HTTP/1.1", "HTTP/2"])
def http1(request: pytest.FixtureRequest) -> bool:
    return not request.param


@pytest.mark.parametrize("path", ["/hang", "/hang/body"])
async def test_the_server_sees_a_cancelled_request_gone(
    fresh_site: LocalSite, http1: bool, path: str
) -> None:
    async with aioxide.Client(http1=http1) as client:
        request = asyncio.ensure_future(client.get(fresh_site.url + path))
        await fresh_site.wait_begun(1)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        await fresh_site.wait_aborted(1)
        assert bridge_statistics()["sleeping"] == 0
        # The client is as good as before.
        assert (await client.get(f"{fresh_site.url}/json")).ok


async def test_cancelling_while_a_body_is_sent(client: aioxide.Client) -> None:
    stuck, cancelled, gone = threading.Event(), threading.Event(), threading.Event()

    def script(connection: Connection) -> None:
        connection.read_head()
        stuck.set()
        cancelled.wait()
        try:
            connection.hang()
        finally:
            gone.set()

    with RawServer(script) as server:
        request = asyncio.ensure_future(client.post(server.url, content=bytes(50_000_000)))
        await asyncio.to_thread(stuck.wait)
        request.cancel()
        await asyncio.wait([request])
        cancelled.set()
        await asyncio.to_thread(gone.wait)
        assert len(server.received[0]) < 50_000_000


async def test_a_request_that_nobody_started_is_not_made(
    fresh_site: LocalSite, client: aioxide.Client
) -> None:
    request = asyncio.ensure_future(client.get(f"{fresh_site.url}/json"))
    request.cancel()
    await asyncio.wait([request])
    assert (await client.get(f"{fresh_site.url}/json")).ok
    assert fresh_site.statistics()["requests_begun"] == 1


async def test_closing_the_operation_ends_the_request(fresh_site: LocalSite, client: aioxide.Client) -> None:
    operation = client.get(f"{fresh_site.url}/hang")
    assert operation.send(None) is operation
    await fresh_site.wait_begun(1)
    operation.close()
    await fresh_site.wait_aborted(1)


async def test_a_storm_of_cancellations_leaves_a_client_that_works(
    fresh_site: LocalSite, http1: bool
) -> None:
    async with aioxide.Client(http1=http1) as client:
        for round_ in range(20):
            requests = [asyncio.ensure_future(client.get(f"{fresh_site.url}/delay/{n}")) for n in range(20)]
            await asyncio.sleep(0.001 * (round_ % 10))
            for request in requests[::2]:
                request.cancel()
            for request in requests[1::2]:
                assert (await request).ok
        assert (await client.get(f"{fresh_site.url}/json")).ok
    assert bridge_statistics()["sleeping"] == 0
    await fresh_site.wait_open(0)


@pytest.mark.parametrize("tls", [False, True], ids=["prior knowledge", "ALPN"])
async def test_who_waits_for_a_connection_outlives_the_request_that_opens_it(tls: bool) -> None:
    """Over HTTP/2 one request opens the connection for all; here that one is cancelled meanwhile."""
    with LocalSite(tls=tls) as site:
        settings: dict[str, Any] = {"verify": site.certificate} if tls else {"http1": False}
        for round_ in range(40):
            async with aioxide.Client(**settings) as client:
                requests = [asyncio.ensure_future(client.get(f"{site.url}/json")) for _ in range(20)]
                # From before the connector is called to after the handshake is over.
                await asyncio.sleep(0.0001 * round_)
                for request in requests[::2]:
                    request.cancel()
                responses = await asyncio.gather(*requests, return_exceptions=True)
                assert [r.http_version for r in responses[1::2]] == ["HTTP/2"] * 10


async def test_an_operation_that_is_never_awaited_warns_and_sends_nothing(
    fresh_site: LocalSite, client: aioxide.Client
) -> None:
    with pytest.warns(RuntimeWarning, match=r"'Client\.get' was never awaited"):
        client.get(f"{fresh_site.url}/json")
    assert fresh_site.statistics()["requests_begun"] == 0
