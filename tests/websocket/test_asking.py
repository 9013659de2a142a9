"""`process_request`: the program is asked about each request before it is answered."""

import asyncio
import contextlib
import contextvars
import gc
import weakref
from typing import Any

import pytest
import websockets

import aioxide
from tests.websocket.conftest import echo
from tests.websocket.frames import KEY, RawClient
from tests.websocket.test_handshake import GOOD, ask

PLAIN = b"GET /health?deep=1 HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(params=["function", "coroutine function"])
def spelled(request: pytest.FixtureRequest) -> Any:
    """Makes the hook of a function: itself, or one that is awaited and suspends."""
    if request.param == "function":
        return lambda decide: decide

    def make(decide: Any) -> Any:
        async def hook(asked: aioxide.HandshakeRequest) -> Any:
            await aioxide.sleep(0.001)
            return decide(asked)

        return hook

    return make


async def test_what_it_is_shown(spelled: Any) -> None:
    seen: list[aioxide.HandshakeRequest] = []
    async with aioxide.serve_ws(echo, process_request=spelled(seen.append)) as server:
        url = f"{server.url}/room%20one?number=1&token=secret"
        options: Any = {"headers": {"Cookie": "a=b"}, "subprotocols": ["v2", "v1"]}
        async with aioxide.connect_ws(url, **options) as websocket:
            await websocket.send("let in")
            assert await websocket.receive() == "let in"
            (request,) = seen
            (connection,) = server.connections
            assert isinstance(request, aioxide.HandshakeRequest)
            for one in (request, connection):
                assert one.path == "/room%20one?number=1&token=secret"
                assert one.query == "number=1&token=secret"
                assert one.url == url
                assert one.remote_address == websocket.local_address
                assert one.local_address == websocket.remote_address
            assert request.headers == connection.headers
            assert request.headers["cookie"] == "a=b"
            assert request.subprotocols == ["v2", "v1"]
            assert repr(request) == "<aioxide.HandshakeRequest /room%20one>"
            # It has been answered: it says no more, and does no harm.
            del request
            seen.clear()
            assert websocket.query == connection.query


async def test_a_refusal(spelled: Any) -> None:
    def decide(request: aioxide.HandshakeRequest) -> aioxide.HandshakeResponse | None:
        if request.headers.get("authorization") == "Bearer good":
            return None
        return aioxide.HandshakeResponse(
            401, "who are you?", headers={"WWW-Authenticate": "Bearer", "X-Every": "its own"}
        )

    every = {"X-Every": "answer", "X-Server": "s"}
    async with aioxide.serve_ws(echo, process_request=spelled(decide), headers=every) as server:
        with pytest.raises(aioxide.HandshakeRefused, match="the server answered 401 Unauthorized") as caught:
            await aioxide.connect_ws(server.url)
        assert (caught.value.kind, caught.value.status_code) == ("status", 401)
        assert caught.value.content == b"who are you?"
        headers = caught.value.headers
        assert headers is not None
        assert headers["www-authenticate"] == "Bearer"
        assert headers["content-type"] == "text/plain; charset=utf-8"
        assert (headers.get_list("x-every"), headers["x-server"]) == (["its own"], "s")
        assert server.connections == set()
        async with aioxide.connect_ws(server.url, headers={"Authorization": "Bearer good"}) as websocket:
            assert websocket.headers["x-every"] == "answer"
            await websocket.ping()


