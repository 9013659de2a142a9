"""What aiohttp has and ours refuses: at the call, in words, and in the guide."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aioxide import aiohttp
from tests.servers.answering import Answering

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])

GUIDE = (Path(__file__).parents[2] / "docs" / "migrate" / "aiohttp.md").read_text()


class Request(aiohttp.ClientRequest):
    pass


#: What the guide calls it, what does it, the exception, and what that says.
MADE: list[tuple[str, Callable[[], Any], type[Exception], str]] = [
    (
        "request_class=",
        lambda: aiohttp.ClientSession(request_class=Request),
        NotImplementedError,
        "middlewares",
    ),
    (
        "version=HttpVersion10",
        lambda: aiohttp.ClientSession(version=aiohttp.HttpVersion10),
        NotImplementedError,
        "HTTP/1.0 is not supported",
    ),
    ("max_line_size", lambda: aiohttp.ClientSession(max_line_size=100), ValueError, "from 8190"),
    ("max_field_size", lambda: aiohttp.ClientSession(max_field_size=2**20), ValueError, "to 262144"),
    ("max_headers", lambda: aiohttp.ClientSession(max_headers=1000), ValueError, "from 128 to 256"),
    (
        "socket_factory=",
        lambda: aiohttp.TCPConnector(socket_factory=lambda info: None),
        NotImplementedError,
        "socket_factory is not supported",
    ),
    ("NamedPipeConnector", lambda: aiohttp.NamedPipeConnector("x"), NotImplementedError, "named pipes"),
    (
        "SSLContext that shows no CA",
        lambda: aiohttp.TCPConnector(ssl=_of_a_folder())._connections(),
        ValueError,
        "no authority",
    ),
]


def _of_a_folder() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(capath=str(Path(__file__).parent))
    return context


@pytest.mark.parametrize(("name", "make", "kind", "words"), MADE, ids=[made[0] for made in MADE])
async def test_when_it_is_made(name: str, make: Callable[[], Any], kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        make()
    assert name in GUIDE


@pytest.mark.parametrize(
    ("name", "options", "kind", "words"),
    [
        ("upload_tracker=", {"upload_tracker": object()}, NotImplementedError, "on_request_chunk_sent"),
        ("max_line_size", {"max_line_size": 100}, ValueError, "from 8190"),
        ("max_headers", {"max_headers": 1000}, ValueError, "from 128 to 256"),
    ],
)
async def test_when_it_is_asked_for(
    server: Answering, name: str, options: dict[str, Any], kind: type[Exception], words: str
) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(kind, match=words):
            await session.get(server.url, **options)
    assert server.seen == []
    assert name in GUIDE


async def test_a_context_beside_a_fingerprint() -> None:
    connector = aiohttp.TCPConnector(ssl=aiohttp.Fingerprint(bytes(32)))
    async with aiohttp.ClientSession(connector=connector) as session:
        with pytest.raises(NotImplementedError, match="connector that has a Fingerprint"):
            await session.get("https://host.invalid/", ssl=ssl.create_default_context())
    assert "where the connector has a `Fingerprint`" in GUIDE
