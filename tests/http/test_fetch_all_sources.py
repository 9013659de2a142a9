"""`fetch_all`: where URLs come from, and that they are pulled as they are needed."""

import asyncio
import gc
import io
import weakref
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

import aioxide
from aioxide.testing import LocalSite
from tests.http.fetching import Gate, collected, outcomes
from tests.http.pooling import Until
from tests.servers.raw import RawServer

pytestmark = pytest.mark.filterwarnings("error")

# With `concurrency=2` so many results are kept for who is slow, and so many URLs wait.
KEPT = 64
WAITING = 64


class Counted:
    """Gives a URL over and over, as a plain or an asynchronous iterator, and counts."""

    def __init__(self, item: Any, total: int | None = None) -> None:
        self.item = item
        self.total = total
        self.pulled = 0

    def _next(self) -> bool:
        if self.pulled == self.total:
            return False
        self.pulled += 1
        return True

    def plain(self) -> Iterator[Any]:
        while self._next():
            yield self.item

    async def later(self) -> AsyncIterator[Any]:
        while self._next():
            yield self.item

    def source(self, kind: str) -> Any:
        return self.plain() if kind == "plain" else self.later()


def feeders() -> list[asyncio.Task[Any]]:
    return [task for task in asyncio.all_tasks() if task.get_name() == "aioxide.fetch_all"]


def urls_of(site: LocalSite, count: int = 5) -> list[str]:
    return [f"{site.url}/bytes/{n}" for n in range(count)]


async def later(items: list[Any]) -> AsyncIterator[Any]:
    for item in items:
        await asyncio.sleep(0)
        yield item


@pytest.mark.parametrize("kind", ["list", "tuple", "dict", "generator", "async generator", "map"])
async def test_iterables(site: LocalSite, client: aioxide.Client, kind: str) -> None:
    urls = urls_of(site)
    sources: dict[str, Any] = {
        "list": urls,
        "tuple": tuple(urls),
        "dict": dict.fromkeys(urls),
        "generator": (url for url in urls),
        "async generator": later(urls),
        "map": map(str, urls),
    }
    results = await client.fetch_all(sources[kind])
    assert [result.item for result in results] == urls
    assert feeders() == []


async def test_a_queue(site: LocalSite, client: aioxide.Client) -> None:
    queue: aioxide.Queue[str] = aioxide.Queue()
    urls = urls_of(site)
    results = aiter(client.fetch_all(queue))
    for url in urls:
        queue.put_nowait(url)
        assert (await anext(results)).url == url
    queue.shutdown()
    with pytest.raises(StopAsyncIteration):
        await anext(results)


LINES = "\n# a comment\n{}\n\n   {}  \r\n#{}\n{}"


@pytest.mark.parametrize("kind", ["path", "text", "plain text", "binary", "StringIO", "BytesIO", "temporary"])
@pytest.mark.parametrize("mark", [False, True])
async def test_files(site: LocalSite, client: aioxide.Client, tmp_path: Path, kind: str, mark: bool) -> None:
    import tempfile

    urls = urls_of(site, 4)
    text = LINES.format(*urls)
    data = (b"\xef\xbb\xbf" if mark else b"") + text.encode()
    path = tmp_path / "urls.txt"
    path.write_bytes(data)
    with tempfile.NamedTemporaryFile("w+") as temporary:
        temporary.write(text)
        temporary.seek(0)
        file: Any = {
            "path": lambda: path,
            "text": lambda: path.open(encoding="utf-8-sig"),
            "plain text": lambda: path.open(encoding="utf-8"),
            "binary": lambda: path.open("rb"),
            "StringIO": lambda: io.StringIO(text),
            "BytesIO": lambda: io.BytesIO(data),
            "temporary": lambda: temporary,
        }[kind]()
        results = await client.fetch_all(file)
        if kind in ("text", "plain text", "binary"):
            file.close()
    assert [result.item for result in results] == [urls[0], urls[1], urls[3]]
    assert all(result.ok for result in results)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        aioxide.fetch_all(tmp_path / "none")


@pytest.mark.parametrize("begun", [False, True])
async def test_the_file_of_a_path_is_closed(
    site: LocalSite, client: aioxide.Client, tmp_path: Path, begun: bool
) -> None:
    """A ResourceWarning would fail it."""
    path = tmp_path / "urls.txt"
    path.write_text(f"{site.url}/json\n" * 1000)
    fetching = client.fetch_all(path, concurrency=1)
    if begun:
        async for _ in fetching:
            break
    del fetching
    gc.collect()


# ---- laziness ----


