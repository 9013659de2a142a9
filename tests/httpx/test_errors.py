"""What goes wrong, as the exceptions of the library that asked; each limit on time for itself."""

import asyncio
import pickle
import threading
from typing import Any

import pytest

from aioxide import exceptions
from aioxide.httpx.libraries import LIBRARIES, Library
from aioxide.testing import LocalSite
from tests.httpx.faces import Face, Kind
from tests.servers.programs import free_port
from tests.servers.raw import Connection, RawServer, Script, hang_up, reply, reply_and_reset, reset, silence

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])

# Long enough that a loaded machine has answered by then, short enough to wait for.
SHORT = 0.15

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def only(face: Face, **phase: float) -> Any:
    """A limit on one phase, and none on the others."""
    return face.library.Timeout(None, **phase)


@pytest.mark.parametrize(
    ("script", "names"),
    [
        (hang_up, {"RemoteProtocolError"}),
        # Whose the reset is found to be depends on when it comes.
        (reset, {"ReadError", "RemoteProtocolError"}),
        (reply(b"not http\r\n\r\n"), {"RemoteProtocolError"}),
        (reply(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"), {"RemoteProtocolError"}),
        (reply(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"), {"RemoteProtocolError"}),
        (reply_and_reset(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"), {"ReadError"}),
    ],
    ids=["hang up", "reset", "no http", "cut short", "bad chunk", "reset in the body"],
)
async def test_servers_that_misbehave(face: Face, script: Script, names: set[str]) -> None:
    with RawServer(script) as server, pytest.raises(face.library.TransportError) as caught:
        await face.get(server.url)
    assert type(caught.value).__name__ in names
    assert type(caught.value).__module__.partition(".")[0] == face.library.__name__
    assert str(caught.value.request.url) == server.url


async def test_nobody_listens(face: Face) -> None:
    with pytest.raises(face.library.ConnectError) as caught:
        await face.get(f"http://127.0.0.1:{free_port()}/")
    assert caught.value.request.method == "GET"


async def test_a_name_that_nobody_has(face: Face) -> None:
    with pytest.raises(face.library.ConnectError):
        await face.get("http://no-such-host.invalid/")


@pytest.mark.parametrize("url", ["/path", "ftp://host/", "host.test:80/"])
async def test_schemes(face: Face, url: str) -> None:
    with pytest.raises(face.library.UnsupportedProtocol):
        await face.get(url)


async def test_headers_that_cannot_be_sent(face: Face, site: LocalSite) -> None:
    with pytest.raises(face.library.LocalProtocolError):
        await face.get(f"{site.url}/echo", headers={"x": "a\r\nb: c"})


async def test_a_promise_that_is_not_kept(our_kind: Kind, site: LocalSite) -> None:
    """Of httpx's own transport it is h11's exception."""
    async with our_kind.face() as face:
        body = face.body(b"short")
        with pytest.raises(face.library.LocalProtocolError):
            await face.request("POST", f"{site.url}/echo/body", content=body, headers={"content-length": "9"})


# ---- limits on time ----


async def test_reading_the_head(face: Face) -> None:
    with RawServer(silence) as server, pytest.raises(face.library.ReadTimeout) as caught:
        await face.get(server.url, timeout=only(face, read=SHORT))
    assert str(caught.value.request.url) == server.url


async def test_reading_the_body(face: Face, site: LocalSite) -> None:
    timeout = only(face, read=SHORT)
    with pytest.raises(face.library.ReadTimeout):
        await face.get(f"{site.url}/hang/body", timeout=timeout)
    async with face.stream("GET", f"{site.url}/hang/body", timeout=timeout) as opened:
        with pytest.raises(face.library.ReadTimeout) as caught:
            await opened.rest()
        assert caught.value.request is opened.response.request


async def test_a_slow_body_is_not_silent(face: Face) -> None:
    """The limit is on each wait, and not on all of them together."""

    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n")
        for _ in range(8):
            threading.Event().wait(SHORT / 3)
            connection.send(b"x")

    with RawServer(script) as server:
        assert (await face.get(server.url, timeout=only(face, read=SHORT))).content == b"x" * 8


async def test_writing(face: Face) -> None:
    over = threading.Event()

    def script(connection: Connection) -> None:
        connection.read_head()
        over.wait()

    with RawServer(script) as server:
        with pytest.raises(face.library.WriteTimeout):
            await face.request("POST", server.url, content=bytes(50_000_000), timeout=only(face, write=SHORT))
        over.set()


async def test_connecting(face: Face) -> None:
    """To a server that says nothing in the handshake."""
    with RawServer(silence) as server, pytest.raises(face.library.ConnectTimeout):
        await face.get(f"https://127.0.0.1:{server.port}/", timeout=only(face, connect=SHORT))


async def test_waiting_for_a_connection(kind: Kind, fresh_site: LocalSite) -> None:
    limits = kind.library.Limits(max_connections=1)
    async with kind.face(limits=limits) as face, face.stream("GET", f"{fresh_site.url}/hang/body"):
        with pytest.raises(face.library.PoolTimeout):
            await face.get(f"{fresh_site.url}/json", timeout=only(face, pool=SHORT))


@pytest.mark.parametrize("phase", ["connect", "write", "pool"])
async def test_other_limits_do_not_count(face: Face, site: LocalSite, phase: str) -> None:
    response = await face.get(
        f"{site.url}/delay/{3 * int(1000 * SHORT)}", timeout=only(face, **{phase: SHORT})
    )
    assert response.status_code == 200


@pytest.mark.parametrize("value", [0, 0.0])
async def test_no_time_at_all(our_kind: Kind, value: float) -> None:
    """Of httpx's own synchronous transport it is a ReadError."""
    async with our_kind.face() as face:
        with RawServer(silence) as server, pytest.raises(face.library.ReadTimeout):
            await face.get(server.url, timeout=only(face, read=value))


async def test_a_timeout_that_is_none(our_kind: Kind, site: LocalSite) -> None:
    async with our_kind.face() as face:
        with pytest.raises(ValueError, match="number of seconds"):
            await face.get(f"{site.url}/json", timeout=float("nan"))


# ---- the names ----


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.name)
@pytest.mark.parametrize("name", exceptions.__all__)
@pytest.mark.asyncio
async def test_each_exception_has_one_of_theirs(library: Library, name: str) -> None:
    kind = getattr(exceptions, name)
    if not issubclass(kind, exceptions.RequestError):
        return
    request = library.request("GET", "http://host.test/")
    theirs = library.translated(kind("what happened"), request)
    module: Any = library.module
    assert str(theirs) == "what happened"
    assert theirs.__class__.__module__.partition(".")[0] == library.name
    if isinstance(theirs, module.RequestError):
        assert theirs.request is request
    expected = {"TLSError": "ConnectError", "BodyTooLarge": "TransportError"}
    expected |= {"RequestError": "TransportError", "RobotsDisallowed": "TransportError"}
    assert type(theirs).__name__ == expected.get(name, name)


async def test_the_cause_is_ours(our_kind: Kind) -> None:
    async with our_kind.face() as face:
        with pytest.raises(face.library.ConnectError) as caught:
            await face.get(f"http://127.0.0.1:{free_port()}/")
    cause = caught.value.__cause__
    assert isinstance(cause, exceptions.ConnectError)
    assert str(cause) == str(caught.value)
    assert (cause.phase, cause.attempt) == ("connect", 1)
    assert isinstance(pickle.loads(pickle.dumps(cause)), exceptions.ConnectError)


# ---- cancel, close ----


@pytest.mark.parametrize("path", ["/hang", "/hang/body", "/stream/1000/1000/50"])
async def test_a_cancel_closes_the_connection(our_kind: Kind, fresh_site: LocalSite, path: str) -> None:
    if not our_kind.asynchronous:
        return
    async with our_kind.face() as face:
        asking = asyncio.ensure_future(face.get(fresh_site.url + path))
        await fresh_site.wait_begun(1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await fresh_site.wait_aborted(1)
        assert (await face.get(f"{fresh_site.url}/json")).status_code == 200


async def test_a_cancel_while_a_body_is_sent(fresh_site: LocalSite, our_kind: Kind) -> None:
    if not our_kind.asynchronous:
        return
    ended = asyncio.Event()

    async def body() -> Any:
        try:
            yield b"begun"
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with our_kind.face() as face:
        url = f"{fresh_site.url}/echo/body"
        asking = asyncio.ensure_future(face.request("POST", url, content=body()))
        await fresh_site.wait_begun(1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await ended.wait()


async def test_closing_ends_what_is_in_flight(our_kind: Kind, fresh_site: LocalSite) -> None:
    face = our_kind.face()
    asking = asyncio.ensure_future(face.get(f"{fresh_site.url}/hang"))
    await fresh_site.wait_begun(1)
    await face.aclose()
    with pytest.raises(face.library.CloseError):
        await asking
    await fresh_site.wait_aborted(1)


async def test_a_closed_transport_can_be_used_again(kind: Kind, site: LocalSite) -> None:
    """A transport may outlive its client, and serve another."""
    transport = kind.transport()
    for _ in range(2):
        async with kind.face(transport) as face:
            assert (await face.get(f"{site.url}/json")).status_code == 200
    async with kind.face(transport) as face, kind.face(transport) as other:
        await face.get(f"{site.url}/json")
        await face.aclose()
        assert (await other.get(f"{site.url}/json")).status_code == 200
