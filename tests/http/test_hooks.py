"""What calls Python in the course of a request: hooks, and a callable that authenticates."""

import asyncio
from typing import Any

import pytest

import aioxide
from aioxide.testing import LocalSite
from tests.servers.raw import RawServer, reply_always

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def seen(response: aioxide.Response) -> dict[str, str]:
    """The headers that the site got."""
    return dict(response.json()["headers"])


def hooks(request: Any = (), response: Any = ()) -> Any:
    return {"request": list(request), "response": list(response)}


@pytest.fixture(params=["sync", "async"])
def made(request: pytest.FixtureRequest) -> Any:
    """`made(function)`: it, or a coroutine function that does the same."""
    if request.param == "sync":
        return lambda function: function

    def asynchronous(function: Any) -> Any:
        async def hook(given: Any) -> Any:
            await asyncio.sleep(0)
            return function(given)

        return hook

    return asynchronous


# ---- before it is sent ----


async def test_request_hooks_see_the_request_and_give_headers(site: LocalSite, made: Any) -> None:
    shown: list[Any] = []

    def look(request: aioxide.Request) -> None:
        shown.append((request.method, request.url, dict(request.headers)))

    def add(_: aioxide.Request) -> Any:
        return {"x-one": "hook", "X-Two": "hook", "user-agent": "hook"}

    async with aioxide.Client(
        event_hooks=hooks([made(look), made(add), made(look)]), headers={"x-one": "client"}
    ) as client:
        response = await client.post(f"{site.url}/echo", params={"a": 1}, headers={"x-two": "own"}, json=1)
    before, after = shown
    assert before[:2] == after[:2] == ("POST", f"{site.url}/echo?a=1")
    assert (before[2]["x-one"], before[2]["x-two"]) == ("client", "own")
    assert (after[2]["x-one"], after[2]["x-two"]) == ("hook", "hook")
    got = seen(response)
    assert (got["x-one"], got["x-two"], got["user-agent"]) == ("hook", "hook", "hook")
    assert response.request is not None
    assert response.request.headers["x-one"] == "hook"


async def test_hooks_are_called_once_whatever_the_redirects(site: LocalSite, made: Any) -> None:
    calls: list[Any] = []
    async with aioxide.Client(event_hooks=hooks([made(calls.append)], [made(calls.append)])) as client:
        await client.get(f"{site.url}/redirect/3")
    request, response = calls
    assert (request.url, response.url) == (f"{site.url}/redirect/3", f"{site.url}/redirect/0")


async def test_an_error_in_a_request_hook_sends_nothing(fresh_site: LocalSite, made: Any) -> None:
    async with aioxide.Client(event_hooks=hooks([made(lambda _: 1 / 0)])) as client:
        with pytest.raises(ZeroDivisionError):
            await client.get(f"{fresh_site.url}/json")
        with pytest.raises(ZeroDivisionError):
            async with client.get(f"{fresh_site.url}/json"):
                pytest.fail("entered")
    assert fresh_site.statistics()["requests_begun"] == 0


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (3, TypeError),
        ({"x": 1}, TypeError),
        ({"x": "a\r\nb"}, aioxide.LocalProtocolError),
        ({"content-length": "1"}, aioxide.LocalProtocolError),
        ({"Transfer-Encoding": "chunked"}, aioxide.LocalProtocolError),
    ],
)
async def test_headers_of_hooks_are_checked(site: LocalSite, given: Any, error: type[Exception]) -> None:
    async with aioxide.Client(event_hooks=hooks([lambda _: given])) as client:
        with pytest.raises(error):
            await client.post(f"{site.url}/echo", content=b"1234")


# ---- after it was answered ----


async def test_response_hooks(site: LocalSite, made: Any) -> None:
    calls: list[Any] = []
    async with aioxide.Client(
        event_hooks=hooks((), [made(lambda r: calls.append(r.content)), made(calls.append)])
    ) as client:
        response = await client.get(f"{site.url}/bytes/3")
    assert calls == [response.content, response]