@pytest.mark.parametrize("client", ["websockets", "aiohttp"])
async def test_other_clients_are_refused_and_let_in(spelled: Any, client: str) -> None:
    def decide(request: aioxide.HandshakeRequest) -> aioxide.HandshakeResponse | None:
        if request.path == "/in":
            return None
        return aioxide.HandshakeResponse(404, b"\xffnot here", headers={"X-Why": "nothing there"})

    async with aioxide.serve_ws(echo, process_request=spelled(decide), subprotocols=["chat"]) as server:
        if client == "websockets":
            with pytest.raises(websockets.InvalidStatus) as caught:
                await websockets.connect(f"{server.url}/out", proxy=None)
            response = caught.value.response
            assert (response.status_code, response.body) == (404, b"\xffnot here")
            assert response.headers["X-Why"] == "nothing there"
            options: Any = {"proxy": None, "subprotocols": ["chat"]}
            async with websockets.connect(f"{server.url}/in", **options) as theirs:
                assert theirs.subprotocol == "chat"
                await theirs.send("x" * 5000)
                assert await theirs.recv() == "x" * 5000
            return
        aiohttp = pytest.importorskip("aiohttp")
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(f"{server.url}/out")
            assert refused.value.status == 404
            assert refused.value.headers["x-why"] == "nothing there"
            async with session.ws_connect(f"{server.url}/in", protocols=["chat"], compress=15) as ws:
                assert ws.protocol == "chat"
                await ws.send_str("x" * 5000)
                assert await ws.receive_str() == "x" * 5000


async def test_a_health_check_asks_for_no_websocket(spelled: Any) -> None:
    def decide(request: aioxide.HandshakeRequest) -> aioxide.HandshakeResponse | None:
        return aioxide.HandshakeResponse(200, "OK\n") if request.path.startswith("/health?") else None

    async with aioxide.serve_ws(echo, process_request=spelled(decide)) as server:
        said = await ask(server.port, PLAIN)
        assert said.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"\r\nContent-Length: 3\r\n" in said
        assert b"\r\nConnection: close\r\n" in said
        assert said.endswith(b"\r\n\r\nOK\n")
        # Who is let in must still ask for a WebSocket, by its rules.
        assert (await ask(server.port, PLAIN.replace(b"health", b"else"))).startswith(b"HTTP/1.1 426 ")
        assert (await ask(server.port, GOOD.replace(KEY, b"short"))).startswith(b"HTTP/1.1 400 ")
        async with RawClient(server.port) as client:
            assert client.head.startswith(b"HTTP/1.1 101 ")


