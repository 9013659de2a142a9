"""The client for plain threads: the same requests, waited for on the thread."""

import asyncio
import io
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import aioxide
from aioxide.testing import LocalSite, pattern
from tests.conftest import Script
from tests.http.trust import authority
from tests.servers.raw import Connection, RawServer, silence

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

Ask = Callable[..., aioxide.Response]


@pytest.fixture
def client() -> Iterator[aioxide.BlockingClient]:
    with aioxide.BlockingClient() as client:
        yield client


def blocking(settings: dict[str, Any], method: str, url: str, request: dict[str, Any]) -> aioxide.Response:
    with aioxide.BlockingClient(**settings) as client:
        return client.request(method, url, **request)


def on_a_loop(settings: dict[str, Any], method: str, url: str, request: dict[str, Any]) -> aioxide.Response:
    async def ask() -> aioxide.Response:
        async with aioxide.Client(**settings) as client:
            return await client.request(method, url, **request)

    return asyncio.run(ask())


# ---- the same as Client ----

# Settings, method, path, request.
TABLE: dict[str, tuple[dict[str, Any], str, str, dict[str, Any]]] = {
    "get": ({}, "GET", "/echo", {}),
    "method": ({}, "propfind", "/echo", {}),
    "params": ({"params": {"a": 1}}, "GET", "/echo", {"params": [("b", 2), ("b", 3)]}),
    "headers": ({"headers": {"x-a": "1"}}, "GET", "/echo", {"headers": {"x-b": "2"}}),
    "cookies": ({"cookies": {"a": "1"}}, "GET", "/cookies", {"cookies": {"b": "2"}}),
    "cookies that are set": ({}, "GET", "/cookies/set?a=1", {}),
    "no cookies": ({"cookies": False}, "GET", "/cookies/set?a=1", {}),
    "auth": ({"auth": ("a", "b")}, "GET", "/echo", {}),
    "auth of the request": ({"auth": ("a", "b")}, "GET", "/echo", {"auth": ("c", "d")}),
    "callable auth": ({"auth": lambda request: {"authorization": request.method}}, "GET", "/echo", {}),
    "json": ({}, "POST", "/echo", {"json": {"a": [1, None]}}),
    "form": ({}, "POST", "/echo", {"data": {"a": ["1", "2"]}}),
    "content": ({}, "PUT", "/echo", {"content": b"\0bytes"}),
    "big content": ({}, "PUT", "/upload", {"content": bytes(5_000_000)}),
    "redirect": ({}, "POST", "/redirect/3", {"json": 1}),
    "redirect not followed": ({}, "GET", "/redirect/3", {"follow_redirects": False}),
    "too many redirects": ({"max_redirects": 1}, "GET", "/redirect/3", {}),
    "retries": ({"retries": aioxide.Retry(2, backoff=0)}, "GET", "/status/503", {}),
    "gzip": ({}, "GET", "/gzip/100000", {}),
    "not decompressed": ({"decompress": False}, "GET", "/gzip/100000", {}),
    "broken": ({}, "GET", "/broken/gzip", {}),
    "truncated": ({}, "GET", "/truncated/1000", {}),
    "too large": ({}, "GET", "/bytes/1000", {"max_body": 999}),
    "too late": ({}, "GET", "/hang", {"timeout": 0.05}),
    "read timeout": ({"timeout": aioxide.Timeout(read=0.05)}, "GET", "/hang/body", {}),
    "HTTP/2": ({"http1": False}, "GET", "/bytes/300000", {}),
    "hooks": ({"event_hooks": {"request": [lambda _: {"x-hook": "1"}]}}, "GET", "/echo", {}),
    "bad option": ({}, "GET", "/echo", {"jsn": 1}),
    "bad setting": ({"verfy": 1}, "GET", "/echo", {}),
    "bad method": ({}, "a b", "/echo", {}),
    "bad URL": ({}, "GET", "ftp:", {}),
}


def outcome(ask: Any, site: LocalSite, *call: Any) -> Any:
    settings, method, path, request = call
    url = site.url + path if path.startswith("/") else path
    try:
        response = ask(settings, method, url, request)
    except Exception as error:
        return type(error), str(error).replace("Blocking", "")
    headers = {name: value for name, value in response.headers.items() if name != "date"}
    history = [(each.status_code, each.url) for each in response.history]
    return response.status_code, headers, response.content, response.url, history, response.attempts


