"""TLS: who is trusted, what is settled in the handshake, and what becomes of one that fails."""

import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

import aioxide
from aioxide.testing import LocalSite
from tests.http.trust import authority as authority_of
from tests.servers.certificates import Authority, Certificate
from tests.servers.http2 import http2, no_content
from tests.servers.raw import Connection, RawServer, Script, reply, reply_always, silence
from tests.servers.secure import Secured, accepting

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

# Long enough that a loaded machine has answered by then, short enough to wait for.
SHORT = 0.15


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def good(authority: Authority) -> Certificate:
    return authority.issue("localhost", "127.0.0.1")


@pytest.fixture(scope="module")
def bad(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Certificate]:
    """Certificates that say nothing for a server on localhost, by what is wrong with them."""
    stranger = Authority(tmp_path_factory.mktemp("stranger"))
    return {
        "of a stranger": stranger.issue("localhost"),
        "self-signed": Certificate(stranger.path, stranger.path.with_suffix(".key")),
        "expired": authority.issue("localhost", ends=timedelta(days=-1)),
        "for another name": authority.issue("other.test", "www.localhost"),
        "for an address": authority.issue("127.0.0.1"),
    }


# ---- who is trusted ----


@pytest.mark.parametrize(
    ("which", "words"),
    [
        ("of a stranger", "UnknownIssuer"),
        ("self-signed", "(UnknownIssuer|CaUsedAsEndEntity)"),
        ("expired", "certificate expired"),
        ("for another name", 'not valid for name "localhost".*other.test.*www.localhost'),
        ("for an address", 'not valid for name "localhost"'),
    ],
)
async def test_a_bad_certificate_is_a_tls_error(
    authority: Authority, bad: dict[str, Certificate], which: str, words: str
) -> None:
    secured = Secured(accepting(bad[which]), reply(OK))
    with RawServer(secured) as server:
        url = f"https://localhost:{server.port}/"
        async with aioxide.Client(verify=authority.path) as client:
            with pytest.raises(
                aioxide.TLSError, match=f"cannot connect to localhost:{server.port}: .*{words}"
            ):
                await client.get(url)
            with pytest.raises(aioxide.TLSError) as caught:
                await client.get(url, retries=aioxide.Retry(3, backoff=0.001))
            assert (caught.value.phase, caught.value.attempt) == ("connect", 1)
            assert client.statistics().connections == 0
        assert len(server.received) == 2
        with pytest.warns(aioxide.InsecureWarning):
            client = aioxide.Client(verify=False)
        async with client:
            assert (await client.get(url)).text == "ok"


async def test_a_good_certificate(authority: Authority, good: Certificate) -> None:
    with RawServer(Secured(accepting(good), reply(OK))) as server:
        for verify in [authority.path, str(authority.path), authority.path.read_text()]:
            async with aioxide.Client(verify=verify) as client:
                assert (await client.get(f"https://localhost:{server.port}/")).text == "ok"
                assert (await client.get(f"https://127.0.0.1:{server.port}/")).text == "ok"


@pytest.mark.parametrize("name", ["localhost", "other.test"])
@pytest.mark.parametrize("ends", ["later", "yesterday"])
async def test_an_authority_that_is_the_server_itself(tmp_path: Path, name: str, ends: str) -> None:
    # What `openssl req -x509` makes, unless it is told otherwise.
    stranger = Authority(tmp_path / "stranger")
    own = stranger.of_itself(name, ends=timedelta(days=-1 if ends == "yesterday" else 1))
    with RawServer(Secured(accepting(own), reply(OK))) as server:
        url = f"https://localhost:{server.port}/"
        for verify in [own.certificate, ssl.create_default_context(cafile=own.certificate)]:
            async with aioxide.Client(verify=verify) as client:
                if (name, ends) == ("localhost", "later"):
                    assert (await client.get(url)).text == "ok"
                else:
                    with pytest.raises(aioxide.TLSError, match=r"expired|not valid for name"):
                        await client.get(url)
        async with aioxide.Client(verify=stranger.path) as client:
            with pytest.raises(aioxide.TLSError):
                await client.get(url)


