"""Connectors: how many connections there are, which are used again, and how they are made."""

import asyncio
import gc
import importlib
import socket
import ssl
import warnings
from pathlib import Path
from typing import Any

import pytest

from tests.servers.answering import Answering, answer
from tests.servers.counting import Counting
from tests.servers.raw import Connection, RawServer

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])


async def get(session: Any, url: str) -> bytes:
    async with session.get(url) as response:
        return bytes(await response.read())


async def test_what_it_tells(aiohttp: Any) -> None:
    connector = aiohttp.TCPConnector()
    assert isinstance(connector, aiohttp.BaseConnector)
    assert (connector.limit, connector.limit_per_host, connector.force_close) == (100, 0, False)
    assert connector.use_dns_cache is True
    assert not connector.closed
    await connector.close()
    assert connector.closed
    connector = aiohttp.TCPConnector(limit=5, limit_per_host=2, force_close=True, family=socket.AF_INET)
    assert (connector.limit, connector.limit_per_host, connector.force_close) == (5, 2, True)
    assert connector.family == socket.AF_INET
    await connector.close()


async def test_it_is_closed_by_its_block(aiohttp: Any) -> None:
    async with aiohttp.TCPConnector() as connector:
        assert not connector.closed
    assert connector.closed


@pytest.mark.parametrize("limit", [1, 3])
async def test_so_many_in_all(aiohttp: Any, limit: int) -> None:
    with Counting("127.0.0.1") as count:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=limit)) as session:
            await asyncio.gather(*[get(session, f"{count.urls[0]}/{n}") for n in range(20)])
        assert count.most_open <= limit
        assert len(count.targets) == 20


async def test_so_many_for_each_host(aiohttp: Any) -> None:
    with Counting("127.0.0.1", "127.0.0.2") as count:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit_per_host=2)) as session:
            await asyncio.gather(*[get(session, f"{url}/{n}") for n in range(10) for url in count.urls])
        assert max(count.most_open_of) <= 2


async def test_without_a_limit(aiohttp: Any) -> None:
    with Counting("127.0.0.1") as count:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            tasks = [asyncio.ensure_future(get(session, f"{count.urls[0]}/hold{n}")) for n in range(120)]
            while len(count.targets) < 120:  # noqa: ASYNC110 - it is a thread that counts
                await asyncio.sleep(0.01)
            count.release()
            await asyncio.gather(*tasks)
        assert count.most_open == 120


async def test_connections_are_used_again(session: Any, server: Answering) -> None:
    for _ in range(5):
        await get(session, server.url)
    assert server.connections == 1


async def test_connections_are_not_used_again(aiohttp: Any, server: Answering) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
        for _ in range(3):
            await get(session, server.url)
    assert server.connections == 3


async def test_nor_if_the_server_says_so(session: Any, server: Answering) -> None:
    server.on("/", answer(headers=[("Connection", "close")]))
    for _ in range(3):
        await get(session, server.url)
    assert server.connections == 3


async def test_contradictions(aiohttp: Any) -> None:
    with pytest.raises(ValueError, match="keepalive_timeout"):
        aiohttp.TCPConnector(force_close=True, keepalive_timeout=30)


async def test_options_that_are_taken(aiohttp: Any, server: Answering) -> None:
    connector = aiohttp.TCPConnector(
        use_dns_cache=False,
        ttl_dns_cache=300,
        keepalive_timeout=30,
        limit=10,
        limit_per_host=5,
        family=socket.AF_INET,
        ssl=False,
        happy_eyeballs_delay=None,
        loop=asyncio.get_running_loop(),
    )
    async with aiohttp.ClientSession(connector=connector) as session:
        assert await get(session, server.url)


async def test_cleanup_closed_is_deprecated_and_taken(aiohttp: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        connector = aiohttp.TCPConnector(enable_cleanup_closed=True)
    await connector.close()


async def test_from_an_address(aiohttp: Any, server: Answering) -> None:
    connector = aiohttp.TCPConnector(local_addr=("127.0.0.3", 0))
    async with aiohttp.ClientSession(connector=connector) as session:
        assert await get(session, server.url)
    assert server.peers() == ["127.0.0.3"]


async def test_a_resolver_of_ones_own(aiohttp: Any, server: Answering) -> None:
    asked: list[tuple[str, int]] = []

    abstract = importlib.import_module(f"{aiohttp.__name__}.abc").AbstractResolver

    class Resolver(abstract):  # type: ignore[misc, valid-type]
        async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> Any:
            asked.append((host, port))
            return [
                {
                    "hostname": host,
                    "host": "127.0.0.1",
                    "port": port,
                    "family": socket.AF_INET,
                    "proto": 0,
                    "flags": socket.AI_NUMERICHOST,
                }
            ]

        async def close(self) -> None:
            pass

    port = int(server.url.rpartition(":")[2])
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=Resolver())) as session:
        assert await get(session, f"http://somewhere.invalid:{port}/")
    assert asked == [("somewhere.invalid", port)]
    assert server.seen[0].one("host") == f"somewhere.invalid:{port}"


