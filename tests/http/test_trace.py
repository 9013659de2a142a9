"""What is told about a request, in its order, and to whom."""

import asyncio
from typing import Any

import pytest

import aioxide
from aioxide import Limits, Retry, Timeout, TraceEvent
from aioxide.testing import LocalSite
from tests.http.pooling import Until, begin, cancel, state
from tests.http.trust import authority
from tests.servers.raw import RawServer, hang_up, reply_always, silence

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

DIALLED = ["dns.begin", "dns.end", "connect.begin", "connect.end"]
#: The system is asked for a name.
RESOLVED = ["dns.begin", "dns.ask", *DIALLED[1:]]
TLS = ["tls.begin", "tls.end"]
SENT = ["request.begin", "response.head", "response.end"]


class Listener:
    """A callable for `trace`, which keeps what it was told last."""

    def __init__(self) -> None:
        self.calls = 0
        self.events: list[TraceEvent] = []

    def __call__(self, events: list[TraceEvent]) -> None:
        self.calls += 1
        self.events = events

    def names(self) -> list[str]:
        return [event.name for event in self.events]

    def details(self) -> dict[str, str]:
        return {event.name: event.detail for event in self.events}


async def test_a_new_connection_and_one_that_was_there(site: LocalSite, until: Until) -> None:
    trace = Listener()
    async with aioxide.Client(trace=trace) as client:
        response = await client.get(f"{site.url}/bytes/1000")
        assert trace.names() == [*DIALLED, "connection.created", *SENT]
        assert trace.details() == {
            "dns.begin": "127.0.0.1",
            "dns.end": "cached",
            "connect.begin": "",
            "connect.end": f"127.0.0.1:{site.port}",
            "connection.created": f"127.0.0.1:{site.port}",
            "request.begin": "GET",
            "response.head": "200",
            "response.end": "1000",
        }
        assert [repr(event) for event in response.trace] == [repr(event) for event in trace.events]
        times = [event.at for event in trace.events]
        assert times == sorted(times)
        assert times[0] >= 0

        await until(lambda: state(client) == (1, 1, 0))
        await client.get(f"{site.url}/json")
        assert trace.names() == ["connection.reused", *SENT]
        assert trace.events[0].detail == f"127.0.0.1:{site.port}"
        assert trace.calls == 2


@pytest.mark.parametrize("http2", [False, True])
async def test_tls(tls_site: LocalSite, http2: bool) -> None:
    trace = Listener()
    async with aioxide.Client(verify=authority(tls_site), http2=http2, trace=trace) as client:
        await client.get(f"{tls_site.url}/json")
    assert trace.names() == [*RESOLVED, *TLS, "connection.created", *SENT]
    # Without a protocol to choose from, none is named, or HTTP/1.1 is.
    assert trace.details()["tls.end"].startswith("TLSv1_3")
    assert trace.details()["tls.end"].endswith("h2") == http2


async def test_a_redirect(site: LocalSite) -> None:
    trace = Listener()
    async with aioxide.Client(trace=trace) as client:
        response = await client.get(f"{site.url}/redirect/1")
    names = [name for name in trace.names() if name not in DIALLED and "connection" not in name]
    hop = ["request.begin", "response.head", "response.end", "redirect"]
    assert [name for name in names if name != "response.discarded"] == [*hop, *SENT]
    assert trace.details()["redirect"] == f"{site.url}/redirect/0"
    assert [event.detail for event in trace.events if event.name == "response.head"] == ["302", "200"]
    # The whole way is told once.
    assert response.history[0].trace == []
    assert trace.calls == 1


async def test_a_retry(fresh_site: LocalSite) -> None:
    trace = Listener()
    async with aioxide.Client(trace=trace, retries=Retry(2, backoff=0.001)) as client:
        response = await client.get(f"{fresh_site.url}/flaky/trace/2")
    assert response.attempts == 3
    heads = [event.detail for event in trace.events if event.name == "response.head"]
    assert heads == ["503", "503", "200"]
    waits = [event.detail for event in trace.events if event.name == "retry"]
    assert len(waits) == 2
    assert all(wait.startswith("in 0") and wait.endswith(" s") for wait in waits)