async def test_the_bundled_roots_know_nobody_here(good: Certificate) -> None:
    with RawServer(Secured(accepting(good), reply(OK))) as server:
        async with aioxide.Client(verify="bundled") as client:
            with pytest.raises(aioxide.TLSError, match="UnknownIssuer"):
                await client.get(f"https://localhost:{server.port}/")


def test_the_roots_of_the_system(authority: Authority, good: Certificate, script) -> None:
    """They are read once, so another process has to look."""
    program = """
        import sys
        import aioxide
        with aioxide.BlockingClient(trust_env=False) as client:
            print(client.get(sys.argv[1]).text)
    """
    with RawServer(Secured(accepting(good), reply(OK))) as server:
        url = f"https://localhost:{server.port}/"
        assert script.works(program, url, env={"SSL_CERT_FILE": str(authority.path)}) == "ok\n"
        assert "UnknownIssuer" in script(program, url).stderr


# ---- the name ----


async def test_the_name_is_said_unless_it_is_an_address(authority: Authority, good: Certificate) -> None:
    secured = Secured(accepting(good), reply(OK))
    with RawServer(secured) as server:
        async with aioxide.Client(verify=authority.path) as client:
            await client.get(f"https://localhost:{server.port}/")
            await client.get(f"https://127.0.0.1:{server.port}/")
        async with aioxide.Client(verify=authority.path, sni=False) as client:
            await client.get(f"https://localhost:{server.port}/")
            with pytest.raises(aioxide.TLSError):
                # It is not said, and looked at all the same.
                await client.get(f"https://localhost:{server.port}/", extensions={"sni_hostname": "a.test"})
    assert secured.names == ["localhost", None, None, None]


async def test_another_name_for_the_handshake(authority: Authority) -> None:
    secured = Secured(accepting(authority.issue("one.test", "two.test")), reply_always(OK))
    with RawServer(secured) as server:
        url = f"https://127.0.0.1:{server.port}/"
        async with aioxide.Client(verify=authority.path) as client:
            for name in ["one.test", "two.test", "one.test"]:
                assert (await client.get(url, extensions={"sni_hostname": name})).text == "ok"
            # A connection is for the name that was checked.
            assert client.statistics().opened == 2
            for name in [None, "three.test"]:
                extensions = {"sni_hostname": name} if name else {}
                with pytest.raises(aioxide.TLSError, match="not valid for name"):
                    await client.get(url, extensions=extensions)
            with pytest.raises(ValueError, match="sni_hostname must be a name that a certificate can have"):
                client.get(url, extensions={"sni_hostname": "no name"})
    assert secured.names[:2] == ["one.test", "two.test"]
    assert b"host: 127.0.0.1:" in secured.connections[0].received


# ---- the protocol ----


@pytest.mark.parametrize(
    ("server_has", "client_has", "settled", "version"),
    [
        (["h2", "http/1.1"], {}, "h2", "HTTP/2"),
        (["http/1.1", "h2"], {}, "http/1.1", "HTTP/1.1"),
        (["http/1.1"], {}, "http/1.1", "HTTP/1.1"),
        ([], {}, None, "HTTP/1.1"),
        (["h2", "http/1.1"], {"http2": False}, "http/1.1", "HTTP/1.1"),
        (["h2", "http/1.1"], {"http1": False}, "h2", "HTTP/2"),
        # Who wants HTTP/2 alone speaks it to a server that has not heard of ALPN.
        ([], {"http1": False}, None, "HTTP/2"),
    ],
)
async def test_what_is_spoken(
    authority: Authority,
    good: Certificate,
    server_has: list[str],
    client_has: dict[str, bool],
    settled: str | None,
    version: str,
) -> None:
    script = http2(no_content(1)) if version == "HTTP/2" else reply(OK)
    secured = Secured(accepting(good, alpn=server_has), script)
    with RawServer(secured) as server:
        async with aioxide.Client(verify=authority.path, **client_has) as client:
            response = await client.get(f"https://localhost:{server.port}/")
    assert response.http_version == version
    assert secured.protocols == [settled]


