"""Limits on time: what they are, and that they are kept."""

import asyncio
import copy
import pickle
import time
from collections.abc import Callable
from typing import Any

import pytest

import aioxide
from aioxide import Timeout
from aioxide.testing import LocalSite
from tests.servers.raw import RawServer, silence

# Long enough that a loaded machine has answered by then, short enough to wait for.
SHORT = 0.15


def test_a_timeout_is_a_value() -> None:
    timeout = Timeout(5, connect=0.25)
    assert (timeout.total, timeout.connect) == (5.0, 0.25)
    assert (timeout.read, timeout.write, timeout.pool) == (None, None, None)
    assert repr(timeout) == "Timeout(total=5.0, connect=0.25, read=None, write=None, pool=None)"
    assert (
        repr(Timeout(None, 1, 2, 3, 4)) == "Timeout(total=None, connect=1.0, read=2.0, write=3.0, pool=4.0)"
    )
    assert timeout == Timeout(5, 0.25)
    assert hash(timeout) == hash(Timeout(5, 0.25))
    assert timeout != Timeout(5)
    assert timeout != 5
    assert pickle.loads(pickle.dumps(timeout)) == timeout
    assert copy.copy(timeout) == timeout
    assert Timeout(float("inf")) == Timeout()
    with pytest.raises(AttributeError):
        timeout.total = 3  # type: ignore[misc]


def calls(seconds: Any) -> list[Callable[[], object]]:
    """Everywhere that a limit is taken."""
    return [
        lambda: Timeout(seconds),
        lambda: Timeout(connect=seconds),
        lambda: Timeout(read=seconds),
        lambda: Timeout(write=seconds),
        lambda: Timeout(pool=seconds),
        lambda: aioxide.Client(timeout=seconds),
        lambda: aioxide.fetch("http://host/", timeout=seconds),
    ]


@pytest.mark.parametrize("seconds", [0, 0.0, -1, -0.001, float("nan"), float("-inf")])
def test_a_limit_that_cannot_be_kept_is_a_value_error(seconds: float) -> None:
    for refused in calls(seconds):
        with pytest.raises(ValueError, match="more than zero"):
            refused()


@pytest.mark.parametrize("seconds", ["5", True, b"5", [5], (1, 2), object()])
def test_a_limit_that_is_no_number_is_a_type_error(seconds: Any) -> None:
    for refused in calls(seconds):
        with pytest.raises(TypeError, match="number of seconds"):
            refused()


@pytest.mark.parametrize(
    ("path", "phase", "words"), [("/hang", "headers", "response"), ("/hang/body", "body", "body")]
)
async def test_the_total_covers_head_and_body(
    fresh_site: LocalSite, client: aioxide.Client, path: str, phase: str, words: str
) -> None:
    begin = time.monotonic()
    with pytest.raises(
        aioxide.TimeoutException, match=rf"not finished within {SHORT} s, .* {words}"
    ) as caught:
        await client.get(fresh_site.url + path, timeout=SHORT)
    assert SHORT <= time.monotonic() - begin < 5
    assert type(caught.value) is aioxide.TimeoutException
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.phase == phase
    assert caught.value.url == fresh_site.url + path
    # The server sees that nobody waits any more.
    await fresh_site.wait_aborted(1)


async def test_the_total_covers_redirects(site: LocalSite, client: aioxide.Client) -> None:
    with pytest.raises(aioxide.TimeoutException) as caught:
        await client.get(f"{site.url}/redirect/to", params={"url": "/hang"}, timeout=SHORT)
    assert caught.value.url == f"{site.url}/hang"


@pytest.mark.parametrize("http2", [False, True], ids=["HTTP/1.1", "HTTP/2"])
async def test_connecting_has_a_limit_of_its_own(http2: bool) -> None:
    # It accepts the connection and never answers the handshake.
    with RawServer(silence) as server:
        async with aioxide.Client(timeout=Timeout(connect=SHORT), http1=not http2) as client:
            with pytest.raises(aioxide.ConnectTimeout, match=rf"no connection within {SHORT} s") as caught:
                await client.get(f"https://127.0.0.1:{server.port}/")
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.phase == "connect"
    assert (caught.value.host, caught.value.port) == ("127.0.0.1", server.port)


async def test_the_limit_on_connecting_is_the_requests_own() -> None:
    with RawServer(silence) as server:
        url = f"https://127.0.0.1:{server.port}/"
        async with aioxide.Client(timeout=Timeout(connect=60)) as client:
            patient = asyncio.ensure_future(client.get(url))
            with pytest.raises(aioxide.ConnectTimeout):
                await client.get(url, timeout=Timeout(connect=SHORT))
            assert not patient.done()
            patient.cancel()


async def test_the_total_while_connecting_says_so() -> None:
    with RawServer(silence) as server:
        url = f"https://127.0.0.1:{server.port}/"
        with pytest.raises(aioxide.TimeoutException, match="still connecting") as caught:
            await aioxide.fetch(url, timeout=SHORT)
    assert type(caught.value) is aioxide.TimeoutException
    assert caught.value.phase == "connect"


async def test_an_idle_connection_has_been_connected(fresh_site: LocalSite, client: aioxide.Client) -> None:
    url = f"{fresh_site.url}/delay/{int(SHORT * 2000)}"
    await client.get(f"{fresh_site.url}/json")
    assert (await client.get(url, timeout=Timeout(connect=SHORT))).ok
    assert fresh_site.statistics()["connections_opened"] == 1


async def test_a_connection_that_came_free_is_not_being_connected(fresh_site: LocalSite) -> None:
    """The pool hands over an idle connection while a new one is being made: that one is nobody's."""
    async with aioxide.Client() as client:
        await client.get(f"{fresh_site.url}/json")
        with pytest.raises(aioxide.TimeoutException) as caught:
            await client.get(f"{fresh_site.url}/hang", timeout=SHORT)
    assert caught.value.phase == "headers"


async def test_no_limit_at_all(site: LocalSite) -> None:
    async with aioxide.Client(timeout=SHORT) as client:
        assert (await client.get(f"{site.url}/delay/{int(SHORT * 2000)}", timeout=None)).ok


async def test_the_limits_of_a_request_replace_all_of_the_clients() -> None:
    with RawServer(silence) as server:
        async with aioxide.Client(timeout=Timeout(total=60, connect=SHORT)) as client:
            with pytest.raises(aioxide.TimeoutException) as caught:
                await client.get(f"https://127.0.0.1:{server.port}/", timeout=Timeout(total=2 * SHORT))
    assert type(caught.value) is aioxide.TimeoutException


async def test_asyncios_timeout_ends_a_request(fresh_site: LocalSite, client: aioxide.Client) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(SHORT):
            await client.get(f"{fresh_site.url}/hang")
    await fresh_site.wait_aborted(1)


async def test_a_limit_of_a_thousand_years_is_none(site: LocalSite, client: aioxide.Client) -> None:
    assert (await client.get(f"{site.url}/json", timeout=3e10)).ok
    assert (await client.get(f"{site.url}/json", timeout=1e300)).ok
