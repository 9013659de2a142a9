"""The exceptions of the drop-in, aiohttp's own where it is, else equal ones; which each failure becomes."""

import asyncio
import errno
import io
import socket
import ssl
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import client_exceptions as theirs
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

import aioxide
from aioxide.aiohttp import client_exceptions as ours
from aioxide.aiohttp._failures import translate
from aioxide.aiohttp.client_reqrep_types import ConnectionKey, RequestInfo
from aioxide.testing import LocalSite
from tests.aiohttp.absent import without_aiohttp
from tests.http.broken import PLAIN, REDIRECTS, TLS, Case
from tests.servers.raw import RawServer, reply

ASYNCIO = pytest.mark.asyncio(loop_factories=["asyncio"])
INFO = RequestInfo(URL("http://host/p"), "GET", CIMultiDictProxy(CIMultiDict(a="b")), URL("http://host/p#f"))


async def failure_of_theirs(url: str, **options: Any) -> BaseException:
    timeout = options.pop("timeout", aiohttp.ClientTimeout(total=20))
    session = options.pop("session", {})
    async with aiohttp.ClientSession(timeout=timeout, **session) as client:
        client._retry_connection = False
        with pytest.raises(BaseException) as caught:  # noqa: PT011
            async with client.request(options.pop("method", "GET"), url, **options) as response:
                await response.read()
    return caught.value


async def failure_of_ours(
    url: str, *, settings: dict[str, Any] | None = None, method: str = "GET", **options: Any
) -> BaseException:
    told = {name: options.pop(name) for name in ("proxy", "unix_path") if name in options}
    if isinstance(told.get("proxy"), str):
        told["proxy"] = URL(told["proxy"])
    async with aioxide.Client(**({"trust_env": False} | (settings or {}))) as client:
        with pytest.raises(aioxide.RequestError) as caught:
            async with client.stream(method, url, follow_redirects=True, **options) as response:
                await response.aread()
    return translate(caught.value, RequestInfo(URL(url), method, INFO.headers, URL(url)), **told)


def told(error: BaseException) -> dict[str, Any]:
    """What programs read of an exception, but for its words."""
    names = ("host", "port", "ssl", "status", "errno", "path", "url", "description")
    seen: dict[str, Any] = {name: getattr(error, name, None) for name in names}
    for name in ("os_error", "certificate_error"):
        under = getattr(error, name, None)
        seen[name] = None if under is None else (type(under), under.errno)
    info = getattr(error, "request_info", None)
    seen["request"] = None if info is None else (info.url, info.method, info.real_url)
    return seen


def assert_alike(ours: BaseException, theirs: BaseException) -> None:
    assert type(ours) is type(theirs), f"{ours!r} {theirs!r}"
    assert told(ours) == told(theirs)
    assert ours.__cause__ is not None


def timeout_of(case: Case) -> aiohttp.ClientTimeout:
    limit = case.settings.get("timeout")
    if limit is None:
        return aiohttp.ClientTimeout(total=20)
    if case.error is aioxide.ReadTimeout:
        return aiohttp.ClientTimeout(sock_read=0.1)
    if case.error is aioxide.ConnectTimeout:
        return aiohttp.ClientTimeout(sock_connect=0.1)
    return aiohttp.ClientTimeout(total=0.1)


# aiohttp takes what these say; or has not the coding, and cannot know whether it is right.
TAKEN = {
    "is HTTP/2.0 in words",
    "status below 100",
    "a fold in the first header",
    "space before the colon",
    "101 unasked",
    "more than max_headers",
    "chunked HTTP/1.0",
    "half gzip",
    "coded too often",
    "gzip within no gzip",
    "no br",
    "no zstd",
}
# To aiohttp these are no body that broke but a wrong answer, if they come along with the head.
TOGETHER = {
    "bad chunk size",
    "negative chunk size",
    "chunk size beyond numbers",
    "chunk without its end",
    "endless trailers",
    "endless trailer",
}
COMPARED = [case for case in [*PLAIN, *REDIRECTS, *TLS] if case.name not in TAKEN]


@pytest.mark.parametrize("case", COMPARED, ids=lambda case: case.name)
@ASYNCIO
async def test_a_broken_peer_is_what_it_is_to_aiohttp(case: Case) -> None:
    with RawServer(case.script) as server:
        url = f"{case.scheme}://127.0.0.1:{server.port}/path?q=1"
        method = "GET" if case.content is None else "POST"
        body = None if case.content is None else io.BytesIO(case.content)
        theirs = await failure_of_theirs(url, method=method, data=body, timeout=timeout_of(case))
        ours = await failure_of_ours(url, settings=case.settings, method=method, content=case.content)
    if case.name in TOGETHER:
        assert (type(theirs), type(ours)) == (aiohttp.ClientResponseError, aiohttp.ClientPayloadError)
    else:
        assert_alike(ours, theirs)