@pytest.mark.parametrize("name", TABLE)
def test_it_does_what_client_does(site: LocalSite, name: str) -> None:
    assert outcome(blocking, site, *TABLE[name]) == outcome(on_a_loop, site, *TABLE[name])


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options", "head"])
def test_each_method_has_its_function(site: LocalSite, client: aioxide.BlockingClient, method: str) -> None:
    response = getattr(client, method)(f"{site.url}/echo")
    assert site.requests()[-1].method == method.upper()
    assert response.ok


def test_tls(tls_site: LocalSite) -> None:
    with aioxide.BlockingClient(verify=authority(tls_site), base_url=tls_site.url) as client:
        assert client.get("/json").http_version == "HTTP/2"
        assert client.base_url == tls_site.url + "/"


def test_connections_are_used_again(fresh_site: LocalSite, client: aioxide.BlockingClient) -> None:
    for _ in range(20):
        assert client.get(f"{fresh_site.url}/json").ok
    assert fresh_site.statistics()["connections_opened"] <= 5
    assert client.statistics().opened + client.statistics().reused == 20


def test_cookies_are_kept(site: LocalSite, client: aioxide.BlockingClient) -> None:
    client.get(f"{site.url}/cookies/set?a=1")
    assert client.get(f"{site.url}/cookies").json() == {"a": "1"}
    assert client.cookies is not None
    assert dict(client.cookies) == {"a": "1"}


# ---- streamed ----


def test_a_stream(site: LocalSite, client: aioxide.BlockingClient) -> None:
    url = f"{site.url}/bytes/1000000"
    with client.stream("GET", url) as response:
        pieces = list(response.iter_bytes(300_000))
        assert [len(piece) for piece in pieces] == [300_000] * 3 + [100_000]
        assert b"".join(pieces) == pattern(1_000_000)
    with client.stream("GET", url) as response:
        with pytest.raises(RuntimeError, match="has not been read"):
            _ = response.content
        assert response.read() is response.content is response.read()
    with client.stream("GET", f"{site.url}/charset/utf-8?text=a%C3%A4%0D%0Ab") as response:
        assert list(response.iter_lines()) == ["aä", "b"]
    with client.stream("GET", f"{site.url}/charset/utf-16le?text=a%C3%A4%0D%0Ab") as response:
        assert "".join(response.iter_text()) == "aä\r\nb"


def test_the_head_comes_first(client: aioxide.BlockingClient) -> None:
    go_on = threading.Event()

    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n")
        go_on.wait()
        connection.send(b"ok")
        connection.hang()

    with RawServer(script) as server, client.stream("GET", server.url) as response:
        assert response.status_code == 200
        go_on.set()
        assert list(response.iter_bytes(2)) == [b"ok"]


async def test_leaving_early_closes_the_connection(fresh_site: LocalSite) -> None:
    def leave() -> None:
        with aioxide.BlockingClient() as client:
            with client.stream("GET", f"{fresh_site.url}/hang/body") as response:
                assert next(response.iter_bytes()) == pattern(1)
            with pytest.raises(RuntimeError, match="has been closed"):
                response.read()
            response = client.stream("GET", f"{fresh_site.url}/hang/body")
            del response
            client.stream("GET", f"{fresh_site.url}/hang/body").close()

    await asyncio.to_thread(leave)
    await fresh_site.wait_aborted(3)


def test_two_threads_cannot_read_at_once(site: LocalSite, client: aioxide.BlockingClient) -> None:
    with client.stream("GET", f"{site.url}/hang/body") as response:
        pieces = response.iter_bytes()
        assert next(pieces) == pattern(1)
        failed: list[BaseException] = []

        def read() -> None:
            try:
                next(pieces)
            except RuntimeError as error:
                failed.append(error)

        threads = [threading.Thread(target=read) for _ in range(2)]
        for thread in threads:
            thread.start()
        while not failed:
            threads[0].join(0.001)
        assert "is being read already" in str(failed[0])
        # That stops the other.
        response.close()
        for thread in threads:
            thread.join()
    assert "has been closed" in str(failed[1])


# ---- uploads ----


