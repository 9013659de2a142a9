"""`fetch_all`: whatever is wrong with the call is raised by the call."""

import math
from pathlib import Path
from typing import Any

import pytest

import aioxide

URLS = ["http://127.0.0.1:1/"]


async def coroutine_function(argument: Any) -> None:
    """What asyncio's users write where a callable is asked for."""


class Parser:
    """The same as an object that is called."""

    async def __call__(self, argument: Any) -> None:
        """Nobody would await it."""


NOT_A_COUNT: list[tuple[Any, type[Exception]]] = [
    (0, ValueError),
    (-1, ValueError),
    (2**70, ValueError),
    (1.5, TypeError),
    (math.nan, TypeError),
    (math.inf, TypeError),
    (True, TypeError),
    (False, TypeError),
    ("5", TypeError),
    ([], TypeError),
]
NOT_A_RATE: list[tuple[Any, type[Exception]]] = [
    (0, ValueError),
    (-1, ValueError),
    (-0.0, ValueError),
    (math.nan, ValueError),
    (math.inf, ValueError),
    (-math.inf, ValueError),
    (1e-300, ValueError),
    (True, (TypeError, ValueError)),  # type: ignore[list-item]
    ("5", TypeError),
    ([], TypeError),
]
NOT_A_FLAG: list[tuple[Any, type[Exception]]] = [
    (1, TypeError),
    (0, TypeError),
    ("yes", TypeError),
    ([], TypeError),
]

WRONG: list[tuple[str, Any, Any]] = [
    *[("concurrency", value, error) for value, error in NOT_A_COUNT if not isinstance(value, str)],
    ("concurrency", "5", ValueError),
    ("concurrency", "Auto", ValueError),
    ("concurrency", "", ValueError),
    *[("per_host", value, error) for value, error in NOT_A_COUNT],
    ("per_host", "auto", TypeError),
    *[("rate", value, error) for value, error in NOT_A_RATE],
    *[("per_host_rate", value, error) for value, error in NOT_A_RATE],
    *[("ordered", value, error) for value, error in NOT_A_FLAG],
    *[("dedupe", value, error) for value, error in NOT_A_FLAG],
    ("robots", 1, TypeError),
    ("robots", b"bot", TypeError),
    ("robots", "", ValueError),
    ("robots", "my bot", ValueError),
    ("robots", "bot/1.0", ValueError),
    ("robots", "böt", ValueError),
    ("robots", "bot\r\nx: y", ValueError),
    ("parse", 1, TypeError),
    ("parse", True, TypeError),
    ("parse", "len", TypeError),
    ("parse", coroutine_function, TypeError),
    ("parse", Parser(), TypeError),
    ("progress", 1, TypeError),
    ("progress", coroutine_function, TypeError),
    ("progress", "yes", TypeError),
    ("retries", -1, ValueError),
    ("retries", "3", TypeError),
    ("retries", True, TypeError),
    ("method", "BAD METHOD", ValueError),
    ("method", 5, TypeError),
    ("timeout", -1, ValueError),
    ("timeout", "5", TypeError),
    ("max_body", -1, ValueError),
    ("headers", 5, TypeError),
    ("headers", {"bad name": "1"}, ValueError),
    ("nonsense", 1, TypeError),
    ("url", "http://x/", TypeError),
    ("urls", [], TypeError),
    ("trace", print, TypeError),
    ("auth", print, TypeError),
    ("content", iter([b"once"]), TypeError),
]


@pytest.mark.parametrize(("name", "value", "error"), WRONG, ids=lambda value: repr(value)[:30])
def test_wrong_options(name: str, value: Any, error: type[Exception]) -> None:
    client = aioxide.Client()
    for fetch_all in (client.fetch_all, aioxide.fetch_all):
        with pytest.raises(error):
            fetch_all(URLS, **{name: value})


@pytest.mark.parametrize("executor", [5, object(), "threads", dict])
def test_wrong_executors(executor: Any) -> None:
    with pytest.raises(TypeError, match="executor"):
        aioxide.fetch_all(URLS, parse=len, executor=executor)


def test_an_executor_without_a_parse() -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool, pytest.raises(TypeError, match="no parse"):
        aioxide.fetch_all(URLS, executor=pool)


@pytest.mark.parametrize(
    "urls",
    ["http://127.0.0.1/", b"http://127.0.0.1/", None, 5, object(), aioxide.Request("GET", "http://x/")],
)
def test_what_is_no_iterable_of_urls(urls: Any) -> None:
    with pytest.raises(TypeError, match="iterable of URLs"):
        aioxide.fetch_all(urls)


@pytest.mark.parametrize(
    "name",
    [
        "concurrency",
        "per_host",
        "rate",
        "per_host_rate",
        "ordered",
        "dedupe",
        "robots",
        "parse",
        "executor",
        "progress",
        "journal",
    ],
)
def test_none_is_as_if_it_were_not_given(name: str) -> None:
    aioxide.fetch_all(URLS, **{name: None})


@pytest.mark.parametrize(
    "options",
    [
        {"concurrency": 2**62},
        {"concurrency": 2**62, "ordered": True},
        {"concurrency": 2**62, "per_host": 2**62},
        {"rate": 1e300, "per_host_rate": 1e18},
        {"concurrency": "auto", "per_host": 2**62},
    ],
    ids=str,
)
async def test_numbers_as_large_as_they_may_be(client: aioxide.Client, options: dict[str, Any]) -> None:
    for fetch_all in (client.fetch_all, aioxide.fetch_all):
        results = await fetch_all(URLS * 3, retries=0, **options)
        assert [type(result.error) for result in results] == [aioxide.ConnectError] * 3


@pytest.mark.parametrize("settings", [{"hooks": True}, {"trace": print}, {"auth": print}])
def test_clients_that_call_python(settings: dict[str, Any]) -> None:
    if "hooks" in settings:
        settings = {"event_hooks": {"request": [print]}}
    client = aioxide.Client(**settings)
    with pytest.raises(TypeError, match="without Python"):
        client.fetch_all(URLS)


@pytest.mark.parametrize(
    ("size", "within", "error"),
    [
        *[(size, None, error) for size, error in NOT_A_COUNT],
        (5, -1, ValueError),
        (5, math.nan, ValueError),
        (5, "1", TypeError),
        (5, True, TypeError),
    ],
)
def test_wrong_batches(size: Any, within: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        aioxide.fetch_all(URLS).batches(size, within=within)


def test_what_a_wrong_call_was_given_is_not_kept(tmp_path: Path) -> None:
    """Nor is its file left open: a ResourceWarning would fail this."""
    path = tmp_path / "urls"
    path.write_text("http://127.0.0.1:1/\n")
    with pytest.raises(ValueError, match="concurrency"):
        aioxide.fetch_all(path, concurrency=0)


def test_results_are_checked() -> None:
    with pytest.raises(ValueError, match="exception"):
        aioxide.Result(0, "http://x/", error="no exception")  # type: ignore[arg-type]
