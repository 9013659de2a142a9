"""TLS: whom a request trusts, and what is raised for whom it does not."""

import asyncio
import hashlib
import ssl
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

import aioxide
from aioxide.testing import LocalSite
from tests.http.pooling import Until
from tests.http.trust import authority
from tests.servers.certificates import Authority
from tests.servers.proxies import tunnel
from tests.servers.raw import Connection, RawServer

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])


@pytest.fixture(scope="module")
def site() -> Iterator[LocalSite]:
    with LocalSite(tls=True) as site:
        yield site


@pytest.fixture(autouse=True)
async def nothing_is_open(ours: bool, until: Until) -> AsyncIterator[None]:
    """Wait for asyncio to close what aiohttp has left to it."""
    yield
    if ours:
        return
    loop: Any = asyncio.get_running_loop()
    await until(lambda: all(transport._sock is None for transport in loop._transports.values()))


@pytest.fixture
def url(site: LocalSite) -> str:
    return f"https://localhost:{site.port}/echo"


@pytest.fixture
def context(site: LocalSite) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authority(site))


async def test_nobody_is_trusted_by_default(aiohttp: Any, session: Any, url: str, site: LocalSite) -> None:
    with pytest.raises(aiohttp.ClientConnectorCertificateError) as caught:
        await session.get(url)
    error = caught.value
    assert isinstance(error, aiohttp.ClientSSLError)
    assert isinstance(error, ssl.CertificateError)
    assert (error.host, error.port, error.ssl) == ("localhost", site.port, True)
    assert "localhost" in str(error)
    assert isinstance(error.certificate_error, Exception)


@pytest.mark.parametrize("where", ["request", "connector", "deprecated"])
async def test_everybody_is_trusted(aiohttp: Any, url: str, where: str) -> None:
    options: dict[str, Any] = {}
    connector = aiohttp.TCPConnector(ssl=False) if where == "connector" else aiohttp.TCPConnector()
    if where == "request":
        options["ssl"] = False
    async with aiohttp.ClientSession(connector=connector) as session:
        if where == "deprecated":
            with pytest.warns(DeprecationWarning, match="verify_ssl"):
                response = await session.get(url, verify_ssl=False)
            await response.read()
            return
        async with session.get(url, **options) as response:
            assert response.status == 200


@pytest.mark.parametrize("where", ["request", "connector", "deprecated"])
async def test_an_authority_is_trusted(aiohttp: Any, url: str, context: ssl.SSLContext, where: str) -> None:
    options: dict[str, Any] = {"ssl": context} if where == "request" else {}
    connector = aiohttp.TCPConnector(ssl=context) if where == "connector" else aiohttp.TCPConnector()
    async with aiohttp.ClientSession(connector=connector) as session:
        if where == "deprecated":
            with pytest.warns(DeprecationWarning, match="ssl_context"):
                response = await session.get(url, ssl_context=context)
            await response.read()
            return
        async with session.get(url, **options) as response:
            assert response.status == 200
            assert (await response.json())["method"] == "GET"


async def test_what_is_deprecated_of_connectors(aiohttp: Any, url: str, context: ssl.SSLContext) -> None:
    for word, options in (("verify_ssl", {"verify_ssl": False}), ("ssl_context", {"ssl_context": context})):
        with pytest.warns(DeprecationWarning, match=word):
            connector = aiohttp.TCPConnector(**options)
        async with aiohttp.ClientSession(connector=connector) as session, session.get(url) as response:
            assert response.status == 200


async def test_a_context_that_trusts_everybody(aiohttp: Any, session: Any, url: str) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    async with session.get(url, ssl=context) as response:
        assert response.status == 200


async def test_a_context_that_does_not_look_at_names(
    aiohttp: Any, session: Any, site: LocalSite, context: ssl.SSLContext
) -> None:
    url = f"https://127.0.0.1:{site.port}/echo"
    context.check_hostname = False
    async with session.get(url, ssl=context, server_hostname="no-such-name.example") as response:
        assert response.status == 200


async def test_another_name(aiohttp: Any, session: Any, site: LocalSite, context: ssl.SSLContext) -> None:
    url = f"https://127.0.0.1:{site.port}/echo"
    async with session.get(url, ssl=context, server_hostname="localhost") as response:
        assert response.status == 200
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await session.get(url, ssl=context, server_hostname="no-such-name.example")


async def test_no_tls_there(aiohttp: Any, session: Any) -> None:
    def script(connection: Connection) -> None:
        connection.take()
        connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        connection.end()

    with RawServer(script) as server, pytest.raises(aiohttp.ClientConnectorSSLError) as caught:
        await session.get(server.url.replace("http:", "https:"))
    assert isinstance(caught.value, aiohttp.ClientSSLError)


