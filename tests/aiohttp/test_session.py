"""A session: what it is made with, what it tells, and its end."""

import asyncio
import json
import warnings
from typing import Any

import pytest
from multidict import CIMultiDict
from yarl import URL

from tests.servers.answering import Answering, answer

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])


async def test_it_is_closed_at_the_end_of_its_block(aiohttp: Any, server: Answering) -> None:
    async with aiohttp.ClientSession() as session:
        assert not session.closed
        connector = session.connector
        async with session.get(server.url) as response:
            assert response.status == 200
    assert session.closed
    assert session.connector is None
    assert connector.closed
    await session.close()


async def test_it_is_closed_by_a_call(aiohttp: Any, server: Answering) -> None:
    session = aiohttp.ClientSession()
    response = await session.get(server.url)
    await response.read()
    assert await session.close() is None
    assert session.closed
    with pytest.raises(RuntimeError, match="Session is closed"):
        await session.get(server.url)
    with pytest.raises(RuntimeError, match="Session is closed"):
        async with session.get(server.url):
            pass


async def test_it_is_used_with_async_with(aiohttp: Any) -> None:
    session = aiohttp.ClientSession()
    with pytest.raises(TypeError, match="Use async with"), session:
        pass
    await session.close()


@pytest.mark.filterwarnings("ignore:.*:ResourceWarning")
async def test_one_that_is_forgotten_is_told_of(aiohttp: Any, reported: list[dict[str, Any]]) -> None:
    sessions = [aiohttp.ClientSession()]
    with pytest.warns(ResourceWarning, match="Unclosed client session"):
        sessions.clear()
    assert "Unclosed client session" in [context["message"] for context in reported]
    reported.clear()


async def test_what_it_tells_by_default(session: Any, aiohttp: Any) -> None:
    assert session.headers == CIMultiDict()
    assert isinstance(session.cookie_jar, aiohttp.CookieJar)
    assert isinstance(session.connector, aiohttp.TCPConnector)
    assert session.timeout == aiohttp.ClientTimeout(total=300, sock_connect=30)
    assert session.version == aiohttp.HttpVersion11
    assert session.auth is None
    assert session.json_serialize is json.dumps
    assert session.connector_owner is True
    assert session.raise_for_status is False
    assert session.auto_decompress is True
    assert session.trust_env is False
    assert session.requote_redirect_url is True
    assert session.skip_auto_headers == frozenset()
    assert session.trace_configs == []
    with pytest.warns(DeprecationWarning, match="loop"):
        assert session.loop is asyncio.get_running_loop()


async def test_what_it_was_told(aiohttp: Any) -> None:
    def dumps(value: Any) -> str:
        return "x"

    jar, connector, trace = aiohttp.DummyCookieJar(), aiohttp.TCPConnector(), aiohttp.TraceConfig()
    async with aiohttp.ClientSession(
        headers={"X": "y"},
        cookie_jar=jar,
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=3),
        json_serialize=dumps,
        raise_for_status=True,
        auto_decompress=False,
        trust_env=True,
        skip_auto_headers=["user-agent"],
        trace_configs=[trace],
        requote_redirect_url=False,
        connector_owner=True,
        loop=asyncio.get_running_loop(),
    ) as session:
        assert session.headers["x"] == "y"
        assert session.cookie_jar is jar
        assert session.connector is connector
        assert session.timeout == aiohttp.ClientTimeout(total=3)
        assert session.json_serialize is dumps
        assert session.raise_for_status is True
        assert session.auto_decompress is False
        assert session.trust_env is True
        assert session.skip_auto_headers == {"user-agent"}
        assert session.trace_configs == [trace]
        assert session.requote_redirect_url is False


@pytest.mark.parametrize(
    "method", ["get", "post", "put", "patch", "delete", "head", "options"], ids=lambda name: name
)
async def test_each_method(session: Any, server: Answering, method: str) -> None:
    async with getattr(session, method)(f"{server.url}/x") as response:
        assert (response.status, response.method) == (200, method.upper())
    assert [seen.method for seen in server.seen] == [method.upper()]


async def test_a_method_of_ones_own(session: Any, server: Answering) -> None:
    async with session.request("purge", f"{server.url}/x") as response:
        assert response.method == "PURGE"
    assert server.seen[0].method == "PURGE"


async def test_the_url_may_be_of_yarl(session: Any, server: Answering) -> None:
    async with session.get(URL(server.url) / "a b" % {"q": "1"}) as response:
        assert response.url.path == "/a b"
    assert server.seen[0].target == "/a%20b?q=1"


async def test_headers_of_session_and_request(aiohttp: Any, server: Answering) -> None:
    async with aiohttp.ClientSession(headers={"A": "1", "B": "2"}) as session:
        async with session.get(server.url, headers={"b": "3", "C": "4"}):
            pass
        session.headers["D"] = "5"
        session.headers.update({"A": "6"})
        async with session.get(server.url):
            pass
    first, second = server.seen
    assert [first.all(name) for name in "ABC"] == [["1"], ["3"], ["4"]]
    assert [second.all(name) for name in "ABCD"] == [["6"], ["2"], [], ["5"]]