@pytest.mark.parametrize("kind", ["plain", "async"])
async def test_no_more_is_pulled_than_is_needed(
    site: LocalSite, client: aioxide.Client, kind: str, until: Until
) -> None:
    source = Counted(f"{site.url}/bytes/0")
    fetching = client.fetch_all(source.source(kind), concurrency=2)
    async for result in fetching:
        assert result.ok
        # Who takes one and holds still holds back the rest, after a while.
        await until(lambda: fetching.statistics().done >= KEPT and fetching.statistics().in_flight == 0)
        for _ in range(50):
            await asyncio.sleep(0)
        assert KEPT <= source.pulled <= KEPT + WAITING + 1 + 2 * 2
        break
    await until(lambda: not feeders())


@pytest.mark.parametrize("kind", ["plain", "async"])
@pytest.mark.parametrize("ordered", [False, True])
async def test_what_is_outstanding_stays_the_same(
    site: LocalSite, client: aioxide.Client, kind: str, ordered: bool
) -> None:
    most = 0
    for total in (300, 3000):
        source = Counted(f"{site.url}/bytes/0", total)
        taken = 0
        async for result in client.fetch_all(source.source(kind), concurrency=2, ordered=ordered):
            assert result.ok
            taken += 1
            most = max(most, source.pulled - taken)
        assert taken == source.pulled == total
    assert most <= (1024 + 64 if ordered else KEPT + WAITING + 2 * 2)


@pytest.mark.parametrize("kind", ["plain", "async"])
@pytest.mark.parametrize("item", ["nonsense", None])
async def test_bad_items_are_pulled_lazily_too(client: aioxide.Client, kind: str, item: Any) -> None:
    source = Counted(item)
    async for result in client.fetch_all(source.source(kind), concurrency=2):
        assert not result.ok
        for _ in range(5000):
            await asyncio.sleep(0)
        assert source.pulled < 5000
        break


@pytest.mark.parametrize("kind", ["plain", "async"])
@pytest.mark.parametrize("item", ["duplicate", "nonsense"])
async def test_the_loop_turns_while_many_come_to_nothing(
    site: LocalSite, client: aioxide.Client, kind: str, item: str
) -> None:
    total = 100_000 if item == "duplicate" else 20_000
    source = Counted(f"{site.url}/json" if item == "duplicate" else item, total)
    turns = 0
    loop = asyncio.get_running_loop()

    def turn() -> None:
        nonlocal turns
        turns += 1
        if not over:
            loop.call_soon(turn)

    over = False
    loop.call_soon(turn)
    results = await client.fetch_all(source.source(kind), dedupe=True)
    over = True
    assert source.pulled == total
    assert len(results) == (1 if item == "duplicate" else total)
    assert turns >= total // 2048