async def test_response_hooks_of_a_stream(site: LocalSite) -> None:
    async def read(response: aioxide.Response) -> None:
        assert not response.is_closed
        await response.aread()

    async with (
        aioxide.Client(event_hooks=hooks((), [read])) as client,
        client.stream("GET", f"{site.url}/bytes/300000") as response,
    ):
        assert len(response.content) == 300_000


async def test_an_error_in_a_response_hook_closes_the_response(fresh_site: LocalSite, made: Any) -> None:
    got: list[aioxide.Response] = []

    def fail(response: aioxide.Response) -> None:
        got.append(response)
        response.raise_for_status()

    async with aioxide.Client(event_hooks=hooks((), [made(fail)])) as client:
        with pytest.raises(aioxide.HTTPStatusError) as caught:
            await client.get(f"{fresh_site.url}/status/404")
        assert caught.value.response is got[0]
        ok = client.get(f"{fresh_site.url}/json")
        assert (await ok).ok
    async with aioxide.Client(event_hooks=hooks((), [made(lambda _: 1 / 0)])) as client:
        with pytest.raises(ZeroDivisionError):
            async with client.get(f"{fresh_site.url}/hang/body"):
                pytest.fail("entered")
        await fresh_site.wait_aborted(1)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (3, TypeError),
        ([], TypeError),
        ({"request": print}, TypeError),
        ({"request": "print"}, TypeError),
        ({"request": [3]}, TypeError),
        ({"response": None}, TypeError),
        ({"requests": [print]}, ValueError),
        ({3: [print]}, ValueError),
    ],
)
@pytest.mark.parametrize("cls", [aioxide.Client, aioxide.BlockingClient])
def test_what_are_no_hooks(cls: Any, given: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        cls(event_hooks=given)


# ---- a callable that authenticates ----


async def test_a_callable_authenticates(site: LocalSite, made: Any) -> None:
    auth = made(lambda request: {"Authorization": f"Own {request.method}", "x-key": "k"})
    url = f"{site.url}/echo"
    async with aioxide.Client(auth=auth) as client:
        got = seen(await client.get(url))
        assert (got["authorization"], got["x-key"]) == ("Own GET", "k")
        assert "authorization" not in seen(await client.get(url, auth=None))
        assert seen(await client.get(url, auth=("a", "b")))["authorization"].startswith("Basic")
        assert seen(await client.get(url, headers={"authorization": "mine"}))["authorization"] == "mine"
    async with aioxide.Client(auth=("a", "b")) as client:
        assert seen(await client.put(url, auth=auth))["authorization"] == "Own PUT"
    assert seen(await aioxide.fetch(url, auth=auth))["authorization"] == "Own GET"


async def test_what_a_callable_gives_stays_with_its_origin(site: LocalSite, fresh_site: LocalSite) -> None:
    def auth(_: aioxide.Request) -> Any:
        return {"authorization": "secret", "x-api-key": "secret"}

    async with aioxide.Client(auth=auth, event_hooks=hooks([lambda _: {"x-plain": "1"}])) as client:
        home = {"url": f"{site.url}/echo"}
        got = seen(await client.get(f"{site.url}/redirect/to", params=home))
        assert (got["authorization"], got["x-api-key"], got["x-plain"]) == ("secret", "secret", "1")
        away = {"url": f"{fresh_site.url}/echo"}
        got = seen(await client.get(f"{site.url}/redirect/to", params=away))
        assert "authorization" not in got
        assert "x-api-key" not in got
        assert got["x-plain"] == "1"
        with pytest.raises(aioxide.ConnectError) as caught:
            await client.get("http://127.0.0.1:1/")
        assert caught.value.request is not None
        assert "x-api-key" not in caught.value.request.headers
        assert caught.value.request.headers["x-plain"] == "1"


async def test_a_hooks_authorization_is_nearer_than_auth(site: LocalSite) -> None:
    async with aioxide.Client(
        auth=("a", "b"), event_hooks=hooks([lambda _: {"authorization": "h"}])
    ) as client:
        assert seen(await client.get(f"{site.url}/echo"))["authorization"] == "h"


async def test_an_error_in_a_callable_sends_nothing(fresh_site: LocalSite, made: Any) -> None:
    async with aioxide.Client(auth=made(lambda _: 1 / 0)) as client:
        with pytest.raises(ZeroDivisionError):
            await client.get(f"{fresh_site.url}/json")
    assert fresh_site.statistics()["requests_begun"] == 0


async def test_a_trace_that_fails_closes_the_response(fresh_site: LocalSite) -> None:
    async with aioxide.Client(trace=lambda _: 1 / 0) as client:
        with pytest.raises(ZeroDivisionError):
            async with client.get(f"{fresh_site.url}/hang/body"):
                pytest.fail("entered")
        await fresh_site.wait_aborted(1)


async def test_a_failed_request_is_traced_too() -> None:
    events: list[Any] = []
    async with aioxide.Client(trace=events.extend) as client:
        with pytest.raises(aioxide.ConnectError):
            await client.get("http://127.0.0.1:1/")
    assert events


# ---- what one can do with the awaitable ----


@pytest.fixture
async def hooked() -> Any:
    async def wait(_: Any) -> None:
        await asyncio.sleep(0)

    async with aioxide.Client(event_hooks=hooks([wait], [wait])) as client:
        yield client


async def test_it_is_as_good_as_a_coroutine(hooked: aioxide.Client) -> None:
    with RawServer(reply_always(OK)) as server:
        url = server.url
        asking = hooked.get(url)
        assert asyncio.iscoroutine(asking)
        assert (await asking).text == "ok"
        with pytest.raises(RuntimeError, match="already awaited"):
            await asking
        with pytest.raises(RuntimeError, match="made already"):
            async with asking:
                pass
        tasks = [asyncio.create_task(hooked.get(url)) for _ in range(3)]
        repr(tasks)
        responses = [
            *await asyncio.gather(*tasks, hooked.get(url)),
            *await aioxide.gather(hooked.get(url), hooked.get(url), limit=1),
            await asyncio.wait_for(hooked.get(url), 10),
            await asyncio.shield(hooked.get(url)),
        ]
        async with asyncio.TaskGroup() as group:
            more = [group.create_task(hooked.get(url)) for _ in range(3)]
        responses += [task.result() for task in more]
        for done in asyncio.as_completed([hooked.get(url)]):
            responses.append(await done)
        async with hooked.get(url) as response:
            assert await response.aread() == b"ok"
        assert [response.text for response in responses] == ["ok"] * len(responses)


def test_a_loop_runs_it(new_loop: Any) -> None:
    with RawServer(reply_always(OK)) as server, asyncio.Runner(loop_factory=new_loop) as runner:
        client = aioxide.Client(event_hooks=hooks([print]))
        assert runner.run(client.get(server.url)).text == "ok"
        runner.run(client.aclose())


async def test_cancelled_while_it_is_sent(fresh_site: LocalSite, hooked: aioxide.Client) -> None:
    task = asyncio.ensure_future(hooked.get(f"{fresh_site.url}/hang"))
    await fresh_site.wait_begun(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await fresh_site.wait_aborted(1)


@pytest.mark.parametrize("which", ["request", "response"])
async def test_cancelled_in_a_hook(fresh_site: LocalSite, which: str) -> None:
    there = asyncio.Event()

    async def hang(_: Any) -> None:
        there.set()
        await asyncio.Event().wait()

    async with aioxide.Client(event_hooks={which: [hang]}) as client:

        async def enter() -> None:
            async with client.get(f"{fresh_site.url}/hang/body"):
                pytest.fail("entered")

        task = asyncio.ensure_future(enter())
        await there.wait()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        if which == "response":
            await fresh_site.wait_aborted(1)
        else:
            assert fresh_site.statistics()["requests_begun"] == 0


async def test_never_awaited_it_warns_as_a_coroutine_does(hooked: aioxide.Client) -> None:
    with pytest.warns(RuntimeWarning, match=r"'Client\.get' was never awaited"):
        hooked.get("http://host/")
    # Closed it is silent, as a coroutine is.
    hooked.get("http://host/").close()
