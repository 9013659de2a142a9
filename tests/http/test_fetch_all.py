"""`fetch_all`: what it is given, what it gives, and in which order."""

import asyncio
import pickle
from typing import Any

import pytest

import aioxide
from aioxide.testing import LocalSite
from tests.conftest import LoopFactory
from tests.http.fetching import Gate, collected, outcomes
from tests.http.pooling import Until
from tests.servers.raw import RawServer

pytestmark = pytest.mark.filterwarnings("error")


async def test_a_result_for_each_url(site: LocalSite, client: aioxide.Client) -> None:
    urls = [f"{site.url}/bytes/{n}" for n in range(250)]
    results = await collected(client.fetch_all(urls, concurrency=20))
    assert sorted(result.index for result in results) == list(range(250))
    for result in results:
        assert result.ok
        assert result.error is None
        assert result.value is None
        assert result.response is not None
        assert result.item is urls[result.index]
        assert result.url == urls[result.index]
        assert len(result.response.content) == result.index
        assert result.attempts == result.response.attempts == 1
        assert result.unwrap() is result.response
        assert result.elapsed > 0
        assert result.request is not None
        assert result.request.url == result.url


async def test_without_a_client(site: LocalSite) -> None:
    results = await aioxide.fetch_all([f"{site.url}/json", f"{site.url}/status/404"])
    assert outcomes(results) == [200, 404]
    assert all(result.ok for result in results)


async def test_nothing_to_fetch(client: aioxide.Client) -> None:
    assert await client.fetch_all([]) == []
    assert await collected(client.fetch_all(iter(()))) == []
    assert [batch async for batch in client.fetch_all([]).batches(3)] == []


async def test_awaited_results_have_the_order_of_the_urls(site: LocalSite, client: aioxide.Client) -> None:
    urls = [f"{site.url}/delay/{10 - n}" for n in range(10)] + ["nonsense"]
    results = await client.fetch_all(urls)
    assert [result.index for result in results] == list(range(11))
    assert [result.item for result in results] == urls


async def test_results_come_as_they_finish(site: LocalSite, client: aioxide.Client) -> None:
    gate = Gate()
    with RawServer(gate) as server:
        order = []
        async for result in client.fetch_all([f"{server.url}/slow", f"{site.url}/json"]):
            order.append(result.index)
            gate.open()
    assert order == [1, 0]


async def test_ordered_results_wait_for_those_before(
    site: LocalSite, client: aioxide.Client, until: Until
) -> None:
    gate = Gate()
    with RawServer(gate) as server:
        urls = [f"{server.url}/slow", "nonsense", f"{site.url}/json", "http://[", f"{site.url}/bytes/1"]
        fetching = client.fetch_all(urls, ordered=True)
        results = aiter(fetching)
        first = asyncio.ensure_future(anext(results))
        await until(lambda: fetching.statistics().done == 4)
        assert not first.done()
        gate.open()
        order = [await first, *[result async for result in results]]
    assert [result.index for result in order] == [0, 1, 2, 3, 4]
    assert outcomes(order) == [200, aioxide.InvalidURL, 200, aioxide.InvalidURL, 200]


@pytest.mark.parametrize("bad", [0, 3, 6])
async def test_ordered_with_many_that_are_refused(site: LocalSite, client: aioxide.Client, bad: int) -> None:
    urls: list[Any] = [None if n % 7 == bad else f"{site.url}/bytes/{n % 10}" for n in range(3000)]
    results = await collected(client.fetch_all(urls, ordered=True, concurrency=7))
    assert [result.index for result in results] == list(range(3000))
    assert all((result.error is not None) == (result.index % 7 == bad) for result in results)


# ---- items ----


async def test_pairs_and_requests(site: LocalSite, client: aioxide.Client) -> None:
    echo = f"{site.url}/echo"
    request = aioxide.Request("PUT", echo, json={"a": 1}, headers={"x-own": "1", "x-both": "own"})
    items = [echo, ("DELETE", echo), ["patch", echo], request]
    results = await client.fetch_all(items, method="POST", headers={"x-all": "2", "x-both": "all"})
    seen = [result.unwrap().json() for result in results]
    assert [answer["method"] for answer in seen] == ["POST", "DELETE", "PATCH", "PUT"]
    assert [result.url for result in results] == [echo] * 4
    assert results[3].item is request
    assert seen[3]["body"] == '{"a":1}'
    headers = [dict(answer["headers"]) for answer in seen]
    assert [each.get("x-all") for each in headers] == ["2"] * 4
    assert [each.get("x-both") for each in headers] == ["all", "all", "all", "own"]
    assert headers[3]["x-own"] == "1"


