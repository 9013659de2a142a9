"""Connections: how many, to whom, over what, by way of whom."""

import asyncio
import ssl
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest

import aioxide
from aioxide.httpx import AsyncTransport, Transport
from aioxide.testing import LocalSite
from tests.http.trust import authority as authority_of
from tests.httpx.faces import Kind
from tests.servers import proxies
from tests.servers.certificates import Authority, Certificate
from tests.servers.counting import Counting
from tests.servers.programs import Program, free_port
from tests.servers.raw import Connection, RawServer, reply, reply_always
from tests.servers.secure import Secured, accepting

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def good(authority: Authority) -> Certificate:
    return authority.issue("localhost", "127.0.0.1")


@pytest.fixture(scope="module")
def misnamed(authority: Authority) -> Certificate:
    return authority.issue("other.test")


@pytest.fixture(scope="module")
def tinyproxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with proxies.tinyproxy(tmp_path_factory.mktemp("tinyproxy"), ("user", "pa.ss")) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def microsocks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with proxies.microsocks(tmp_path_factory.mktemp("microsocks")) as proxy:
        yield proxy


def trusting(path: Path | str, **attributes: Any) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(path))
    for name, value in attributes.items():
        setattr(context, name, value)
    return context


# ---- how many ----


async def test_connections_are_kept(kind: Kind) -> None:
    with Counting("127.0.0.1") as count:
        async with kind.face() as face:
            for _ in range(3):
                await face.get(f"{count.urls[0]}/")
        assert count.opened == [1]


async def test_no_more_than_the_limit(kind: Kind) -> None:
    limits = kind.library.Limits(max_connections=2)
    with Counting("127.0.0.1") as count:
        async with kind.face(limits=limits) as face:
            await asyncio.gather(*(face.get(f"{count.urls[0]}/{n}") for n in range(10)))
        assert count.most_open <= 2
        assert len(count.targets) == 10


async def test_none_is_kept_if_none_may_be(kind: Kind) -> None:
    limits = kind.library.Limits(max_keepalive_connections=0)
    with Counting("127.0.0.1") as count:
        async with kind.face(limits=limits) as face:
            for _ in range(3):
                await face.get(f"{count.urls[0]}/")
        assert count.opened == [3]


async def test_limits_of_aioxide(our_kind: Kind) -> None:
    with Counting("127.0.0.1") as count:
        async with our_kind.face(limits=aioxide.Limits(max_connections_per_host=1)) as face:
            await asyncio.gather(*(face.get(f"{count.urls[0]}/{n}") for n in range(5)))
        assert count.opened == [1]


async def test_connecting_is_tried_again(our_kind: Kind) -> None:
    """And nothing else is: what was sent may have done something."""

    def drops(connection: Connection) -> None:
        connection.read_head()

    with RawServer(drops) as server:
        async with our_kind.face(retries=3) as face:
            with pytest.raises(face.library.RemoteProtocolError):
                await face.request("POST", server.url)
        assert len(server.received) == 1
    async with our_kind.face(retries=1) as face:
        with pytest.raises(face.library.ConnectError) as caught:
            await face.get(f"http://127.0.0.1:{free_port()}/")
    assert caught.value.__cause__.attempt == 2


async def test_retries_by_a_policy(our_kind: Kind, fresh_site: LocalSite) -> None:
    async with our_kind.face(retries=aioxide.Retry(2, backoff=0.0)) as face:
        assert (await face.get(f"{fresh_site.url}/flaky/a/2")).status_code == 200


# ---- TLS ----


@pytest.mark.parametrize("how", ["path", "context"])
async def test_whom_to_trust(kind: Kind, tls_site: LocalSite, how: str) -> None:
    path = authority_of(tls_site)
    verify = path if how == "path" else trusting(path)
    with warnings.catch_warnings():
        # Of httpx: a path is no longer the way.
        warnings.simplefilter("ignore", DeprecationWarning)
        face = kind.face(verify=verify)
    async with face:
        assert (await face.get(f"https://127.0.0.1:{tls_site.port}/json")).status_code == 200


@pytest.fixture
def folder(tmp_path: Path, tls_site: LocalSite) -> Path:
    """With an authority, and what is none."""
    (tmp_path / "one.pem").write_bytes(Path(authority_of(tls_site)).read_bytes())
    (tmp_path / "README").write_text("nothing")
    return tmp_path


async def test_a_folder_of_authorities(our_kind: Kind, tls_site: LocalSite, folder: Path) -> None:
    """OpenSSL wants hashes for names."""
    async with our_kind.face(verify=folder) as face:
        assert (await face.get(f"https://127.0.0.1:{tls_site.port}/json")).status_code == 200


async def test_a_stranger_is_a_connect_error(kind: Kind, tls_site: LocalSite) -> None:
    async with kind.face() as face:
        with pytest.raises(face.library.ConnectError):
            await face.get(f"https://127.0.0.1:{tls_site.port}/json")


