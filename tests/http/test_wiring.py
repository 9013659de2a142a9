"""Cookies, credentials and retries, as servers see them in the course of whole requests."""

import asyncio
import base64
import email.utils
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import aioxide
from aioxide import Cookies, Retry
from aioxide.testing import LocalSite
from tests.http.trust import authority
from tests.servers.raw import (
    Connection,
    RawServer,
    hang_up,
    reply,
    reply_always,
    reset,
    silence,
)

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
BUSY = b"HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nbusy"
AT_ONCE = Retry(3, backoff=0)


def basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def seen(response: aioxide.Response, name: str) -> list[str]:
    """The values of a header that the site got."""
    return [value for key, value in response.json()["headers"] if key == name]


def to(site: LocalSite, url: str) -> dict[str, Any]:
    return {"url": f"{site.url}/redirect/to", "params": {"url": url}}


# ---- cookies ----


async def test_cookies_that_a_redirect_sets_go_where_it_leads(
    site: LocalSite, client: aioxide.Client
) -> None:
    response = await client.get(f"{site.url}/cookies/set", params={"a": "1", "b": "x y"})
    assert response.url == f"{site.url}/cookies"
    assert response.json() == {"a": "1", "b": "x y"}
    assert response.cookies == {}
    assert dict(response.history[0].cookies) == {"a": "1", "b": "x y"}
    assert client.cookies is not None
    assert dict(client.cookies) == {"a": "1", "b": "x y"}
    assert (await client.get(f"{site.url}/cookies")).json() == {"a": "1", "b": "x y"}
    client.cookies.clear()
    assert (await client.get(f"{site.url}/cookies")).json() == {}


async def test_cookies_of_one_request(site: LocalSite) -> None:
    async with aioxide.Client(cookies={"a": "client", "b": "client"}) as client:
        url = f"{site.url}/cookies"
        assert (await client.get(url)).json() == {"a": "client", "b": "client"}
        own = await client.get(url, cookies={"b": "own", "c": "own"})
        assert own.json() == {"a": "client", "b": "own", "c": "own"}
        assert (await client.get(url)).json() == {"a": "client", "b": "client"}
        header = await client.get(url, headers={"cookie": "c=header"}, cookies={"d": "own"})
        assert header.json() == {"a": "client", "b": "client", "c": "header", "d": "own"}


async def test_clients_share_a_jar_or_have_their_own(site: LocalSite) -> None:
    jar = Cookies()
    async with (
        aioxide.Client(cookies=jar) as one,
        aioxide.Client(cookies=jar) as two,
        aioxide.Client() as other,
    ):
        await one.get(f"{site.url}/cookies/set?a=1")
        assert (await two.get(f"{site.url}/cookies")).json() == {"a": "1"} == dict(jar)
        assert (await other.get(f"{site.url}/cookies")).json() == {}
        assert one.cookies == jar


async def test_no_cookies(site: LocalSite) -> None:
    async with aioxide.Client(cookies=False) as client:
        assert client.cookies is None
        assert (await client.get(f"{site.url}/cookies/set?a=1")).json() == {}
        assert (await client.get(f"{site.url}/cookies", cookies={"b": "2"})).json() == {"b": "2"}
    await aioxide.fetch(f"{site.url}/cookies/set?a=1")
    assert (await aioxide.fetch(f"{site.url}/cookies")).json() == {}


async def test_cookies_stay_with_their_host(site: LocalSite, client: aioxide.Client) -> None:
    elsewhere = f"http://localhost:{site.port}"
    await client.get(f"{site.url}/cookies/set?a=1")
    assert (await client.get(f"{elsewhere}/cookies")).json() == {}
    away = await client.get(**to(site, f"{elsewhere}/cookies"), cookies={"own": "1"})
    assert away.json() == {}
    # Neither may the other set one for this.
    await client.get(
        f"{elsewhere}/headers", params={"set-cookie": "b=2; Domain=127.0.0.1"}, follow_redirects=False
    )
    assert (await client.get(f"{site.url}/cookies")).json() == {"a": "1"}


