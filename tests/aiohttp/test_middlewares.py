"""Middlewares: functions around each hop of a request."""

from typing import Any

import pytest

from tests.servers.answering import Answering, answer, redirect

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])


async def test_they_see_and_change_the_request(aiohttp: Any, server: Answering) -> None:
    seen: list[tuple[str, str]] = []

    async def middleware(request: Any, handler: Any) -> Any:
        seen.append((request.method, str(request.url)))
        request.headers["X-Added"] = "1"
        response = await handler(request)
        assert response.status == 200
        return response

    async with (
        aiohttp.ClientSession(middlewares=(middleware,)) as session,
        session.get(f"{server.url}/x", params={"a": "1"}) as response,
    ):
        assert (await response.json())["target"] == "/x?a=1"
    assert seen == [("GET", f"{server.url}/x?a=1")]
    assert server.seen[0].one("x-added") == "1"


async def test_the_first_is_the_outermost(aiohttp: Any, session: Any, server: Answering) -> None:
    order: list[str] = []

    def named(name: str) -> Any:
        async def middleware(request: Any, handler: Any) -> Any:
            order.append(f"{name} in")
            response = await handler(request)
            order.append(f"{name} out")
            return response

        return middleware

    async with session.get(server.url, middlewares=(named("a"), named("b"))):
        pass
    assert order == ["a in", "b in", "b out", "a out"]


async def test_those_of_a_request_replace_those_of_the_session(aiohttp: Any, server: Answering) -> None:
    async def never(request: Any, handler: Any) -> Any:
        raise AssertionError("asked")

    async with aiohttp.ClientSession(middlewares=(never,)) as session:
        async with session.get(server.url, middlewares=()) as response:
            assert response.status == 200
        with pytest.raises(AssertionError, match="asked"):
            await session.get(server.url)


async def test_they_ask_again(session: Any, server: Answering) -> None:
    answers = [answer(503), answer(503), answer(body=b"at last")]
    server.on("/x", lambda _: answers.pop(0))

    async def again(request: Any, handler: Any) -> Any:
        while True:
            response = await handler(request)
            if response.status != 503:
                return response
            response.release()

    async with session.get(f"{server.url}/x", middlewares=(again,)) as response:
        assert await response.read() == b"at last"
    assert len(server.seen) == 3


async def test_each_hop(session: Any, server: Answering) -> None:
    server.on("/a", redirect("/b"))
    hops: list[str] = []

    async def middleware(request: Any, handler: Any) -> Any:
        hops.append(request.url.path)
        return await handler(request)

    async with session.get(f"{server.url}/a", middlewares=(middleware,)) as response:
        assert response.url.path == "/b"
    assert hops == ["/a", "/b"]


async def test_digest(aiohttp: Any, server: Answering) -> None:
    challenge = 'Digest realm="r", nonce="n", qop="auth", algorithm=MD5'

    def page(seen: Any) -> bytes:
        if seen.one("authorization") is None:
            return answer(401, [("WWW-Authenticate", challenge)])
        return answer(body=b"in")

    server.on("/x", page)
    digest = aiohttp.DigestAuthMiddleware("user", "secret")
    async with (
        aiohttp.ClientSession(middlewares=(digest,)) as session,
        session.get(f"{server.url}/x") as response,
    ):
        assert await response.read() == b"in"
    assert (server.seen[1].one("authorization") or "").startswith('Digest username="user", realm="r"')


async def test_they_send_it_elsewhere(session: Any, server: Answering) -> None:
    async def to_another(request: Any, handler: Any) -> Any:
        response = await handler(request)
        if request.url.path == "/here":
            response.release()
            request.url = request.url.with_path("/there")
            response = await handler(request)
        return response

    async with session.get(f"{server.url}/here#part", middlewares=(to_another,)) as response:
        assert (await response.json())["target"] == "/there"
    assert [request.target for request in server.seen] == ["/here", "/there"]


async def test_they_sign_what_is_sent(aiohttp: Any, server: Answering) -> None:
    """As schemes like AWS's do: over the host, the headers about the body, and the body."""

    async def sign(request: Any, handler: Any) -> Any:
        body = await request.body.as_bytes() if request.body else b""
        signed = [request.headers["Host"], request.headers.get("Content-Length", ""), body.decode()]
        request.headers["Signature"] = "|".join(signed)
        return await handler(request)

    server.on("/away", redirect("/there", 307))
    host = server.url.removeprefix("http://")
    async with aiohttp.ClientSession(middlewares=[sign]) as session:
        for data in ({"data": b"abc"}, {"data": "abc"}, {"json": "a"}, {"data": {"a": "b"}}, {}):
            async with session.post(f"{server.url}/away", **data) as response:
                assert response.status == 200
                assert response.request_info.headers["Host"] == host
        async with session.get("http://localhost:" + host.rpartition(":")[2]):
            pass
    for seen in server.seen[:-1]:
        assert seen.one("signature") == f"{host}|{seen.one('content-length')}|{seen.body.decode()}"
    assert (server.seen[-1].one("signature") or "").startswith("localhost:")
