"""The extension ``trace``: what happened, under httpcore's names and in its order."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from aioxide.testing import LocalSite
from tests.httpx.faces import Kind
from tests.servers.programs import free_port
from tests.servers.raw import Connection, RawServer

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])

Seen = list[tuple[str, dict[str, Any]]]


def listener(kind: Kind, seen: Seen) -> Callable[[str, Any], Any]:
    async def tell(name: str, info: dict[str, Any]) -> None:
        seen.append((name, info))

    def tell_at_once(name: str, info: dict[str, Any]) -> None:
        seen.append((name, info))

    return tell if kind.asynchronous else tell_at_once


async def events(kind: Kind, url: str, **options: Any) -> Seen:
    seen: Seen = []
    async with kind.face(**options) as face:
        response = await face.get(url, extensions={"trace": listener(kind, seen)})
        assert response.status_code == 200
    return seen


def names(seen: Seen) -> list[str]:
    """Without how the connection itself was closed, which is nobody's request."""
    return [name for name, _ in seen if not name.startswith("connection.close")]


async def test_the_names_are_theirs(kind: Kind, site: LocalSite) -> None:
    what = ["connection.connect_tcp"]
    what += [f"http11.{name}" for name in ("send_request_headers", "send_request_body")]
    what += [
        f"http11.{name}" for name in ("receive_response_headers", "receive_response_body", "response_closed")
    ]
    seen = await events(kind, f"{site.url}/json")
    assert names(seen) == [f"{name}.{end}" for name in what for end in ("started", "complete")]


async def test_what_is_told_of_the_head(kind: Kind, site: LocalSite) -> None:
    seen = dict(await events(kind, f"{site.url}/json"))
    version, status, reason, headers, *_ = seen["http11.receive_response_headers.complete"]["return_value"]
    assert (version, status, reason) == (b"HTTP/1.1", 200, b"OK")
    assert dict(headers)[b"content-type"] == b"application/json"


async def test_tls_and_http2(our_kind: Kind, tls_site: LocalSite) -> None:
    url = f"https://127.0.0.1:{tls_site.port}/json"
    told = names(await events(our_kind, url, verify=False, http2=True))
    assert told[:4] == [
        "connection.connect_tcp.started", "connection.connect_tcp.complete",
        "connection.start_tls.started", "connection.start_tls.complete",
    ]  # fmt: skip
    assert "http2.receive_response_headers.complete" in told


async def test_a_failure_is_told(kind: Kind) -> None:
    seen: Seen = []
    async with kind.face() as face:
        with pytest.raises(face.library.ConnectError):
            await face.get(f"http://127.0.0.1:{free_port()}/", extensions={"trace": listener(kind, seen)})
    assert names(seen) == ["connection.connect_tcp.started", "connection.connect_tcp.failed"]
    assert isinstance(seen[-1][1]["exception"], Exception)


async def test_a_listener_that_fails(our_kind: Kind, fresh_site: LocalSite) -> None:
    def fail(name: str, info: dict[str, Any]) -> None:
        raise LookupError(name)

    async def fail_later(name: str, info: dict[str, Any]) -> None:
        raise LookupError(name)

    async with our_kind.face() as face:
        tell: Any = fail_later if our_kind.asynchronous else fail
        with pytest.raises(LookupError, match="connection"):
            await face.get(f"{fresh_site.url}/stream/1000/1000/50", extensions={"trace": tell})
        await fresh_site.wait_aborted(1)


async def test_a_body_that_is_streamed(our_kind: Kind) -> None:
    seen: Seen = []
    looked = threading.Event()

    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no")
        looked.wait()
        connection.send(b"k")

    with RawServer(script) as server:
        async with our_kind.face() as face:
            options = {"extensions": {"trace": listener(our_kind, seen)}}
            async with face.stream("GET", server.url, **options) as opened:
                assert names(seen)[-1] == "http11.receive_response_headers.complete"
                looked.set()
                assert await opened.rest() == b"ok"
    assert names(seen)[-1] == "http11.response_closed.complete"
