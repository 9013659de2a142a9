"""The client as such: settings, connections, closing, sharing."""

import asyncio
import errno
import os
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest

import aioxide
from aioxide.testing import LocalSite
from tests.http.trust import authority
from tests.servers.raw import RawServer, reply

# A request may find that the connection of the one before is still on its way back to the pool.
A_FEW = 5

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options"])
async def test_each_method_has_its_function(site: LocalSite, client: aioxide.Client, method: str) -> None:
    response = await getattr(client, method)(f"{site.url}/echo")
    assert response.json()["method"] == method.upper()


async def test_head_has_headers_and_no_body(site: LocalSite, client: aioxide.Client) -> None:
    response = await client.head(f"{site.url}/bytes/1000")
    assert (response.status_code, response.headers["content-length"], response.content) == (200, "1000", b"")


async def test_request_takes_any_method(site: LocalSite, client: aioxide.Client) -> None:
    assert (await client.request("propfind", f"{site.url}/echo")).json()["method"] == "PROPFIND"


async def test_fetch_is_a_request_on_a_client_of_the_process(site: LocalSite) -> None:
    assert (await aioxide.fetch(f"{site.url}/echo")).json()["method"] == "GET"
    response = await aioxide.fetch(f"{site.url}/echo", method="post", json=[1])
    assert (response.json()["method"], response.json()["body"]) == ("POST", "[1]")


async def test_requests_share_a_connection(fresh_site: LocalSite, client: aioxide.Client) -> None:
    for _ in range(50):
        await client.get(f"{fresh_site.url}/json")
    assert fresh_site.statistics()["connections_opened"] <= A_FEW


async def test_a_redirect_keeps_the_connection(fresh_site: LocalSite, client: aioxide.Client) -> None:
    await client.get(f"{fresh_site.url}/redirect/20")
    assert fresh_site.statistics()["connections_opened"] <= A_FEW


async def test_a_connection_that_the_server_closed_is_not_used_again(
    fresh_site: LocalSite, client: aioxide.Client
) -> None:
    await client.get(f"{fresh_site.url}/close")
    await fresh_site.wait_open(0)
    assert (await client.get(f"{fresh_site.url}/json")).ok


# ---- settings ----


@pytest.mark.parametrize(
    ("base", "url", "path"),
    [
        ("", "/echo", "/echo"),
        ("/", "echo", "/echo"),
        ("/echo/", "body", "/echo/body"),
        ("/echo", "/body", "/echo/body"),
        ("/echo", "", "/echo"),
        ("/echo", "?a=1", "/echo?a=1"),
    ],
)
async def test_base_url(site: LocalSite, base: str, url: str, path: str) -> None:
    async with aioxide.Client(base_url=site.url + base) as client:
        assert (await client.get(url)).url == site.url + path


async def test_an_absolute_url_ignores_the_base(site: LocalSite) -> None:
    async with aioxide.Client(base_url="http://nowhere.invalid/x") as client:
        assert (await client.get(f"{site.url}/json")).ok


async def test_headers_of_the_client_and_of_the_request(site: LocalSite) -> None:
    async with aioxide.Client(headers={"X-One": "client", "X-Two": "client", "User-Agent": "me"}) as client:
        echo = await client.get(f"{site.url}/echo", headers=[("x-two", "a"), ("X-TWO", "b")])
    headers = echo.json()["headers"]
    assert [value for name, value in headers if name == "x-one"] == ["client"]
    assert [value for name, value in headers if name == "x-two"] == ["a", "b"]
    assert [value for name, value in headers if name == "user-agent"] == ["me"]
    assert echo.request is not None
    assert echo.request.headers.get_list("x-two") == ["a", "b"]


async def test_the_usual_headers(site: LocalSite, client: aioxide.Client) -> None:
    headers = dict((await client.get(f"{site.url}/echo")).json()["headers"])
    assert headers["accept"] == "*/*"
    assert headers["accept-encoding"] == "gzip, deflate, br, zstd"
    assert headers["user-agent"] == f"aioxide/{aioxide.__version__}"
    assert headers["host"] == f"127.0.0.1:{site.port}"
    assert "content-length" not in headers


async def test_a_part_of_a_body_is_not_asked_for_in_a_coding(site: LocalSite, client: aioxide.Client) -> None:
    headers = dict((await client.get(f"{site.url}/echo", headers={"range": "bytes=0-1"})).json()["headers"])
    assert "accept-encoding" not in headers


