"""`fetch_all`: `parse`, `executor`, `progress`, and batches."""

import asyncio
import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from types import ModuleType
from typing import Any, ClassVar

import pytest

import aioxide
from aioxide.testing import LocalSite
from tests.http.fetching import collected, outcomes
from tests.http.pooling import Until

pytestmark = pytest.mark.filterwarnings("error")


def length(response: aioxide.Response) -> int:
    return len(response.content)


def inverse(response: aioxide.Response) -> float:
    return 1 / len(response.content)


def process(_response: aioxide.Response) -> int:
    return os.getpid()


def interrupts(_response: aioxide.Response) -> None:
    raise KeyboardInterrupt


def urls(site: LocalSite, count: int) -> list[str]:
    return [f"{site.url}/bytes/{n}" for n in range(count)]


@pytest.fixture
def threads() -> Iterator[Executor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


async def coroutine_function(response: aioxide.Response) -> int:
    return len(response.content)


def hidden(response: aioxide.Response) -> Any:
    return coroutine_function(response)


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_a_coroutine_is_no_value(
    site: LocalSite, client: aioxide.Client, threads: Executor, elsewhere: bool
) -> None:
    """At the call nobody can know; and that it was never awaited would be a warning, which fails it."""
    fetching = client.fetch_all(urls(site, 3), parse=hidden, executor=threads if elsewhere else None)
    results = await fetching
    assert [(type(result.error), result.value) for result in results] == [(TypeError, None)] * 3
    assert "awaits" in str(results[0].error)
    assert fetching.statistics().failed == 3


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("how", ["iterated", "awaited", "batches", "ordered"])
async def test_values_and_errors(
    site: LocalSite, client: aioxide.Client, threads: Executor, elsewhere: bool, how: str
) -> None:
    items = [*urls(site, 30), "nonsense"]
    fetching = client.fetch_all(
        items, parse=inverse, executor=threads if elsewhere else None, ordered=how == "ordered"
    )
    if how == "awaited":
        results = await fetching
    elif how == "batches":
        batches = [batch async for batch in fetching.batches(7)]
        assert [len(batch) for batch in batches] == [7, 7, 7, 7, 3]
        results = [result for batch in batches for result in batch]
    else:
        results = await collected(fetching)
    if how in ("awaited", "ordered"):
        assert [result.index for result in results] == list(range(31))
    results.sort(key=lambda result: result.index)
    assert isinstance(results[0].error, ZeroDivisionError)
    assert results[0].response is not None
    assert results[0].value is None
    assert results[0].request is not None
    assert [result.value for result in results[1:30]] == [1 / n for n in range(1, 30)]
    assert all(result.ok and result.attempts == 1 for result in results[1:30])
    assert isinstance(results[30].error, aioxide.InvalidURL)
    statistics = fetching.statistics()
    assert (statistics.done, statistics.failed) == (31, 2)


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_where_it_is_called(
    site: LocalSite, client: aioxide.Client, threads: Executor, elsewhere: bool
) -> None:
    results = await client.fetch_all(
        urls(site, 5), parse=lambda _: threading.get_ident(), executor=threads if elsewhere else None
    )
    here = {result.value for result in results} == {threading.get_ident()}
    assert here is not elsewhere


async def test_in_processes(site: LocalSite, client: aioxide.Client) -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        results = await client.fetch_all(urls(site, 5), parse=process, executor=pool)
        assert {result.value for result in results} != {os.getpid()}
        assert len({result.value for result in results}) == 1
        # What cannot be sent there is its result's error.
        [result] = await client.fetch_all(urls(site, 1), parse=lambda response: response, executor=pool)
        assert result.error is not None


async def test_an_executor_that_was_shut_down(site: LocalSite, client: aioxide.Client) -> None:
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    results = await client.fetch_all(urls(site, 3), parse=length, executor=pool)
    assert outcomes(results) == [200] * 3
    assert [type(result.error) for result in results] == [RuntimeError] * 3


async def test_an_interrupt_is_nobodys_result(site: LocalSite, client: aioxide.Client) -> None:
    results = aiter(client.fetch_all(urls(site, 3), parse=interrupts))
    with pytest.raises(KeyboardInterrupt):
        await anext(results)
    with pytest.raises(KeyboardInterrupt):
        await client.fetch_all(urls(site, 3), parse=interrupts)


async def test_parsing_elsewhere_keeps_no_more_than_its_workers_need(
    site: LocalSite, client: aioxide.Client, until: Until
) -> None:
    """While one parse holds, others are made, and not without end."""
    free = threading.Event()
    begun: list[int] = []

    def holds(response: aioxide.Response) -> int:
        begun.append(len(response.content))
        free.wait(10)
        return len(response.content)

    pulled = 0

    def source() -> Iterator[str]:
        nonlocal pulled
        for _ in range(2000):
            pulled += 1
            yield f"{site.url}/bytes/1"

    with ThreadPoolExecutor(2) as pool:
        fetching = client.fetch_all(source(), concurrency=2, parse=holds, executor=pool)
        task = asyncio.ensure_future(collected(fetching))
        await until(lambda: fetching.statistics().done >= 64 and not fetching.statistics().in_flight)
        await until(lambda: len(begun) >= 2)
        assert len(begun) == 2
        assert pulled < 200
        free.set()
        assert len(await task) == 2000


# ---- progress ----


async def test_a_callable_is_told(site: LocalSite, client: aioxide.Client) -> None:
    told: list[aioxide.FetchStatistics] = []
    await client.fetch_all(urls(site, 40), progress=told.append)
    done = [statistics.done for statistics in told]
    assert done == sorted(done)
    assert done[-1] == 40
    assert [statistics.finished for statistics in told][-1]
    assert len([statistics for statistics in told if statistics.finished]) >= 1


async def test_what_it_raises_is_raised_and_no_result_is_lost(
    site: LocalSite, client: aioxide.Client
) -> None:
    class OddError(Exception):
        pass

    def progress(_: aioxide.FetchStatistics) -> None:
        raise OddError

    results = aiter(client.fetch_all(urls(site, 200), progress=progress, concurrency=3))
    taken = []
    raised = 0
    while len(taken) < 200:
        try:
            taken.append(await anext(results))
        except OddError:
            raised += 1
    assert raised
    assert sorted(result.index for result in taken) == list(range(200))


async def test_a_bar(site: LocalSite, client: aioxide.Client, capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing is drawn where standard error is no terminal."""
    results = await client.fetch_all(urls(site, 10), progress=True)
    assert len(results) == 10
    out, _ = capfd.readouterr()
    assert out == ""
    async for _ in client.fetch_all(urls(site, 10), progress=True):
        break


class ZMQInteractiveShell:
    """What IPython calls its shell in a notebook."""


class Drawn:
    """Stands for a bar of tqdm."""

    made: ClassVar[list[Any]]

    def __init__(self, total: int | None, unit: str) -> None:
        self.total, self.unit, self.n, self.is_open = total, unit, 0, True
        self.made.append(self)

    def update(self, n: int) -> None:
        self.n += n

    def set_postfix(self, **_shown: Any) -> None:
        pass

    def close(self) -> None:
        self.is_open = False


@pytest.mark.parametrize("has_widgets", [True, False])
async def test_a_notebook_has_a_bar_of_tqdm(
    site: LocalSite, client: aioxide.Client, monkeypatch: pytest.MonkeyPatch, has_widgets: bool
) -> None:
    """That of text, where ipywidgets is not there: tqdm's other one would be an ImportError."""

    class Text(Drawn):
        made: ClassVar[list[Any]] = []

    class Widgets(Drawn):
        made: ClassVar[list[Any]] = []

        def __init__(self, total: int | None, unit: str) -> None:
            if not has_widgets:
                raise ImportError("IProgress not found")
            super().__init__(total, unit)

    for name, attributes in {
        "IPython": {"get_ipython": ZMQInteractiveShell},
        "tqdm": {"tqdm": Text},
        "tqdm.notebook": {
            "tqdm": Widgets,
            "tqdm_notebook": Widgets,
            "IProgress": object() if has_widgets else None,
        },
    }.items():
        module = ModuleType(name)
        vars(module).update(attributes)
        monkeypatch.setitem(sys.modules, name, module)
    assert len(await client.fetch_all(urls(site, 10), progress=True)) == 10
    [bar] = (Widgets if has_widgets else Text).made
    assert (bar.total, bar.n, bar.is_open) == (10, 10, False)


# ---- batches ----


@pytest.mark.parametrize("size", [1, 7, 64, 65, 1000])
@pytest.mark.parametrize("ordered", [False, True])
async def test_batches(site: LocalSite, client: aioxide.Client, size: int, ordered: bool) -> None:
    fetching = client.fetch_all(
        (f"{site.url}/bytes/{n % 5}" for n in range(500)), concurrency=4, ordered=ordered
    )
    batches = [batch async for batch in fetching.batches(size)]
    assert [len(batch) for batch in batches[:-1]] == [size] * (len(batches) - 1)
    assert 1 <= len(batches[-1]) <= size
    indices = [result.index for batch in batches for result in batch]
    assert sorted(indices) == list(range(500))
    assert not ordered or indices == list(range(500))


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("within", [0, 0.05])
async def test_a_batch_does_not_wait_for_all(
    site: LocalSite, client: aioxide.Client, within: float, elsewhere: bool, threads: Executor
) -> None:
    """One hangs for ever, and what came is given, though it is less than anybody would be woken for."""
    options: dict[str, Any] = {"parse": length, "executor": threads} if elsewhere else {}
    items = [f"{site.url}/delay/120", f"{site.url}/delay/80", f"{site.url}/hang"]
    taken = 0
    async for batch in client.fetch_all(items, **options).batches(500, within=within):
        assert 1 <= len(batch) <= 2
        taken += len(batch)
        if taken == 2:
            break


async def test_a_batch_in_time_is_full(site: LocalSite, client: aioxide.Client) -> None:
    batches = [batch async for batch in client.fetch_all(urls(site, 20)).batches(5, within=float("inf"))]
    assert [len(batch) for batch in batches] == [5] * 4
    batches = [batch async for batch in client.fetch_all(urls(site, 20)).batches(5, within=1e9)]
    assert [len(batch) for batch in batches] == [5] * 4


# ---- the journal ----


class Noted:
    """A journal that keeps what it is told in a list."""

    def __init__(self) -> None:
        self.items: list[Any] = []

    def skip(self, _item: Any) -> bool:
        return False

    def done(self, item: Any) -> None:
        self.items.append(item)

    def flush(self) -> None:
        pass


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_what_is_in_work_is_not_done(
    site: LocalSite, client: aioxide.Client, threads: Executor, elsewhere: bool
) -> None:
    options: dict[str, Any] = {"parse": length, "executor": threads} if elsewhere else {}
    noted = Noted()
    taken: list[Any] = []
    async for result in client.fetch_all(urls(site, 30), journal=noted, **options):
        assert noted.items == taken
        taken.append(result.item)
    assert noted.items == taken
    assert len(taken) == 30


async def test_what_was_given_back_is_not_done(site: LocalSite, client: aioxide.Client, until: Until) -> None:
    noted = Noted()
    fetching = client.fetch_all([*urls(site, 3), f"{site.url}/hang"], journal=noted)
    run, _ = fetching._start()
    first = await anext(run)
    await until(lambda: fetching.statistics().done == 3)
    waits = asyncio.ensure_future(run.batch(3))
    for _ in range(5):
        await asyncio.sleep(0)
    waits.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waits
    # The batch asked for more, so the first is done; what the batch had is nobody's.
    assert noted.items == [first.item]
    second = await anext(run)
    assert noted.items == [first.item]
    await anext(run)
    assert noted.items == [first.item, second.item]