@ASYNCIO
async def test_what_is_not_reached() -> None:
    port = free_port()
    for host in ("127.0.0.1", "nothing.invalid"):
        url = f"http://{host}:{port}/"
        ours, theirs = await failure_of_ours(url), await failure_of_theirs(url)
        assert_alike(ours, theirs)
        assert isinstance(ours, aiohttp.ClientConnectorError)
        assert str(ours) == str(theirs)


@ASYNCIO
async def test_a_name_with_several_addresses() -> None:
    port = free_port()
    url = f"http://localhost:{port}/"
    ours, theirs = await failure_of_ours(url), await failure_of_theirs(url)
    assert type(ours) is type(theirs) is aiohttp.ClientConnectorError
    assert (ours.errno, ours.host, ours.port) == (theirs.errno, "localhost", port)
    assert ours.errno == errno.ECONNREFUSED
    assert isinstance(ours.os_error, ConnectionRefusedError)


@ASYNCIO
async def test_a_socket_that_is_not_there(tmp_path: Path) -> None:
    path = str(tmp_path / "no.sock")
    url = "http://host/"
    ours = await failure_of_ours(url, settings={"uds": path}, unix_path=path)
    session = {"connector": aiohttp.UnixConnector(path)}
    theirs = await failure_of_theirs(url, session=session)
    assert_alike(ours, theirs)


@ASYNCIO
async def test_certificates() -> None:
    with LocalSite(tls=True) as site:
        ours, theirs = await failure_of_ours(site.url), await failure_of_theirs(site.url)
    assert_alike(ours, theirs)
    assert isinstance(ours, aiohttp.ClientConnectorCertificateError)
    assert isinstance(ours.certificate_error, ssl.SSLCertVerificationError)
    assert "CERTIFICATE_VERIFY_FAILED" in str(ours)


@ASYNCIO
async def test_proxies() -> None:
    port = free_port()
    with RawServer(reply(b"HTTP/1.1 403 Not You\r\ncontent-length: 0\r\n\r\n")) as server:
        for proxy, url in [
            (f"http://127.0.0.1:{port}", "http://host/"),
            (f"http://127.0.0.1:{port}", "https://host/"),
            (f"http://nothing.invalid:{port}", "http://host/"),
            (f"http://127.0.0.1:{server.port}", "https://host/"),
        ]:
            theirs = await failure_of_theirs(url, proxy=proxy)
            ours = await failure_of_ours(url, settings={"proxy": proxy}, proxy=proxy)
            assert_alike(ours, theirs)
            if isinstance(ours, aiohttp.ClientHttpProxyError):
                assert ours.message == theirs.message == "Not You"


@ASYNCIO
async def test_a_proxy_of_the_environment_is_named() -> None:
    port = free_port()
    proxy = f"http://127.0.0.1:{port}"
    ours = await failure_of_ours("http://host/", settings={"proxy": proxy})
    assert isinstance(ours, aiohttp.ClientProxyConnectionError)
    assert (ours.host, ours.port) == ("127.0.0.1", port)


@ASYNCIO
async def test_limits_on_time() -> None:
    with LocalSite() as site:
        url = site.url + "/delay/3000"
        for limit, theirs in [
            (aioxide.Timeout(0.05), aiohttp.ClientTimeout(total=0.05)),
            (aioxide.Timeout(read=0.05), aiohttp.ClientTimeout(sock_read=0.05)),
        ]:
            ours = await failure_of_ours(url, settings={"timeout": limit})
            assert_alike(ours, await failure_of_theirs(url, timeout=theirs))


def request_error(name: str, **said: Any) -> aioxide.RequestError:
    request = aioxide.Request("GET", "http://host/p")
    error: aioxide.RequestError = getattr(aioxide, name)("words", request=request, **said)
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (request_error("PoolTimeout", phase="pool"), ours.ConnectionTimeoutError),
        (request_error("ConnectTimeout", phase="connect"), ours.ConnectionTimeoutError),
        (request_error("WriteTimeout", phase="headers"), ours.SocketTimeoutError),
        (request_error("TimeoutException", phase="pool"), TimeoutError),
        (request_error("CloseError", phase="headers"), ours.ClientConnectionError),
        (request_error("UnsupportedProtocol"), ours.NonHttpUrlClientError),
        (request_error("InvalidURL"), ours.InvalidUrlClientError),
        (request_error("LocalProtocolError"), ValueError),
        (request_error("LocalProtocolError", phase="redirect"), ours.ClientPayloadError),
        (request_error("BodyTooLarge", phase="body"), ours.ClientPayloadError),
        (request_error("DecodingError", phase="body"), ours.ClientPayloadError),
        (request_error("TooManyRedirects", phase="redirect"), ours.TooManyRedirects),
        (request_error("RobotsDisallowed", phase="robots"), ours.ClientError),
        (request_error("WriteError", phase="headers"), ours.ClientOSError),
        (request_error("TLSError", phase="headers", detail=("tls", None, "alert", None)), ours.ClientOSError),
        (request_error("ProxyError", phase="connect"), ours.ClientProxyConnectionError),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_what_the_rest_become(error: aioxide.RequestError, kind: type[BaseException]) -> None:
    translated = translate(error, INFO)
    assert type(translated) is kind
    assert str(translated) == "" if kind is TimeoutError else str(translated)


