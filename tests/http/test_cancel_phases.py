"""Whoever gives up a request, wherever it is: the server sees it, and its place in the pool is free."""

import asyncio
import contextlib
import gc
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import aioxide
from aioxide.testing import LocalSite
from tests.conftest import LoopFactory
from tests.http.accounting import is_at_rest
from tests.servers.raw import Connection, RawServer, Script, reply_always

Until = Callable[[Callable[[], object]], Awaitable[None]]

GOOD = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood"
BUSY = b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"
# Longer than a test has patience.
LONG = 60


async def happens(event: threading.Event) -> None:
    """In a thread of its own, as what a raw server does."""
    assert await asyncio.to_thread(event.wait, 20)


async def nothing() -> None:
    """What there is to see for a server that nothing had reached."""


class Peer:
    """A server that lets one connection get so far, and says when the client has left it."""

    def __init__(self, script: Script | None = None) -> None:
        self._script = script
        self.reached = threading.Event()
        self.gone = threading.Event()
        self.server = RawServer(self._first, reply_always(GOOD))

    def _first(self, connection: Connection) -> None:
        try:
            if self._script is not None:
                self._script(connection)
            self.reached.set()
            connection.hang()
        finally:
            self.gone.set()


@dataclass
class Phase:
    """A request that is where it is to be given up."""

    call: Callable[[], Any]
    client: aioxide.Client
    #: Waits until it is there.
    reached: Callable[[], Awaitable[object]]
    #: Waits until the server has seen that it was given up.
    gone: Callable[[], Awaitable[object]]
    #: What can be asked when it was.
    good: str = ""


def head(connection: Connection) -> None:
    connection.read_head()


def half_a_body(connection: Connection) -> None:
    connection.read_head()
    connection.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345")
    connection.settle()


def first_bytes(connection: Connection) -> None:
    connection.read(1)


@contextlib.asynccontextmanager
async def by_peer(
    until: Until, script: Script, scheme: str = "http", proxy: str = "", **options: Any
) -> AsyncIterator[Phase]:
    peer = Peer(script)
    with peer.server as server:
        if proxy:
            options["proxy"] = f"{proxy}://127.0.0.1:{server.port}"
        url = f"{scheme}://127.0.0.1:{server.port}/"
        async with aioxide.Client(limits=aioxide.Limits(1), timeout=LONG) as client:
            yield Phase(
                lambda: client.request("POST", url, **options),
                client,
                lambda: happens(peer.reached),
                lambda: happens(peer.gone),
                server.url,
            )


@contextlib.asynccontextmanager
async def pool(until: Until) -> AsyncIterator[Phase]:
    async with by_peer(until, head) as held:
        holder = asyncio.ensure_future(held.call())
        await held.reached()

        def waits() -> Awaitable[None]:
            return until(lambda: held.client.statistics().waiting == 1)

        async def gone() -> None:
            if not held.client.is_closed:
                await until(lambda: held.client.statistics().waiting == 0)
            # It was no connection's; now the one that held it may go.
            holder.cancel()
            await held.gone()

        yield Phase(lambda: held.client.get(held.good), held.client, waits, gone, held.good)
        await asyncio.wait([holder])
        # It was closed, perhaps, before it was cancelled.
        if not holder.cancelled():
            assert isinstance(holder.exception(), aioxide.CloseError)


@contextlib.asynccontextmanager
async def connect(until: Until) -> AsyncIterator[Phase]:
    with contextlib.ExitStack() as stack, RawServer(reply_always(GOOD)) as server:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        # Nobody accepts: when the queue is full, who comes is not answered.
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        async with aioxide.Client(limits=aioxide.Limits(1), timeout=LONG) as client:
            yield Phase(
                lambda: client.get(f"http://127.0.0.1:{full.getsockname()[1]}/"),
                client,
                lambda: until(lambda: client.statistics().connections == 1),
                nothing,
                good=server.url,
            )