def test_uploads(site: LocalSite, client: aioxide.BlockingClient, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(pattern(300_000))
    url = f"{site.url}/echo/body"
    assert client.post(url, content=(pattern(1000) for _ in range(300))).content == pattern(1000) * 300
    assert client.post(url, content=io.BytesIO(pattern(300_000))).content == pattern(300_000)
    with path.open("rb") as file:
        assert client.post(url, content=file).content == pattern(300_000)
    with path.open("rb", buffering=0) as file:
        file.seek(100_000)
        assert len(client.post(url, content=file).content) == 200_000
    with path.open("rb") as file:
        body = client.post(url, files={"f": file, "g": ("n", iter([b"a", b"b"]), "text/x")}).content
    assert body.count(b'filename="file"') == body.count(b"\r\n\r\nab\r\n") == 1
    assert len(body) > 300_000


def test_an_iterator_is_pulled_on_the_thread(site: LocalSite, client: aioxide.BlockingClient) -> None:
    threads = set()

    def chunks() -> Iterator[bytes]:
        for _ in range(3):
            threads.add(threading.current_thread())
            yield b"x"

    assert client.post(f"{site.url}/upload", content=chunks()).json() == {"length": 3}
    assert threads == {threading.current_thread()}


@pytest.mark.parametrize("http1", [True, False], ids=["HTTP/1.1", "HTTP/2"])
def test_what_an_iterator_raises_is_raised(fresh_site: LocalSite, http1: bool) -> None:
    error = KeyError("mine")

    def chunks() -> Iterator[bytes]:
        yield b"x"
        raise error

    with aioxide.BlockingClient(http1=http1) as client:
        with pytest.raises(KeyError) as caught:
            client.post(f"{fresh_site.url}/upload", content=chunks())
        assert caught.value is error
        assert client.get(f"{fresh_site.url}/json").ok


def test_an_early_answer_ends_the_upload(client: aioxide.BlockingClient) -> None:
    closed = threading.Event()

    def chunks() -> Iterator[bytes]:
        try:
            while True:
                yield bytes(100_000)
        finally:
            closed.set()

    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(b"HTTP/1.1 413 No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        # One that closed now would send a reset, which may overtake its answer.
        connection.hang()

    with RawServer(script) as server:
        response = client.post(server.url, content=chunks())
        assert response.status_code == 413
    assert closed.is_set()


def test_asynchronous_bodies_and_hooks_are_refused(fresh_site: LocalSite) -> None:
    async def chunks() -> Any:
        yield b""

    async def hook(_: Any) -> None:
        pass

    url = f"{fresh_site.url}/echo"
    with aioxide.BlockingClient() as client:
        with pytest.raises(TypeError, match="can only be sent from a loop"):
            client.post(url, content=chunks())
        with pytest.raises(TypeError, match="must not be asynchronous"):
            client.get(url, auth=hook)
    for which in ("request", "response"):
        with (
            aioxide.BlockingClient(event_hooks={which: [hook]}) as client,
            pytest.raises(TypeError, match="must not be asynchronous"),
        ):
            client.get(url)


def test_hooks(site: LocalSite) -> None:
    got: list[Any] = []
    events = {"request": [got.append, lambda _: {"x-hook": "1"}], "response": [got.append]}
    traced: list[Any] = []
    with aioxide.BlockingClient(event_hooks=events, trace=traced.extend) as client:
        response = client.get(f"{site.url}/echo")
        assert ["x-hook", "1"] in response.json()["headers"]
        assert got[1] is response
        assert [event.name for event in traced][-1] == "response.end"
        with client.stream("GET", f"{site.url}/bytes/10") as response:
            assert response.read() == pattern(10)
    failing: Any = {"response": [lambda _: 1 / 0]}
    with aioxide.BlockingClient(event_hooks=failing) as client, pytest.raises(ZeroDivisionError):
        client.get(f"{site.url}/json")


# ---- threads, loops, signals ----


async def test_on_a_loops_thread_it_is_refused(fresh_site: LocalSite) -> None:
    url = f"{fresh_site.url}/upload"
    with aioxide.BlockingClient() as client:
        for ask in (
            lambda: client.get(url),
            lambda: client.stream("GET", url),
            lambda: client.post(url, content=iter([b"x"])),
        ):
            with pytest.raises(RuntimeError, match="would block the event loop"):
                ask()
        with await asyncio.to_thread(client.stream, "GET", f"{fresh_site.url}/hang/body") as response:
            for read in (response.read, lambda: list(response.iter_bytes(2))):
                with pytest.raises(RuntimeError, match="would block the event loop"):
                    read()
            assert await anext(response.aiter_bytes(1)) == pattern(1)
    # Not one of the others was sent.
    assert fresh_site.statistics()["requests_begun"] == 1


def test_a_thread_goes_on_while_another_waits(client: aioxide.BlockingClient) -> None:
    waiting, answer = threading.Event(), threading.Event()

    def script(connection: Connection) -> None:
        connection.read_head()
        waiting.set()
        answer.wait()
        connection.send(OK)

    with RawServer(script) as server, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(client.get, server.url)
        waiting.wait()
        # The scripts of that server are Python's too.
        assert sum(range(100_000)) == 4_999_950_000
        assert not asked.done()
        answer.set()
        assert asked.result().text == "ok"


def test_many_threads_share_one(site: LocalSite, client: aioxide.BlockingClient) -> None:
    with ThreadPoolExecutor(16) as pool:
        sizes = list(pool.map(lambda n: len(client.get(f"{site.url}/bytes/{n}").content), range(300)))
    assert sizes == list(range(300))


async def test_closing_it_elsewhere_stops_who_waits(fresh_site: LocalSite) -> None:
    client = aioxide.BlockingClient()
    asked = asyncio.ensure_future(asyncio.to_thread(client.get, f"{fresh_site.url}/hang"))
    read = asyncio.ensure_future(
        asyncio.to_thread(lambda: client.stream("GET", f"{fresh_site.url}/hang/body").read())
    )
    await fresh_site.wait_begun(2)
    client.close()
    for each in (asked, read):
        with pytest.raises(aioxide.CloseError):
            await each
    await fresh_site.wait_open(0)
    assert client.is_closed
    assert repr(client) == "<aioxide.BlockingClient [closed]>"
    with pytest.raises(RuntimeError, match="has been closed"):
        client.get(fresh_site.url)
    with pytest.raises(RuntimeError, match="has been closed"):
        client.__enter__()
    client.close()


@pytest.mark.parametrize(
    "wait",
    [
        "client.get(url + '/hang')",
        "client.get(url + '/hang/body')",
        "client.stream('GET', url + '/hang/body').read()",
        "list(client.stream('GET', url + '/hang/body').iter_bytes())",
        "client.post(url + '/hang', content=(bytes(100000) for _ in iter(int, 1)))",
    ],
)
def test_ctrl_c_stops_it(script: Script, fresh_site: LocalSite, wait: str) -> None:
    assert (
        script.works(
            """
import signal, sys, threading
import aioxide

url = sys.argv[1]
with aioxide.BlockingClient(timeout=None) as client:
    def interrupt():
        while not client.statistics().connections:
            pass
        signal.raise_signal(signal.SIGINT)
    threading.Thread(target=interrupt).start()
    try:
"""
            + f"        {wait}"
            + """
    except KeyboardInterrupt:
        print("interrupted")
""",
            fresh_site.url,
        )
        == "interrupted\n"
    )


def test_timeouts(client: aioxide.BlockingClient) -> None:
    with RawServer(silence) as server:
        for timeout, error in (
            (0.05, aioxide.TimeoutException),
            (aioxide.Timeout(read=0.05), aioxide.ReadTimeout),
        ):
            with pytest.raises(error) as caught:
                client.get(server.url, timeout=timeout)
            assert type(caught.value) is error


# ---- its life ----


def test_it_works_on_in_a_fork(script: Script, fork_source: str, site: LocalSite) -> None:
    script.works(
        fork_source
        + f"""
import warnings, aioxide
warnings.simplefilter("ignore", DeprecationWarning)

with aioxide.BlockingClient() as client:
    assert client.get("{site.url}/json").ok
    with client.stream("GET", "{site.url}/bytes/3000000") as response:
        next(response.iter_bytes(1000))
        def child():
            assert client.get("{site.url}/json").ok
            assert client.statistics().opened == 1
            try:
                response.read()
            except RuntimeError as error:
                assert "before a fork" in str(error)
            else:
                raise AssertionError("it can be read")
            client.close()
        fork(child)
        assert len(response.read()) == 3000000 - 1000
    assert client.get("{site.url}/json").ok
"""
    )


def test_one_that_is_never_closed_warns(site: LocalSite) -> None:
    client = aioxide.BlockingClient()
    client.get(f"{site.url}/json")
    with pytest.warns(ResourceWarning, match="unclosed aioxide.BlockingClient"):
        del client
    # One that was not used has nothing to close.
    aioxide.BlockingClient()


def test_it_goes_on_after_an_asynchronous_client(site: LocalSite, client: aioxide.BlockingClient) -> None:
    """They may share settings, a jar say, and nothing else."""
    jar = aioxide.Cookies()
    with aioxide.BlockingClient(cookies=jar) as one:
        one.get(f"{site.url}/cookies/set?a=1")

    async def ask() -> Any:
        async with aioxide.Client(cookies=jar) as other:
            return (await other.get(f"{site.url}/cookies")).json()

    assert asyncio.run(ask()) == {"a": "1"}
