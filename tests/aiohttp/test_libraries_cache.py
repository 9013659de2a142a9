"""aiohttp-client-cache: its mixin with our session, and our session below a backend of its own."""

import warnings
from collections.abc import Iterator

import pytest
from aiohttp_client_cache import CacheBackend, CachedResponse
from aiohttp_client_cache.session import CacheMixin

from aioxide.testing import LocalSite

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])


@pytest.fixture
def cached(aiohttp) -> type:
    with warnings.catch_warnings():
        # aiohttp warns of classes that derive from its session.
        warnings.simplefilter("ignore", DeprecationWarning)

        class CachedSession(CacheMixin, aiohttp.ClientSession): ...

    return CachedSession


@pytest.fixture
def site() -> Iterator[LocalSite]:
    with LocalSite() as site:
        yield site


async def test_the_second_answer_is_from_the_cache(cached, site):
    async with cached(cache=CacheBackend()) as session:
        async with session.get(f"{site.url}/json") as response:
            assert response.from_cache is False
            first = await response.json()
        async with session.get(f"{site.url}/json") as response:
            assert response.from_cache is True
            assert isinstance(response, CachedResponse)
            assert await response.json() == first
            assert (response.status, response.ok, response.reason) == (200, True, "OK")
            assert response.headers["Content-Type"] == "application/json"
            assert str(response.url) == f"{site.url}/json"
    assert site.statistics()["requests_finished"] == 1


async def test_it_can_be_read_in_every_way(cached, site):
    async with cached(cache=CacheBackend()) as session:
        for _ in range(2):
            response = await session.get(f"{site.url}/bytes/1000")
            body = await response.read()
            assert len(body) == 1000
            assert await response.text() == body.decode()
            assert await response.content.read() == body
            response.release()
    assert site.statistics()["requests_finished"] == 1


async def test_parameters_and_methods_are_told_apart(cached, site):
    async with cached(cache=CacheBackend(allowed_methods=("GET", "POST"))) as session:
        for _ in range(2):
            assert (await (await session.get(f"{site.url}/echo", params={"a": 1})).json())["query"] == [
                ["a", "1"]
            ]
            assert (await (await session.get(f"{site.url}/echo", params={"a": 2})).json())["query"] == [
                ["a", "2"]
            ]
            assert (await (await session.post(f"{site.url}/echo", json={"b": 1})).json())[
                "body"
            ] == '{"b": 1}'
            assert (await (await session.put(f"{site.url}/echo", data=b"c")).json())["method"] == "PUT"
    assert site.statistics()["requests_finished"] == 5


async def test_what_is_not_to_be_kept_and_what_is_over(cached, site):
    async with cached(cache=CacheBackend(expire_after=1000)) as session:
        for _ in range(2):
            assert (await session.get(f"{site.url}/status/500")).status == 500
        async with session.disabled():
            await session.get(f"{site.url}/json")
        await session.get(f"{site.url}/json")
        assert await session.has_url(f"{site.url}/json")
        await session.delete_url(f"{site.url}/json")
        assert not (await session.get(f"{site.url}/json")).from_cache
        assert (await session.get(f"{site.url}/json")).from_cache
    assert site.statistics()["requests_finished"] == 5


async def test_a_redirect_is_kept_with_its_history(cached, site):
    async with cached(cache=CacheBackend()) as session:
        for _ in range(2):
            response = await session.get(f"{site.url}/redirect/2")
            assert [one.status for one in response.history] == [302, 302]
            assert str(response.url) == f"{site.url}/redirect/0"
            assert str(response.request_info.url) == f"{site.url}/redirect/0"
    assert site.statistics()["requests_finished"] == 3


async def test_cookies_come_back_with_what_is_kept(cached, site, aiohttp):
    cache = CacheBackend()
    url = f"{site.url}/headers?set-cookie=a%3Db"
    async with cached(cache=cache, cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        assert (await session.get(url)).cookies["a"].value == "b"
    async with cached(cache=cache, cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        response = await session.get(url)
        assert response.from_cache
        assert response.cookies["a"].value == "b"
        assert [cookie.key for cookie in session.cookie_jar] == ["a"]


async def test_an_answer_is_asked_for_again_and_not_changed(cached, site):
    async with cached(cache=CacheBackend()) as session:
        url = f"{site.url}/file/1000"
        first = await (await session.get(url)).read()
        response = await session.get(url, refresh=True)
        assert await response.read() == first
    conditional = [
        seen for seen in site.requests() if any(name == "if-none-match" for name, _ in seen.headers)
    ]
    assert len(conditional) == 1


async def test_a_base_url_headers_and_settings_of_the_session(cached, site, aiohttp):
    session = cached(
        f"{site.url}/",
        cache=CacheBackend(),
        headers={"x-mine": "1"},
        timeout=aiohttp.ClientTimeout(total=5),
        connector=aiohttp.TCPConnector(limit=3),
    )
    async with session:
        echoed = await (await session.get("echo")).json()
        assert ["x-mine", "1"] in echoed["headers"]
        assert session.connector.limit == 3
        assert session.timeout.total == 5
        assert (await session.get("echo")).from_cache
    assert session.closed


async def test_links_and_raise_for_status(cached, site, aiohttp):
    async with cached(cache=CacheBackend()) as session:
        url = f"{site.url}/headers?link=%3C%2Fnext%3E%3B%20rel%3D%22next%22"
        for _ in range(2):
            response = await session.get(url)
            assert str(response.links["next"]["url"]) == f"{site.url}/next"
            response.raise_for_status()
        with pytest.raises(aiohttp.ClientResponseError):
            (await session.get(f"{site.url}/status/404")).raise_for_status()
