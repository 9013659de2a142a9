"""Requests by way of proxies."""

from collections.abc import Iterator
from typing import Any

import pytest
from yarl import URL

from aioxide.testing import LocalSite
from tests.http.trust import authority
from tests.servers.answering import Answering, answer
from tests.servers.programs import free_port
from tests.servers.proxies import tunnel
from tests.servers.raw import Connection, RawServer, reply

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])


@pytest.fixture
def proxy() -> Iterator[Answering]:
    """Answers what is meant for others."""
    with Answering() as proxy:
        proxy.on("http://example.org/x", answer(body=b"by way of the proxy"))
        yield proxy


@pytest.fixture(scope="module")
def tls_site() -> Iterator[LocalSite]:
    with LocalSite(tls=True) as site:
        yield site


@pytest.mark.parametrize("kind", [str, URL])
async def test_of_a_request(session: Any, proxy: Answering, kind: Any) -> None:
    async with session.get("http://example.org/x", proxy=kind(proxy.url)) as response:
        assert await response.read() == b"by way of the proxy"
        assert response.url == URL("http://example.org/x")
    [seen] = proxy.seen
    assert seen.target == "http://example.org/x"
    assert seen.one("host") == "example.org"


async def test_of_the_session(aiohttp: Any, proxy: Answering) -> None:
    async with (
        aiohttp.ClientSession(proxy=proxy.url) as session,
        session.get("http://example.org/x") as response,
    ):
        assert response.status == 200
    assert len(proxy.seen) == 1


@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")
@pytest.mark.parametrize("where", ["url", "request", "session"])
async def test_its_password(aiohttp: Any, proxy: Answering, where: str) -> None:
    auth = aiohttp.BasicAuth("user", "pass")
    url = proxy.url.replace("http://", "http://user:pass@") if where == "url" else proxy.url
    for_session = {"proxy": url, "proxy_auth": auth} if where == "session" else {}
    for_request = {"proxy": url} if where == "url" else {"proxy": url, "proxy_auth": auth}
    async with (
        aiohttp.ClientSession(**for_session) as session,
        session.get("http://example.org/x", **({} if for_session else for_request)),
    ):
        pass
    assert proxy.seen[0].one("proxy-authorization") == "Basic dXNlcjpwYXNz"
    assert proxy.seen[0].one("authorization") is None


async def test_by_the_environment(
    aiohttp: Any, proxy: Answering, server: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    async with aiohttp.ClientSession(trust_env=True) as session:
        async with session.get("http://example.org/x") as response:
            assert await response.read() == b"by way of the proxy"
        async with session.get(server.url) as response:
            assert response.status == 200
    assert (len(proxy.seen), len(server.seen)) == (1, 1)


async def test_the_environment_is_not_asked(
    session: Any, proxy: Answering, server: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.delenv("no_proxy", raising=False)
    async with session.get(server.url) as response:
        assert response.status == 200
    assert proxy.seen == []


async def test_tls_goes_through(aiohttp: Any, tls_site: LocalSite) -> None:
    import ssl

    context = ssl.create_default_context(cafile=authority(tls_site))
    heads: list[bytes] = []

    def script(connection: Connection) -> None:
        try:
            tunnel(connection)
        finally:
            heads.append(bytes(connection.received).partition(b"\r\n\r\n")[0])

    url = f"https://localhost:{tls_site.port}/echo"
    with RawServer(script) as proxy:
        async with (
            aiohttp.ClientSession() as session,
            session.get(
                url, proxy=proxy.url, ssl=context, proxy_headers={"X-Way": "out", "X-Other": "2"}
            ) as response,
        ):
            assert response.status == 200
            echo = await response.json()
        assert "x-way" not in dict(echo["headers"])
    [head] = heads
    assert head.startswith(f"CONNECT localhost:{tls_site.port} HTTP/1.1".encode())
    assert b"\r\nx-way: out" in head.lower()


async def test_it_refuses(aiohttp: Any, session: Any) -> None:
    said = b"Proxy-Authenticate: Basic realm=x\r\nX-Why: \xff\r\nx-why: b\r\nContent-Length: 0\r\n"
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\n" + said + b"\r\n"
    with RawServer(reply(refusal)) as proxy, pytest.raises(aiohttp.ClientHttpProxyError) as caught:
        await session.get("https://example.org/", proxy=proxy.url)
    headers = caught.value.headers
    assert headers["proxy-authenticate"] == "Basic realm=x"
    assert [name for name, _ in headers.items()] == ["Proxy-Authenticate", "X-Why", "x-why", "Content-Length"]
    assert headers.getall("x-why") == ["\udcff", "b"]
    assert (caught.value.status, caught.value.message) == (407, "Proxy Authentication Required")
    assert isinstance(caught.value, aiohttp.ClientResponseError)


async def test_it_is_not_there(aiohttp: Any, session: Any) -> None:
    port = free_port()
    for scheme in ("http", "https"):
        with pytest.raises(aiohttp.ClientProxyConnectionError) as caught:
            await session.get(f"{scheme}://example.org/", proxy=f"http://127.0.0.1:{port}")
        assert isinstance(caught.value, aiohttp.ClientConnectorError)


async def test_what_is_no_proxy(aiohttp: Any, session: Any) -> None:
    with pytest.raises((ValueError, aiohttp.ClientError)):
        await session.get("http://example.org/", proxy="ftp://127.0.0.1:1")


async def test_a_status_of_the_proxy_itself(session: Any, proxy: Answering) -> None:
    proxy.on("http://example.org/y", answer(502, reason="Bad Gateway"))
    async with session.get("http://example.org/y", proxy=proxy.url) as response:
        assert (response.status, response.reason) == (502, "Bad Gateway")


@pytest.mark.parametrize("given", ["InvalidUrl", "localhost:8080", "http://[invalid"])
async def test_what_is_no_url_is_no_proxy(aiohttp: Any, session: Any, server: Answering, given: str) -> None:
    """A proxy without its scheme would be a host of that name, or a scheme."""
    with pytest.raises(aiohttp.InvalidURL):
        await session.get(server.url, proxy=given)
    assert not server.seen


async def test_an_empty_proxy_is_none(session: Any, server: Answering) -> None:
    """As ``proxy=os.environ.get("PROXY", "")`` has it."""
    async with session.get(server.url, proxy="") as response:
        assert response.status == 200
