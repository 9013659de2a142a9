"""What lies under an error: the system's own, TLS, a name, a proxy's status."""

import errno
import pickle
import socket
import ssl
from typing import Any

import pytest

import aioxide
from aioxide.testing import LocalSite
from tests.servers.raw import RawServer, hang_up, reply

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])


async def failure(url: str, **settings: Any) -> aioxide.RequestError:
    async with aioxide.Client(trust_env=False, **settings) as client:
        with pytest.raises(aioxide.RequestError) as caught:
            await client.get(url)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy.detail, repr(copy.os_error)) == (caught.value.detail, repr(caught.value.os_error))
    return caught.value


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


async def test_a_refused_connection_has_its_errno() -> None:
    error = await failure(f"http://127.0.0.1:{free_port()}/")
    assert error.detail == ("system", errno.ECONNREFUSED, "Connection refused", None)
    assert isinstance(error.os_error, ConnectionRefusedError)
    assert error.os_error.errno == errno.ECONNREFUSED


async def test_a_name_that_is_not_resolved() -> None:
    error = await failure("http://nothing.invalid/")
    assert error.detail is not None
    assert error.detail[0] == "name"
    assert isinstance(error.os_error, socket.gaierror)
    assert error.os_error.errno in (socket.EAI_NONAME, socket.EAI_AGAIN)


async def test_a_certificate_is_told_from_the_rest_of_tls() -> None:
    with LocalSite(tls=True) as site:
        error = await failure(site.url)
    assert isinstance(error.os_error, ssl.SSLCertVerificationError)
    assert error.os_error.reason == "CERTIFICATE_VERIFY_FAILED"
    with LocalSite() as site:
        error = await failure(site.url.replace("http:", "https:"))
    assert type(error.os_error) is ssl.SSLError


async def test_an_end_is_told_from_nonsense() -> None:
    for script, word in [(hang_up, "ended"), (reply(b"SSH-2.0-x\r\n"), "said")]:
        with RawServer(script) as server:
            error = await failure(server.url)
        assert error.detail is not None
        assert error.detail[0] == word
        assert error.os_error is None


async def test_a_proxy_is_named() -> None:
    with RawServer(reply(b"HTTP/1.1 403 Not You\r\nContent-Length: 0\r\nX-Why: \xff\r\n\r\n")) as server:
        proxy = f"http://user:secret@127.0.0.1:{server.port}"
        error = await failure("https://host.invalid/", proxy=proxy)
    assert error.detail == ("proxy", 403, "Not You", f"http://127.0.0.1:{server.port}")
    assert isinstance(error, aioxide.ProxyError)
    assert error.headers == [("Content-Length", b"0"), ("X-Why", b"\xff")]
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.headers, copy.detail) == (error.headers, error.detail)
    port = free_port()
    error = await failure("https://host.invalid/", proxy=f"http://127.0.0.1:{port}")
    assert error.detail == ("system", errno.ECONNREFUSED, "Connection refused", f"http://127.0.0.1:{port}")
    assert isinstance(error, aioxide.ProxyError)
    assert error.headers is None


async def test_another_fingerprint() -> None:
    class Fingerprint:
        fingerprint = bytes(32)

    with LocalSite(tls=True) as site:
        error = await failure(site.url, verify=Fingerprint())
    assert isinstance(error, aioxide.TLSError)
    assert error.detail is not None
    assert error.detail[0] == "fingerprint"
    shown, expected = error.detail[2].split()
    assert expected == "00" * 32
    assert f"the certificate has the fingerprint {shown}, and not {expected}" in str(error)
    assert isinstance(error.os_error, ssl.SSLCertVerificationError)
    assert f"its fingerprint is {shown}, not {expected}" in str(error.os_error)
    with pytest.raises(ValueError, match="32 bytes"):
        aioxide.Client(verify=type("Short", (), {"fingerprint": b"x"})())


async def test_where_a_redirect_leads() -> None:
    head = b"HTTP/1.1 302 Found\r\nlocation: ftp://user:secret@host/\r\ncontent-length: 0\r\n\r\n"
    with RawServer(reply(head)) as server:
        async with aioxide.Client(trust_env=False, follow_redirects=True) as client:
            with pytest.raises(aioxide.UnsupportedProtocol) as caught:
                await client.get(server.url)
    assert caught.value.detail == ("location", None, "ftp://host/", None)


async def test_a_limit_on_time_has_nothing_under_it() -> None:
    with LocalSite() as site:
        error = await failure(site.url + "/delay/3000", timeout=0.05)
    assert (error.detail, error.os_error) == (None, None)
