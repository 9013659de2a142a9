"""Signals of a `TraceConfig`: which are sent, in which order, with what."""

import asyncio
import io
import socket
import types
from typing import Any

import pytest
from yarl import URL

from tests.servers.answering import Answering, Seen, redirect
from tests.servers.programs import free_port
from tests.servers.raw import Connection, RawServer, silence

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])

SIGNALS = [
    "request_start",
    "request_chunk_sent",
    "response_chunk_received",
    "request_end",
    "request_exception",
    "request_redirect",
    "connection_queued_start",
    "connection_queued_end",
    "connection_create_start",
    "connection_create_end",
    "connection_reuseconn",
    "dns_resolvehost_start",
    "dns_resolvehost_end",
    "dns_cache_hit",
    "dns_cache_miss",
    "request_headers_sent",
]


class Traced:
    """A `TraceConfig`, and what it heard."""

    def __init__(self, aiohttp: Any, **options: Any) -> None:
        self.config = aiohttp.TraceConfig(**options)
        self.heard: list[tuple[str, Any, Any, Any]] = []
        for name in SIGNALS:
            getattr(self.config, f"on_{name}").append(self._listener(name))

    def _listener(self, name: str) -> Any:
        async def listen(session: Any, context: Any, params: Any) -> None:
            self.heard.append((name, session, context, params))

        return listen

    def names(self, *of: str) -> list[str]:
        return [name for name, *_ in self.heard if not of or name in of]

    def params(self, name: str) -> Any:
        [found] = [params for heard, _, _, params in self.heard if heard == name]
        return found


async def test_one_request(aiohttp: Any, server: Answering) -> None:
    traced = Traced(aiohttp)
    async with aiohttp.ClientSession(trace_configs=[traced.config]) as session:
        async with session.post(f"{server.url}/x?a=1", data=b"body", headers={"X": "y"}) as response:
            text = await response.read()
        assert all(heard[1] is session for heard in traced.heard)
    order = ["request_start", "request_headers_sent", "request_chunk_sent", "request_end"]
    assert traced.names(*order) == order
    assert traced.names("request_end", "response_chunk_received")[-1] == "response_chunk_received"
    start = traced.params("request_start")
    assert (start.method, start.url) == ("POST", URL(f"{server.url}/x?a=1"))
    assert start.headers["x"] == "y"
    end = traced.params("request_end")
    assert (end.method, end.url, end.response.status) == ("POST", URL(f"{server.url}/x?a=1"), 200)
    assert end.response is response
    assert end.headers["x"] == "y"
    assert traced.params("request_chunk_sent").chunk == b"body"
    assert traced.params("response_chunk_received").chunk == text
    sent = traced.params("request_headers_sent")
    assert sent.method == "POST"
    assert sent.headers["content-length"] == "4"


async def test_connections(aiohttp: Any, server: Answering) -> None:
    traced = Traced(aiohttp)
    names = ["connection_create_start", "connection_create_end", "connection_reuseconn"]
    async with aiohttp.ClientSession(trace_configs=[traced.config]) as session:
        for _ in range(2):
            async with session.get(server.url) as response:
                await response.read()
    assert traced.names(*names) == names


async def test_redirects(aiohttp: Any, server: Answering) -> None:
    traced = Traced(aiohttp)
    server.on("/a", redirect("/b"))
    async with (
        aiohttp.ClientSession(trace_configs=[traced.config]) as session,
        session.get(f"{server.url}/a"),
    ):
        pass
    params = traced.params("request_redirect")
    assert (params.method, params.url) == ("GET", URL(f"{server.url}/a"))
    assert params.response.status == 302
    order = ["request_start", "request_redirect", "request_end"]
    assert traced.names(*order) == order
    assert traced.params("request_end").response.url == URL(f"{server.url}/b")


async def test_exceptions(aiohttp: Any) -> None:
    traced = Traced(aiohttp)
    url = f"http://127.0.0.1:{free_port()}/"
    async with aiohttp.ClientSession(trace_configs=[traced.config]) as session:
        with pytest.raises(aiohttp.ClientConnectorError) as caught:
            await session.get(url)
    params = traced.params("request_exception")
    assert params.exception is caught.value
    assert (params.method, params.url) == ("GET", URL(url))
    assert "request_end" not in traced.names()