async def test_what_is_no_get_is_not_asked_about() -> None:
    asked: list[Any] = []
    async with aioxide.serve_ws(echo, process_request=asked.append) as server:
        said = await ask(server.port, PLAIN.replace(b"GET", b"POST"))
        assert said.startswith(b"HTTP/1.1 405 Method Not Allowed\r\n")
        assert b"\r\nallow: GET\r\n" in said
        assert (await ask(server.port, b"rubbish\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
    assert asked == []


async def test_one_without_content() -> None:
    async with aioxide.serve_ws(
        echo, process_request=lambda request: aioxide.HandshakeResponse(204)
    ) as server:
        said = await ask(server.port, PLAIN)
        assert said == b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


async def test_one_that_raises(spelled: Any, reported: list[Any]) -> None:
    def decide(request: aioxide.HandshakeRequest) -> None:
        raise ZeroDivisionError("secret")

    hook = spelled(decide)
    async with aioxide.serve_ws(echo, process_request=hook) as server:
        with pytest.raises(aioxide.HandshakeRefused) as caught:
            await aioxide.connect_ws(server.url)
        assert caught.value.status_code == 500
        assert b"secret" not in caught.value.content
    (context,) = reported
    assert context["message"] == "process_request raised"
    assert isinstance(context["exception"], ZeroDivisionError)
    assert context["handler"] is hook
    reported.clear()


@pytest.mark.parametrize("answer", [False, 401, "no", (401, [], b"")])
async def test_one_that_answers_nonsense(spelled: Any, reported: list[Any], answer: Any) -> None:
    async with aioxide.serve_ws(echo, process_request=spelled(lambda request: answer)) as server:
        with pytest.raises(aioxide.HandshakeRefused) as caught:
            await aioxide.connect_ws(server.url)
        assert caught.value.status_code == 500
    (context,) = reported
    assert isinstance(context["exception"], TypeError)
    assert "must return a HandshakeResponse or None" in str(context["exception"])
    reported.clear()


async def test_one_that_takes_too_long(reported: list[Any]) -> None:
    cancelled = []

    async def hook(request: aioxide.HandshakeRequest) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(request.path)
            raise

    async with aioxide.serve_ws(echo, process_request=hook, timeout=0.05) as server:
        with pytest.raises(aioxide.HandshakeRefused) as caught:
            await aioxide.connect_ws(server.url)
        assert caught.value.status_code == 503
    assert cancelled == ["/"]
    (context,) = reported
    assert isinstance(context["exception"], TimeoutError)
    reported.clear()


async def test_a_timeout_of_its_own_is_a_failure_of_its_own(reported: list[Any]) -> None:
    async def hook(request: aioxide.HandshakeRequest) -> None:
        raise TimeoutError

    async with aioxide.serve_ws(echo, process_request=hook, timeout=None) as server:
        with pytest.raises(aioxide.HandshakeRefused) as caught:
            await aioxide.connect_ws(server.url)
        assert caught.value.status_code == 500
    reported.clear()


async def test_closing_the_server_meanwhile(until: Any) -> None:
    state = []

    async def hook(request: aioxide.HandshakeRequest) -> None:
        state.append("asked")
        try:
            await asyncio.Event().wait()
        finally:
            state.append("stopped")

    async with aioxide.serve_ws(echo, process_request=hook) as server:
        waiting = [asyncio.ensure_future(aioxide.connect_ws(server.url)) for _ in range(3)]
        await until(lambda: len(state) == 3)
        await server.aclose()
        assert state == ["asked"] * 3 + ["stopped"] * 3
        for refused in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(refused, aioxide.HandshakeRefused)
            assert refused.status_code == 503
            assert refused.content == b"the server is going away\n"


async def test_it_may_close_its_server() -> None:
    async def hook(request: aioxide.HandshakeRequest) -> None:
        await server.aclose()

    server = await aioxide.serve_ws(echo, process_request=hook)
    with pytest.raises(aioxide.HandshakeRefused) as caught:
        await aioxide.connect_ws(server.url)
    assert caught.value.status_code == 503


async def test_what_it_sets_is_there_for_the_handler() -> None:
    user = contextvars.ContextVar[str]("user")
    tasks: list[Any] = []

    async def hook(request: aioxide.HandshakeRequest) -> None:
        tasks.append(asyncio.current_task())
        await asyncio.sleep(0)
        user.set(request.headers["x-user"])

    async def handler(websocket: aioxide.WebSocket) -> None:
        assert asyncio.current_task() in tasks
        await websocket.send(user.get())
        await websocket.receive()

    async with aioxide.serve_ws(handler, process_request=hook) as server:
        first = await aioxide.connect_ws(server.url, headers={"X-User": "one"})
        second = await aioxide.connect_ws(server.url, headers={"X-User": "two"})
        assert (await first.receive(), await second.receive()) == ("one", "two")
        await first.close()
        await second.close()


async def test_one_slow_answer_keeps_nobody_waiting() -> None:
    release = asyncio.Event()

    async def hook(request: aioxide.HandshakeRequest) -> None:
        if request.path == "/slow":
            await release.wait()

    async with aioxide.serve_ws(echo, process_request=hook) as server:
        slow = asyncio.ensure_future(aioxide.connect_ws(f"{server.url}/slow"))
        async with aioxide.connect_ws(f"{server.url}/quick") as websocket:
            await websocket.ping()
        assert not slow.done()
        release.set()
        async with await slow as websocket:
            await websocket.ping()


async def test_a_client_that_leaves_meanwhile(until: Any) -> None:
    """It is let in, and is over: the handler sees that, and nothing is reported."""
    release = asyncio.Event()
    served = []

    async def hook(request: aioxide.HandshakeRequest) -> None:
        asked.append(request.path)
        await release.wait()

    async def handler(websocket: aioxide.WebSocket) -> None:
        with contextlib.suppress(aioxide.ConnectionClosed):
            await websocket.receive()
        served.append(websocket.close_code)

    asked: list[str] = []
    async with aioxide.serve_ws(handler, process_request=hook) as server:
        leaving = asyncio.ensure_future(aioxide.connect_ws(server.url))
        await until(lambda: asked)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        release.set()
        await until(lambda: served)
        assert served == [1006]
        await until(lambda: not server.connections)


async def test_whom_it_refuses_has_no_place() -> None:
    async with aioxide.serve_ws(
        echo,
        max_connections=1,
        process_request=lambda request: aioxide.HandshakeResponse(403) if request.query else None,
    ) as server:
        for _ in range(5):
            with pytest.raises(aioxide.HandshakeRefused):
                await aioxide.connect_ws(f"{server.url}/?no")
        async with aioxide.connect_ws(server.url) as websocket:
            await websocket.ping()


async def test_origins_are_looked_at_too() -> None:
    options: Any = {"origins": ["https://example.org"], "process_request": lambda request: None}
    async with aioxide.serve_ws(echo, **options) as server:
        async with aioxide.connect_ws(server.url, origin="https://example.org"):
            pass
        with pytest.raises(aioxide.HandshakeRefused) as caught:
            await aioxide.connect_ws(server.url, origin="https://elsewhere.example")
        assert caught.value.status_code == 403


async def test_a_request_is_freed() -> None:
    alive: list[Any] = []

    async def hook(request: aioxide.HandshakeRequest) -> aioxide.HandshakeResponse:
        alive.append(weakref.ref(request))
        return aioxide.HandshakeResponse(403)

    async with aioxide.serve_ws(echo, process_request=hook) as server:
        for _ in range(5):
            with pytest.raises(aioxide.HandshakeRefused):
                await aioxide.connect_ws(server.url)
    gc.collect()
    assert [one() for one in alive] == [None] * 5


@pytest.mark.parametrize("hook", ["x", 401])
def test_one_that_cannot_be_called(hook: Any) -> None:
    with pytest.raises(TypeError, match="process_request must be callable or None"):
        aioxide.serve_ws(echo, process_request=hook)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (("401",), TypeError, "status_code must be int, not str"),
        ((True,), TypeError, "status_code must be int, not bool"),
        ((101,), ValueError, "from 200 to 599, not 101"),
        ((600,), ValueError, "from 200 to 599, not 600"),
        ((200, 1), TypeError, "content must be str or bytes, not int"),
        ((200, bytearray(b"x")), TypeError, "content must be str or bytes"),
        ((204, b"x"), ValueError, "204 has no content"),
        ((304, "x"), ValueError, "304 has no content"),
        ((200, "", {"Content-Length": "5"}), ValueError, "'content-length' says how"),
        ((200, "", {"transfer-encoding": "chunked"}), ValueError, "'transfer-encoding' says how"),
        ((200, "", {"a": "b\r\nc: d"}), ValueError, "line break"),
        ((200, "", 5), TypeError, "headers"),
    ],
)
def test_responses_that_cannot_be(arguments: Any, error: type[Exception], words: str) -> None:
    status, content, headers = (*arguments, b"", None)[:3] if len(arguments) < 3 else arguments
    with pytest.raises(error, match=words):
        aioxide.HandshakeResponse(status, content, headers=headers)


def test_a_response_can_be_read() -> None:
    response = aioxide.HandshakeResponse(403, "no é", headers={"Content-Type": "text/html"})
    assert (response.status_code, response.content) == (403, "no é".encode())
    assert response.headers.multi_items() == [("content-type", "text/html")]
    assert repr(response) == "<aioxide.HandshakeResponse [403]>"
    assert aioxide.HandshakeResponse(403, b"x").headers.multi_items() == []
