"""Names and addresses: where connections go, where they come from, and how often a name is asked for."""

import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any

import pytest

import aioxide
from aioxide import Limits
from aioxide.testing import LocalSite
from tests.http.pooling import Until, linux, state
from tests.servers.counting import Counting

ASKED, CACHED = "", "cached"


async def look_up(client: aioxide.Client, url: str) -> str:
    """What the resolver had to do for a request on a connection of its own."""
    response = await client.get(url, headers={"connection": "close"}, extensions={"trace": lambda _: None})
    [how] = [event.detail for event in response.trace if event.name == "dns.end"]
    return how


# ---- names that the client was told ----


@pytest.mark.parametrize("given", ["127.0.0.1", ["127.0.0.1"], ("127.0.0.1",)])
async def test_a_name_that_the_client_was_told_is_not_asked_for(site: LocalSite, given: Any) -> None:
    async with aioxide.Client(resolve={"host.test": given}) as client:
        response = await client.get(f"http://host.test:{site.port}/echo", extensions={"trace": print})
        assert response.json()["authority"] == f"host.test:{site.port}"
        assert response.remote_address == ("127.0.0.1", site.port)
        assert [event.detail for event in response.trace if event.name == "dns.end"] == [CACHED]


async def test_names_are_told_without_regard_to_case(site: LocalSite) -> None:
    async with aioxide.Client(resolve={"Host.TEST": "127.0.0.1"}) as client:
        assert (await client.get(f"http://hOST.test:{site.port}/json")).ok


@linux
async def test_the_next_address_is_tried_when_the_first_refuses(site: LocalSite) -> None:
    addresses = ["127.0.0.9", "127.0.0.8", "127.0.0.1"]
    async with aioxide.Client(resolve={"host.test": addresses}) as client:
        response = await client.get(f"http://host.test:{site.port}/json")
    assert response.remote_address == ("127.0.0.1", site.port)


@linux
async def test_the_first_address_is_the_first_choice() -> None:
    with Counting("127.0.0.1") as count:
        port = int(count.urls[0].rpartition(":")[2])
        addresses = ["127.0.0.1", "127.0.0.9"]
        async with aioxide.Client(resolve={"host.test": addresses}) as client:
            assert (await client.get(f"http://host.test:{port}/")).remote_address == ("127.0.0.1", port)