async def test_its_context(aiohttp: Any, server: Answering) -> None:
    traced = Traced(aiohttp)
    async with aiohttp.ClientSession(trace_configs=[traced.config]) as session:
        async with session.get(server.url, trace_request_ctx={"a": 1}):
            pass
        async with session.get(server.url):
            pass
    contexts = [context for name, _, context, _ in traced.heard if name == "request_start"]
    assert all(isinstance(context, types.SimpleNamespace) for context in contexts)
    assert [context.trace_request_ctx for context in contexts] == [{"a": 1}, None]
    first = next(context for _, _, context, _ in traced.heard)
    assert first is contexts[0]


async def test_a_context_of_ones_own(aiohttp: Any, server: Answering) -> None:
    class Context:
        def __init__(self, trace_request_ctx: Any = None) -> None:
            self.given = trace_request_ctx

    traced = Traced(aiohttp, trace_config_ctx_factory=Context)
    async with (
        aiohttp.ClientSession(trace_configs=[traced.config]) as session,
        session.get(server.url, trace_request_ctx=3),
    ):
        pass
    assert {context.given for _, _, context, _ in traced.heard} == {3}


async def test_two_of_them(aiohttp: Any, server: Answering) -> None:
    one, two = Traced(aiohttp), Traced(aiohttp)
    async with (
        aiohttp.ClientSession(trace_configs=[one.config, two.config]) as session,
        session.get(server.url),
    ):
        pass
    assert one.names("request_start", "request_end") == two.names("request_start", "request_end")


async def test_it_is_frozen_by_a_session(aiohttp: Any) -> None:
    traced = Traced(aiohttp)
    async with aiohttp.ClientSession(trace_configs=[traced.config]):
        with pytest.raises(RuntimeError):
            traced.config.on_request_start.append(None)


async def test_a_listener_that_fails(aiohttp: Any, server: Answering) -> None:
    async def fails(session: Any, context: Any, params: Any) -> None:
        raise LookupError("a listener's own")

    config = aiohttp.TraceConfig()
    config.on_request_start.append(fails)
    async with aiohttp.ClientSession(trace_configs=[config]) as session:
        with pytest.raises(LookupError, match="a listener's own"):
            await session.get(server.url)


# ---- connections and names, while the request is under way ----


async def test_a_connection_is_told_of_before_there_is_an_answer(aiohttp: Any) -> None:
    traced, made = Traced(aiohttp), asyncio.Event()

    async def told(*_: Any) -> None:
        made.set()

    traced.config.on_connection_create_end.append(told)
    with RawServer(silence) as server:
        async with aiohttp.ClientSession(trace_configs=[traced.config]) as session:
            request = asyncio.ensure_future(session.get(server.url))
            await made.wait()
            assert traced.names("connection_create_start", "connection_create_end", "request_end") == [
                "connection_create_start",
                "connection_create_end",
            ]
            request.cancel()
            with pytest.raises(asyncio.CancelledError):
                await request
    assert traced.names()[-1] == "request_exception"


async def test_a_failure_is_told_as_far_as_it_went(aiohttp: Any) -> None:
    traced = Traced(aiohttp)
    async with aiohttp.ClientSession(trace_configs=[traced.config]) as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(f"http://127.0.0.1:{free_port()}/")
        with pytest.raises(aiohttp.ClientConnectorDNSError):
            await session.get("http://dead.invalid/")
    assert (
        traced.names("connection_create_start", "connection_create_end", "request_exception")
        == [
            "connection_create_start",
            "request_exception",
        ]
        * 2
    )
    names = ["connection_create_start", "dns_cache_miss", "dns_resolvehost_start", "request_exception"]
    assert traced.names(*names)[2:] == names
    assert traced.params("dns_resolvehost_start").host == "dead.invalid"