async def test_a_host_may_change_what_it_speaks(authority: Authority, good: Certificate) -> None:
    """HTTP/2, then HTTP/1.1, then HTTP/2: by ALPN each time."""
    first, second, third = (
        Secured(accepting(good, alpn=["h2"]), http2(no_content(1), end=False)),
        Secured(accepting(good, alpn=["http/1.1"]), reply(OK)),
        Secured(accepting(good, alpn=["h2"]), http2(no_content(1), end=False)),
    )
    with RawServer(first, second, third) as server:
        limits = aioxide.Limits(keepalive_expiry=0)
        async with aioxide.Client(verify=authority.path, limits=limits) as client:
            versions = [
                (await client.get(f"https://localhost:{server.port}/")).http_version for _ in range(3)
            ]
    assert versions == ["HTTP/2", "HTTP/1.1", "HTTP/2"]


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_the_version_of_tls(authority: Authority, good: Certificate, newest: ssl.TLSVersion) -> None:
    old = newest == ssl.TLSVersion.TLSv1_2
    secured = Secured(accepting(good, newest=newest), reply(OK))
    with RawServer(secured) as server:
        url = f"https://localhost:{server.port}/"
        async with aioxide.Client(verify=authority.path, min_tls="1.2") as client:
            assert (await client.get(url)).text == "ok"
        async with aioxide.Client(verify=authority.path, min_tls="1.3") as client:
            if old:
                with pytest.raises(aioxide.TLSError, match="ProtocolVersion"):
                    await client.get(url)
            else:
                assert (await client.get(url)).text == "ok"
    assert secured.versions == (["TLSv1.2"] if old else ["TLSv1.3", "TLSv1.3"])


# ---- who we are ----


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_client_certificate(
    authority: Authority, good: Certificate, tmp_path: Path, newest: ssl.TLSVersion
) -> None:
    """In TLS 1.3 a client has finished by the time when the server looks."""
    stranger = Authority(tmp_path / "stranger").issue("me")
    secured = Secured(accepting(good, newest=newest, clients=authority.path), reply(OK))
    with RawServer(secured) as server:
        url = f"https://localhost:{server.port}/"
        async with aioxide.Client(verify=authority.path, cert=authority.issue("me").pair) as client:
            assert (await client.get(url)).text == "ok"
        for cert, words in [(None, "(CertificateRequired|HandshakeFailure)"), (stranger.pair, "UnknownCA")]:
            async with aioxide.Client(verify=authority.path, cert=cert) as client:
                with pytest.raises(aioxide.TLSError, match=f"received fatal alert: {words}"):
                    await client.get(url)
                with pytest.raises(aioxide.TLSError, match=f"received fatal alert: {words}"):
                    await client.post(url, content=b"x" * 100_000)
        assert len(server.received) == 5


