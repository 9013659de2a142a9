"""Libraries ask what they are given: where aiohttp is installed, ours are instances of its classes."""

import functools
import gc
from typing import Any

import aiohttp as theirs
import pytest

from aioxide import aiohttp as ours
from aioxide.testing import LocalSite
from tests.servers.answering import Answering, answer


@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_a_session_and_a_response_are_of_aiohttps_classes() -> None:
    @functools.singledispatch
    def kind(value: Any) -> str:
        return "other"

    kind.register(theirs.ClientResponse, lambda response: "response")
    kind.register(theirs.ClientSession, lambda session: "session")
    with LocalSite() as site:
        async with ours.ClientSession() as session, session.get(f"{site.url}/json") as response:
            assert isinstance(session, theirs.ClientSession)
            assert isinstance(response, theirs.ClientResponse)
            assert (kind(session), kind(response), kind(1)) == ("session", "response", "other")
            assert type(session) is ours.ClientSession
            assert type(response) is ours.ClientResponse
            assert session.__class__ is ours.ClientSession
            assert (await response.json())["tags"]


@pytest.mark.parametrize("name", ["ClientSession", "ClientResponse"])
def test_ours_has_every_public_name_itself(name: str) -> None:
    """What it had not would be aiohttp's, working on what is not there."""
    mine: set[str] = set()
    for one in getattr(ours, name).__mro__:
        if one.__module__.partition(".")[0] == "aiohttp" or one.__name__ == "_Theirs":
            break
        mine |= vars(one).keys()
    public = {member for member in dir(getattr(theirs, name)) if not member.startswith("_")}
    # Constants, what is deprecated for `url`, and what the machinery of aiohttp calls.
    assert public - mine <= {"ATTRS", "url_obj", "start", "output_size", "upload_complete"}


@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_attributes_may_be_set_and_no_finalizer_of_aiohttps_runs(recwarn: Any) -> None:
    with LocalSite() as site:
        async with ours.ClientSession() as session:
            session.mine = 1
            response = await session.get(f"{site.url}/bytes/10")
            response.mine = 2
            assert (session.mine, response.mine) == (1, 2)
            del response
            gc.collect()
    assert [str(warning.message) for warning in recwarn] == []


def test_without_aiohttp_they_stand_alone(script: Any) -> None:
    printed = script.works("""
        import asyncio, sys

        class Refused:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] == "aiohttp":
                    raise ModuleNotFoundError(name)

        sys.meta_path.insert(0, Refused())
        from aioxide import aiohttp
        from aioxide.testing import LocalSite

        class Mine(aiohttp.ClientResponse): ...

        async def main():
            async with aiohttp.ClientSession(response_class=Mine) as session:
                response = await session.get(f"{site.url}/bytes/3")
                response.label = "mine"
                print(await response.text(), type(response).__name__, response.label)
            print([base.__module__.partition(".")[0] for base in type(session).__mro__])

        with LocalSite() as site:
            asyncio.run(main())
    """)
    assert printed == "012 Mine mine\n['aioxide', 'aioxide', 'builtins']\n"


@pytest.mark.asyncio(loop_factories=["asyncio"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_who_records_what_comes_back_sees_our_responses(
    aiohttp: Any, monkeypatch: pytest.MonkeyPatch, server: Answering, when: str
) -> None:
    """As vcrpy and tracers have it: they replace aiohttp's function, call it, and look at what it gives."""
    session = theirs.ClientSession
    # Some get hold of it when they are imported, before anything is replaced.
    original = session._request
    recorded: list[tuple[str, str, int, bytes]] = []

    @functools.wraps(original)
    async def recording(self: Any, method: str, url: Any, **options: Any) -> Any:
        response = await original(self, method, url, **options)
        recorded.append((method, str(url), response.status, await response.read()))
        return response

    server.on("/a", answer(body=b"a"))
    if when == "before":
        # So it is replaced, and another one looks at what is let through.
        monkeypatch.setattr(session, "_request", lambda self, *a, **k: original(self, *a, **k))
        async with aiohttp.ClientSession() as own, own.get(f"{server.url}/a"):
            pass
    monkeypatch.setattr(session, "_request", recording)
    for module in (aiohttp, theirs):
        async with module.ClientSession() as own:
            async with own.get(f"{server.url}/a") as response:
                assert await response.read() == b"a"
            server.on("/b", answer(404))
            with pytest.raises(aiohttp.ClientResponseError):
                await own.post(f"{server.url}/b", data=b"x", raise_for_status=True)
    assert recorded == [("GET", f"{server.url}/a", 200, b"a")] * 2
