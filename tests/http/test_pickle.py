"""Exceptions survive pickle and copy, as a process pool and a task queue need it."""

import copy
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest

import aioxide
from aioxide import exceptions
from aioxide.testing import LocalSite

# The others are asyncio's, with nothing of a request.
OF_REQUESTS = [
    name for name in exceptions.__all__ if issubclass(getattr(exceptions, name), aioxide.HTTPError)
]
REQUEST = aioxide.Request("GET", "http://host:81/path", {"a": "b"})


def made(name: str) -> Any:
    known: dict[str, Any] = {"request": REQUEST}
    cls = getattr(exceptions, name)
    if issubclass(cls, aioxide.RequestError):
        known |= {"phase": "body", "attempt": 2}
    elif issubclass(cls, aioxide.HTTPStatusError):
        known |= {"response": aioxide.Response(404, content=b"gone", request=REQUEST)}
    return cls("what happened", **known)


@pytest.mark.parametrize("name", OF_REQUESTS)
@pytest.mark.parametrize("way", ["pickle", "pickle 2", "copy", "deepcopy"])
def test_each_class_comes_back_whole(name: str, way: str) -> None:
    error = made(name)
    error.add_note("a note")
    twin = {
        "pickle": lambda: pickle.loads(pickle.dumps(error)),
        "pickle 2": lambda: pickle.loads(pickle.dumps(error, protocol=2)),
        "copy": lambda: copy.copy(error),
        "deepcopy": lambda: copy.deepcopy(error),
    }[way]()
    assert type(twin) is type(error)
    assert (str(twin), repr(twin), twin.args) == (str(error), repr(error), error.args)
    assert (twin.url, twin.method, twin.host, twin.port) == ("http://host:81/path", "GET", "host", 81)
    assert twin.request.headers == {"a": "b"}
    assert twin.__notes__ == ["a note"]
    if isinstance(error, aioxide.RequestError):
        assert (twin.phase, twin.attempt) == ("body", 2)
    if isinstance(error, aioxide.HTTPStatusError):
        assert (twin.response.status_code, twin.response.text) == (404, "gone")


async def test_a_real_one_comes_back_whole() -> None:
    with pytest.raises(aioxide.ConnectError) as caught:
        await aioxide.fetch("http://127.0.0.1:1/")
    twin = pickle.loads(pickle.dumps(caught.value))
    assert (str(twin), twin.url, twin.phase) == (str(caught.value), "http://127.0.0.1:1/", "connect")


@pytest.mark.parametrize("way", ["pickle", "copy", "deepcopy"])
async def test_a_status_error_of_a_stream_comes_back_without_the_body(site: LocalSite, way: str) -> None:
    async with aioxide.Client() as client:
        async with client.stream("GET", f"{site.url}/redirect/to", params={"url": "/status/404"}) as response:
            with pytest.raises(aioxide.HTTPStatusError) as caught:
                response.raise_for_status()
            caught.value.add_note("a note")
        error = caught.value
        twin = {
            "pickle": lambda: pickle.loads(pickle.dumps(error)),
            "copy": lambda: copy.copy(error),
            "deepcopy": lambda: copy.deepcopy(error),
        }[way]()
    assert (str(twin), twin.url, twin.__notes__) == (str(error), f"{site.url}/status/404", ["a note"])
    assert (twin.response.status_code, twin.response.reason_phrase) == (404, "Not Found")
    assert twin.response.headers == response.headers
    assert [answer.status_code for answer in twin.response.history] == [302]
    assert twin.response.content == b""
    assert error.response is response


def fail(name: str) -> None:
    raise made(name)


def test_a_process_pool_raises_them() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        outcome = pool.submit(fail, "ReadError")
        with pytest.raises(aioxide.ReadError, match="what happened") as caught:
            outcome.result(60)
    assert caught.value.phase == "body"