async def test_anybody_is_trusted_if_one_says_so(kind: Kind, tls_site: LocalSite) -> None:
    """Without a warning, as with httpx: who says it has written it down."""
    async with kind.face(verify=False) as face:
        assert (await face.get(f"https://127.0.0.1:{tls_site.port}/json")).status_code == 200


async def test_a_context_that_does_not_look_at_names(
    kind: Kind, authority: Authority, misnamed: Certificate
) -> None:
    with RawServer(Secured(accepting(misnamed), reply_always(OK))) as server:
        url = f"https://127.0.0.1:{server.port}/"
        async with kind.face(verify=trusting(authority.path)) as face:
            with pytest.raises(face.library.ConnectError):
                await face.get(url)
        async with kind.face(verify=trusting(authority.path, check_hostname=False)) as face:
            assert (await face.get(url)).status_code == 200


async def test_a_name_that_does_not_matter_makes_nobody_trusted(
    kind: Kind, tls_site: LocalSite, authority: Authority
) -> None:
    async with kind.face(verify=trusting(authority.path, check_hostname=False)) as face:
        with pytest.raises(face.library.ConnectError):
            await face.get(f"https://127.0.0.1:{tls_site.port}/json")


async def test_a_context_that_verifies_nothing(kind: Kind, tls_site: LocalSite) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    async with kind.face(verify=context) as face:
        assert (await face.get(f"https://127.0.0.1:{tls_site.port}/json")).status_code == 200


async def test_a_context_for_new_versions_only(kind: Kind, authority: Authority, good: Certificate) -> None:
    old = accepting(good, newest=ssl.TLSVersion.TLSv1_2)
    context = trusting(authority.path, minimum_version=ssl.TLSVersion.TLSv1_3)
    with RawServer(Secured(old, reply(OK))) as server:
        async with kind.face(verify=context) as face:
            with pytest.raises(face.library.ConnectError):
                await face.get(f"https://127.0.0.1:{server.port}/")