@contextlib.asynccontextmanager
async def pause(until: Until) -> AsyncIterator[Phase]:
    with RawServer(reply_always(BUSY)) as busy, RawServer(reply_always(GOOD)) as server:
        retry = aioxide.Retry(3, backoff=LONG, jitter=False)
        async with aioxide.Client(limits=aioxide.Limits(1), timeout=None) as client:
            yield Phase(
                lambda: client.get(busy.url, retries=retry),
                client,
                lambda: until(lambda: client.statistics().idle == 1),
                nothing,
                good=server.url,
            )
        assert len(busy.received) == 1
        assert busy.received[0].count(b"GET / ") == 1


PHASES: dict[str, Callable[[Until], Any]] = {
    "waiting for the pool": pool,
    "connecting": connect,
    "TLS handshake": lambda until: by_peer(until, first_bytes, "https"),
    "HTTP proxy": lambda until: by_peer(until, head, "https", "http"),
    "HTTPS proxy": lambda until: by_peer(until, first_bytes, "https", "https"),
    "SOCKS5 proxy": lambda until: by_peer(until, first_bytes, "http", "socks5"),
    "SOCKS4 proxy": lambda until: by_peer(until, first_bytes, "http", "socks4"),
    "sending the body": lambda until: by_peer(until, head, content=bytes(50_000_000)),
    "waiting for the head": lambda until: by_peer(until, head),
    "in the body": lambda until: by_peer(until, half_a_body),
    "pause before a retry": pause,
}


async def cancel(phase: Phase) -> None:
    task = asyncio.ensure_future(phase.call())
    await phase.reached()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def expire(phase: Phase) -> None:
    """`asyncio.timeout`, moved to now."""

    async def request() -> None:
        async with asyncio.timeout(None) as scope:
            scopes.append(scope)
            await phase.call()

    scopes: list[asyncio.Timeout] = []
    task = asyncio.ensure_future(request())
    await phase.reached()
    scopes[0].reschedule(0)
    with pytest.raises(TimeoutError):
        await task


async def close(phase: Phase) -> None:
    task = asyncio.ensure_future(phase.call())
    await phase.reached()
    await phase.client.aclose()
    with pytest.raises(aioxide.CloseError, match="the client was closed"):
        await task


async def drop(phase: Phase) -> None:
    operation = phase.call()
    operation.send(None)
    await phase.reached()
    del operation
    gc.collect()


@pytest.mark.parametrize("way", [cancel, expire, close, drop])
@pytest.mark.parametrize("name", PHASES)
async def test_a_request_that_is_given_up_leaves_nothing(
    name: str, way: Callable[[Phase], Awaitable[None]], until: Until
) -> None:
    async with PHASES[name](until) as phase:
        await way(phase)
        await phase.gone()
        await until(lambda: is_at_rest(phase.client))
        if not phase.client.is_closed:
            assert phase.client.statistics().connections <= 1
            # The only place there is can be had.
            assert (await phase.client.get(phase.good, timeout=20)).text == "good"
            assert phase.client.statistics().connections == 1


@pytest.mark.parametrize("cancelled", [True, False], ids=["cancelled", "left"])
def test_the_end_of_a_loop_is_the_end_of_its_requests(new_loop: LoopFactory, cancelled: bool) -> None:
    peer = Peer(head)
    with peer.server as server:
        client = aioxide.Client(limits=aioxide.Limits(1), timeout=LONG)
        loop = new_loop()
        operations = [client.get(server.url)]

        async def begin() -> None:
            operations[0].send(None)
            await happens(peer.reached)

        loop.run_until_complete(begin())
        if cancelled:
            operations[0].close()
        loop.close()
        operations.clear()
        gc.collect()
        assert peer.gone.wait(20)

        async def again() -> None:
            async with client:
                assert (await client.get(server.url)).text == "good"

        loop = new_loop()
        loop.run_until_complete(again())
        loop.close()