async def test_a_resolver_may_name_another_port(aiohttp: Any, server: Answering) -> None:
    """As the fake servers of tests have it: https://docs.aiohttp.org, "Faking web server"."""
    port = int(server.url.rpartition(":")[2])
    asked: list[int] = []

    class Resolver(aiohttp.abc.AbstractResolver):  # type: ignore[misc, name-defined]
        async def resolve(self, host: str, port_asked: int = 0, family: int = socket.AF_INET) -> Any:
            asked.append(port_asked)
            found = {"hostname": host, "host": "127.0.0.1", "port": port, "family": socket.AF_INET}
            return [{**found, "proto": 0, "flags": socket.AI_NUMERICHOST}]

        async def close(self) -> None:
            pass

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=Resolver())) as session:
        assert await get(session, "http://somewhere.invalid/a")
        assert await get(session, "http://somewhere.invalid:8080/b")
    assert asked == [80, 8080]
    assert [seen.one("host") for seen in server.seen] == ["somewhere.invalid", "somewhere.invalid:8080"]


async def test_a_connector_that_looks_at_addresses(aiohttp: Any, server: Answering) -> None:
    asked: list[str] = []

    class Guarded(aiohttp.TCPConnector):  # type: ignore[misc, name-defined]
        async def _resolve_host(self, host: str, port: int, traces: Any = None) -> Any:
            asked.append(host)
            found = await super()._resolve_host(host, port, traces)
            if host == "127.0.0.1":
                raise ValueError("not there")
            return found

    async with aiohttp.ClientSession(connector=Guarded()) as session:
        assert await get(session, server.url.replace("127.0.0.1", "localhost"))
        with pytest.raises(ValueError, match="not there"):
            await session.get(server.url)
    assert asked == ["localhost", "127.0.0.1"]
    assert len(server.seen) == 1


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0177.0.0.1", "127.0.0.01"])
@pytest.mark.parametrize("middlewares", [None, ()], ids=["in Rust", "in Python"])
async def test_an_address_in_an_old_form_is_none(
    aiohttp: Any, session: Any, server: Answering, host: str, middlewares: Any
) -> None:
    """Who looks at the hosts of URLs would not know it for the loopback."""
    with pytest.raises(aiohttp.InvalidURL, match="is not a canonical IPv4 address"):
        await session.get(server.url.replace("127.0.0.1", host), middlewares=middlewares)
    assert not server.seen


async def test_a_resolver_that_fails(aiohttp: Any) -> None:
    abstract = importlib.import_module(f"{aiohttp.__name__}.abc").AbstractResolver

    class Resolver(abstract):  # type: ignore[misc, valid-type]
        async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> Any:
            raise OSError(None, "no such name here")

        async def close(self) -> None:
            pass

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=Resolver())) as session:
        with pytest.raises(aiohttp.ClientConnectorDNSError):
            await session.get("http://somewhere.invalid/")


async def test_names_in_threads(aiohttp: Any, server: Answering) -> None:
    connector = aiohttp.TCPConnector(resolver=aiohttp.ThreadedResolver())
    async with aiohttp.ClientSession(connector=connector) as session:
        assert await get(session, server.url.replace("127.0.0.1", "localhost"))


async def test_a_unix_socket(aiohttp: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "socket")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(body=head.split(b"\r\n")[0]))
        await writer.drain()
        writer.close()

    listener = await asyncio.start_unix_server(serve, path)
    connector = aiohttp.UnixConnector(path)
    assert connector.path == path
    async with aiohttp.ClientSession(connector=connector) as session:
        assert await get(session, "http://whoever/x") == b"GET /x HTTP/1.1"
    listener.close()
    connector = aiohttp.UnixConnector(str(tmp_path / "nobody"))
    async with aiohttp.ClientSession(connector=connector) as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get("http://whoever/x")