async def test_a_request_has_a_timeout_of_its_own(site: LocalSite, client: aioxide.Client) -> None:
    request = aioxide.Request("GET", f"{site.url}/hang", timeout=0.05)
    results = await client.fetch_all([f"{site.url}/json", request])
    assert outcomes(results) == [200, aioxide.TimeoutException]


@pytest.mark.parametrize(
    ("item", "error"),
    [
        (None, TypeError),
        (5, TypeError),
        (b"http://127.0.0.1/", TypeError),
        (("GET",), TypeError),
        (("GET", "http://127.0.0.1/", 3), TypeError),
        (("GET", 5), TypeError),
        ((5, "http://127.0.0.1/"), TypeError),
        (("BAD METHOD", "http://127.0.0.1/"), ValueError),
        ("", ValueError),
        ("nonsense", ValueError),
        ("/path", ValueError),
        ("http://", ValueError),
        ("http://[::1", ValueError),
        ("ftp://127.0.0.1/", aioxide.UnsupportedProtocol),
        ("http://127.0.0.1:99999/", ValueError),
        (object(), TypeError),
        ({1: 2}, TypeError),
    ],
)
async def test_what_cannot_be_requested_is_its_result(
    site: LocalSite, client: aioxide.Client, item: Any, error: type[Exception]
) -> None:
    good = f"{site.url}/json"
    first, bad, last = await client.fetch_all([good, item, good])
    assert first.ok
    assert last.ok
    assert bad.item is item
    assert isinstance(bad.error, error)
    assert (bad.response, bad.attempts, bad.request) == (None, 0, None)
    assert isinstance(bad.url, str)
    assert type(bad.error).__name__ in repr(bad)
    with pytest.raises(error):
        bad.unwrap()


async def test_a_request_whose_body_is_an_iterator_is_refused(client: aioxide.Client) -> None:
    request = aioxide.Request("POST", "http://127.0.0.1/", content=iter([b"once"]))
    [result] = await client.fetch_all([request])
    assert isinstance(result.error, TypeError)
    assert "again" in str(result.error)


async def test_what_fails_is_its_result(client: aioxide.Client, site: LocalSite) -> None:
    urls = [
        f"{site.url}/truncated/10",
        "http://127.0.0.1:1/",
        f"{site.url}/gzip/broken",
        f"{site.url}/redirect/loop",
    ]
    results = await client.fetch_all(urls, retries=0, follow_redirects=True)
    assert outcomes(results) == [
        aioxide.RemoteProtocolError,
        aioxide.ConnectError,
        aioxide.DecodingError,
        aioxide.TooManyRedirects,
    ]
    for result, url in zip(results, urls, strict=True):
        assert (result.attempts, result.url, result.ok) == (1, url, False)
        assert result.request is not None
        assert result.request.url.startswith(url[:20])


async def test_max_body_and_options_hold_for_all(client: aioxide.Client, site: LocalSite) -> None:
    urls = [f"{site.url}/bytes/{n}" for n in (10, 11)]
    results = await client.fetch_all(urls, max_body=10)
    assert outcomes(results) == [200, aioxide.BodyTooLarge]


async def test_the_timeout_is_for_each_attempt(client: aioxide.Client, fresh_site: LocalSite) -> None:
    [result] = await client.fetch_all(
        [f"{fresh_site.url}/hang"], timeout=aioxide.Timeout(read=0.05), retries=aioxide.Retry(2, backoff=0)
    )
    assert (type(result.error), result.attempts) == (aioxide.ReadTimeout, 3)
    assert fresh_site.statistics()["requests_begun"] == 3


# ---- dedupe ----


async def test_dedupe(client: aioxide.Client, fresh_site: LocalSite) -> None:
    url = f"{fresh_site.url}/echo"
    items: list[Any] = [
        url,
        f"{url}#there",
        f"{url}?",
        ("POST", url),
        aioxide.Request("POST", url, content=b"one"),
        aioxide.Request("POST", url, content=b"one"),
        aioxide.Request("POST", url, content=b"two"),
        url,
    ]
    fetching = client.fetch_all(items, dedupe=True)
    results = await fetching
    assert [result.index for result in results] == [0, 2, 3, 4, 6]
    assert fresh_site.statistics()["requests_begun"] == 5
    statistics = fetching.statistics()
    assert (statistics.done, statistics.skipped) == (5, 3)


async def test_urls_that_are_escaped_otherwise_are_the_same(
    client: aioxide.Client, fresh_site: LocalSite
) -> None:
    """RFC 3986, section 6.2.2: the case of escapes, and what need not be escaped."""
    first, second = f"{fresh_site.url}/bytes/1?q=~a", f"{fresh_site.url}/bytes/2?q=%2Fa"
    items = [first, first.replace("~", "%7e").replace("/1", "/%31"), second, second.replace("%2F", "%2f")]
    # An escaped slash is no slash.
    items += [second.replace("%2F", "/")]
    results = await client.fetch_all(items, dedupe=True)
    assert [result.index for result in results] == [0, 2, 4]