async def test_cookies_of_one_request_stay_with_its_origin(
    site: LocalSite, fresh_site: LocalSite, client: aioxide.Client
) -> None:
    home = await client.get(**to(site, f"{site.url}/cookies"), cookies={"own": "1"})
    assert home.json() == {"own": "1"}
    away = await client.get(**to(site, f"{fresh_site.url}/cookies"), cookies={"own": "1"})
    assert away.json() == {}


async def test_secure_cookies(tls_site: LocalSite) -> None:
    with LocalSite() as site:
        # Not by the name localhost, which is as good as TLS; the certificate has that.
        known = {"shop.test": "127.0.0.1"}
        tls: dict[str, Any] = {"extensions": {"sni_hostname": "localhost"}}
        async with aioxide.Client(verify=authority(tls_site), resolve=known) as client:
            safe, plain = f"https://shop.test:{tls_site.port}", f"http://shop.test:{site.port}"
            await client.get(f"{safe}/headers", params={"set-cookie": "a=1; Secure"}, **tls)
            assert (await client.get(f"{safe}/cookies", **tls)).json() == {"a": "1"}
            assert (await client.get(f"{plain}/cookies")).json() == {}
            # RFC 6265bis, section 5.7: nor can such a place set one, or replace one.
            await client.get(f"{plain}/headers", params={"set-cookie": "b=1; Secure"})
            await client.get(f"{plain}/headers", params={"set-cookie": "a=2"})
            assert (await client.get(f"{safe}/cookies", **tls)).json() == {"a": "1"}


async def test_cookies_of_answers_that_are_tried_again(client: aioxide.Client) -> None:
    busy = b"HTTP/1.1 503 Busy\r\nset-cookie: a=1\r\ncontent-length: 0\r\n\r\n"
    with RawServer(reply(busy), reply(OK)) as server:
        assert (await client.get(server.url, retries=AT_ONCE)).text == "ok"
        assert b"cookie: a=1\r\n" in server.received[1]


# ---- credentials ----


