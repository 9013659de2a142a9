"""Sessions with a base URL."""

from typing import Any

import pytest
from yarl import URL

from tests.servers.answering import Answering

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])


@pytest.mark.parametrize(
    ("base", "path", "target"),
    [
        ("/", "x", "/x"),
        ("/", "/x?a=1", "/x?a=1"),
        ("/api/v1/", "x", "/api/v1/x"),
        ("/api/v1/", "/x", "/x"),
        ("/api/v1/", "../x", "/api/x"),
        ("/api/v1/", "", "/api/v1/"),
        ("/api/v1/", "?a=1", "/api/v1/?a=1"),
    ],
)
@pytest.mark.parametrize("kind", [str, URL])
async def test_paths_are_joined(
    aiohttp: Any, server: Answering, base: str, path: str, target: str, kind: Any
) -> None:
    async with (
        aiohttp.ClientSession(kind(server.url + base)) as session,
        session.get(kind(path)) as response,
    ):
        assert response.url == URL(server.url + target)
    assert server.seen[0].target == target


async def test_a_whole_url_is_taken_as_it_is(aiohttp: Any, server: Answering) -> None:
    async with aiohttp.ClientSession("http://example.org/") as session, session.get(server.url) as response:
        assert response.status == 200


async def test_a_redirect_is_joined_to_where_it_came_from(aiohttp: Any, server: Answering) -> None:
    from tests.servers.answering import redirect

    server.on("/api/a/b", redirect("c"))
    async with aiohttp.ClientSession(f"{server.url}/api/") as session, session.get("a/b"):
        pass
    assert server.seen[-1].target == "/api/a/c"


@pytest.mark.parametrize("base", ["http://example.org/api", "http://example.org/api?x=/"])
async def test_it_ends_with_a_slash(aiohttp: Any, base: str) -> None:
    with pytest.raises(ValueError, match="trailing '/'"):
        aiohttp.ClientSession(base)


@pytest.mark.parametrize("base", ["/api/", "api/", "example.org/"])
async def test_it_is_absolute(aiohttp: Any, base: str) -> None:
    with pytest.raises((ValueError, AssertionError)):
        aiohttp.ClientSession(base)


@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")
async def test_auth_is_for_its_origin(aiohttp: Any, server: Answering) -> None:
    auth = aiohttp.BasicAuth("user", "pass")
    with Answering() as other:
        async with aiohttp.ClientSession(f"{server.url}/", auth=auth) as session:
            async with session.get("x"):
                pass
            async with session.get(other.url):
                pass
        assert server.seen[0].one("authorization") == "Basic dXNlcjpwYXNz"
        assert other.seen[0].one("authorization") is None