async def test_dedupe_does_not_compare_bodies_that_are_streamed(
    client: aioxide.Client, fresh_site: LocalSite
) -> None:
    url = f"{fresh_site.url}/upload"
    items = [aioxide.Request("POST", url, files={"file": body}) for body in (b"one", b"another")]
    assert len(await client.fetch_all(items, dedupe=True)) == 2


# ---- results ----


async def test_results_can_be_pickled(client: aioxide.Client, site: LocalSite) -> None:
    urls = [f"{site.url}/json", "http://127.0.0.1:1/", "nonsense", ("GET", f"{site.url}/status/500")]
    for result in await client.fetch_all(urls, parse=len_of, retries=0):
        copy = pickle.loads(pickle.dumps(result))
        for name in ("index", "item", "url", "attempts", "elapsed", "ok", "value"):
            assert getattr(copy, name) == getattr(result, name)
        assert repr(copy) == repr(result)
        assert type(copy.error) is type(result.error)
        assert str(copy.error) == str(result.error)
        assert (copy.response is None) == (result.response is None)
        if copy.response is not None and result.response is not None:
            assert copy.response.content == result.response.content


def len_of(response: aioxide.Response) -> int:
    return len(response.content)


async def test_the_url_of_a_result_is_a_string() -> None:
    for item in (None, 5, b"bytes", ("GET", 5), {1: 2}, []):
        assert aioxide.Result(0, item).url == ""
    assert repr(aioxide.Result(3, "http://x/")) == "<Result 3 'http://x/' [nothing]>"


# ---- where it runs ----


def test_it_takes_a_loop_to_begin(new_loop: LoopFactory) -> None:
    client = aioxide.Client()
    fetching = client.fetch_all(["http://127.0.0.1:1/"], retries=0)
    with pytest.raises(RuntimeError, match="no running event loop"):
        aiter(fetching)
    loop = new_loop()

    async def main() -> list[aioxide.Result]:
        async with client:
            return await fetching

    # It has not been begun by that.
    assert outcomes(loop.run_until_complete(main())) == [aioxide.ConnectError]
    loop.close()


async def test_once_only(client: aioxide.Client, site: LocalSite) -> None:
    fetching = client.fetch_all([f"{site.url}/json"])
    assert repr(fetching) == "<FetchAll [not begun]>"
    assert fetching.statistics().done == 0
    await fetching
    assert repr(fetching).startswith("<FetchAll 1 done, 0 failed, 0 in flight")
    for again in (aiter, fetching.batches(1).__aiter__, fetching.__await__):
        with pytest.raises(RuntimeError, match="begun"):
            again(fetching) if again is aiter else again()  # type: ignore[operator]


@pytest.mark.parametrize("ordered", [False, True])
async def test_two_who_take_from_one(ordered: bool, client: aioxide.Client) -> None:
    gate = Gate()
    with RawServer(gate) as server:
        results = aiter(client.fetch_all([server.url] * 40, concurrency=4, ordered=ordered))
        takers = [asyncio.ensure_future(collected(results)) for _ in range(5)]
        for _ in range(10):
            await asyncio.sleep(0)
        gate.open()
        taken = await asyncio.gather(*takers)
    assert sorted(result.index for part in taken for result in part) == list(range(40))


async def test_who_gives_up_hands_on_to_who_waits(
    client: aioxide.Client, site: LocalSite, until: Until
) -> None:
    """A batch that is half full and cancelled: the other one who waits gets what it had."""
    fetching = client.fetch_all([f"{site.url}/json"] * 2 + [f"{site.url}/hang"])
    run, _ = fetching._start()
    taken = await anext(run)
    await until(lambda: run.statistics().done == 2)
    batch = asyncio.ensure_future(run.batch(2))
    other = asyncio.ensure_future(anext(run))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not other.done()
    batch.cancel()
    assert (await other).index == 1 - taken.index


def test_results_can_be_taken_on_another_loop(new_loop: LoopFactory, site: LocalSite) -> None:
    client = aioxide.Client()
    results = None

    async def first() -> Any:
        nonlocal results
        results = aiter(client.fetch_all([f"{site.url}/bytes/{n}" for n in range(50)], concurrency=5))
        return (await anext(results)).index

    async def rest() -> list[int]:
        assert results is not None
        async with client:
            return [result.index async for result in results]

    taken = []
    for part in (first, rest):
        loop = new_loop()
        got = loop.run_until_complete(part())
        taken += got if isinstance(got, list) else [got]
        loop.close()
    assert sorted(taken) == list(range(50))