async def test_headers_that_repeat(aiohttp: Any, server: Answering) -> None:
    async with aiohttp.ClientSession(headers=[("A", "1"), ("A", "2")]) as session:
        async with session.get(server.url):
            pass
        async with session.get(server.url, headers=CIMultiDict([("a", "3"), ("a", "4")])):
            pass
    assert [seen.all("a") for seen in server.seen] == [["1", "2"], ["3", "4"]]


async def test_a_connector_of_two_sessions(aiohttp: Any, server: Answering) -> None:
    connector = aiohttp.TCPConnector()
    for _ in range(2):
        async with (
            aiohttp.ClientSession(connector=connector, connector_owner=False) as session,
            session.get(server.url) as response,
        ):
            await response.read()
        assert session.closed
        assert not connector.closed
    assert server.connections == 1
    await connector.close()
    assert connector.closed
    async with aiohttp.ClientSession(connector=connector, connector_owner=False) as session:
        assert session.closed


async def test_it_lets_go_of_its_connector(aiohttp: Any, server: Answering) -> None:
    session = aiohttp.ClientSession()
    connector = session.connector
    session.detach()
    assert session.closed
    assert session.connector is None
    assert not connector.closed
    async with aiohttp.ClientSession(connector=connector) as session, session.get(server.url) as response:
        assert response.status == 200


async def test_json_is_written_as_told(aiohttp: Any, server: Answering) -> None:
    async with (
        aiohttp.ClientSession(json_serialize=lambda value: f"<{value}>") as session,
        session.post(server.url, json={"a": 1}),
    ):
        pass
    async with (
        aiohttp.ClientSession(json_serialize_bytes=lambda value: b"\xff") as session,
        session.post(server.url, json={"a": 1}),
    ):
        pass
    assert [seen.body for seen in server.seen] == [b"<{'a': 1}>", b"\xff"]
    assert [seen.one("content-type") for seen in server.seen] == ["application/json"] * 2


async def test_the_limits_of_heads_are_taken(aiohttp: Any, server: Answering) -> None:
    async with (
        aiohttp.ClientSession(
            read_bufsize=2**16, max_line_size=16000, max_field_size=16000, max_headers=200
        ) as session,
        session.get(
            server.url, read_bufsize=2**17, max_line_size=17000, max_field_size=17000, max_headers=199
        ),
    ):
        pass


async def test_an_unknown_word(aiohttp: Any, session: Any, server: Answering) -> None:
    with pytest.raises(TypeError, match="bogus"):
        aiohttp.ClientSession(bogus=1)
    with pytest.raises(TypeError, match="bogus"):
        await session.get(server.url, bogus=1)


@pytest.mark.parametrize("timeout", [5, 1.5, "1"])
async def test_the_timeout_of_a_session_is_an_object(aiohttp: Any, timeout: Any) -> None:
    with pytest.raises(ValueError, match="ClientTimeout"):
        aiohttp.ClientSession(timeout=timeout)


async def test_what_is_deprecated_says_so(aiohttp: Any) -> None:
    with pytest.warns(DeprecationWarning, match="read_timeout"):
        session = aiohttp.ClientSession(read_timeout=3)
    assert session.timeout.total == 3
    await session.close()
    with pytest.warns(DeprecationWarning, match="conn_timeout"):
        session = aiohttp.ClientSession(conn_timeout=3)
    assert session.timeout.connect == 3
    await session.close()


async def test_one_request_without_a_session(aiohttp: Any, server: Answering) -> None:
    async with aiohttp.request("GET", f"{server.url}/x", headers={"A": "1"}) as response:
        assert response.status == 200
        assert (await response.json())["method"] == "GET"
    assert server.seen[0].one("a") == "1"
    with pytest.raises(aiohttp.InvalidURL):
        async with aiohttp.request("GET", "http:///x"):
            pass


async def test_one_request_on_a_connector(aiohttp: Any, server: Answering) -> None:
    connector = aiohttp.TCPConnector()
    for _ in range(2):
        async with aiohttp.request("GET", server.url, connector=connector) as response:
            await response.read()
    assert not connector.closed
    await connector.close()


async def test_it_says_what_it_is(session: Any) -> None:
    assert "ClientSession" in repr(session)


async def test_what_it_keeps_of_cookies(aiohttp: Any, server: Answering) -> None:
    server.on("/set", answer(headers=[("Set-Cookie", "a=1; Path=/")]))
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        async with session.get(f"{server.url}/set"):
            pass
        assert [(cookie.key, cookie.value) for cookie in session.cookie_jar] == [("a", "1")]
        async with session.get(f"{server.url}/x"):
            pass
    assert server.seen[-1].one("cookie") == "a=1"


async def test_two_loops_one_after_the_other(aiohttp: Any, server: Answering) -> None:
    def run() -> None:
        async def main() -> int:
            async with aiohttp.ClientSession() as session, session.get(server.url) as response:
                return int(response.status)

        with warnings.catch_warnings():
            assert [asyncio.run(main()) for _ in range(2)] == [200, 200]

    await asyncio.to_thread(run)
