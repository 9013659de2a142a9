"""Proxies that are dead, hang, refuse, or speak something else: each has its class and its words."""

from dataclasses import dataclass, field

import pytest

import aioxide
from tests.servers.programs import free_port
from tests.servers.raw import (
    Connection,
    RawServer,
    Script,
    hang_up,
    reply,
    reply_and_reset,
    reset,
    silence,
)

# Long enough that a loaded machine has answered by then, short enough to wait for.
SHORT = 0.15

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


def endless(connection: Connection) -> None:
    connection.read_head()
    connection.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.send(b"x-more: and more\r\n" * 1000)


def endless_line(connection: Connection) -> None:
    connection.read_head()
    while True:
        connection.send(b"a" * 65536)


def connected_to_http(connection: Connection) -> None:
    reply(ESTABLISHED)(connection)
    connection.take()
    connection.send(b"HTTP/1.1 400 Bad\r\n\r\n")
    connection.end()


def socks(*answers: bytes) -> Script:
    """Each answer comes after something was said."""

    def script(connection: Connection) -> None:
        for answer in answers:
            connection.take()
            connection.send(answer)
        connection.end()

    return script


@dataclass(frozen=True)
class Case:
    name: str
    script: Script
    words: str
    scheme: str = "http"
    target: str = "https://name.invalid/path"
    error: type[aioxide.RequestError] = field(default=aioxide.ProxyError)