async def test_a_stream_that_is_given_up(until: Until) -> None:
    """After the head: by leaving the block, by dropping the response, and while its body is read."""
    for way in ["leave", "read", "drop"]:
        peer = Peer(half_a_body)
        with peer.server as server:
            async with aioxide.Client(limits=aioxide.Limits(1), timeout=LONG) as client:
                if way == "drop":
                    response = await client.stream("GET", server.url).__aenter__()
                    del response
                    gc.collect()
                else:
                    async with client.stream("GET", server.url) as response:
                        if way == "read":
                            reading = asyncio.ensure_future(response.aread())
                            await happens(peer.reached)
                            reading.cancel()
                            with pytest.raises(asyncio.CancelledError):
                                await reading
                            assert not peer.gone.is_set()
                            # It goes on where it was.
                            pieces = response.aiter_bytes()
                            assert await anext(pieces) == b"12345"
                assert await asyncio.to_thread(peer.gone.wait, 20)
                await until(lambda: is_at_rest(client))
                assert (await client.get(server.url)).text == "good"


@pytest.mark.parametrize("http1", [True, False], ids=["HTTP/1.1", "HTTP/2"])
async def test_reads_that_are_given_up_lose_nothing(fresh_site: LocalSite, http1: bool) -> None:
    """In any turn of the loop, whatever tokio was doing at that time, and whoever reads next."""
    async with aioxide.Client(http1=http1, timeout=LONG) as client:
        async with client.stream("GET", f"{fresh_site.url}/stream/300/100/0") as response:
            whole = await response.aread()
        assert len(whole) == 30_000
        for size in [None, 100, 37]:
            got = []
            async with client.stream("GET", f"{fresh_site.url}/stream/300/100/1") as response:
                pieces = response.aiter_bytes(size)
                turns = 0
                while True:
                    reading = asyncio.ensure_future(anext(pieces))  # type: ignore[arg-type]
                    for _ in range(turns := (turns + 1) % 12):
                        await asyncio.sleep(0)
                    reading.cancel()
                    await asyncio.wait([reading])
                    if reading.cancelled():
                        continue
                    if isinstance(reading.exception(), StopAsyncIteration):
                        break
                    got.append(reading.result())
            assert b"".join(got) == whole


async def test_a_response_that_is_here_needs_no_connection(site: LocalSite, until: Until) -> None:
    async with aioxide.Client(limits=aioxide.Limits(1)) as client:
        tasks = []
        for _ in range(20):
            task = asyncio.ensure_future(client.get(f"{site.url}/bytes/100000"))
            tasks.append(task)
            await asyncio.wait([task])
            task.cancel()
        assert all(len(task.result().content) == 100_000 for task in tasks)
        await until(lambda: is_at_rest(client))


@pytest.mark.parametrize("path", ["/hang", "/hang/body"])
@pytest.mark.parametrize("way", [cancel, expire, close, drop])
async def test_a_stream_of_http2_is_reset(
    fresh_site: LocalSite, path: str, way: Callable[[Phase], Awaitable[None]], until: Until
) -> None:
    """The others on its connection go on."""
    async with aioxide.Client(http1=False, limits=aioxide.Limits(1)) as client:
        other = asyncio.ensure_future(client.get(f"{fresh_site.url}/hang"))
        await fresh_site.wait_begun(1)
        request = lambda: client.get(fresh_site.url + path)  # noqa: E731
        await way(Phase(request, client, lambda: fresh_site.wait_begun(2), nothing))
        if client.is_closed:
            with pytest.raises(aioxide.CloseError):
                await other
            await fresh_site.wait_aborted(2)
            return
        await fresh_site.wait_aborted(1)
        assert (await client.get(f"{fresh_site.url}/json")).ok
        assert not other.done()
        assert client.statistics().opened == 1
        other.cancel()
        await asyncio.wait([other])
        await until(lambda: is_at_rest(client))


# ---- names ----

