"""Which bytes are the answer to which request, and what an odd answer comes to."""

import asyncio
import contextlib
import threading
from typing import Any

import pytest

import aioxide
from aioxide.testing import LocalSite
from tests.http.accounting import is_at_rest
from tests.http.trust import authority
from tests.servers.raw import Connection, RawServer, Script, reply, reply_always

GOOD = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood"
EVIL = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil"

# The answer to the first request, what follows it, and the method it was asked with.
ANSWERS = {
    "two answers": (GOOD, EVIL, "GET"),
    "a body after 204": (b"HTTP/1.1 204 No Content\r\n\r\n", EVIL, "GET"),
    "a body after 304": (b"HTTP/1.1 304 Not Modified\r\ncontent-length: 55\r\n\r\n", EVIL, "GET"),
    "a body after HEAD": (b"HTTP/1.1 200 OK\r\ncontent-length: 41\r\n\r\n", EVIL, "HEAD"),
    "a body longer than it says": (GOOD, b"er", "GET"),
    "more after the last chunk": (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        EVIL,
        "GET",
    ),
    "a hint too late": (GOOD, b"HTTP/1.1 103 Early Hints\r\n\r\n", "GET"),
    "a line too much": (GOOD, b"\r\n", "GET"),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_what_follows_an_answer_is_no_answer_to_the_next_request(
    client: aioxide.Client, name: str
) -> None:
    first, more, method = ANSWERS[name]

    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(first + more)
        connection.hang()

    with RawServer(script, reply_always(GOOD)) as server:
        await client.request(method, server.url)
        assert (await client.post(server.url)).text == "good"
        assert [len(received.split(b"\r\n\r\n")) for received in server.received] == [2, 2]


@pytest.mark.parametrize("name", ANSWERS)
async def test_nor_is_what_comes_while_nobody_asks(name: str) -> None:
    """It is in the socket, and whether tokio knows that yet is a matter of luck: so it is tried often."""
    first, more, method = ANSWERS[name]
    asked, sent = threading.Event(), threading.Event()

    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(first)
        asked.wait()
        connection.send(more)
        connection.settle()
        sent.set()
        connection.hang()

    for _ in range(25):
        asked.clear()
        sent.clear()
        with RawServer(script, reply_always(GOOD)) as server:
            async with aioxide.Client() as client:
                await client.request(method, server.url)
                asked.set()
                assert await asyncio.to_thread(sent.wait, 20)
                assert (await client.post(server.url)).text == "good"


async def test_a_connection_that_the_server_has_closed_is_not_asked() -> None:
    """Nothing was sent on it, so that even a POST goes to a new one."""
    answered, ended = threading.Event(), threading.Event()

    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(GOOD)
        answered.wait()
        connection.socket.shutdown(1)
        ended.set()
        connection.hang()

    for _ in range(25):
        answered.clear()
        ended.clear()
        with RawServer(script, reply_always(GOOD)) as server:
            async with aioxide.Client() as client:
                await client.get(server.url)
                answered.set()
                assert await asyncio.to_thread(ended.wait, 20)
                assert (await client.post(server.url)).text == "good"
                assert b"POST" not in server.received[0]


async def test_a_server_that_speaks_first_is_given_up() -> None:
    """As SSH and SMTP do. Whoever is quicker than the greeting cannot know it."""

    def script(connection: Connection) -> None:
        connection.send(EVIL)
        connection.hang()

    with RawServer(script) as server:
        for _ in range(10):
            async with aioxide.Client() as client:
                with contextlib.suppress(aioxide.RemoteProtocolError):
                    assert (await client.get(server.url)).text == "evil"
        assert len(server.received) <= 30


async def test_a_length_said_in_two_ways_ends_the_connection(client: aioxide.Client) -> None:
    """RFC 9112, section 6.3: the chunks count, and what follows is not to be trusted."""
    twice = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"

    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(twice)
        connection.hang()

    with RawServer(script) as server:
        for count in range(1, 3):
            assert (await client.get(server.url)).text == "ok"
            assert len(server.received) == count


async def test_reuse_over_tls_goes_on(tls_site: LocalSite) -> None:
    """What TLS itself sends between requests is no answer."""
    async with aioxide.Client(verify=authority(tls_site), http2=False) as client:
        for _ in range(100):
            assert (await client.get(f"{tls_site.url}/json")).ok
        assert client.statistics().opened <= 5


# ---- odd, and understood ----


def head(*lines: bytes, status: bytes = b"200 OK") -> Script:
    return reply(b"\r\n".join([b"HTTP/1.1 " + status, *lines, b"content-length: 2", b"", b"ok"]))


@pytest.mark.parametrize(
    ("script", "status", "header"),
    [
        (reply(b"HTTP/1.1 200 OK\ncontent-length: 2\nx: y\n\nok"), 200, "y"),
        (reply(b"\r\n\r\nHTTP/1.1 200 OK\r\nx: y\r\ncontent-length: 2\r\n\r\nok"), 200, "y"),
        (
            reply(
                b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 A\r\nx: z\r\n\r\nHTTP/1.1 200\r\nx: y\r\n\r\nok"
            ),
            200,
            "y",
        ),
        (reply(b"HTTP/1.0 200 OK\r\nx: y\r\n\r\nok"), 200, "y"),
        (reply(b"HTTP/1.1 200 OK\r\nx: y\r\ncontent-length: 2, 2\r\n\r\nok"), 200, "y"),
        (head(b"x: y", status=b"999 Beyond"), 999, "y"),
        (head(b"x:y"), 200, "y"),
        (head(b"x: \t y \t "), 200, "y"),
        (head(b"x:"), 200, ""),
        (head(b"X: y"), 200, "y"),
        (head("x: äöü €".encode()), 200, "äöü €"),
        (head("x: äöü".encode("latin-1")), 200, "äöü"),
        (head(b"x: a\tb"), 200, "a\tb"),
        (head(b"x: a", b"x: b"), 200, "a, b"),
        (head(b"x: a\r\n\t b\r\n c"), 200, "a b c"),
    ],
    ids=[
        "bare LF",
        "empty lines first",
        "1xx",
        "HTTP/1.0",
        "the same length twice",
        "status 999",
        "no space",
        "much space",
        "no value",
        "capitals",
        "UTF-8",
        "Latin-1",
        "tab",
        "twice",
        "lines that are folded",
    ],
)
async def test_what_is_odd_is_read(client: aioxide.Client, script: Script, status: int, header: str) -> None:
    with RawServer(script) as server:
        response = await client.get(server.url)
    assert (response.status_code, response.headers["x"], response.text) == (status, header, "ok")


async def test_a_server_may_switch_if_it_is_asked_to(client: aioxide.Client) -> None:
    switching = reply(
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n\x00\x01"
    )
    with RawServer(switching, reply_always(GOOD)) as server:
        response = await client.get(server.url, headers={"upgrade": "x", "connection": "upgrade"})
        assert (response.status_code, response.content) == (101, b"")
        # It speaks something else now.
        assert (await client.get(server.url)).text == "good"
        assert len(server.received) == 2


@pytest.mark.parametrize(
    ("location", "target"),
    [
        (b"/a b", "/a%20b"),
        (b"a b/../c", "/path/c"),
        ("/ä".encode(), "/%C3%A4"),
        ("/ä".encode("latin-1"), "/%C3%A4"),
        (b"relative", "/path/relative"),
        (b"../up", "/up"),
        (b"?q=1", "/path/?q=1"),
        (b"#part", "/path/"),
        (b" /spaces ", "/spaces"),
        (b"//127.0.0.1:%d/other", "/other"),
        (b"http://127.0.0.1:%d", "/"),
        (b"HTTP://127.0.0.1:%d/x", "/x"),
        (b"\\back", "/back"),
        (b"/%0d%0aSet-Cookie:evil", "/%0d%0aSet-Cookie:evil"),
    ],
    ids=lambda value: None if isinstance(value, str) else repr(value)[2:-1],
)
async def test_where_a_location_leads(client: aioxide.Client, location: bytes, target: str) -> None:
    def script(connection: Connection) -> None:
        connection.read_head()
        where = location.replace(b"%d", b"%d" % server.port) if b":%d" in location else location
        connection.send(b"HTTP/1.1 302 Found\r\nlocation: %s\r\ncontent-length: 0\r\n\r\n" % where)
        connection.read_head()
        connection.send(GOOD)

    with RawServer(script) as server:
        response = await client.get(f"{server.url}/path/")
        assert response.text == "good"
        assert server.received[0].split(b"\r\n\r\n")[1].split(b" ")[1].decode() == target
        assert [old.status_code for old in response.history] == [302]


async def test_a_redirect_to_itself_ends() -> None:
    def script(connection: Connection) -> None:
        while True:
            connection.read_head()
            connection.send(b"HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n")

    with RawServer(script) as server:
        async with aioxide.Client(max_redirects=5) as client:
            with pytest.raises(aioxide.TooManyRedirects, match="more than 5 redirects") as caught:
                await client.get(server.url)
            assert caught.value.phase == "redirect"
            assert sum(received.count(b"GET / ") for received in server.received) == 6


# ---- several at once ----


async def test_a_connection_that_dies_takes_all_its_streams_with_it(until: Any) -> None:
    with LocalSite() as site:
        async with aioxide.Client(http1=False) as client:
            requests = [asyncio.ensure_future(client.get(f"{site.url}/hang")) for _ in range(10)]
            await site.wait_begun(10)
            assert client.statistics().opened == 1
            site.stop()
            outcomes = await asyncio.gather(*requests, return_exceptions=True)
            assert {type(outcome) for outcome in outcomes} <= {
                aioxide.RemoteProtocolError,
                aioxide.ReadError,
                aioxide.ConnectError,
            }
            await until(lambda: is_at_rest(client))