async def test_contexts_that_cannot_be_honoured(our_kind: Kind, authority: Authority) -> None:
    newest = trusting(authority.path, maximum_version=ssl.TLSVersion.TLSv1_2)
    with pytest.raises(ValueError, match=r"TLS 1\.3"):
        our_kind.transport(verify=newest)
    if not ssl.create_default_context().get_ca_certs():
        pytest.skip("on this system no context shows its authorities")
    with pytest.raises(ValueError, match="no authority"):
        our_kind.transport(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


async def test_the_default_context(our_kind: Kind, tls_site: LocalSite) -> None:
    for context in (ssl.create_default_context(), our_kind.library.create_ssl_context()):
        async with our_kind.face(verify=context) as face:
            with pytest.raises(face.library.ConnectError, match="UnknownIssuer"):
                await face.get(f"https://127.0.0.1:{tls_site.port}/json")


async def test_authorities_of_the_environment(
    kind: Kind, tls_site: LocalSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", authority_of(tls_site))
    async with kind.face() as face:
        assert (await face.get(f"https://127.0.0.1:{tls_site.port}/json")).status_code == 200


async def test_a_certificate_of_our_own(our_kind: Kind, authority: Authority, good: Certificate) -> None:
    """With a path to trust, httpx's own forgets it."""
    client = authority.issue("a client")
    secured = Secured(accepting(good, clients=authority.path), reply(OK))
    cert = (str(client.certificate), str(client.key))
    with RawServer(secured) as server:
        async with our_kind.face(verify=str(authority.path), cert=cert) as face:
            assert (await face.get(f"https://127.0.0.1:{server.port}/")).status_code == 200


async def test_another_name_for_the_server(kind: Kind, authority: Authority, misnamed: Certificate) -> None:
    secured = Secured(accepting(misnamed), reply(OK))
    with RawServer(secured) as server:
        async with kind.face(verify=trusting(authority.path)) as face:
            url = f"https://127.0.0.1:{server.port}/"
            await face.get(url, extensions={"sni_hostname": "other.test"})
    assert secured.names == ["other.test"]


# ---- HTTP/2 ----


async def test_http2_if_it_is_wanted(kind: Kind, tls_site: LocalSite) -> None:
    url = f"https://127.0.0.1:{tls_site.port}/bytes/100000"
    for http2, version in ((False, "HTTP/1.1"), (True, "HTTP/2")):
        async with kind.face(verify=trusting(authority_of(tls_site)), http2=http2) as face:
            response = await face.get(url)
            assert (response.http_version, len(response.content)) == (version, 100_000)
            assert response.reason_phrase == "OK"
            assert ("reason_phrase" in response.extensions) == (not http2)


async def test_http2_from_the_first_byte(kind: Kind, site: LocalSite) -> None:
    async with kind.face(http1=False, http2=True) as face:
        response = await face.request("POST", f"{site.url}/echo/body", content=face.body(b"a", b"b"))
        assert (response.http_version, response.content) == ("HTTP/2", b"ab")


async def test_no_version_at_all(our_kind: Kind) -> None:
    with pytest.raises(ValueError, match="http1 and http2"):
        our_kind.transport(http1=False, http2=False)


# ---- by way of whom ----


async def test_http_by_a_proxy(kind: Kind, tinyproxy: Program, site: LocalSite) -> None:
    url = f"http://127.0.0.1:{tinyproxy.port}"
    make = kind.library.Proxy
    for proxy in (make(url, auth=("user", "pa.ss")), make(url.replace("//", "//user:pa%2Ess@"))):
        async with kind.face(proxy=proxy) as face:
            echo = (await face.get(f"{site.url}/echo")).json()
            assert proxies.PSEUDONYM in dict(echo["headers"])["via"]
            assert "proxy-authorization" not in dict(echo["headers"])


async def test_a_proxy_that_refuses(kind: Kind, tinyproxy: Program, tls_site: LocalSite) -> None:
    async with kind.face(proxy=f"http://127.0.0.1:{tinyproxy.port}", verify=False) as face:
        with pytest.raises(face.library.ProxyError):
            await face.get(f"https://127.0.0.1:{tls_site.port}/")


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_a_proxy_that_is_not_there(kind: Kind, scheme: str) -> None:
    """A connection that was not made, as any other: who tries those again tries this one."""
    for proxy in (f"{scheme}://127.0.0.1:{free_port()}", f"{scheme}://nothing.invalid:80"):
        async with kind.face(proxy=proxy) as face:
            with pytest.raises(face.library.ConnectError):
                await face.get("http://127.0.0.1/")


async def test_headers_for_a_proxy(kind: Kind) -> None:
    with RawServer(reply(OK)) as server:
        proxy = kind.library.Proxy(server.url, headers={"X-Proxy": "1"})
        async with kind.face(proxy=proxy) as face:
            await face.get("http://host.test/path")
    assert server.received[0].startswith(b"GET http://host.test/path HTTP/1.1\r\n")
    assert b"x-proxy: 1" in server.received[0].lower()


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
async def test_socks_proxies_resolve_names(
    kind: Kind, microsocks: Program, site: LocalSite, scheme: str
) -> None:
    async with kind.face(proxy=f"{scheme}://127.0.0.1:{microsocks.port}") as face:
        url = site.url.replace("127.0.0.1", "localhost")
        assert (await face.get(f"{url}/json")).status_code == 200
    assert "localhost" in microsocks.log()


async def test_proxies_of_the_environment(
    kind: Kind, site: LocalSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client given a transport takes none from there, so ours does; httpx's own leaves them alone."""
    with RawServer(reply(OK)) as server:
        monkeypatch.setenv("HTTP_PROXY", server.url)
        for trust_env in (True, False):
            async with kind.face(trust_env=trust_env) as face:
                await face.get(f"{site.url}/json")
        assert len(server.received) == (1 if kind.ours else 0)


async def test_what_is_no_proxy(our_kind: Kind) -> None:
    for bad, error in (("ftp://x", ValueError), (5, TypeError), (True, TypeError)):
        with pytest.raises(error, match="proxy"):
            our_kind.transport(proxy=bad)
    proxy = our_kind.library.Proxy("https://x", ssl_context=ssl.create_default_context())
    with pytest.raises(NotImplementedError, match="ssl_context"):
        our_kind.transport(proxy=proxy)


async def test_no_password_is_shown(our_kind: Kind) -> None:
    with pytest.raises(ValueError, match="proxy") as caught:
        our_kind.transport(proxy="http://user:secret@ho st/")
    assert "secret" not in str(caught.value)


async def test_a_unix_socket(kind: Kind, tmp_path: Path) -> None:
    import socket

    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(65536)
                peer.sendall(OK)

        thread = threading.Thread(target=serve)
        thread.start()
        async with kind.face(uds=str(path)) as face:
            assert (await face.get("http://host.test/")).content == b"ok"
        thread.join()


async def test_an_address_to_come_from(kind: Kind, site: LocalSite) -> None:
    async with kind.face(local_address="127.0.0.2") as face, face.stream("GET", f"{site.url}/json") as opened:
        stream = opened.response.extensions["network_stream"]
        assert stream.get_extra_info("client_addr")[0] == "127.0.0.2"
        await opened.read()


async def test_what_is_refused(our_kind: Kind) -> None:
    with pytest.raises(NotImplementedError, match="socket_options"):
        our_kind.transport(socket_options=[(1, 2, 3)])
    with pytest.raises(TypeError, match="limits"):
        our_kind.transport(limits=5)
    with pytest.raises(TypeError, match="retries"):
        our_kind.transport(retries="many")
    with pytest.raises(TypeError, match="http2"):
        our_kind.transport(http2="yes")


async def test_they_are_transports_of_each_library() -> None:
    for library in (httpx, httpx2):
        assert issubclass(AsyncTransport, library.AsyncBaseTransport)
        assert issubclass(Transport, library.BaseTransport)


async def test_a_request_of_neither(site: LocalSite) -> None:
    async with AsyncTransport() as transport:
        with pytest.raises(TypeError, match="httpx or httpx2"):
            await transport.handle_async_request(aioxide.Request("GET", site.url))