def test_a_client_certificate_that_cannot_be_used(authority: Authority, good: Certificate) -> None:
    mine = authority.issue("me")
    for cert, words in [
        (mine.certificate, "no private key"),
        (mine.key, "no client certificate"),
        ((mine.certificate, good.key), "cannot be used"),
        (
            (mine.certificate, b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
            "cannot be used",
        ),
    ]:
        with pytest.raises(ValueError, match=words):
            aioxide.Client(cert=cert)


# ---- handshakes that fail ----


def alert(code: int) -> Script:
    """A fatal alert in place of a ServerHello."""

    def script(connection: Connection) -> None:
        connection.read(5)
        connection.send(b"\x15\x03\x03\x00\x02\x02" + bytes([code]))
        connection.end()

    return script


@pytest.mark.parametrize(
    ("code", "words"),
    [(40, "HandshakeFailure"), (70, "ProtocolVersion"), (80, "InternalError"), (112, "UnrecognisedName")],
)
async def test_an_alert_is_a_tls_error(client: aioxide.Client, code: int, words: str) -> None:
    with (
        RawServer(alert(code)) as server,
        pytest.raises(aioxide.TLSError, match=f"received fatal alert: {words}") as caught,
    ):
        await client.get(f"https://127.0.0.1:{server.port}/")
    assert caught.value.phase == "connect"


def says(data: bytes) -> Script:
    def script(connection: Connection) -> None:
        connection.read(5)
        connection.send(data)
        connection.hang()

    return script


@pytest.mark.parametrize(
    "script",
    [silence, says(b"\x16"), says(b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03" + bytes(50))],
    ids=["at once", "in a record's head", "in its hello"],
)
async def test_a_handshake_that_stops_is_a_connect_timeout(script: Script) -> None:
    with RawServer(script) as server:
        async with aioxide.Client(timeout=aioxide.Timeout(connect=SHORT), trust_env=False) as client:
            with pytest.raises(aioxide.ConnectTimeout) as caught:
                await client.get(f"https://127.0.0.1:{server.port}/")
            assert caught.value.phase == "connect"
            assert client.statistics().connections == 0


async def test_what_is_no_tls(client: aioxide.Client, site: LocalSite) -> None:
    """A server of plain HTTP, asked for https."""
    with pytest.raises(aioxide.TLSError, match=f"cannot connect to 127.0.0.1:{site.port}: "):
        await client.get(f"https://127.0.0.1:{site.port}/")


async def test_https_behind_http(tls_site: LocalSite, client: aioxide.Client) -> None:
    """The other way round: the server hears no TLS, and ends it."""
    with pytest.raises(aioxide.RequestError) as caught:
        await client.get(f"http://127.0.0.1:{tls_site.port}/")
    assert type(caught.value) in {aioxide.RemoteProtocolError, aioxide.ReadError}


async def test_many_handshakes_at_once(until: Callable, tls_site: LocalSite) -> None:
    """HTTP/1.1, so that each request has one."""
    async with aioxide.Client(verify=authority_of(tls_site), http2=False) as client:
        gets = [client.get(f"{tls_site.url}/delay/20") for _ in range(50)]
        assert all(response.ok for response in await aioxide.gather(*gets))
        assert client.statistics().opened == 50


# ---- what an ssl.SSLContext says ----


async def test_the_authorities_of_a_context(authority: Authority, good: Certificate) -> None:
    with RawServer(Secured(accepting(good), reply_always(OK))) as server:
        url = f"https://localhost:{server.port}/"
        async with aioxide.Client(verify=ssl.create_default_context(cafile=authority.path)) as client:
            assert (await client.get(url)).content == b"ok"
        async with aioxide.Client(verify=ssl.create_default_context()) as client:
            with pytest.raises(aioxide.TLSError, match="UnknownIssuer"):
                await client.get(url)


async def test_a_context_without_a_look_at_names(authority: Authority, bad: dict[str, Certificate]) -> None:
    context = ssl.create_default_context(cafile=authority.path)
    context.check_hostname = False
    for which, trusted in (("for another name", True), ("of a stranger", False), ("expired", False)):
        with RawServer(Secured(accepting(bad[which]), reply_always(OK))) as server:
            async with aioxide.Client(verify=context) as client:
                if trusted:
                    assert (await client.get(f"https://localhost:{server.port}/")).content == b"ok"
                    continue
                with pytest.raises(aioxide.TLSError):
                    await client.get(f"https://localhost:{server.port}/")


def test_a_context_that_verifies_nothing_is_insecure() -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with pytest.warns(aioxide.InsecureWarning):
        aioxide.Client(verify=context)
