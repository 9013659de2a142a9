"""`FetchAll.save`: what it takes, what it refuses, and how it ends."""

import asyncio
import contextlib
import gc
import os
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import aioxide
from aioxide.outputs import LinesStream, output_at, write
from aioxide.records import open_alone
from tests.outputs.limits import no_file_beyond
from tests.outputs.reading import read

OUTPUTS = ["out.jsonl", "out/", "out.parquet", "out.arrow"]

each_output = pytest.mark.parametrize("name", OUTPUTS)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.jsonl", "LinesFile"),
        ("a.NDJSON", "LinesFile"),
        ("a", "LinesFile"),
        ("/dev/full", "LinesFile"),
        ("a.parquet", "ArrowFile"),
        ("a.Arrow", "ArrowFile"),
        ("a/", "Directory"),
        ("a.parquet/", "Directory"),
        (".", "Directory"),
        (Path("a.jsonl"), "LinesFile"),
    ],
)
def test_the_name_says_the_form(name: Any, kind: str) -> None:
    assert type(output_at(name)).__name__ == kind


@pytest.mark.parametrize(
    ("path", "options", "error", "message"),
    [
        ("a.csv", {}, ValueError, "a.csv: results are written to"),
        ("a.jsonl.gz", {}, ValueError, "results are written to"),
        ("", {}, ValueError, "must not be empty"),
        ("a/", {"body": False}, ValueError, "is for bodies"),
        (b"a.jsonl", {}, TypeError, "path of str"),
        (7, {}, TypeError, "os.PathLike"),
        ("a.jsonl", {"compress": True}, TypeError, "compress"),
    ],
)
def test_what_makes_no_sense_is_refused_at_the_call(
    path: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        aioxide.fetch_all([]).save(path, **options)


@each_output
def test_a_journal_beside_it_is_refused(tmp_path: Path, name: str) -> None:
    fetching = aioxide.fetch_all([], journal=tmp_path / "journal")
    with pytest.raises(ValueError, match="takes no journal"):
        fetching.save(f"{tmp_path}/{name}")


def test_without_pyarrow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for name in ("a.parquet", "a.arrow"):
        with pytest.raises(ImportError, match=r"pip install 'aioxide\[arrow\]'"):
            aioxide.fetch_all([]).save(name)


def test_pyarrow_is_not_imported_before_it_is_needed(script) -> None:
    script.works(
        "import sys, aioxide.outputs, aioxide.cli; aioxide.outputs.output_at('a.jsonl')\n"
        "assert 'pyarrow' not in sys.modules"
    )


async def test_one_that_was_begun_is_refused(site, tmp_path: Path) -> None:
    fetching = aioxide.fetch_all([])
    assert await fetching == []
    with pytest.raises(RuntimeError, match="begun or closed already"):
        fetching.save(tmp_path / "out.jsonl")


@each_output
async def test_nothing_is_fetched_before_it_is_open(own_site, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises((NotADirectoryError, FileNotFoundError)):
        await aioxide.fetch_all([f"{own_site.url}/bytes/1"]).save(f"{tmp_path}/file/{name}")
    assert own_site.requests() == []


@each_output
async def test_two_cannot_write_one(site, tmp_path: Path, name: str) -> None:
    urls = [f"{site.url}/bytes/{number}" for number in range(10)]
    await aioxide.fetch_all(urls).save(f"{tmp_path}/{name}")
    locked = tmp_path / {"out.jsonl": name, "out/": "out/index.jsonl"}.get(name, f"{name}.part")
    file = open_alone(str(locked))
    try:
        for resume in (False, True):
            with pytest.raises(BlockingIOError, match="somebody else is writing"):
                await aioxide.fetch_all(urls).save(f"{tmp_path}/{name}", resume=resume)
    finally:
        os.close(file)
        if locked.name.endswith(".part"):
            locked.unlink()
    # The one who came second did no harm.
    assert Counter(row["url"] for row in read(tmp_path / name)) == Counter(urls)


@each_output
async def test_whoever_is_cancelled_has_written_what_was_fetched(own_site, tmp_path: Path, name: str) -> None:
    quick, stuck = 40, 10
    urls = [f"{own_site.url}/bytes/{number}" for number in range(quick)]
    hanging = [f"{own_site.url}/hang"] * stuck
    fetching = aioxide.fetch_all(urls + hanging, concurrency=stuck)
    task = asyncio.create_task(fetching.save(f"{tmp_path}/{name}"))
    # All places are taken by those that hang: what could be fetched has been.
    await own_site.wait_begun(quick + stuck)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    statistics = await aioxide.fetch_all(urls).save(f"{tmp_path}/{name}", resume=True)
    assert (statistics.done, statistics.skipped) == (0, quick)
    assert Counter(row["url"] for row in read(tmp_path / name)) == Counter(urls)


@each_output
async def test_one_that_is_cancelled_at_once_leaves_no_mess(site, tmp_path: Path, name: str) -> None:
    for turns in range(4):
        task = asyncio.create_task(aioxide.fetch_all([f"{site.url}/hang"]).save(f"{tmp_path}/{name}"))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await aioxide.fetch_all([]).save(f"{tmp_path}/{name}", resume=True)
    assert read(tmp_path / name) == []


@each_output
async def test_a_source_that_fails_has_what_came_before_written(site, tmp_path: Path, name: str) -> None:
    urls = [f"{site.url}/bytes/{number}" for number in range(5)]

    def source() -> Iterator[str]:
        yield from urls
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        await aioxide.fetch_all(source()).save(f"{tmp_path}/{name}")
    assert (await aioxide.fetch_all(urls).save(f"{tmp_path}/{name}", resume=True)).done == 0
    assert Counter(row["url"] for row in read(tmp_path / name)) == Counter(urls)


@pytest.mark.asyncio(loop_factories=["asyncio"])
@each_output
async def test_a_full_disk_can_be_gone_on_with(site, tmp_path: Path, name: str) -> None:
    urls = [f"{site.url}/bytes/{number % 50}?n={number}" for number in range(600)]
    with no_file_beyond(20_000), pytest.raises(OSError, match="too large"):
        await aioxide.fetch_all(urls).save(f"{tmp_path}/{name}")
    await aioxide.fetch_all(urls).save(f"{tmp_path}/{name}", resume=True)
    assert Counter(row["url"] for row in read(tmp_path / name)) == Counter(urls)


async def test_what_an_executor_parsed_is_written_too(site, tmp_path: Path) -> None:
    urls = [f"{site.url}/bytes/{number}" for number in range(30)]
    with ThreadPoolExecutor(2) as executor:
        fetching = aioxide.fetch_all(urls, parse=lambda response: len(response.content), executor=executor)
        await fetching.save(tmp_path / "out.jsonl")
    assert {row["value"] for row in read(tmp_path / "out.jsonl")} == set(range(30))


async def test_order_and_source_may_be_of_any_kind(site, tmp_path: Path) -> None:
    urls = [f"{site.url}/bytes/{number}" for number in range(300)]

    async def source() -> Any:
        for url in urls:
            yield url

    await aioxide.fetch_all(source(), ordered=True).save(tmp_path / "out.jsonl")
    assert [row["url"] for row in read(tmp_path / "out.jsonl")] == urls


async def test_an_ordered_one_that_is_cancelled_does_not_wait_for_the_first(own_site, tmp_path: Path) -> None:
    hangs = f"{own_site.url}/hang"
    urls = [hangs, *(f"{own_site.url}/bytes/{number}" for number in range(20)), hangs]
    task = asyncio.create_task(
        aioxide.fetch_all(urls, ordered=True, concurrency=2).save(tmp_path / "out.jsonl")
    )
    await own_site.wait_begun(len(urls))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert read(tmp_path / "out.jsonl") == []


async def test_a_stream_has_lines_and_no_resume(site) -> None:
    written: list[bytes] = []
    await write(aioxide.fetch_all([f"{site.url}/bytes/1"]), LinesStream(written.append))
    assert b"".join(written).endswith(b"}\n")
    with pytest.raises(ValueError, match="cannot be resumed"):
        await write(aioxide.fetch_all([]), LinesStream(written.append), resume=True)


async def test_what_is_no_file_cannot_be_resumed() -> None:
    with pytest.raises(ValueError, match="no file on a disk"):
        await aioxide.fetch_all([]).save("/dev/null", resume=True)
    await aioxide.fetch_all(["no-url"]).save("/dev/null")
    with pytest.raises(OSError, match="No space left"):
        await aioxide.fetch_all(["no-url"]).save("/dev/full")


def test_a_loop_that_is_dropped_closes_it(site, tmp_path: Path) -> None:
    loop = asyncio.new_event_loop()
    saving = aioxide.fetch_all([f"{site.url}/hang"]).save(tmp_path / "out.jsonl")
    task = loop.create_task(saving)
    loop.run_until_complete(asyncio.sleep(0.01))
    loop.close()
    with contextlib.suppress(RuntimeError):
        saving.close()
    task._log_destroy_pending = False
    del task, saving
    gc.collect()
    asyncio.run(_save_nothing(tmp_path / "out.jsonl"))


async def _save_nothing(path: Path) -> None:
    await aioxide.fetch_all([]).save(path)