@linux
async def test_an_address_that_says_nothing_is_not_waited_for(site: LocalSite) -> None:
    """One whose queue of connections is full answers no SYN."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.9", site.port))
        deaf.listen(0)
        filling = [socket.socket() for _ in range(4)]
        for each in filling:
            each.setblocking(False)
            each.connect_ex(("127.0.0.9", site.port))
        try:
            async with aioxide.Client(resolve={"host.test": ["127.0.0.9", "127.0.0.1"]}) as client:
                response = await client.get(f"http://host.test:{site.port}/json")
            assert response.remote_address == ("127.0.0.1", site.port)
        finally:
            for each in filling:
                each.close()


@linux
async def test_all_addresses_refuse(site: LocalSite) -> None:
    async with aioxide.Client(resolve={"host.test": ["127.0.0.9", "127.0.0.8"]}) as client:
        with pytest.raises(aioxide.ConnectError, match=rf"cannot connect to host\.test:{site.port}"):
            await client.get(f"http://host.test:{site.port}/json")


@pytest.mark.parametrize(
    "resolve", [{"h": "nowhere"}, {"h": []}, {"h": 1}, "h", {1: "127.0.0.1"}, {"h": ["::g"]}]
)
def test_what_is_no_address_is_refused(resolve: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        aioxide.Client(resolve=resolve)


# ---- names that are asked for ----


async def test_an_answer_is_kept(site: LocalSite) -> None:
    """Also that there is no IPv6 address: both families are one question."""
    url = f"http://localhost:{site.port}/close"
    async with aioxide.Client() as client:
        assert [await look_up(client, url) for _ in range(5)] == [ASKED, *[CACHED] * 4]


async def test_nothing_is_kept_with_no_time(site: LocalSite) -> None:
    url = f"http://localhost:{site.port}/close"
    async with aioxide.Client(dns_ttl=0) as client:
        assert [await look_up(client, url) for _ in range(3)] == [ASKED] * 3


async def test_an_answer_is_asked_for_again_after_its_time(site: LocalSite) -> None:
    url = f"http://localhost:{site.port}/close"
    async with aioxide.Client(dns_ttl=0.05) as client:
        assert await look_up(client, url) == ASKED
        # Longer than that, however long it is.
        await asyncio.sleep(0.06)
        assert await look_up(client, url) == ASKED


async def test_of_those_who_want_a_name_at_once_one_asks(site: LocalSite) -> None:
    url = f"http://localhost:{site.port}/close"
    async with aioxide.Client() as client:
        answers = await asyncio.gather(*[look_up(client, url) for _ in range(20)])
    assert sorted(answers) == [ASKED, *[CACHED] * 19]


async def test_a_connection_that_is_there_needs_no_name(site: LocalSite, until: Until) -> None:
    url = f"http://localhost:{site.port}/json"
    async with aioxide.Client() as client:
        await client.get(url)
        await until(lambda: state(client) == (1, 1, 0))
        response = await client.get(url, extensions={"trace": print})
        assert [event.name for event in response.trace if event.name.startswith("dns")] == []


async def test_a_dead_name_fails_each_request(until: Until) -> None:
    async with aioxide.Client(limits=Limits(50)) as client:
        requests = [client.get("http://dead.invalid/") for _ in range(300)]
        outcomes = await asyncio.gather(*requests, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {aioxide.ConnectError}
        assert all("cannot resolve dead.invalid" in str(outcome) for outcome in outcomes)
        await until(lambda: state(client) == (0, 0, 0))
        assert (client.statistics().hosts, client.statistics().opened) == (0, 0)


# ---- where from, and what else ----


@linux
async def test_connections_come_from_the_local_address(site: LocalSite) -> None:
    async with aioxide.Client(local_address="127.0.0.5") as client:
        response = await client.get(f"{site.url}/json")
    assert response.local_address is not None
    assert response.local_address[0] == "127.0.0.5"


@linux
async def test_the_server_sees_the_local_address() -> None:
    seen: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            peer, address = listener.accept()
            seen.append(address[0])
            with peer:
                peer.recv(65536)
                peer.sendall(b"HTTP/1.1 204 Fine\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        async with aioxide.Client(local_address="127.0.0.7") as client:
            assert (await client.get(f"http://127.0.0.1:{listener.getsockname()[1]}/")).status_code == 204
        thread.join()
    assert seen == ["127.0.0.7"]


@linux
async def test_only_addresses_of_the_same_family_are_tried(site: LocalSite) -> None:
    resolve = {"host.test": ["::1", "127.0.0.1"], "six.test": "::1"}
    async with aioxide.Client(local_address="127.0.0.5", resolve=resolve) as client:
        assert (await client.get(f"http://host.test:{site.port}/json")).ok
        with pytest.raises(aioxide.ConnectError, match="no address of a usable family"):
            await client.get(f"http://six.test:{site.port}/json")


async def test_an_address_that_is_not_ours_is_an_error(site: LocalSite) -> None:
    async with aioxide.Client(local_address="192.0.2.1") as client:
        with pytest.raises(aioxide.ConnectError):
            await client.get(f"{site.url}/json")
    with pytest.raises(ValueError, match="local_address"):
        aioxide.Client(local_address="here")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        body = f"{self.headers['host']} {self.path}".encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def unix_socket(tmp_path: Path) -> Iterator[Path]:
    if not hasattr(socket, "AF_UNIX"):
        pytest.skip("the system has no Unix sockets")
    from socketserver import UnixStreamServer

    class Server(ThreadingMixIn, UnixStreamServer):
        daemon_threads = False

    path = tmp_path / "socket"
    with Server(os.fspath(path), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield path
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("kind", [str, Path])
async def test_a_unix_socket_serves_every_host(unix_socket: Path, until: Until, kind: Any) -> None:
    async with aioxide.Client(uds=kind(unix_socket)) as client:
        response = await client.get("http://one.test/path")
        assert (response.text, response.remote_address) == ("one.test /path", None)
        assert (await client.get("http://two.test:81/")).text == "two.test:81 /"
        await until(lambda: state(client) == (2, 2, 0))
        assert (await client.get("http://one.test/again")).text == "one.test /again"
        assert client.statistics().opened == 2


async def test_a_unix_socket_that_is_not_there(tmp_path: Path) -> None:
    async with aioxide.Client(uds=tmp_path / "none") as client:
        with pytest.raises(aioxide.ConnectError, match="none"):
            await client.get("http://host.test/")