async def test_what_is_nearer_to_the_request_counts(
    site: LocalSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A header, then auth=, then the URL, then the client, then netrc."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login netrc password n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    url = f"{site.url}/echo"
    in_url = url.replace("//", "//url:u@")

    async def shown(client: aioxide.Client, url: str, **request: Any) -> list[str]:
        return seen(await client.get(url, **request), "authorization")

    header, auth = {"authorization": "header"}, ("auth", "a")
    async with aioxide.Client(auth=("client", "c")) as client:
        assert await shown(client, in_url, headers=header, auth=auth) == ["header"]
        assert await shown(client, in_url, auth=auth) == [basic("auth", "a")]
        assert await shown(client, in_url) == [basic("url", "u")]
        assert await shown(client, url) == [basic("client", "c")]
        assert await shown(client, url, auth=None) == []
        assert await shown(client, in_url, auth=None) == [basic("url", "u")]
    async with aioxide.Client(headers=header, auth=("client", "c")) as client:
        assert await shown(client, url) == ["header"]
        assert await shown(client, url, auth=auth) == [basic("auth", "a")]
        # That is about the client's `auth`; a header is a header.
        assert await shown(client, url, auth=None) == ["header"]
        assert await shown(client, in_url) == [basic("url", "u")]
    async with aioxide.Client(base_url=in_url.removesuffix("echo")) as client:
        assert await shown(client, "/echo") == [basic("url", "u")]
        assert await shown(client, "/echo", auth=auth) == [basic("auth", "a")]
    async with aioxide.Client() as client:
        assert await shown(client, url) == [basic("netrc", "n")]
        assert await shown(client, url, auth=None) == []
        assert await shown(client, in_url) == [basic("url", "u")]
        assert await shown(client, f"http://localhost:{site.port}/echo") == []
    async with aioxide.Client(trust_env=False) as client:
        assert await shown(client, url) == []


@pytest.mark.parametrize("way", ["auth", "header", "URL"])
async def test_credentials_do_not_go_to_another_origin(
    site: LocalSite, fresh_site: LocalSite, client: aioxide.Client, way: str
) -> None:
    for url, expected in ((f"{site.url}/echo", 1), (f"{fresh_site.url}/echo", 0)):
        call = to(site, url)
        if way == "auth":
            call["auth"] = ("a", "b")
        elif way == "header":
            call["headers"] = {"authorization": "x"}
        else:
            call["url"] = call["url"].replace("//", "//a:b@")
        assert len(seen(await client.get(**call), "authorization")) == expected


# ---- retries ----


def counted(site: LocalSite) -> int:
    return int(site.statistics()["requests_begun"])


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_statuses_are_tried_again(fresh_site: LocalSite, status: int) -> None:
    async with aioxide.Client(retries=AT_ONCE, base_url=fresh_site.url) as client:
        response = await client.get(f"/flaky/a/2?status={status}")
        assert (response.json(), response.attempts) == ({"attempt": 3}, 3)
        response = await client.get(f"/flaky/b/9?status={status}")
        assert (response.status_code, response.attempts) == (status, 4)
    assert counted(fresh_site) == 7


@pytest.mark.parametrize("status", [200, 404, 408, 500, 501])
async def test_others_are_not(fresh_site: LocalSite, status: int) -> None:
    async with aioxide.Client(retries=AT_ONCE) as client:
        response = await client.get(f"{fresh_site.url}/status/{status}")
    assert (response.status_code, response.attempts, counted(fresh_site)) == (status, 1, 1)


async def test_retries_by_number_and_off(fresh_site: LocalSite) -> None:
    url = f"{fresh_site.url}/status/503"
    async with aioxide.Client(retries=AT_ONCE) as client:
        for retries in (0, None):
            assert (await client.get(url, retries=retries)).attempts == 1
        assert (await client.get(url, retries=Retry(1, backoff=0))).attempts == 2
    async with aioxide.Client() as client:
        assert (await client.get(url)).attempts == 1
        assert (await client.get(url, retries=AT_ONCE)).attempts == 4
    assert counted(fresh_site) == 1 + 1 + 2 + 1 + 4


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_what_is_not_idempotent_is_sent_once(fresh_site: LocalSite, method: str) -> None:
    async with aioxide.Client(base_url=fresh_site.url) as client:
        assert (await client.request(method, "/flaky/x/1", retries=AT_ONCE)).status_code == 503
        any_method = Retry(1, backoff=0, methods=None)
        assert (await client.request(method, "/flaky/y/1", retries=any_method)).ok
    # That no connection could be made is harmless.
    with pytest.raises(aioxide.ConnectError) as caught:
        await aioxide.fetch("http://127.0.0.1:1/", method=method, retries=AT_ONCE)
    assert caught.value.attempt == 4


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (hang_up, aioxide.RemoteProtocolError),
        (reset, aioxide.ReadError),
        (reply(b"nonsense\r\n\r\n"), aioxide.RemoteProtocolError),
        (reply(OK[:-1]), aioxide.RemoteProtocolError),
        (silence, aioxide.ReadTimeout),
    ],
)
async def test_errors_are_tried_again(
    client: aioxide.Client, script: Callable[[Connection], None], error: type[aioxide.RequestError]
) -> None:
    limits = aioxide.Timeout(total=30, read=0.1)
    with RawServer(script, script, reply(OK)) as server:
        response = await client.get(server.url, retries=AT_ONCE, timeout=limits)
        assert (response.text, response.attempts) == ("ok", 3)
    with RawServer(script) as server:
        with pytest.raises(error) as caught:
            await client.get(server.url, retries=Retry(1, backoff=0), timeout=limits)
        assert caught.value.attempt == 2
        assert len(server.received) == 2
        with pytest.raises(error) as caught:
            await client.get(
                server.url, retries=Retry(1, backoff=0, errors=aioxide.ConnectError), timeout=limits
            )
        assert caught.value.attempt == 1
        with pytest.raises(error):
            await client.post(server.url, retries=AT_ONCE, timeout=limits)
        assert len(server.received) == 4


