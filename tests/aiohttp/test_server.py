"""Programs that are server and client in one, and tests that start the server: `web` and `test_utils`."""

import importlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.aiohttp.absent import without_aiohttp

original = pytest.importorskip("aiohttp")
ASYNCIO = pytest.mark.asyncio(loop_factories=["asyncio"])


@pytest.fixture
def web(aiohttp: Any) -> Any:
    return importlib.import_module(f"{aiohttp.__name__}.web")


@pytest.fixture
async def url(aiohttp: Any, web: Any) -> AsyncIterator[str]:
    """Of a server of aiohttp's."""

    async def echo(request: Any) -> Any:
        return web.json_response({"method": request.method, "text": await request.text()})

    async def parts(request: Any) -> Any:
        reader = await request.multipart()
        return web.json_response([[part.name, part.filename, await part.text()] async for part in reader])

    async def websocket(request: Any) -> Any:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(f"{message.data}!")
        return socket

    async def stream(request: Any) -> Any:
        response = web.StreamResponse()
        await response.prepare(request)
        for n in range(3):
            await response.write(b"%d\n" % n)
        return response

    async def login(request: Any) -> Any:
        response = web.HTTPFound("/echo")
        response.set_cookie("who", "me")
        raise response

    async def fails(request: Any) -> Any:
        raise web.HTTPConflict

    application = web.Application()
    application.add_routes(
        [
            web.route("*", "/echo", echo),
            web.post("/parts", parts),
            web.get("/ws", websocket),
            web.get("/stream", stream),
            web.get("/login", login),
            web.get("/fails", fails),
        ]
    )
    utils = importlib.import_module(f"{aiohttp.__name__}.test_utils")
    async with utils.TestServer(application) as server:
        yield str(server.make_url("/"))


@ASYNCIO
async def test_a_session_asks_it(aiohttp: Any, url: str) -> None:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(url, cookie_jar=jar, raise_for_status=True) as session:
        async with session.post("/echo", json={"a": 1}) as response:
            assert await response.json() == {"method": "POST", "text": '{"a": 1}'}
        async with session.get("login") as response:
            assert response.url.path == "/echo"
            assert [cookie.value for cookie in jar] == ["me"]
        form = aiohttp.FormData({"a": "1"})
        form.add_field("f", b"of a file", filename="x.txt")
        async with session.post("/parts", data=form) as response:
            assert await response.json() == [["a", None, "1"], ["f", "x.txt", "of a file"]]
        async with session.get("/stream") as response:
            assert [line async for line in response.content] == [b"0\n", b"1\n", b"2\n"]
        async with session.ws_connect("/ws") as socket:
            await socket.send_str("hello")
            assert await socket.receive_str() == "hello!"
        with pytest.raises(aiohttp.ClientResponseError) as caught:
            await session.get("/fails")
    assert caught.value.status == 409


@ASYNCIO
async def test_the_client_of_test_utils(aiohttp: Any, web: Any) -> None:
    utils = importlib.import_module(f"{aiohttp.__name__}.test_utils")

    async def hello(request: Any) -> Any:
        return web.Response(text="hello")

    application = web.Application()
    application.router.add_get("/", hello)
    async with utils.TestClient(utils.TestServer(application)) as client:
        response = await client.get("/")
        assert await response.text() == "hello"


@pytest.mark.parametrize("name", ["web", "test_utils", "pytest_plugin"])
def test_they_are_aiohttps_own(name: str) -> None:
    from aioxide import aiohttp

    theirs = importlib.import_module(f"aiohttp.{name}")
    assert getattr(aiohttp, name) is theirs
    assert importlib.import_module(f"aioxide.aiohttp.{name}") is theirs


def test_the_statements_that_import_them() -> None:
    import aioxide.aiohttp.test_utils
    import aioxide.aiohttp.web
    from aioxide.aiohttp import web
    from aioxide.aiohttp.web import Application, run_app

    assert aioxide.aiohttp.web is web is original.web
    assert (Application, run_app) == (web.Application, web.run_app)
    assert aioxide.aiohttp.test_utils is original.test_utils


def test_they_are_imported_when_they_are_asked_for() -> None:
    import subprocess
    import sys

    script = """if True:
        import sys
        from aioxide import aiohttp
        assert "aiohttp.web" not in sys.modules
        aiohttp.web.Application
    """
    subprocess.run([sys.executable, "-c", script], check=True)


def test_other_names_are_not_there() -> None:
    from aioxide import aiohttp

    with pytest.raises(AttributeError, match=r"module 'aioxide.aiohttp' has no attribute 'web_'"):
        aiohttp.web_  # noqa: B018


def test_where_aiohttp_is_absent() -> None:
    printed = without_aiohttp("""
        from aioxide import aiohttp

        for name in ("web", "test_utils", "pytest_plugin"):
            assert not hasattr(aiohttp, name)
            try:
                getattr(aiohttp, name)
            except AttributeError as error:
                print(error)
        try:
            from aioxide.aiohttp import web
        except ImportError as error:
            print(error)
        try:
            import aioxide.aiohttp.web
        except ImportError as error:
            print(error)
    """)
    lines = printed.splitlines()
    assert len(lines) == 5
    assert all("pip install aiohttp" in line for line in lines)