async def test_params_of_the_client_and_of_the_request(site: LocalSite) -> None:
    async with aioxide.Client(params={"key": "k", "page": 1}) as client:
        assert (await client.get(f"{site.url}/echo")).url.endswith("/echo?key=k&page=1")
        response = await client.get(f"{site.url}/echo?own=1", params={"page": 2})
        assert response.url.endswith("/echo?own=1&key=k&page=2")


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"base_url": "example.com"}, aioxide.InvalidURL),
        ({"base_url": "ftp://example.com"}, aioxide.UnsupportedProtocol),
        ({"base_url": "http://example.com/?q"}, aioxide.InvalidURL),
        ({"base_url": 1}, TypeError),
        ({"headers": {"x": "a\r\nb"}}, aioxide.LocalProtocolError),
        ({"headers": {"content-length": "1"}}, aioxide.LocalProtocolError),
        ({"headers": 3}, TypeError),
        ({"timeout": 0}, ValueError),
        ({"timeout": "5"}, TypeError),
        ({"max_redirects": -1}, ValueError),
        ({"max_redirects": 1.5}, TypeError),
        ({"follow_redirects": "no"}, TypeError),
        ({"http1": False, "http2": False}, ValueError),
        ({"verify": 3}, TypeError),
        ({"verify": "/no/such/file.pem"}, FileNotFoundError),
        ({"verify": b"no certificate"}, ValueError),
        ({"limits": 10}, TypeError),
        ({"limits": aioxide.Timeout(1)}, TypeError),
        ({"proxy": "ftp://host"}, ValueError),
        ({"proxy": "http://"}, ValueError),
        ({"proxy": "http://host/path"}, ValueError),
        ({"proxy": True}, TypeError),
        ({"cert": 3}, TypeError),
        ({"cert": "/no/such/file.pem"}, FileNotFoundError),
        ({"cert": b"no certificate"}, ValueError),
        ({"cert": ("a", "b", "password")}, ValueError),
        ({"min_tls": "1.1"}, ValueError),
        ({"resolve": ["host"]}, TypeError),
        ({"resolve": {"host": "elsewhere"}}, ValueError),
        ({"resolve": {"host": []}}, ValueError),
        ({"dns_ttl": -1}, ValueError),
        ({"dns_ttl": "1"}, TypeError),
        ({"local_address": "localhost"}, ValueError),
        ({"uds": 3}, TypeError),
        ({"max_body": -1}, ValueError),
        ({"max_headers": 0}, ValueError),
        ({"max_header_size": "1"}, TypeError),
        ({"decompress": 1}, TypeError),
        ({"allow_downgrade": None}, TypeError),
        ({"Timeout": 1}, TypeError),
    ],
)
def test_a_wrong_setting_is_refused_when_the_client_is_made(
    settings: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        aioxide.Client(**settings)


def test_the_client_shows_its_settings() -> None:
    client = aioxide.Client(base_url="http://user:secret@host/api", timeout=aioxide.Timeout(5, 1))
    assert client.base_url == "http://host/api/"
    assert client.timeout == aioxide.Timeout(5, 1)
    assert aioxide.Client().timeout == aioxide.Timeout(60, 10)
    assert repr(client) == "<aioxide.Client [open]>"


@pytest.mark.parametrize("kind", [aioxide.Client, aioxide.BlockingClient])
def test_the_client_shows_its_headers(kind: type[aioxide.Client | aioxide.BlockingClient]) -> None:
    headers = kind(headers={"X-A": "1", "user-agent": "mine", "authorization": "Bearer secret"}).headers
    assert (headers["x-a"], headers["User-Agent"], headers["accept"]) == ("1", "mine", "*/*")
    assert "secret" not in repr(headers)
    with pytest.raises(TypeError):
        headers["x-a"] = "2"  # type: ignore[index]


@pytest.mark.parametrize("setting", ["verify", "cert"])
def test_a_pem_file_that_is_not_there_is_named(tmp_path: Path, setting: str) -> None:
    path = tmp_path / "missing.pem"
    with pytest.raises(FileNotFoundError, match=r"missing\.pem") as caught:
        aioxide.Client(**{setting: path})  # type: ignore[arg-type]
    assert (caught.value.errno, caught.value.filename) == (errno.ENOENT, str(path))


# ---- TLS and HTTP/2 ----


@pytest.mark.parametrize("form", ["path", "Path", "str", "bytes"])
async def test_verify_takes_an_authority(tls_site: LocalSite, form: str) -> None:
    path, pem = tls_site.certificate_path, tls_site.certificate
    assert path is not None
    assert pem is not None
    verify: Any = {"path": path, "Path": Path(path), "str": pem, "bytes": pem.encode()}[form]
    async with aioxide.Client(verify=verify) as client:
        response = await client.get(f"{tls_site.url}/json")
    assert response.http_version == "HTTP/2"


async def test_verify_false_trusts_anybody_loudly(tls_site: LocalSite) -> None:
    with pytest.warns(aioxide.InsecureWarning, match="any certificate is accepted") as caught:
        client = aioxide.Client(verify=False)
    assert caught[0].filename == __file__
    async with client:
        assert (await client.get(f"{tls_site.url}/json")).ok
        assert (await client.get(f"https://127.0.0.1:{tls_site.port}/json")).ok


async def test_http2_can_be_turned_off(tls_site: LocalSite) -> None:
    async with aioxide.Client(verify=authority(tls_site), http2=False) as client:
        assert (await client.get(f"{tls_site.url}/json")).http_version == "HTTP/1.1"


async def test_a_server_without_http2_gets_http1() -> None:
    with LocalSite(tls=True, http2=False) as site:
        async with aioxide.Client(verify=authority(site)) as client:
            assert (await client.get(f"{site.url}/json")).http_version == "HTTP/1.1"


async def test_http2_by_prior_knowledge(fresh_site: LocalSite) -> None:
    async with aioxide.Client(http1=False) as client:
        responses = await asyncio.gather(*[client.get(f"{fresh_site.url}/delay/20") for _ in range(50)])
    assert {response.http_version for response in responses} == {"HTTP/2"}
    assert fresh_site.statistics()["connections_opened"] == 1


async def test_without_tls_it_is_http1(site: LocalSite, client: aioxide.Client) -> None:
    assert (await client.get(f"{site.url}/json")).http_version == "HTTP/1.1"


# ---- the environment ----


async def test_proxies_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(reply(OK)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        async with aioxide.Client() as client:
            assert (await client.get("http://behind.invalid/path")).text == "ok"
        assert proxy.received[0].startswith(b"GET http://behind.invalid/path HTTP/1.1\r\n")

        async with aioxide.Client(trust_env=False) as client:
            with pytest.raises(aioxide.ConnectError):
                await client.get("http://behind.invalid/path")
        monkeypatch.setenv("no_proxy", ".invalid")
        async with aioxide.Client() as client:
            with pytest.raises(aioxide.ConnectError):
                await client.get("http://behind.invalid/path")


# ---- closing ----


async def test_a_closed_client_refuses_requests(site: LocalSite) -> None:
    client = aioxide.Client()
    assert not client.is_closed
    async with client as entered:
        assert entered is client
        await client.get(f"{site.url}/json")
    assert client.is_closed
    assert repr(client) == "<aioxide.Client [closed]>"
    with pytest.raises(RuntimeError, match="closed"):
        client.get(f"{site.url}/json")
    with pytest.raises(RuntimeError, match="closed"):
        async with client:
            pass
    await client.aclose()


async def test_closing_closes_the_connections(fresh_site: LocalSite) -> None:
    async with aioxide.Client() as client:
        await asyncio.gather(*[client.get(f"{fresh_site.url}/delay/10") for _ in range(5)])
        assert fresh_site.statistics()["connections_open"] == 5
    await fresh_site.wait_open(0)


async def test_a_client_that_is_dropped_closes_its_connections(fresh_site: LocalSite) -> None:
    client = aioxide.Client()
    await client.get(f"{fresh_site.url}/json")
    with pytest.warns(ResourceWarning, match="unclosed aioxide.Client"):
        del client
    await fresh_site.wait_open(0)


async def test_a_client_that_opened_nothing_need_not_be_closed() -> None:
    client = aioxide.Client()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del client


async def test_closing_ends_requests_in_flight(fresh_site: LocalSite) -> None:
    client = aioxide.Client()
    requests = [asyncio.ensure_future(client.get(f"{fresh_site.url}/hang")) for _ in range(3)]
    requests.append(asyncio.ensure_future(client.get(f"{fresh_site.url}/hang/body")))
    await fresh_site.wait_begun(4)
    await client.aclose()
    for outcome in await asyncio.gather(*requests, return_exceptions=True):
        assert type(outcome) is aioxide.CloseError
        assert "the client was closed" in str(outcome)
        assert outcome.url is not None
        assert outcome.url.startswith(fresh_site.url)
    await fresh_site.wait_aborted(4)
    await fresh_site.wait_open(0)


async def test_a_request_begun_before_and_awaited_after_closing_fails(site: LocalSite) -> None:
    client = aioxide.Client()
    request = client.get(f"{site.url}/json")
    await client.aclose()
    with pytest.raises(aioxide.CloseError):
        await request


async def test_aclose_is_lazy_and_a_coroutine() -> None:
    client = aioxide.Client()
    closing = client.aclose()
    assert not client.is_closed
    await asyncio.create_task(closing)
    assert client.is_closed


# ---- sharing ----


async def close(client: aioxide.Client) -> None:
    await client.aclose()


def test_a_client_outlives_its_loops(fresh_site: LocalSite) -> None:
    client = aioxide.Client()

    async def get() -> int:
        return (await client.get(f"{fresh_site.url}/json")).status_code

    assert [asyncio.run(get()) for _ in range(50)] == [200] * 50
    asyncio.run(close(client))
    # The pool belongs to no loop.
    assert fresh_site.statistics()["connections_opened"] <= A_FEW


def test_loops_in_threads_share_a_client(site: LocalSite) -> None:
    client = aioxide.Client()
    counts: list[int] = []

    async def get_all() -> int:
        responses = await asyncio.gather(*[client.get(f"{site.url}/bytes/{n}") for n in range(100)])
        return sum(len(response.content) for response in responses)

    threads = [threading.Thread(target=lambda: counts.append(asyncio.run(get_all()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asyncio.run(close(client))
    assert counts == [sum(range(100))] * 8


def test_a_client_can_be_subclassed(site: LocalSite) -> None:
    class Counting(aioxide.Client):
        count = 0

        def get(self, url: str, **request: Any) -> aioxide.Operation[aioxide.Response]:
            self.count += 1
            return super().get(url, **request)

    async def main() -> None:
        async with Counting(base_url=site.url) as client:
            assert (await client.get("/json")).ok
            assert client.count == 1

    asyncio.run(main())


async def test_gather_takes_requests(fresh_site: LocalSite, client: aioxide.Client) -> None:
    requests = [client.get(f"{fresh_site.url}/bytes/{n}") for n in range(200)]
    responses = await aioxide.gather(*requests, limit=10)
    assert [len(response.content) for response in responses] == list(range(200))
    assert fresh_site.statistics()["connections_opened"] <= 10 * A_FEW


EXIT = """
import asyncio, sys
import aioxide

async def main():
    loop = asyncio.get_running_loop()
    client = aioxide.Client()
    pending = asyncio.ensure_future(client.get(sys.argv[1] + "/hang"))
    await client.get(sys.argv[1] + "/json")
    if sys.argv[2] == "stop":
        loop.stop()
        await asyncio.sleep(0)

loop = asyncio.new_event_loop()
if sys.argv[2] == "run":
    asyncio.run(main())
else:
    loop.create_task(main())
    loop.run_forever()
"""


@pytest.mark.parametrize("how", ["run", "stop"])
def test_a_process_ends_with_requests_in_flight(fresh_site: LocalSite, how: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", EXIT, fresh_site.url, how],
        timeout=30,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "panicked" not in done.stderr
    asyncio.run(fresh_site.wait_open(0))


FORK = """
import asyncio, os, sys, warnings
import aioxide

# Forking a process with threads is the point.
warnings.simplefilter("ignore", DeprecationWarning)
url = sys.argv[1]
client = aioxide.Client()

async def get():
    assert (await client.get(url)).ok
    assert (await aioxide.fetch(url)).ok

asyncio.run(get())
child = os.fork()
if child == 0:
    asyncio.run(get())
    grandchild = os.fork()
    if grandchild == 0:
        asyncio.run(get())
        asyncio.run(client.aclose())
        sys.exit(0)
    _, status = os.waitpid(grandchild, 0)
    asyncio.run(get())
    asyncio.run(client.aclose())
    sys.exit(os.waitstatus_to_exitcode(status))
asyncio.run(get())
_, status = os.waitpid(child, 0)
asyncio.run(get())
asyncio.run(client.aclose())
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_client_goes_on_in_parent_and_child(fresh_site: LocalSite) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FORK, f"{fresh_site.url}/json"],
        timeout=60,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    # Two clients, three processes, and nobody has used what was another's.
    assert fresh_site.statistics()["connections_opened"] >= 6