async def test_what_another_attempt_does_not_change_is_not_tried(fresh_site: LocalSite) -> None:
    async with aioxide.Client(retries=AT_ONCE, base_url=fresh_site.url, max_redirects=1) as client:
        for path, error in (
            ("/gzip/broken", aioxide.DecodingError),
            ("/redirect/2", aioxide.TooManyRedirects),
        ):
            with pytest.raises(error) as caught:
                await client.get(path)
            assert caught.value.attempt == 1
        with pytest.raises(aioxide.BodyTooLarge) as large:
            await client.get("/bytes/100", max_body=10)
        assert large.value.attempt == 1
    assert counted(fresh_site) == 1 + 2 + 1


async def test_an_error_after_a_retry_knows_its_attempt(client: aioxide.Client) -> None:
    large = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"
    away = b"HTTP/1.1 302 Found\r\nlocation: ftp://x/\r\ncontent-length: 0\r\n\r\n"
    for answer, error in ((large, aioxide.BodyTooLarge), (away, aioxide.UnsupportedProtocol)):
        with RawServer(reply(BUSY), reply(answer)) as server:
            with pytest.raises(error) as caught:
                await client.get(server.url, retries=AT_ONCE, max_body=10)
            assert caught.value.attempt == 2


async def test_bodies_are_sent_again(fresh_site: LocalSite, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(100_000))
    async with aioxide.Client(retries=AT_ONCE, base_url=fresh_site.url) as client:
        assert (await client.put("/flaky/a/2", content=b"123")).attempts == 3
        with path.open("rb") as file:
            file.seek(10)
            assert (await client.put("/flaky/b/2", content=file)).attempts == 3
    lengths = [request.body_length for request in fresh_site.requests()]
    assert lengths == [3] * 3 + [99_990] * 3


async def test_a_stream_is_never_sent_again(fresh_site: LocalSite) -> None:
    pulled = 0

    def chunks() -> Iterator[bytes]:
        nonlocal pulled
        for _ in range(3):
            pulled += 1
            yield b"x"

    async with aioxide.Client(retries=Retry(3, backoff=0, methods=None), base_url=fresh_site.url) as client:
        response = await client.put("/flaky/a/2", content=chunks())
        assert (response.status_code, response.attempts, pulled) == (503, 1, 3)

        def hang_up_after_a_part(connection: Connection) -> None:
            connection.read_head()
            connection.read_until(b"x")

        with RawServer(hang_up_after_a_part) as server:
            with pytest.raises(aioxide.RequestError) as caught:
                await client.put(server.url, content=chunks())
            assert caught.value.attempt == 1
            assert len(server.received) == 1
    assert counted(fresh_site) == 1


async def test_retry_after_in_seconds(fresh_site: LocalSite, client: aioxide.Client) -> None:
    start = time.monotonic()
    response = await client.get(f"{fresh_site.url}/flaky/a/1?retry-after=1", retries=Retry(1, backoff=0))
    assert (response.attempts, response.ok) == (2, True)
    assert time.monotonic() - start >= 1
    ignore = Retry(1, backoff=0, respect_retry_after=False)
    response = await client.get(f"{fresh_site.url}/flaky/b/1?retry-after=600", retries=ignore)
    assert (response.attempts, response.ok) == (2, True)


