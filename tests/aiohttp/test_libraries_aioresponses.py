"""aioresponses: it mocks `_request` of aiohttp's class, and so of ours."""

import asyncio
import functools
import re
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from aioresponses import CallbackResult, aioresponses, core

from aioxide.testing import LocalSite

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])


@pytest.fixture(autouse=True)
def known_to_it(monkeypatch):
    """aioresponses 0.7.9 does not know of an argument that a response of aiohttp 3.14 must be given."""
    known = functools.partial(core.ClientResponse, stream_writer=SimpleNamespace(output_size=0))
    monkeypatch.setattr(core, "ClientResponse", known)


@pytest.fixture
def site() -> Iterator[LocalSite]:
    with LocalSite() as site:
        yield site


@pytest.fixture
def mocked() -> Iterator[aioresponses]:
    with aioresponses() as mocked:
        yield mocked


URL = "http://example.test/items"


async def test_a_mocked_answer(aiohttp, mocked):
    mocked.get(URL, status=201, payload={"a": 1}, headers={"X-One": "1"})
    async with aiohttp.ClientSession() as session, session.get(URL) as response:
        assert (response.status, response.ok, response.reason) == (201, True, "Created")
        assert response.headers["x-one"] == "1"
        assert await response.json() == {"a": 1}
        assert await response.text() == '{"a": 1}'
        assert str(response.url) == URL


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options", "head"])
async def test_every_method_awaited(aiohttp, mocked, method):
    getattr(mocked, method)(URL, body=b"body")
    async with aiohttp.ClientSession() as session:
        response = await getattr(session, method)(URL)
        assert (response.status, response.method.lower()) == (200, method)
        assert await response.read() == b"body"
        with pytest.raises(aiohttp.ClientConnectionError, match="Connection refused"):
            await getattr(session, method)(URL)


async def test_what_was_asked_for_is_told(aiohttp, mocked):
    mocked.post(URL, repeat=True)
    async with aiohttp.ClientSession(headers={"X-Session": "yes"}) as session:
        await session.post(URL, json={"a": 1}, headers={"X-Call": "yes"})
    mocked.assert_called_once()
    ((_, url),) = mocked.requests
    assert str(url) == URL
    call = mocked.requests["POST", url][0]
    assert call.kwargs["json"] == {"a": 1}
    assert call.kwargs["headers"] == {"X-Session": "yes", "X-Call": "yes"}
    mocked.assert_called_once_with(
        URL, method="POST", json={"a": 1}, headers=call.kwargs["headers"], data=None
    )


async def test_parameters_a_base_and_a_pattern(aiohttp, mocked):
    mocked.get(re.compile(r"^http://example\.test/.*page=2$"), payload=2)
    mocked.get("http://example.test/base/path", payload=3)
    async with aiohttp.ClientSession("http://example.test/base/") as session:
        async with session.get("http://example.test/items", params={"page": 2}) as response:
            assert await response.json() == 2
        async with session.get("path") as response:
            assert await response.json() == 3


async def test_exceptions_and_timeouts(aiohttp, mocked):
    mocked.get(URL, exception=aiohttp.ClientOSError(104, "reset"))
    mocked.get(URL, timeout=True)
    mocked.get(URL, status=404)
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientOSError, match="reset"):
            await session.get(URL)
        with pytest.raises(asyncio.TimeoutError):
            await session.get(URL)
        with pytest.raises(aiohttp.ClientResponseError) as caught:
            await session.get(URL, raise_for_status=True)
    assert caught.value.status == 404


async def test_raise_for_status_of_the_session(aiohttp, mocked):
    mocked.get(URL, status=500)
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        with pytest.raises(aiohttp.ClientResponseError):
            async with session.get(URL):
                pass


async def test_redirects_and_callbacks(aiohttp, mocked):
    mocked.get(URL, status=307, headers={"Location": "/there"})
    mocked.get("http://example.test/there", callback=lambda url, **kwargs: CallbackResult(payload=[str(url)]))
    async with aiohttp.ClientSession() as session, session.get(URL) as response:
        assert await response.json() == ["http://example.test/there"]
        assert [one.status for one in response.history] == [307]


async def test_a_closed_session(aiohttp, mocked):
    mocked.get(URL)
    session = aiohttp.ClientSession()
    await session.close()
    with pytest.raises(RuntimeError, match="Session is closed"):
        await session.get(URL)


async def test_content_and_cookies(aiohttp, mocked):
    mocked.get(URL, body=b"one\ntwo\n", headers={"Set-Cookie": "a=b"}, repeat=True)
    async with aiohttp.ClientSession() as session:
        async with session.get(URL) as response:
            assert [line async for line in response.content] == [b"one\n", b"two\n"]
            assert response.cookies["a"].value == "b"
        async with session.get(URL) as response:
            assert await response.content.read(3) == b"one"


@aioresponses()
async def decorated(aiohttp, mocked):
    mocked.get(URL, payload="decorated")
    async with aiohttp.ClientSession() as session, session.get(URL) as response:
        return await response.json()


async def test_as_a_decorator_and_one_request(aiohttp):
    assert await decorated(aiohttp) == "decorated"
    with aioresponses() as mocked:
        mocked.get(URL, payload="one")
        async with aiohttp.request("GET", URL) as response:
            assert await response.json() == "one"


async def test_when_it_is_over_requests_are_real(aiohttp, site):
    async with aiohttp.ClientSession() as session:
        with aioresponses() as mocked:
            mocked.get(f"{site.url}/json", payload="mocked")
            async with session.get(f"{site.url}/json") as response:
                assert await response.json() == "mocked"
        async with session.get(f"{site.url}/json") as response:
            assert (await response.json())["tags"]
    assert site.statistics()["requests_finished"] == 1


async def test_what_it_lets_through_is_real(aiohttp, site):
    with aioresponses(passthrough=[site.url]) as mocked:
        mocked.get(URL, payload="mocked")
        async with aiohttp.ClientSession(headers={"X-Session": "yes"}) as session:
            async with session.get(URL) as response:
                assert await response.json() == "mocked"
            async with session.post(f"{site.url}/echo", json=[1], headers={"X-Call": "yes"}) as response:
                echoed = await response.json()
            with pytest.raises(aiohttp.ClientResponseError):
                await session.get(f"{site.url}/status/500", raise_for_status=True)
    assert echoed["body"] == "[1]"
    assert [value for name, value in echoed["headers"] if name.startswith("x-")] == ["yes", "yes"]


async def test_what_no_mock_matches_may_be_real(aiohttp, site):
    async def chunks():
        yield b"one"
        yield b"two"

    with aioresponses(passthrough_unmatched=True) as mocked:
        mocked.get(URL, payload="mocked")
        async with aiohttp.ClientSession() as session:
            async with session.get(URL) as response:
                assert await response.json() == "mocked"
            async with session.post(f"{site.url}/echo", data=chunks()) as response:
                assert (await response.json())["body"] == "onetwo"
