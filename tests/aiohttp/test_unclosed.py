"""What is forgotten is told of, and leaves nothing open."""

import asyncio
import gc
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from aioxide.testing import LocalSite

on_asyncio = pytest.mark.asyncio(loop_factories=["asyncio"])


@pytest.fixture
def site() -> Iterator[LocalSite]:
    with LocalSite() as site:
        yield site


def forgotten(things: list[Any], reported: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """What is warned of while the things of a list are forgotten, and what the loop is told."""
    warned: list[str] = []
    told: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        things.clear()
        # Warnings and reports have what they are about, which is forgotten with them.
        for _ in range(3):
            gc.collect()
            assert all(issubclass(warning.category, ResourceWarning) for warning in caught)
            warned += [str(warning.message).partition("<")[0].strip() for warning in caught]
            told += [context["message"] for context in reported]
            caught.clear()
            reported.clear()
    return warned, told


# ---- sessions ----


@on_asyncio
async def test_a_session_is_told_of_with_itself(aiohttp: Any, reported: list[dict[str, Any]]) -> None:
    sessions = [aiohttp.ClientSession()]
    name = repr(sessions[0])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sessions.clear()
    (warning,) = caught
    assert str(warning.message) == f"Unclosed client session {name}"
    assert isinstance(warning.source, aiohttp.ClientSession)
    (context,) = reported
    assert context["message"] == "Unclosed client session"
    assert context["client_session"] is warning.source
    reported.clear()
    # It would be forgotten once more.
    await warning.source.close()


@on_asyncio
async def test_one_that_was_used_is_told_of_and_its_connections_are_closed(
    aiohttp: Any, site: LocalSite, reported: list[dict[str, Any]]
) -> None:
    session = aiohttp.ClientSession()
    async with session.get(f"{site.url}/json") as response:
        await response.read()
    things = [session]
    del session, response
    warned, told = forgotten(things, reported)
    assert warned[0] == told[0] == "Unclosed client session"
    await site.wait_open(0)


@on_asyncio
@pytest.mark.parametrize("end", ["close", "context", "detach", "its connector"])
async def test_one_that_was_closed_is_not_told_of(
    aiohttp: Any, site: LocalSite, reported: list[dict[str, Any]], end: str
) -> None:
    connector = aiohttp.TCPConnector()
    session = aiohttp.ClientSession(connector=connector)
    async with session.get(f"{site.url}/json") as response:
        await response.read()
    if end == "close":
        await session.close()
    elif end == "context":
        async with session:
            pass
    elif end == "detach":
        session.detach()
    else:
        await connector.close()
    things = [session]
    del session, response
    assert forgotten(things, reported) == ([], [])
    await connector.close()


@on_asyncio
async def test_one_that_does_not_own_its_connector_leaves_it_open(
    aiohttp: Any, site: LocalSite, reported: list[dict[str, Any]]
) -> None:
    async with aiohttp.TCPConnector() as connector:
        things = [aiohttp.ClientSession(connector=connector, connector_owner=False)]
        assert forgotten(things, reported) == (["Unclosed client session"], ["Unclosed client session"])
        assert not connector.closed
        async with (
            aiohttp.ClientSession(connector=connector, connector_owner=False) as session,
            session.get(f"{site.url}/json") as response,
        ):
            assert response.status == 200
        assert not connector.closed


@on_asyncio
async def test_one_that_could_not_be_made_is_not_told_of(
    aiohttp: Any, reported: list[dict[str, Any]]
) -> None:
    with pytest.raises((TypeError, ValueError, AttributeError)):
        aiohttp.ClientSession(base_url="http://example.test/no-slash")
    with pytest.raises(TypeError):
        aiohttp.ClientSession(no_such_argument=1)
    assert forgotten([], reported) == ([], [])


# ---- connectors ----


@on_asyncio
async def test_a_connector_with_connections_is_told_of(
    aiohttp: Any, site: LocalSite, reported: list[dict[str, Any]]
) -> None:
    connector = aiohttp.TCPConnector()
    session = aiohttp.ClientSession(connector=connector)
    async with session.get(f"{site.url}/json") as response:
        await response.read()
    session.detach()
    things = [connector]
    del connector, session, response
    with pytest.warns(ResourceWarning, match="Unclosed connector <"):
        things.clear()
    (context,) = reported
    assert context["message"] == "Unclosed connector"
    assert isinstance(context["connector"], aiohttp.TCPConnector)
    assert len(context["connections"]) == 1
    assert context["connector"].closed
    reported.clear()
    await site.wait_open(0)


@on_asyncio
async def test_a_connector_without_connections_is_not_told_of(
    aiohttp: Any, reported: list[dict[str, Any]]
) -> None:
    assert forgotten([aiohttp.TCPConnector(), aiohttp.TCPConnector(limit=0)], reported) == ([], [])


# ---- responses ----


@on_asyncio
async def test_ours_that_is_forgotten_closes_its_connection(
    site: LocalSite, reported: list[dict[str, Any]]
) -> None:
    """In aiohttp it stays, for its connection has it, until all of the body has come."""
    from aioxide import aiohttp

    async with aiohttp.ClientSession() as session:
        things = [await session.get(f"{site.url}/hang/body")]
        await site.wait_open(1)
        assert forgotten(things, reported) == ([], [])
        await site.wait_open(0)
        async with session.get(f"{site.url}/json") as response:
            assert response.status == 200


async def _read(response: Any) -> None:
    await response.read()


async def _released(response: Any) -> None:
    response.release()


async def _closed(response: Any) -> None:
    response.close()


async def _left(response: Any) -> None:
    async with response:
        pass


@on_asyncio
@pytest.mark.parametrize("end", [_read, _released, _closed, _left], ids=lambda end: end.__name__.strip("_"))
async def test_a_response_that_came_to_an_end_is_not_told_of(
    aiohttp: Any, session: Any, site: LocalSite, reported: list[dict[str, Any]], end: Callable[[Any], Any]
) -> None:
    asyncio.get_running_loop().set_debug(True)
    try:
        response = await session.get(f"{site.url}/bytes/100000")
        await end(response)
        things = [response]
        del response
        assert forgotten(things, reported) == ([], [])
    finally:
        asyncio.get_running_loop().set_debug(False)


@on_asyncio
async def test_a_request_that_nobody_awaits(aiohttp: Any, session: Any) -> None:
    with pytest.warns(RuntimeWarning, match="never awaited"):
        session.get("http://127.0.0.1:1/")


# ---- programs ----


PROGRAM = """
import asyncio
{statement}
from aioxide.testing import LocalSite

async def main(url):
    global session
    session = aiohttp.ClientSession()
    async with session.get(url + "/json") as response:
        print(response.status)

with LocalSite() as site:
    asyncio.run(main(site.url))
    {then}
    print("over")
"""


@pytest.mark.parametrize("then", ["pass", "del session"])
def test_a_program_that_closes_nothing_ends_all_the_same(script: Any, aiohttp: Any, then: str) -> None:
    package, _, _ = aiohttp.__name__.rpartition(".")
    statement = f"from {package} import aiohttp" if package else "import aiohttp"
    done = script(PROGRAM.format(statement=statement, then=then), flags=("-X", "dev"))
    assert (done.returncode, done.stdout) == (0, "200\nover\n"), done.stderr
    assert "ResourceWarning: Unclosed client session" in done.stderr
    assert "Traceback" not in done.stderr


def test_ours_may_be_made_and_forgotten_without_a_loop(reported: list[dict[str, Any]]) -> None:
    from aioxide import aiohttp

    assert forgotten([aiohttp.ClientSession()], reported) == (["Unclosed client session"], [])
    session = aiohttp.ClientSession()
    asyncio.run(session.close())
    assert forgotten([session], reported) == ([], [])