@pytest.mark.parametrize("keeps", [True, False])
async def test_names(aiohttp: Any, server: Answering, keeps: bool) -> None:
    traced = Traced(aiohttp)
    connector = aiohttp.TCPConnector(force_close=True, use_dns_cache=keeps, family=socket.AF_INET)
    url = server.url.replace("127.0.0.1", "localhost")
    async with aiohttp.ClientSession(connector=connector, trace_configs=[traced.config]) as session:
        for _ in range(2):
            async with session.get(url) as response:
                await response.read()
    names = [name for name in traced.names() if name.startswith(("dns", "connection"))]
    asked = ["dns_resolvehost_start", "dns_resolvehost_end"]
    first = ["dns_cache_miss", *asked] if keeps else asked
    second = ["dns_cache_hit"] if keeps else asked
    around = ("connection_create_start", "connection_create_end")
    assert names == [around[0], *first, around[1], around[0], *second, around[1]]
    hosts = {params.host for name, _, _, params in traced.heard if name.startswith("dns")}
    assert hosts == {"localhost"}


async def test_a_wait_for_a_connection(aiohttp: Any, server: Answering) -> None:
    traced, waits = Traced(aiohttp), asyncio.Event()

    async def told(*_: Any) -> None:
        waits.set()

    traced.config.on_connection_queued_start.append(told)
    connector = aiohttp.TCPConnector(limit=1)
    loop, asked = asyncio.get_running_loop(), asyncio.Event()

    def hold(seen: Seen, connection: Connection) -> None:
        loop.call_soon_threadsafe(asked.set)
        connection.hang()

    held = server.run("/held", hold)
    async with aiohttp.ClientSession(connector=connector, trace_configs=[traced.config]) as session:
        first = asyncio.ensure_future(session.get(held))
        await asked.wait()
        second = asyncio.ensure_future(session.get(f"{server.url}/x"))
        await waits.wait()
        assert traced.names("connection_queued_start", "connection_queued_end") == ["connection_queued_start"]
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        async with await second as response:
            assert response.status == 200
    queued = ["connection_queued_start", "connection_queued_end", "request_end"]
    assert traced.names(*queued) == queued


@pytest.mark.parametrize("moment", ["connection_create_start", "connection_create_end"])
async def test_a_listener_of_connections_that_fails(aiohttp: Any, server: Answering, moment: str) -> None:
    async def fails(session: Any, context: Any, params: Any) -> None:
        raise LookupError("a listener's own")

    config = aiohttp.TraceConfig()
    getattr(config, f"on_{moment}").append(fails)
    async with aiohttp.ClientSession(trace_configs=[config]) as session:
        with pytest.raises(LookupError, match="a listener's own"):
            await session.get(server.url)


@pytest.mark.parametrize("kind", ["bytes", "a file", "chunks"])
async def test_what_is_sent(aiohttp: Any, server: Answering, kind: str) -> None:
    async def chunks() -> Any:
        yield b"one"
        yield b"two"

    data = {"bytes": b"onetwo", "a file": io.BytesIO(b"onetwo"), "chunks": chunks()}[kind]
    traced = Traced(aiohttp)
    async with (
        aiohttp.ClientSession(trace_configs=[traced.config]) as session,
        session.post(server.url, data=data) as response,
    ):
        assert response.status == 200
    names = [name for name in traced.names() if "chunk" not in name or "sent" in name]
    made = ["connection_create_start", "connection_create_end"]
    parts = 2 if kind == "chunks" else 1
    assert [name for name in names if name in {*made, "request_headers_sent"}] == [
        *made,
        "request_headers_sent",
    ]
    assert names.index("request_chunk_sent") == names.index("request_headers_sent") + 1
    sent = [params.chunk for name, _, _, params in traced.heard if name == "request_chunk_sent"]
    assert (b"".join(sent), len(sent)) == (b"onetwo", parts)
    assert server.seen[0].body == b"onetwo"


async def test_nothing_is_sent_where_there_is_no_connection(aiohttp: Any) -> None:
    async def chunks() -> Any:
        yield b"one"

    traced = Traced(aiohttp)
    async with aiohttp.ClientSession(trace_configs=[traced.config]) as session:
        for data in (b"bytes", chunks()):
            with pytest.raises(aiohttp.ClientConnectorError):
                await session.post(f"http://127.0.0.1:{free_port()}/", data=data)
    assert not {"request_headers_sent", "request_chunk_sent"} & set(traced.names())