async def test_retry_after_as_a_date(fresh_site: LocalSite, client: aioxide.Client) -> None:
    past = email.utils.formatdate(usegmt=True)
    response = await client.get(
        f"{fresh_site.url}/flaky/a/1", params={"retry-after": past}, retries=Retry(1, backoff=0)
    )
    assert (response.attempts, response.ok) == (2, True)
    far = "Fri, 31 Dec 2100 23:59:59 GMT"
    response = await client.get(f"{fresh_site.url}/flaky/b/1", params={"retry-after": far}, retries=AT_ONCE)
    assert (response.attempts, response.status_code) == (1, 503)


async def test_one_that_asks_for_too_long_is_the_answer(
    fresh_site: LocalSite, client: aioxide.Client
) -> None:
    url = f"{fresh_site.url}/flaky/a/1?retry-after=61"
    assert (await client.get(url, retries=AT_ONCE)).attempts == 1
    # Nor is waited for what the total time does not allow.
    url = f"{fresh_site.url}/flaky/b/1?retry-after=50"
    response = await client.get(url, retries=AT_ONCE, timeout=10)
    assert (response.attempts, response.status_code) == (1, 503)


async def test_the_total_time_is_that_of_all_attempts(client: aioxide.Client) -> None:
    with RawServer(reply(BUSY), reply(BUSY), silence) as server:
        with pytest.raises(aioxide.TimeoutException) as caught:
            await client.get(server.url, retries=AT_ONCE, timeout=1)
        assert type(caught.value) is aioxide.TimeoutException
        assert caught.value.attempt == 3


async def test_a_budget_is_shared(fresh_site: LocalSite) -> None:
    retry = Retry(5, backoff=0, budget=0.1)
    async with (
        aioxide.Client(retries=retry, base_url=fresh_site.url) as one,
        aioxide.Client(retries=retry, base_url=fresh_site.url) as two,
    ):
        for client in (one, two) * 10:
            await client.get("/status/503")
    # Twenty requests, a tenth of that, and one a second in ten seconds; the window may move on meanwhile.
    assert 20 + 10 <= counted(fresh_site) <= 20 + 2 + 20


async def test_cancelled_between_two_attempts(fresh_site: LocalSite, client: aioxide.Client) -> None:
    task = asyncio.ensure_future(
        client.get(f"{fresh_site.url}/flaky/a/9?retry-after=50", retries=1, timeout=None)
    )
    await fresh_site.wait_finished(1)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert counted(fresh_site) == 1


async def test_closed_between_two_attempts(fresh_site: LocalSite) -> None:
    client = aioxide.Client()
    task = asyncio.ensure_future(
        client.get(f"{fresh_site.url}/flaky/a/9?retry-after=50", retries=1, timeout=None)
    )
    await fresh_site.wait_finished(1)
    await client.aclose()
    with pytest.raises(aioxide.CloseError):
        await task
    assert counted(fresh_site) == 1


async def test_connections_of_answers_that_are_tried_again_are_kept(client: aioxide.Client) -> None:
    with RawServer(reply_always(BUSY)) as server:
        assert (await client.get(server.url, retries=AT_ONCE)).attempts == 4
        assert len(server.received) <= 2


async def test_a_redirect_on_the_way_is_kept(fresh_site: LocalSite, client: aioxide.Client) -> None:
    """What is tried again is the request where it is, not the whole way."""
    response = await client.get(**to(fresh_site, f"{fresh_site.url}/flaky/a/2"), retries=AT_ONCE)
    assert (response.attempts, len(response.history)) == (3, 1)
    assert counted(fresh_site) == 1 + 3


async def test_a_redirect_and_a_body_that_breaks(client: aioxide.Client) -> None:
    found = b"HTTP/1.1 302 Found\r\nlocation: /b\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    with RawServer(reply(found), reply(OK[:-1]), reply(OK)) as server:
        response = await client.get(server.url, retries=AT_ONCE)
    assert (response.attempts, len(response.history), response.url) == (2, 1, server.url + "/b")