async def test_who_takes_slowly_does_not_hold_up_the_next(
    fresh_site: LocalSite, client: aioxide.Client, until: Until
) -> None:
    """Before the last of those that are here was taken, others are made."""
    fetching = client.fetch_all(Counted(f"{fresh_site.url}/json").plain(), concurrency=2)
    results = aiter(fetching)
    begun = lambda: fresh_site.statistics()["requests_begun"]  # noqa: E731
    await anext(results)
    await until(lambda: fetching.statistics().done >= KEPT and fetching.statistics().in_flight == 0)
    await anext(results)
    await until(lambda: fetching.statistics().in_flight == 0)
    before = begun()
    for _ in range(KEPT - KEPT // 4):
        await anext(results)
    await until(lambda: begun() > before)


# ---- what the source raises ----


class BrokenError(Exception):
    pass


@pytest.mark.parametrize("kind", ["plain", "async"])
@pytest.mark.parametrize("how", ["iterated", "awaited", "batches", "ordered"])
async def test_it_raises_after_some(site: LocalSite, client: aioxide.Client, kind: str, how: str) -> None:
    async def later() -> AsyncIterator[str]:
        for url in urls_of(site, 3):
            yield url
        raise BrokenError

    def plain() -> Iterator[str]:
        yield from urls_of(site, 3)
        raise BrokenError

    source = plain() if kind == "plain" else later()
    taken: list[int] = []
    fetching = client.fetch_all(source, ordered=how == "ordered")

    async def take() -> None:
        if how == "awaited":
            await fetching
        elif how == "batches":
            async for batch in fetching.batches(2):
                taken.extend(result.index for result in batch)
        else:
            async for result in fetching:
                taken.append(result.index)

    with pytest.raises(BrokenError):
        await take()
    assert sorted(taken) == ([] if how == "awaited" else [0, 1, 2])


async def test_it_raises_once(site: LocalSite, client: aioxide.Client) -> None:
    def plain() -> Iterator[str]:
        yield f"{site.url}/json"
        raise BrokenError

    results = aiter(client.fetch_all(plain()))
    assert (await anext(results)).ok
    with pytest.raises(BrokenError):
        await anext(results)
    for _ in range(2):
        with pytest.raises(StopAsyncIteration):
            await anext(results)


async def test_a_keyboard_interrupt_in_it_waits_for_nobody(site: LocalSite, client: aioxide.Client) -> None:
    def plain() -> Iterator[str]:
        yield f"{site.url}/hang"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await client.fetch_all(plain())


async def test_what_was_pulled_before_an_interrupt_is_fetched(
    site: LocalSite, client: aioxide.Client
) -> None:
    class Interrupts:
        """An iterator that goes on after it has raised."""

        def __init__(self) -> None:
            self.given = 0

        def __iter__(self) -> "Interrupts":
            return self

        def __next__(self) -> str:
            self.given += 1
            if self.given == 3:
                raise KeyboardInterrupt
            if self.given == 6:
                raise StopIteration
            return f"{site.url}/json"

    results = aiter(client.fetch_all(Interrupts(), ordered=True))
    with pytest.raises(KeyboardInterrupt):
        await anext(results)
    assert [result.index async for result in results] == [0, 1, 2, 3]


async def test_one_that_takes_from_its_own_results(site: LocalSite, client: aioxide.Client) -> None:
    """It would wait for itself: it is not pulled twice at once, and it does not spin."""
    steps: list[Any] = []

    def plain() -> Iterator[str]:
        yield f"{site.url}/json"
        operation = anext(results)
        steps.append(operation.send(None))
        operation.close()
        yield f"{site.url}/json"

    results: Any = aiter(client.fetch_all(plain()))
    assert outcomes(await collected(results)) == [200, 200]
    assert len(steps) == 1


# ---- what is left behind ----


async def test_no_feeder_stays(client: aioxide.Client, site: LocalSite, until: Until) -> None:
    closed = []

    async def endless() -> AsyncIterator[str]:
        try:
            while True:
                yield f"{site.url}/json"
        finally:
            closed.append(True)

    async for _ in client.fetch_all(endless(), concurrency=1):
        assert len(feeders()) == 1
        break
    await until(lambda: closed and not feeders())


async def test_no_feeder_stays_that_waits_for_an_item(
    client: aioxide.Client, site: LocalSite, until: Until
) -> None:
    queue: aioxide.Queue[str] = aioxide.Queue()
    queue.put_nowait(f"{site.url}/json")
    async for _ in client.fetch_all(queue):
        break
    await until(lambda: not feeders())
    # Nor does it take one that comes later.
    queue.put_nowait("kept")
    await asyncio.sleep(0)
    assert queue.qsize() == 1


async def test_what_an_async_source_raises_when_closed_is_told(
    client: aioxide.Client, site: LocalSite, until: Until, reported: list[dict[str, Any]]
) -> None:
    async def endless() -> AsyncIterator[str]:
        try:
            while True:
                yield f"{site.url}/json"
        finally:
            raise BrokenError

    async for _ in client.fetch_all(endless(), concurrency=1):
        break

    def told() -> bool:
        gc.collect()
        return bool(reported)

    await until(told)
    assert not feeders()
    [report] = reported
    assert isinstance(report["exception"], BrokenError)
    reported.clear()


@pytest.mark.parametrize("state", ["new", "begun", "raised"])
async def test_a_source_that_leads_back_to_it_is_no_leak(
    client: aioxide.Client, site: LocalSite, state: str
) -> None:
    held: dict[str, Any] = {}

    def plain() -> Iterator[str]:
        mine = held["mine"]
        yield f"{site.url}/json"
        if state == "raised":
            raise BrokenError
        while mine:
            yield f"{site.url}/json"

    def make() -> list[weakref.ref[Any]]:
        holder = held
        fetching = client.fetch_all(plain(), concurrency=1)
        holder["mine"] = [fetching]
        return [weakref.ref(fetching)]

    refs = make()
    if state != "new":
        run = aiter(held["mine"][0])
        held["mine"].append(run)
        refs.append(weakref.ref(run))
        assert (await anext(run)).ok
        del run
    held.clear()
    gc.collect()
    assert [ref() for ref in refs] == [None] * len(refs)


async def test_with_a_gate_the_feeder_waits(client: aioxide.Client, until: Until) -> None:
    gate = Gate()
    with RawServer(gate) as server:
        source = Counted(server.url, 500)
        task = asyncio.ensure_future(collected(client.fetch_all(source.later(), concurrency=2)))
        await until(lambda: len(gate.targets) == 2)
        for _ in range(200):
            await asyncio.sleep(0)
        assert source.pulled <= 2 + WAITING + 1
        gate.open()
        assert len(await task) == 500
