"""aiohttp-retry on our session: it is given one, and retries what fails, by status and by exception."""

import asyncio
from collections.abc import Iterator

import pytest
from aiohttp_retry import (
    ExponentialRetry,
    FibonacciRetry,
    JitterRetry,
    ListRetry,
    RandomRetry,
    RequestParams,
    RetryClient,
)

from aioxide.testing import LocalSite
from tests.servers.programs import free_port

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])


@pytest.fixture
def site() -> Iterator[LocalSite]:
    with LocalSite() as site:
        yield site


NOW = ListRetry([0.001] * 5)


async def test_a_status_is_tried_again_until_it_is_good(aiohttp, site):
    async with RetryClient(aiohttp.ClientSession(), retry_options=NOW) as client:
        async with client.get(f"{site.url}/flaky/a/2") as response:
            assert response.status == 200
            assert await response.read()
        response = await client.get(f"{site.url}/flaky/b/1")
        assert response.status == 200
        response.release()
    assert site.statistics()["requests_finished"] == 5


@pytest.mark.parametrize("method", ["get", "options", "head", "post", "put", "patch", "delete"])
async def test_every_method(aiohttp, site, method):
    async with RetryClient(aiohttp.ClientSession(), retry_options=NOW) as client:
        async with getattr(client, method)(f"{site.url}/flaky/{method}/1") as response:
            assert (response.status, response.method) == (200, method.upper())
        async with client.request(method, f"{site.url}/status/200") as response:
            assert response.ok


@pytest.mark.parametrize(
    "options",
    [
        ExponentialRetry(attempts=3, start_timeout=0.001),
        RandomRetry(attempts=3, min_timeout=0.001, max_timeout=0.002),
        FibonacciRetry(attempts=3, multiplier=0.001, max_timeout=0.002),
        JitterRetry(attempts=3, start_timeout=0.001, random_interval_size=0.001),
    ],
    ids=lambda options: type(options).__name__,
)
async def test_what_stays_bad_is_the_answer_when_the_attempts_are_over(aiohttp, site, options):
    async with RetryClient(aiohttp.ClientSession(), retry_options=options) as client:
        async with client.get(f"{site.url}/status/503") as response:
            assert response.status == 503
        with pytest.raises(aiohttp.ClientResponseError) as caught:
            async with client.get(f"{site.url}/status/500", raise_for_status=True):
                pass
    assert (caught.value.status, caught.value.request_info.method) == (500, "GET")
    assert site.statistics()["requests_finished"] == 6


async def test_an_exception_is_tried_again(aiohttp, site):
    nobody = f"http://127.0.0.1:{free_port()}/"
    options = ListRetry([0.001] * 3, exceptions={aiohttp.ClientConnectorError})
    async with RetryClient(aiohttp.ClientSession(), retry_options=options) as client:
        addresses = [nobody, f"{site.url}/json"]
        async with client.get(addresses) as response:
            assert (await response.json())["tags"]
        with pytest.raises(aiohttp.ClientConnectorError):
            await client.get(nobody)
        with pytest.raises(aiohttp.InvalidURL):
            await client.get("http://")


async def test_a_timeout_is_tried_again(aiohttp, site):
    options = ListRetry([0.001] * 2, exceptions={asyncio.TimeoutError})
    session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.05))
    async with RetryClient(session, retry_options=options) as client:
        with pytest.raises(asyncio.TimeoutError):
            await client.get(f"{site.url}/hang")
    assert site.statistics()["requests_begun"] == 2


async def test_the_body_is_asked_whether_it_will_do(aiohttp, site):
    seen = []

    async def evaluate(response):
        seen.append(await response.json())
        return len(seen) == 2

    options = ListRetry([0.001] * 3, evaluate_response_callback=evaluate)
    async with (
        RetryClient(aiohttp.ClientSession(), retry_options=options) as client,
        client.get(f"{site.url}/json") as response,
    ):
        assert await response.json() == seen[0]
    assert len(seen) == 2


async def test_attempts_of_their_own_and_what_traces_are_told(aiohttp, site):
    told = []
    trace = aiohttp.TraceConfig()

    async def on_start(session, context, params):
        told.append((context.trace_request_ctx["current_attempt"], params.method))

    trace.on_request_start.append(on_start)
    session = aiohttp.ClientSession(trace_configs=[trace])
    async with RetryClient(session, retry_options=NOW) as client:
        attempts = [
            RequestParams("GET", f"{site.url}/status/503", headers={"x-one": "1"}),
            RequestParams("POST", f"{site.url}/echo", headers={"x-two": "2"}, kwargs={"json": {"a": 1}}),
        ]
        async with client.requests(params_list=attempts) as response:
            echoed = await response.json()
    assert (echoed["method"], echoed["body"]) == ("POST", '{"a": 1}')
    assert ["x-two", "2"] in echoed["headers"]
    assert told == [(1, "GET"), (2, "POST")]


async def test_the_session_stays_the_programs(aiohttp, site):
    async with aiohttp.ClientSession(headers={"x-mine": "yes"}) as session:
        client = RetryClient(session, retry_options=NOW)
        response = await client.post(f"{site.url}/echo", data=b"body")
        echoed = await response.json()
        assert ["x-mine", "yes"] in echoed["headers"]
        assert echoed["body"] == "body"
        await client.close()
        assert session.closed


async def test_many_at_once(aiohttp, site):
    async with RetryClient(aiohttp.ClientSession(), retry_options=NOW) as client:

        async def get(number):
            async with client.get(f"{site.url}/flaky/many-{number}/1") as response:
                return response.status

        assert await asyncio.gather(*[get(number) for number in range(30)]) == [200] * 30
    assert site.statistics()["requests_finished"] == 60