RESOLVING = """
import asyncio, fcntl, socket, struct, subprocess, sys, tempfile, threading

# A network of our own, in which nobody answers questions about names.
with socket.socket() as control:
    fcntl.ioctl(control, 0x8914, struct.pack("16sh14x", b"lo", 0x49))
silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
silent.bind(("127.0.0.1", 53))
with tempfile.NamedTemporaryFile("w") as file:
    file.write("nameserver 127.0.0.1\\n")
    file.flush()
    subprocess.run(["mount", "--bind", file.name, "/etc/resolv.conf"], check=True)

import aioxide
from tests.http.accounting import is_at_rest
from tests.servers.raw import RawServer, reply_always

async def main():
    with RawServer(reply_always(b"HTTP/1.1 200 OK\\r\\ncontent-length: 4\\r\\n\\r\\ngood")) as server:
        async with aioxide.Client(limits=aioxide.Limits(1), timeout=60) as client:
            for way in ["cancel", "drop"]:
                operation = client.get("http://slow.test/")
                task = asyncio.ensure_future(operation)
                await asyncio.to_thread(silent.recv, 512)
                assert client.statistics().connections == 1
                task.cancel()
                await asyncio.wait([task])
                assert task.cancelled()
                while not is_at_rest(client):
                    await asyncio.sleep(0.001)
                assert (await client.get(server.url)).text == "good"
            task = asyncio.ensure_future(client.get("http://slow.too.test/"))
            await asyncio.to_thread(silent.recv, 512)
            await client.aclose()
            try:
                await task
            except aioxide.CloseError:
                print("done")

asyncio.run(main())
"""


def may_unshare() -> bool:
    command = ["unshare", "-rmn", "true"]
    return shutil.which("unshare") is not None and not subprocess.run(command, check=False).returncode


@pytest.mark.skipif(not may_unshare(), reason="needs a network namespace, for a silent name server")
def test_a_request_whose_name_is_being_resolved_can_be_given_up() -> None:
    done = subprocess.run(
        ["unshare", "-rmn", sys.executable, "-c", RESOLVING],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


# ---- all at once ----


async def test_a_storm_of_all_of_it_is_exact(fresh_site: LocalSite, until: Until) -> None:
    """Redirects, retries, uploads, streams and errors, most of them cut short, on four connections."""
    site = fresh_site
    async with aioxide.Client(
        limits=aioxide.Limits(4), retries=aioxide.Retry(2, backoff=0.001), timeout=LONG, base_url=site.url
    ) as client:

        async def stream() -> None:
            async with client.stream("GET", "/stream/20/1000/1") as response:
                async for _ in response.aiter_bytes(1500):
                    pass

        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(20):
                yield bytes(5_000)
                await asyncio.sleep(0)

        calls: list[Callable[[int], Awaitable[Any]]] = [
            lambda n: client.get("/redirect/5"),
            lambda n: client.get(f"/flaky/storm{n}/2"),
            lambda n: client.post("/upload", content=bytes(300_000)),
            lambda n: client.post("/upload", content=pieces()),
            lambda n: client.get("/json"),
            lambda n: client.get(f"/delay/{n % 7}"),
            lambda n: client.get("/truncated/1000"),
            lambda n: client.get("/close"),
            lambda n: client.get("/hang"),
            lambda n: stream(),
        ]
        for round_ in range(8):
            tasks = [
                asyncio.ensure_future(calls[n % len(calls)](round_ * 1000 + n))  # type: ignore[arg-type]
                for n in range(60)
            ]
            await asyncio.sleep(0.002 * round_)
            for n, task in enumerate(tasks):
                if n % len(calls) == 8 or n % 3 != round_ % 3:
                    task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            for outcome in outcomes:
                if isinstance(outcome, BaseException):
                    assert isinstance(outcome, (asyncio.CancelledError, aioxide.RemoteProtocolError)), outcome
            await until(lambda: is_at_rest(client))
            statistics = client.statistics()
            assert statistics.connections <= 4
            # All four places can be had at once.
            assert all(r.ok for r in await asyncio.gather(*[client.get("/json") for _ in range(8)]))
    await site.wait_open(0)