async def test_ssl_is_a_context(session: Any, url: str) -> None:
    with pytest.raises(TypeError, match="ssl should be"):
        await session.get(url, ssl="yes")


async def test_ssl_said_twice(session: Any, url: str) -> None:
    with (
        pytest.raises(ValueError, match="mutually exclusive"),
        pytest.warns(DeprecationWarning, match="deprecated"),
    ):
        await session.get(url, verify_ssl=False, ssl_context=ssl.create_default_context())


@pytest.fixture
def digest(site: LocalSite) -> bytes:
    pem = ssl.get_server_certificate(("localhost", site.port))
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest()


OTHER = hashlib.sha256(b"another").digest()


@pytest.mark.parametrize("where", ["request", "connector", "deprecated", "deprecated connector"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_a_fingerprint(aiohttp: Any, site: LocalSite, digest: bytes, where: str, host: str) -> None:
    for expected in (digest, OTHER):
        given = aiohttp.Fingerprint(expected)
        assert given.fingerprint == expected
        if where == "deprecated connector":
            with pytest.warns(DeprecationWarning, match="fingerprint is deprecated"):
                connector = aiohttp.TCPConnector(fingerprint=expected)
        else:
            connector = aiohttp.TCPConnector(ssl=given if where == "connector" else True)
        options = {"request": {"ssl": given}, "deprecated": {"fingerprint": expected}}.get(where, {})
        async with aiohttp.ClientSession(connector=connector) as session:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                request = session.get(f"https://{host}:{site.port}/echo", **options)
                if expected == digest:
                    async with request as response:
                        assert response.status == 200
                    continue
                with pytest.raises(aiohttp.ServerFingerprintMismatch) as caught:
                    await request
        error = caught.value
        assert (error.expected, error.got, error.port) == (OTHER, digest, site.port)


async def test_a_fingerprint_made_for_each_request(
    aiohttp: Any, session: Any, url: str, digest: bytes
) -> None:
    for _ in range(3):
        async with session.get(url, ssl=aiohttp.Fingerprint(digest)) as response:
            await response.read()
        with pytest.raises(aiohttp.ServerFingerprintMismatch):
            await session.get(url, ssl=aiohttp.Fingerprint(OTHER))
    # It is asked of the connection that was there, too.
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await session.get(url)


async def test_a_connectors_fingerprint_holds_for_who_asks_for_less(aiohttp: Any, url: str) -> None:
    connector = aiohttp.TCPConnector(ssl=aiohttp.Fingerprint(OTHER))
    async with aiohttp.ClientSession(connector=connector) as session:
        with pytest.raises(aiohttp.ServerFingerprintMismatch):
            await session.get(url, ssl=False)


async def test_a_fingerprint_by_way_of_a_proxy(
    aiohttp: Any, session: Any, url: str, site: LocalSite, digest: bytes
) -> None:
    with RawServer(tunnel) as proxy:
        async with session.get(url, proxy=proxy.url, ssl=aiohttp.Fingerprint(digest)) as response:
            assert response.status == 200
        with pytest.raises(aiohttp.ServerFingerprintMismatch) as caught:
            await session.get(url, proxy=proxy.url, ssl=aiohttp.Fingerprint(OTHER))
    assert caught.value.got == digest


async def test_a_fingerprint_without_tls(aiohttp: Any, session: Any) -> None:
    with LocalSite() as site:
        async with session.get(f"{site.url}/echo", ssl=aiohttp.Fingerprint(OTHER)) as response:
            assert response.status == 200


async def test_a_fingerprint_of_a_websocket(aiohttp: Any, session: Any, tmp_path: Path) -> None:
    async def echo(websocket: aioxide.WebSocket) -> None:
        async for message in websocket:
            await websocket.send(message)

    issued = Authority(tmp_path / "authority").issue("localhost", "127.0.0.1")
    # Behind it is its authority's.
    first, end, _ = issued.certificate.read_text().partition("-----END CERTIFICATE-----\n")
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(first[first.index("-----BEGIN") :] + end)).digest()
    async with aioxide.serve_ws(echo, cert=(issued.certificate, issued.key)) as server:
        async with session.ws_connect(server.url, ssl=aiohttp.Fingerprint(digest)) as websocket:
            await websocket.send_str("hello")
            assert await websocket.receive_str() == "hello"
        with pytest.raises(aiohttp.ServerFingerprintMismatch):
            await session.ws_connect(server.url, ssl=aiohttp.Fingerprint(OTHER))


async def test_a_fingerprint_that_is_none(aiohttp: Any) -> None:
    with pytest.raises(ValueError, match="fingerprint has invalid length"):
        aiohttp.Fingerprint(b"short")
    with pytest.raises(ValueError, match="insecure"):
        aiohttp.Fingerprint(hashlib.md5(b"x").digest())