async def test_an_old_connection_that_was_lost(until: Until) -> None:
    def twice(connection: Any) -> None:
        connection.read_head()
        connection.send(OK)
        hang_up(connection)

    trace = Listener()
    with RawServer(twice, reply_always(OK)) as server:
        async with aioxide.Client(trace=trace) as client:
            await client.get(server.url)
            await until(lambda: state(client) == (1, 1, 0))
            await client.get(server.url)
    lost = ["connection.reused", "request.begin", "connection.stale"]
    assert trace.names() == [*lost, *DIALLED, "connection.created", *SENT]


async def test_a_wait_for_a_connection(fresh_site: LocalSite) -> None:
    trace = Listener()
    async with aioxide.Client(limits=Limits(1)) as client:
        held = begin(client, f"{fresh_site.url}/hang")
        await fresh_site.wait_begun(1)
        with pytest.raises(aioxide.PoolTimeout):
            await client.get(
                f"{fresh_site.url}/json", timeout=Timeout(pool=0.05), extensions={"trace": trace}
            )
        await cancel(held)
    assert trace.names() == ["pool.wait"]


async def test_a_failure_is_told_as_far_as_it_went(fresh_site: LocalSite) -> None:
    trace = Listener()
    with RawServer(hang_up) as server, RawServer(silence) as mute:
        async with aioxide.Client(trace=trace) as client:
            with pytest.raises(aioxide.RemoteProtocolError):
                await client.get(server.url)
            assert trace.names() == [*DIALLED, "connection.created", "request.begin"]
            with pytest.raises(aioxide.ConnectTimeout):
                await client.get(f"https://127.0.0.1:{mute.port}/", timeout=Timeout(connect=0.1))
            assert trace.names() == [*DIALLED, "tls.begin"]
            with pytest.raises(aioxide.ConnectError):
                await client.get("http://dead.invalid/")
            assert trace.names() == ["dns.begin", "dns.ask"]
            with pytest.raises(aioxide.TimeoutException):
                await client.get(f"{fresh_site.url}/hang/body", timeout=0.1)
            assert trace.names() == [*DIALLED, "connection.created", "request.begin", "response.head"]
    assert trace.calls == 4


async def test_a_cancelled_request_is_told_too(fresh_site: LocalSite) -> None:
    trace = Listener()
    async with aioxide.Client(trace=trace) as client:
        requests = begin(client, f"{fresh_site.url}/hang")
        await fresh_site.wait_begun(1)
        await cancel(requests)
    assert trace.names() == [*DIALLED, "connection.created", "request.begin"]


async def test_the_requests_own_listener_comes_before_the_clients(site: LocalSite) -> None:
    clients, own = Listener(), Listener()
    async with aioxide.Client(trace=clients) as client:
        await client.get(f"{site.url}/json", extensions={"trace": own})
        assert (clients.calls, own.calls) == (0, 1)
        await client.get(f"{site.url}/json")
        assert (clients.calls, own.calls) == (1, 1)


async def test_a_body_that_is_streamed(site: LocalSite) -> None:
    trace = Listener()
    async with (
        aioxide.Client(trace=trace) as client,
        client.stream("GET", f"{site.url}/bytes/3000000") as response,
    ):
        # It is told when the head is here; what comes later is in the response.
        assert trace.names()[-1] == "response.head"
        assert "response.end" not in [event.name for event in response.trace]
        await response.aread()
        assert response.trace[-1].name == "response.end"
        assert response.trace[-1].detail == "3000000"
    assert trace.calls == 1


def test_a_blocking_client_tells_the_same(site: LocalSite) -> None:
    trace = Listener()
    with aioxide.BlockingClient(trace=trace) as client:
        client.get(f"{site.url}/json")
    assert trace.names() == [*DIALLED, "connection.created", *SENT]
    assert trace.calls == 1


async def test_nothing_is_kept_that_nobody_asked_for(site: LocalSite, client: aioxide.Client) -> None:
    response = await client.get(f"{site.url}/json")
    assert response.trace == []
    # It is an operation as it is: nothing in Python goes around it.
    operation = client.get(f"{site.url}/json")
    assert isinstance(operation, aioxide.Operation)
    await operation
    traced = client.get(f"{site.url}/json", extensions={"trace": Listener()})
    assert not isinstance(traced, aioxide.Operation)
    await asyncio.gather(traced)


@pytest.mark.parametrize("trace", [1, "print", [print]])
def test_a_listener_has_to_be_callable(site: LocalSite, trace: Any) -> None:
    with pytest.raises(TypeError, match="trace"):
        aioxide.Client(trace=trace)
    with pytest.raises(TypeError, match="trace"):
        aioxide.fetch(f"{site.url}/json", extensions={"trace": trace})
