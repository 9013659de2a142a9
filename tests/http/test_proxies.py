"""Requests by way of proxies: real ones of three kinds, and broken ones."""

import asyncio
import os
import pickle
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

import aioxide
from aioxide.testing import LocalSite
from tests.http.trust import authority
from tests.servers import proxies
from tests.servers.certificates import Authority
from tests.servers.programs import Program, free_port
from tests.servers.raw import (
    Connection,
    RawServer,
    reply,
    reply_always,
    silence,
)
from tests.servers.secure import Secured, accepting

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@pytest.fixture(scope="module")
def tinyproxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with proxies.tinyproxy(tmp_path_factory.mktemp("tinyproxy")) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def microsocks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with proxies.microsocks(tmp_path_factory.mktemp("microsocks")) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def dante(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with proxies.dante(tmp_path_factory.mktemp("dante")) as proxy:
        yield proxy


@pytest.fixture(params=["http", "socks4", "socks4a", "socks5", "socks5h", "socks5-micro", "socks5h-micro"])
def real(request: pytest.FixtureRequest) -> str:
    """The URL of a proxy of each kind."""
    scheme, _, micro = request.param.partition("-")
    name = "tinyproxy" if scheme == "http" else "microsocks" if micro else "dante"
    return f"{scheme}://127.0.0.1:{request.getfixturevalue(name).port}"


@pytest.fixture
async def secure_client(tls_site: LocalSite) -> aioxide.Client:
    async with aioxide.Client(verify=authority(tls_site), trust_env=False) as client:
        yield client


# ---- what goes through ----


async def test_http_goes_through(real: str, site: LocalSite, client: aioxide.Client) -> None:
    response = await client.post(f"{site.url}/echo?a=1", content=b"body", proxy=real)
    echo = response.json()
    assert (echo["method"], echo["body"], response.url) == ("POST", "body", f"{site.url}/echo?a=1")
    assert response.remote_address == ("127.0.0.1", int(real.rpartition(":")[2]))
    through = dict(echo["headers"]).get("via", "")
    assert (proxies.PSEUDONYM in through) == real.startswith("http")


async def test_https_goes_through_unseen(
    real: str, tls_site: LocalSite, secure_client: aioxide.Client
) -> None:
    url = f"https://127.0.0.1:{tls_site.port}/echo"
    response = await secure_client.get(url, proxy=real)
    assert "via" not in dict(response.json()["headers"])
    # ALPN is between us and the server.
    assert response.http_version == "HTTP/2"
    many = await asyncio.gather(*[secure_client.get(url, proxy=real) for _ in range(20)])
    assert all(response.ok for response in many)
    assert secure_client.statistics().opened == 1


async def test_the_proxy_is_asked_in_the_right_form(
    tinyproxy: Program, site: LocalSite, tls_site: LocalSite, secure_client: aioxide.Client
) -> None:
    url = f"http://127.0.0.1:{tinyproxy.port}"
    await secure_client.get(f"{site.url}/json?form", proxy=url)
    await secure_client.get(f"{tls_site.url}/json", proxy=url)
    assert f"GET {site.url}/json?form HTTP/1.1" in tinyproxy.log()
    assert f"CONNECT localhost:{tls_site.port} HTTP/1.1" in tinyproxy.log()


async def test_large_bodies_go_through(real: str, site: LocalSite, client: aioxide.Client) -> None:
    body = os.urandom(300_000)
    assert (await client.post(f"{site.url}/echo/body", content=body, proxy=real)).content == body
    assert len((await client.get(f"{site.url}/bytes/1000000", proxy=real)).content) == 1_000_000


async def test_a_connection_by_a_socks_proxy_is_kept(
    dante: Program, fresh_site: LocalSite, client: aioxide.Client
) -> None:
    for _ in range(20):
        await client.get(f"{fresh_site.url}/json", proxy=f"socks5h://127.0.0.1:{dante.port}")
    assert fresh_site.statistics()["connections_opened"] == client.statistics().opened == 1


async def test_what_the_proxy_cannot_reach(real: str, client: aioxide.Client) -> None:
    dead = f"127.0.0.1:{free_port()}"
    with pytest.raises(aioxide.ProxyError, match=f"the proxy {real} does not connect: ") as caught:
        await client.get(f"https://{dead}/", proxy=real)
    assert caught.value.phase == "connect"
    if real.startswith("http"):
        assert (await client.get(f"http://{dead}/", proxy=real)).status_code == 500
    else:
        with pytest.raises(aioxide.ProxyError):
            await client.get(f"http://{dead}/", proxy=real)


# ---- who resolves names ----


@pytest.mark.parametrize(
    ("scheme", "here"),
    [("socks4", True), ("socks4a", False), ("socks5", True), ("socks5h", False), ("http", False)],
)
async def test_who_resolves_names(
    dante: Program, tinyproxy: Program, site: LocalSite, scheme: str, here: bool
) -> None:
    """A name that only this client knows."""
    proxy = f"{scheme}://127.0.0.1:{(tinyproxy if scheme == 'http' else dante).port}"
    resolve = {"only.here.invalid": "127.0.0.1"}
    async with aioxide.Client(resolve=resolve, proxy=proxy, trust_env=False) as client:
        get = client.get(f"http://only.here.invalid:{site.port}/echo")
        if here:
            assert (await get).json()["method"] == "GET"
        elif scheme == "http":
            assert (await get).status_code == 500
        else:
            with pytest.raises(aioxide.ProxyError):
                await get


@dataclass(frozen=True)
class Socks:
    scheme: str
    asked: bytes
    answer: bytes


GRANTED_4 = b"\x00\x5a\x00\x00\x00\x00\x00\x00"
GRANTED_5 = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"


@pytest.mark.parametrize(
    "case",
    [
        Socks("socks4", b"\x04\x01\x00\x50\x7f\x00\x00\x09\x00", GRANTED_4),
        Socks("socks4a", b"\x04\x01\x00\x50\x00\x00\x00\x01\x00name.test\x00", GRANTED_4),
        Socks("socks5", b"\x05\x01\x00\x01\x7f\x00\x00\x09\x00\x50", GRANTED_5),
        Socks("socks5h", b"\x05\x01\x00\x03\x09name.test\x00\x50", GRANTED_5),
    ],
    ids=lambda case: case.scheme,
)
async def test_what_a_socks_proxy_is_asked(case: Socks) -> None:
    """RFC 1928, section 4, and the two notes on SOCKS4 that there are."""

    def script(connection: Connection) -> None:
        if case.answer == GRANTED_5:
            assert connection.read(3) == b"\x05\x01\x00"
            connection.send(b"\x05\x00")
        asked = connection.read(len(case.asked))
        # Some look at the user before they look at the name, and the address is not checked.
        assert asked[:4] == case.asked[:4]
        assert asked[-10:] == case.asked[-10:] or case.scheme == "socks4a"
        connection.send(case.answer)
        reply(OK)(connection)

    with RawServer(script) as server:
        async with aioxide.Client(resolve={"name.test": "127.0.0.9"}, trust_env=False) as client:
            response = await client.get("http://name.test/", proxy=f"{case.scheme}://127.0.0.1:{server.port}")
        assert response.text == "ok"
        request = server.received[0].partition(b"GET / HTTP/1.1\r\n")[2]
    assert b"host: name.test\r\n" in request


async def test_socks4_has_no_ipv6() -> None:
    with RawServer(silence) as server:
        async with aioxide.Client(resolve={"name.test": "::1"}, trust_env=False) as client:
            for url in ["http://name.test/", "http://[::1]/"]:
                with pytest.raises(aioxide.ProxyError, match=r"SOCKS4 .*IPv6"):
                    await client.get(url, proxy=f"socks4://127.0.0.1:{server.port}")
        assert not any(server.received)


# ---- who asks ----


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """An HTTP proxy for those who know the password."""
    with proxies.tinyproxy(tmp_path_factory.mktemp("closed"), ("user", "hunter2")) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def closed_socks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with proxies.microsocks(tmp_path_factory.mktemp("closed-socks"), ("user", "p@ss:w\u00f6rd")) as proxy:
        yield proxy


async def test_the_right_credentials(
    closed: Program,
    closed_socks: Program,
    site: LocalSite,
    tls_site: LocalSite,
    secure_client: aioxide.Client,
) -> None:
    for proxy in [
        f"http://user:hunter2@127.0.0.1:{closed.port}",
        f"socks5://user:p%40ss%3Aw%C3%B6rd@127.0.0.1:{closed_socks.port}",
    ]:
        echo = (await secure_client.get(f"{site.url}/echo", proxy=proxy)).json()
        # They are the proxy's, and no server's.
        assert not [name for name, _ in echo["headers"] if "authorization" in name]
        url = f"https://127.0.0.1:{tls_site.port}/echo"
        assert (await secure_client.get(url, proxy=aioxide.Proxy(proxy))).ok


@pytest.mark.parametrize("who", ["user:hunter3@", "hunter3:x@", ""])
async def test_the_wrong_credentials(
    closed: Program, closed_socks: Program, site: LocalSite, client: aioxide.Client, who: str
) -> None:
    http = f"http://{who}127.0.0.1:{closed.port}"
    assert (await client.get(f"{site.url}/json", proxy=http)).status_code in {401, 407}
    words = f"the proxy http://127.0.0.1:{closed.port} does not connect: "
    errors = []
    with pytest.raises(aioxide.ProxyError, match=words) as caught:
        await client.get("https://127.0.0.1:1/", proxy=http)
    errors.append(caught.value)
    with pytest.raises(aioxide.ProxyError, match="does not connect: ") as caught:
        await client.get(f"{site.url}/json", proxy=f"socks5://{who}127.0.0.1:{closed_socks.port}")
    errors.append(caught.value)
    for error in errors:
        assert error.phase == "connect"
        assert "hunter3" not in f"{error} {error!r} {error.url} {error.request!r}"


def test_a_proxy_shows_no_credentials() -> None:
    proxy = aioxide.Proxy("http://user:hunter2@Proxy.test", headers={"x": "1"})
    assert proxy.url == "http://proxy.test:80"
    assert repr(proxy) == "<Proxy [http://proxy.test:80]>"
    again = pickle.loads(pickle.dumps(proxy))
    assert again == proxy
    assert hash(again) == hash(proxy)
    assert proxy != aioxide.Proxy("http://user:other@proxy.test", headers={"x": "1"})
    assert proxy != aioxide.Proxy("http://user:hunter2@proxy.test")
    with pytest.raises(ValueError, match="not a usable proxy URL") as caught:
        aioxide.Proxy("http://user:hunter2@proxy test")
    assert "hunter2" not in str(caught.value)


async def test_headers_for_the_proxy(tls_site: LocalSite, secure_client: aioxide.Client) -> None:
    headers = [("X-Group", "a"), ("x-group", "b"), ("user-agent", "proxied")]
    with RawServer(proxies.tunnel) as server:
        proxy = aioxide.Proxy(f"http://me:secret@127.0.0.1:{server.port}", headers=headers)
        echo = (await secure_client.get(f"{tls_site.url}/echo", proxy=proxy)).json()
        head = server.received[0].partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert head == [
        b"CONNECT localhost:%d HTTP/1.1" % tls_site.port,
        b"host: localhost:%d" % tls_site.port,
        b"x-group: a",
        b"x-group: b",
        b"user-agent: proxied",
        b"proxy-authorization: Basic bWU6c2VjcmV0",
    ]
    assert not {"x-group", "proxy-authorization"} & dict(echo["headers"]).keys()

    with RawServer(reply(OK)) as server:
        proxy = aioxide.Proxy(f"http://me:secret@127.0.0.1:{server.port}", headers=headers)
        async with aioxide.Client(proxy=proxy) as client:
            await client.get("http://name.invalid/")
        head = server.received[0].split(b"\r\n")
    assert head[0] == b"GET http://name.invalid/ HTTP/1.1"
    assert [line for line in head if line.startswith(b"x-group")] == [b"x-group: a", b"x-group: b"]
    assert b"proxy-authorization: Basic bWU6c2VjcmV0" in head
    # A request's own header comes before the proxy's.
    assert [line for line in head if line.startswith(b"user-agent")] != [b"user-agent: proxied"]


# ---- TLS to the proxy ----


async def test_a_proxy_within_tls(
    tmp_path_factory: pytest.TempPathFactory, site: LocalSite, tls_site: LocalSite
) -> None:
    issuer = Authority(tmp_path_factory.mktemp("authority"))
    assert tls_site.certificate is not None
    both = issuer.path.read_text() + tls_site.certificate
    certificate = issuer.issue("localhost")
    connect = Secured(accepting(certificate, alpn=["h2", "http/1.1"]), proxies.tunnel)
    forward = Secured(accepting(certificate), reply(OK))
    with RawServer(connect) as server, RawServer(forward) as other:
        async with aioxide.Client(verify=both, trust_env=False) as client:
            response = await client.get(f"{tls_site.url}/json", proxy=f"https://localhost:{server.port}")
            assert response.http_version == "HTTP/2"
            proxy = f"https://me:secret@localhost:{other.port}"
            assert (await client.get("http://name.invalid/", proxy=proxy)).text == "ok"
            # The certificate is for the name.
            with pytest.raises(aioxide.ProxyError, match=r"cannot be used: .*127\.0\.0\.1"):
                await client.get(f"{tls_site.url}/json", proxy=f"https://127.0.0.1:{server.port}")
        async with aioxide.Client(verify=tls_site.certificate, trust_env=False) as client:
            with pytest.raises(aioxide.ProxyError, match=r"cannot be used: .*UnknownIssuer"):
                await client.get(f"{tls_site.url}/json", proxy=f"https://localhost:{server.port}")
    assert connect.names[0] == "localhost"
    # To the proxy it is HTTP/1.1, whatever it could speak.
    assert connect.protocols == ["http/1.1"]
    asked = bytes(forward.connections[0].received)
    assert asked.startswith(b"GET http://name.invalid/ HTTP/1.1\r\n")
    assert b"proxy-authorization: Basic bWU6c2VjcmV0\r\n" in asked


# ---- which one ----


async def test_a_request_chooses_its_proxy() -> None:
    names = [b"client's", b"request's", b"none's"]
    answers = [OK.replace(b"2\r\n\r\nok", b"%d\r\n\r\n%s" % (len(name), name)) for name in names]
    with ExitStack() as stack:
        one, two, server = [stack.enter_context(RawServer(reply_always(answer))) for answer in answers]
        async with aioxide.Client(proxy=one.url) as client:
            for _ in range(3):
                assert (await client.get(server.url)).text == "client's"
                assert (await client.get(server.url, proxy=two.url)).text == "request's"
                assert (await client.get(server.url, proxy=None)).text == "client's"
                assert (await client.get(server.url, proxy=False)).text == "none's"
            # Each way has its connection, and none is used for another.
            assert client.statistics().opened == client.statistics().hosts == 3
        assert [len(each.received) for each in (one, two, server)] == [1, 1, 1]


async def test_who_asks_has_a_connection_of_its_own() -> None:
    """What a proxy lets one user do it does not let another do."""
    with RawServer(reply_always(OK)) as server:
        async with aioxide.Client() as client:
            for user in ["a", "b", "a", "b"]:
                proxy = f"http://{user}:x@127.0.0.1:{server.port}"
                assert (await client.get("http://name.invalid/", proxy=proxy)).ok
        assert len(server.received) == 2


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_two_hundred_proxies_and_one_client(
    scheme: str, tls_site: LocalSite, secure_client: aioxide.Client, until
) -> None:
    """One TLS configuration, one pool: and when they are done, nothing of them is left."""
    await secure_client.get(f"{tls_site.url}/json")
    with RawServer(proxies.tunnel if scheme == "https" else reply(OK)) as server:
        url = f"https://127.0.0.1:{tls_site.port}/json" if scheme == "https" else "http://name.invalid/"
        gets = [
            secure_client.get(url, proxy=f"http://user{number}:x@127.0.0.1:{server.port}")
            for number in range(200)
        ]
        for response in await aioxide.gather(*gets, limit=20):
            assert response.ok
        assert len(server.received) == 200
        assert secure_client.statistics().connections <= 100
        await secure_client.aclose()
        await until(lambda: not any(is_open_to(server.port)))


def is_open_to(port: int) -> Iterator[bool]:
    """Of each socket of this process, whether the client has it to this port."""
    for name in os.listdir("/proc/self/fd"):
        try:
            with socket.socket(fileno=os.dup(int(name))) as own:
                yield own.family == socket.AF_INET and own.getpeername()[1] == port
        except OSError:
            continue