def test_what_is_no_failure_of_a_request_is_given_back() -> None:
    for error in (asyncio.CancelledError(), KeyError("mine"), KeyboardInterrupt()):
        assert translate(error, INFO) is error


def test_a_hop_after_a_redirect_is_the_one_told_of() -> None:
    request = aioxide.Request("GET", "http://other:81/q", headers={"x": "y"})
    error = aioxide.RemoteProtocolError("words", request=request, phase="headers")
    translated = translate(error, INFO)
    assert isinstance(translated, ours.ClientResponseError)
    assert translated.request_info.url == URL("http://other:81/q")
    assert translated.request_info.headers["x"] == "y"
    refused = aioxide.ConnectError(
        "words", request=request, phase="connect", detail=("system", errno.ECONNREFUSED, "refused", None)
    )
    translated = translate(refused, INFO)
    assert isinstance(translated, ours.ClientConnectorError)
    assert (translated.host, translated.port) == ("other", 81)
    assert translated.os_error.__cause__ is refused


# ---- the classes ----

KEY = ConnectionKey("host", 1, True, True, None, None, None, None)


def samples(module: Any) -> list[BaseException]:
    refused = ConnectionRefusedError(errno.ECONNREFUSED, "refused")
    distrusted = ssl.SSLCertVerificationError(1, "distrusted")
    made: list[BaseException] = []
    for name in sorted(NAMES):
        kind = getattr(module, name)
        if issubclass(kind, module.ClientResponseError):
            made.append(kind(INFO, (), status=404, message="Not Found", headers=None))
        elif name == "UnixClientConnectorError":
            made.append(kind("/path", KEY, refused))
        elif name == "ClientConnectorCertificateError":
            made += [kind(KEY, distrusted), kind(KEY, ValueError("x"))]
        elif issubclass(kind, module.ClientConnectorError):
            made += [kind(KEY, refused), kind(KEY._replace(ssl=False), refused)]
        elif name == "ServerFingerprintMismatch":
            made.append(kind(b"a", b"b", "host", 1))
        elif issubclass(kind, module.InvalidURL):
            made += [kind("url"), kind(URL("http://x"), "why")]
        elif issubclass(kind, module.ClientOSError):
            made.append(kind(errno.ECONNRESET, "reset"))
        else:
            made += [kind(), kind("words")]
    return made


# Not all of them are in its `__all__`.
NAMES = set(theirs.__all__) | {"UnixClientConnectorError", "TooManyRedirects"}


def test_where_aiohttp_is_installed_they_are_its_own() -> None:
    assert set(ours.__all__) == NAMES
    for name in NAMES:
        assert getattr(ours, name) is getattr(theirs, name)


SHOW = """
UNSEEN = ("code", "with_traceback", "add_note", "characters_written")

def show(error):
    seen = [str(error), repr(error), [base.__name__ for base in type(error).__mro__]]
    for name in dir(error):
        if not name.startswith("_") and name not in UNSEEN:
            seen.append((name, repr(getattr(error, name, None))))
    return seen
"""


def test_where_it_is_not_they_are_equal() -> None:
    """Each in its bases, words, attributes and pickled copies."""
    import inspect

    scope: dict[str, Any] = {}
    exec(SHOW, scope)
    show = scope["show"]
    sample = inspect.getsource(samples)
    out = without_aiohttp(
        "import errno, pickle, ssl\nfrom typing import Any\nfrom multidict import *\nfrom yarl import URL\n"
        "from aioxide.aiohttp import client_exceptions as ours\n"
        "from aioxide.aiohttp.client_reqrep_types import *\n"
        f"NAMES = {sorted(NAMES)!r}\n"
        'INFO = RequestInfo(URL("http://host/p"), "GET", CIMultiDictProxy(CIMultiDict(a="b")), URL("http://host/p#f"))\n'
        "KEY = ConnectionKey('host', 1, True, True, None, None, None, None)\n"
        + SHOW
        + sample
        + "made = samples(ours)\n"
        + "assert all(type(one).__module__.startswith('aioxide.') for one in made)\n"
        + "for one in made:\n"
        + "    if isinstance(one, ours.ClientResponseError): continue\n"
        + "    copy = pickle.loads(pickle.dumps(one))\n"
        + "    assert type(copy) is type(one) and show(copy) == show(one), (copy, one)\n"
        + "print(repr([show(one) for one in made]))"
    )
    expected = [show(one) for one in samples(theirs)]
    assert [tuple(one) for one in eval(out)] == [tuple(one) for one in expected]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
