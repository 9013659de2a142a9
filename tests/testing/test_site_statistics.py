import asyncio
import http.client

import pytest

from aioxide.testing import LocalSite, pattern

from .conftest import Get


async def ask(site: LocalSite, path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(site.host, site.port)
    writer.write(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
    return reader, writer


async def test_what_is_counted(site: LocalSite, get: Get) -> None:
    get("/bytes/1000")
    get("/bytes/1000", "HEAD")
    get("/upload?a=1", "POST", body=b"x" * 300)
    await site.wait_finished(3)
    sent = 1000 + len(b'{"length":300}')
    assert site.statistics() == {
        "connections_opened": 1,
        "connections_open": 1,
        "requests_begun": 3,
        "requests_finished": 3,
        "requests_aborted": 0,
        "bytes_sent": sent,
        "bytes_received": 300,
        "paths": {"/bytes/1000": 2, "/upload": 1},
    }
    assert get("/statistics").json()["requests_finished"] == 3


async def test_requests_are_seen_as_they_came(site: LocalSite, get: Get) -> None:
    get("/upload?a=%20b", "POST", body=b"x" * 300, headers={"X-Name": b"caf\xe9"})
    get("http://elsewhere.test/json", "DELETE")
    first, second = site.requests()
    assert (first.method, first.target, first.version) == ("POST", "/upload?a=%20b", "HTTP/1.1")
    assert first.body_length == 300
    assert ("x-name", "café") in first.headers
    assert first.authority == f"{site.host}:{site.port}"
    assert (second.method, second.target) == ("DELETE", "http://elsewhere.test/json")
    assert repr(first) == "<SeenRequest POST /upload?a=%20b HTTP/1.1>"


async def test_a_body_that_was_not_read_has_no_length(site: LocalSite) -> None:
    _, writer = await ask(site, "/hang")
    await site.wait_begun(1)
    assert site.requests()[0].body_length is None
    writer.close()
    await site.wait_aborted(1)


@pytest.mark.parametrize(
    "path", ["/delay/600000", "/hang", "/hang/body", "/stream/1000/10/1000", "/bytes/1000000000"]
)
async def test_a_client_that_goes_away_aborts(site: LocalSite, path: str) -> None:
    _, writer = await ask(site, path)
    await site.wait_begun(1)
    assert site.statistics()["requests_aborted"] == 0
    writer.close()
    await site.wait_aborted(1)
    await site.wait_open(0)
    counts = site.statistics()
    assert (counts["requests_finished"], counts["requests_aborted"]) == (0, 1)


async def test_a_client_that_goes_away_while_it_sends_aborts(site: LocalSite) -> None:
    _, writer = await asyncio.open_connection(site.host, site.port)
    writer.write(b"POST /upload HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nhalf")
    await site.wait_begun(1)
    writer.close()
    await site.wait_aborted(1)
    assert site.statistics()["requests_finished"] == 0


async def test_waiting_is_woken_by_the_change(site: LocalSite) -> None:
    goals = site.wait_begun(1), site.wait_finished(1), site.wait_open(1)
    waits = [asyncio.ensure_future(goal) for goal in goals]
    done, _ = await asyncio.wait(waits, timeout=0.05)
    assert not done
    reader, writer = await ask(site, "/bytes/10")
    await asyncio.wait_for(asyncio.gather(*waits), 5)
    assert (await reader.readuntil(pattern(10))).startswith(b"HTTP/1.1 200 OK\r\n")
    writer.close()
    await site.wait_open(0)


async def test_waiting_for_a_site_that_stops_fails() -> None:
    site = LocalSite()
    site.start()
    wait = asyncio.ensure_future(site.wait_begun(1))
    await asyncio.sleep(0.01)
    await asyncio.to_thread(site.stop)
    with pytest.raises(RuntimeError, match=r"stopped before Begun\(1\); it saw 0 begun"):
        await wait
    await site.wait_open(0)


async def test_a_wait_that_is_cancelled_leaves_nothing(site: LocalSite) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await site.wait_aborted(1)


async def test_without_a_log(get: Get) -> None:
    with LocalSite(log=False) as site:
        client = http.client.HTTPConnection(site.host, site.port)
        client.request("GET", "/bytes/10")
        client.getresponse().read()
        client.close()
        await site.wait_open(0)
        counts = site.statistics()
        assert (counts["requests_finished"], counts["paths"]) == (1, {})
        with pytest.raises(RuntimeError, match="keeps no log"):
            site.requests()