CASES = [
    Case("closes", hang_up, "it closed the connection"),
    Case("resets", reset, "reset"),
    Case("closes in its answer", reply(b"HTTP/1.1 200 O"), "it closed the connection"),
    Case("resets in its answer", reply_and_reset(b"HTTP/1.1 200 O"), "reset"),
    Case("is no HTTP", reply(b"SSH-2.0-x\r\n\r\n"), "not HTTP"),
    Case("is binary", reply(bytes(range(256)) + b"\r\n\r\n"), "not HTTP"),
    Case("never ends", endless, "does not end"),
    Case("never ends its line", endless_line, "does not end"),
    Case(
        "407",
        reply(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"),
        "it wants other credentials: 407 Proxy",
    ),
    Case(
        "407 in HTTP/1.0",
        reply(b"HTTP/1.0 407 Who\r\nx: y\r\n\r\n<html>"),
        "it wants other credentials: 407 Who",
    ),
    Case("403", reply(b"HTTP/1.1 403 Forbidden\r\n\r\n"), "does not connect: 403 Forbidden"),
    Case("502 without a reason", reply(b"HTTP/1.1 502\r\n\r\n"), "does not connect: 502"),
    Case("redirects", reply(b"HTTP/1.1 302 Found\r\nlocation: /\r\n\r\n"), "does not connect: 302 Found"),
    Case("is no TLS", reply(b"HTTP/1.1 400 Bad\r\n\r\n"), "cannot be used: ", scheme="https"),
    Case(
        "lets nobody in",
        reply(ESTABLISHED),
        "cannot connect to name.invalid:443",
        error=aioxide.ConnectError,
    ),
    Case(
        "connects to what is no TLS",
        connected_to_http,
        "cannot connect to name.invalid:443",
        error=aioxide.TLSError,
    ),
    Case("SOCKS5: closes", socks(), "", "socks5h"),
    Case("SOCKS5: is HTTP", socks(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "", "socks5h"),
    Case("SOCKS5: wants a password", socks(b"\x05\x02"), "", "socks5h"),
    Case("SOCKS5: wants something else", socks(b"\x05\xff"), "", "socks5h"),
    Case("SOCKS5: refuses", socks(b"\x05\x00", b"\x05\x05\x00\x01" + bytes(6)), "refused", "socks5h"),
    Case("SOCKS5: ends early", socks(b"\x05\x00", b"\x05\x00\x00"), "", "socks5h"),
    Case("SOCKS4: refuses", socks(b"\x00\x5b" + bytes(6)), "", "socks4a"),
    Case("SOCKS4: is HTTP", socks(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "", "socks4a"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_broken_proxy_has_its_words(case: Case) -> None:
    def script(connection: Connection) -> None:
        if case.scheme == "https":
            connection.take()
            connection.send(b"HTTP/1.1 400 Bad\r\n\r\n")
            connection.end()
        case.script(connection)

    with RawServer(script) as server:
        proxy = f"{case.scheme}://user:hunter2@127.0.0.1:{server.port}"
        if case.name == "SOCKS5: wants a password":
            proxy = proxy.replace("user:hunter2@", "")
        async with aioxide.Client(proxy=proxy) as client:
            with pytest.raises(aioxide.RequestError) as caught:
                await client.get(case.target)
            assert client.statistics().connections == 0
    error = caught.value
    assert type(error) is case.error, repr(error)
    assert error.phase == "connect"
    assert case.words in str(error)
    shown = f"{error} {error!r} {error.request!r}"
    assert "hunter2" not in shown
    if case.error is aioxide.ProxyError:
        assert f"the proxy {case.scheme}://127.0.0.1:{server.port}" in str(error)


@pytest.mark.parametrize("scheme", ["http", "https", "socks4", "socks4a", "socks5", "socks5h"])
@pytest.mark.parametrize("target", ["http://127.0.0.1:1/", "https://127.0.0.1:1/"])
async def test_a_dead_proxy(scheme: str, target: str, client: aioxide.Client) -> None:
    proxy = f"127.0.0.1:{free_port()}"
    words = rf"the proxy {scheme}://{proxy} cannot be used: cannot connect to {proxy}: Connection refused"
    with pytest.raises(aioxide.ProxyError, match=words) as caught:
        await client.get(target, proxy=f"{scheme}://user:hunter2@{proxy}")
    assert "hunter2" not in f"{caught.value} {caught.value!r}"
    # Nothing was sent: whatever the method, it may be tried again.
    again = aioxide.Retry(2, backoff=0.001, errors=aioxide.ProxyError)
    with pytest.raises(aioxide.ProxyError) as caught:
        await client.post(target, content=b"x", proxy=f"{scheme}://{proxy}", retries=again)
    assert caught.value.attempt == 3


async def test_a_proxy_without_an_address(client: aioxide.Client) -> None:
    with pytest.raises(aioxide.ProxyError, match=r"cannot be used: cannot resolve no\.such\.host"):
        await client.get("http://127.0.0.1:1/", proxy="http://no.such.host.invalid:80")


@pytest.mark.parametrize(
    ("scheme", "target"),
    [
        ("http", "https"),
        ("https", "http"),
        ("https", "https"),
        ("socks4", "http"),
        ("socks4a", "https"),
        ("socks5", "https"),
        ("socks5h", "http"),
    ],
)
async def test_a_proxy_that_hangs_is_a_connect_timeout(scheme: str, target: str) -> None:
    with RawServer(silence) as server:
        limits = aioxide.Timeout(connect=SHORT)
        async with aioxide.Client(timeout=limits, trust_env=False) as client:
            proxy = f"{scheme}://127.0.0.1:{server.port}"
            with pytest.raises(aioxide.ConnectTimeout, match=f"no connection within {SHORT} s") as caught:
                await client.get(f"{target}://127.0.0.1:9/", proxy=proxy)
            assert caught.value.phase == "connect"
            assert client.statistics().connections == 0


async def test_a_tunnel_that_hangs_is_a_connect_timeout() -> None:
    """The proxy has connected, and the server says nothing to the handshake."""

    def script(connection: Connection) -> None:
        reply(ESTABLISHED)(connection)
        connection.hang()

    with RawServer(script) as server:
        async with aioxide.Client(timeout=aioxide.Timeout(connect=SHORT), proxy=server.url) as client:
            with pytest.raises(aioxide.ConnectTimeout):
                await client.get("https://name.invalid/")


async def test_an_answer_to_connect_may_come_in_pieces_and_have_headers() -> None:
    """And what is said in the tunnel may come with it, a byte at a time."""

    def script(connection: Connection) -> None:
        connection.read_head()
        for byte in b"HTTP/1.0 200 \r\nvia: 1.1 proxy\r\ncontent-length: 5\r\n\r\n":
            connection.send(bytes([byte]))
        # What a TLS server says who did not understand: an alert.
        assert connection.read(1) == b"\x16"
        connection.send(b"\x15\x03\x03\x00\x02\x02\x28")
        connection.end()

    with RawServer(script) as server:
        async with aioxide.Client(proxy=server.url) as client:
            with pytest.raises(aioxide.TLSError, match="HandshakeFailure"):
                await client.get("https://name.invalid/")