async def test_aiohttps_own_connector(aiohttp: Any, server: Answering) -> None:
    original = pytest.importorskip("aiohttp")
    connector = original.TCPConnector(limit=7, limit_per_host=3)
    async with aiohttp.ClientSession(connector=connector) as session:
        assert await get(session, server.url)
        assert session.connector is connector
    assert connector.closed


async def test_the_recipe_that_waits_for_connections_to_close(aiohttp: Any, server: Answering) -> None:
    """It looks into `_conns`, and waits for what is in there: https://github.com/aio-libs/aiohttp/issues/1925."""
    async with aiohttp.ClientSession() as session:
        await get(session, server.url)
        connections = session.connector._conns
        transports = [handler.transport for waiting in connections.values() for handler, _ in waiting]
        assert len(transports) == len(connections)


async def test_a_port_to_connect_from(aiohttp: Any) -> None:
    # Nobody else has an address of these.
    address = "127.42.0.7" if aiohttp.__name__ == "aiohttp" else "127.42.0.8"
    peers = []

    def script(connection: Connection) -> None:
        peers.append(connection.socket.getpeername())
        connection.read_head()
        connection.send(answer(headers=[("Connection", "close")]))

    with socket.create_server((address, 0)) as found:
        port = found.getsockname()[1]
    with RawServer(script) as server:
        connector = aiohttp.TCPConnector(local_addr=(address, port))
        async with aiohttp.ClientSession(connector=connector) as session:
            assert await get(session, server.url) == b""
    assert peers == [(address, port)]


async def test_names_are_forgotten(aiohttp: Any, server: Answering) -> None:
    asked: list[str] = []

    abstract = importlib.import_module(f"{aiohttp.__name__}.abc").AbstractResolver

    class Resolver(abstract):  # type: ignore[misc, valid-type]
        async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[dict[str, Any]]:
            asked.append(host)
            return [
                {
                    "hostname": host,
                    "host": "127.0.0.1",
                    "port": port,
                    "family": family,
                    "proto": 0,
                    "flags": 0,
                }
            ]

        async def close(self) -> None:
            pass

    port = int(server.url.rpartition(":")[2])
    connector = aiohttp.TCPConnector(resolver=Resolver(), force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session:
        for forget in ((), ("b.test", port), ("a.test", port), None):
            await get(session, f"http://a.test:{port}/")
            if forget is not None:
                connector.clear_dns_cache(*forget)
        await get(session, f"http://a.test:{port}/")
    assert asked == ["a.test"] * 3
    for wrong in ({"host": "a.test"}, {"port": 80}):
        with pytest.raises(ValueError, match="either both host and port"):
            connector.clear_dns_cache(**wrong)


async def test_names_that_the_system_has_found_are_forgotten(aiohttp: Any, server: Answering) -> None:
    asked = []
    config = aiohttp.TraceConfig()

    async def told(session: Any, context: Any, params: Any) -> None:
        asked.append(params.host)

    config.on_dns_cache_miss.append(told)
    connector = aiohttp.TCPConnector(force_close=True, family=socket.AF_INET)
    url = server.url.replace("127.0.0.1", "localhost")
    async with aiohttp.ClientSession(connector=connector, trace_configs=[config]) as session:
        # Of a connector that has not connected there is nothing to forget.
        connector.clear_dns_cache()
        for _ in range(2):
            await get(session, url)
        assert asked == ["localhost"]
        connector.clear_dns_cache()
        await get(session, url)
        connector.clear_dns_cache("localhost", int(url.rpartition(":")[2]))
        await get(session, url)
    assert asked == ["localhost"] * 3


async def test_connections_of_a_context_end_with_it(aiohttp: Any) -> None:
    loop, gone = asyncio.get_running_loop(), asyncio.Event()

    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(answer(body=b"x"))
        try:
            connection.hang()
        finally:
            loop.call_soon_threadsafe(gone.set)

    connector = aiohttp.TCPConnector(keepalive_timeout=3600)
    with RawServer(script) as server:
        async with aiohttp.ClientSession(connector=connector) as session:
            async with session.get(server.url, ssl=ssl.create_default_context()) as response:
                assert await response.read() == b"x"
            if aiohttp.__name__ == "aiohttp":
                # It keeps the connection, which nobody can use.
                return
            gc.collect()
            assert connector._all_pools() == [connector._connections()]
            await gone.wait()
