"""`retry_failed`, of `save` and of a `Journal`: what failed is fetched again, and nothing else."""

import os
import stat
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import aioxide
from aioxide import Journal
from aioxide.testing import LocalSite
from tests.outputs.reading import read

OUTPUTS = ["out.jsonl", "out/", "out.parquet", "out.arrow"]

each_output = pytest.mark.parametrize("name", OUTPUTS)


def urls_of(site: LocalSite) -> list[str]:
    """Two that are well, one that never is, and three that are well the second time."""
    statuses = [f"{site.url}/flaky/{status}/1?status={status}" for status in (429, 500, 503)]
    return [f"{site.url}/bytes/1", f"{site.url}/status/404", "no URL", *statuses]


def asked(site: LocalSite) -> Counter[str]:
    return Counter(seen.target for seen in site.requests())


@each_output
async def test_what_failed_is_fetched_again_and_there_once(own_site, tmp_path: Path, name: str) -> None:
    urls = urls_of(own_site)
    path = f"{tmp_path}/{name}"
    await aioxide.fetch_all(urls, retries=0).save(path)
    first = read(tmp_path / name)
    # Without it, failures are results like others.
    assert (await aioxide.fetch_all(urls, retries=0).save(path, resume=True)).skipped == 6
    statistics = await aioxide.fetch_all(urls, retries=0).save(path, retry_failed=True)
    assert (statistics.done, statistics.skipped, statistics.failed) == (4, 2, 1)
    rows = {row["url"]: row for row in read(tmp_path / name)}
    assert Counter(row["url"] for row in read(tmp_path / name)) == Counter(urls)
    assert [rows[url].get("status") for url in urls] == [200, 404, None, 200, 200, 200]
    # What was well is as it was.
    kept = {row["url"]: row for row in first if row.get("status") in (200, 404)}
    assert {url: rows[url] for url in kept} == kept
    assert sorted(asked(own_site).values()) == [1, 1, 2, 2, 2]


@each_output
async def test_again_and_again(own_site, tmp_path: Path, name: str) -> None:
    """Each time what fails is there once; and what is not asked for any more is gone."""
    path = f"{tmp_path}/{name}"
    urls = [f"{own_site.url}/flaky/a/3", f"{own_site.url}/bytes/1", "http://127.0.0.1:1/"]
    for left in (3, 2, 1, 0):
        await aioxide.fetch_all(urls, retries=0).save(path, retry_failed=True)
        rows = {row["url"]: row.get("status") for row in read(tmp_path / name)}
        assert Counter(row["url"] for row in read(tmp_path / name)) == Counter(urls)
        assert rows[urls[0]] == (503 if left else 200)
    await aioxide.fetch_all(urls[:2], retries=0).save(path, retry_failed=True)
    assert Counter(row["url"] for row in read(tmp_path / name)) == Counter(urls[:2])


@each_output
async def test_where_nothing_failed_nothing_is_written(own_site, tmp_path: Path, name: str) -> None:
    path = f"{tmp_path}/{name}"
    urls = [f"{own_site.url}/bytes/{number}" for number in range(5)]
    await aioxide.fetch_all(urls).save(path, retry_failed=True)
    file = tmp_path / (f"{name}index.jsonl" if name.endswith("/") else name)
    before = file.stat().st_ino, file.read_bytes()
    assert (await aioxide.fetch_all(urls).save(path, retry_failed=True)).skipped == 5
    assert (file.stat().st_ino, file.read_bytes()) == before


async def test_what_parse_failed_at_is_fetched_again(own_site, tmp_path: Path) -> None:
    url = f"{own_site.url}/bytes/7"
    path = tmp_path / "out.jsonl"
    await aioxide.fetch_all([url], parse=lambda response: 1 / 0).save(path)
    await aioxide.fetch_all([url], parse=lambda response: 1).save(path, retry_failed=True)
    assert [(row.get("error"), row["value"]) for row in read(path)] == [(None, 1)]


async def test_the_file_keeps_its_mode_and_a_link_its_file(own_site, tmp_path: Path) -> None:
    path, link = tmp_path / "out.jsonl", tmp_path / "link.jsonl"
    link.symlink_to(path)
    path.touch(mode=0o640)
    path.chmod(0o640)
    for _ in range(2):
        await aioxide.fetch_all([f"{own_site.url}/flaky/a/1"], retries=0).save(link, retry_failed=True)
    assert (link.is_symlink(), stat.S_IMODE(path.stat().st_mode)) == (True, 0o640)
    assert [row["status"] for row in read(path)] == [200]
    assert sorted(os.listdir(tmp_path)) == ["link.jsonl", "out.jsonl"]


async def test_where_files_are_not_locked(own_site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, where an open file cannot be replaced either."""
    monkeypatch.setattr("aioxide.records.fcntl", None)
    urls = [f"{own_site.url}/flaky/a/1", f"{own_site.url}/bytes/1"]
    for _ in range(2):
        await aioxide.fetch_all(urls, retries=0).save(tmp_path / "out.jsonl", retry_failed=True)
    assert sorted(row["status"] for row in read(tmp_path / "out.jsonl")) == [200, 200]
    assert os.listdir(tmp_path) == ["out.jsonl"]


async def test_a_kill_leaves_nothing_beside_it(own_site, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    (tmp_path / "out.jsonl.aioxide-new").write_text("half of what was to be")
    await aioxide.fetch_all([f"{own_site.url}/bytes/1"]).save(path, resume=True)
    assert os.listdir(tmp_path) == ["out.jsonl"]


@pytest.mark.parametrize("line", ['{"status": 500}', '{"url": 7, "error": "X"}', "[500]", "{"])
async def test_lines_of_somebody_else_are_not_taken_out(tmp_path: Path, line: str) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text(f"{line}\n")
    with pytest.raises(ValueError, match="cannot be resumed: line 1 "):
        await aioxide.fetch_all([]).save(path, retry_failed=True)
    assert path.read_text() == f"{line}\n"


# ---- the journal ----


async def run(urls: list[str], journal: Journal, **options: Any) -> list[str]:
    with journal:
        return [result.url async for result in aioxide.fetch_all(urls, journal=journal, retries=0, **options)]


async def test_a_journal_knows_what_failed(own_site, tmp_path: Path) -> None:
    urls = urls_of(own_site)
    path = tmp_path / "journal"
    assert sorted(await run(urls, Journal(path))) == sorted(urls)
    assert await run(urls, Journal(path)) == []
    assert sorted(await run(urls, Journal(path, retry_failed=True))) == sorted(urls[2:])
    # What went well now is done, and only that.
    assert await run(urls, Journal(path, retry_failed=True)) == ["no URL"]
    with Journal(path) as journal:
        assert len(journal) == 6


def test_what_was_to_be_done_again_and_was_not_is_not_done(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with Journal(path) as journal:
        journal.done("a")
        for _ in range(2):
            journal.failed("b")
    with Journal(path, retry_failed=True) as journal:
        assert [journal.skip(key) for key in "ab"] == [True, False]
        journal.failed("b")
    # Given twice, and once done.
    with Journal(path) as journal:
        assert [journal.skip(key) for key in "abb"] == [True, True, False]


async def test_what_an_executor_cannot_parse_has_failed(own_site, tmp_path: Path) -> None:
    urls = [f"{own_site.url}/bytes/{number}" for number in range(3)]

    def inverse(response: aioxide.Response) -> float:
        return 1 / len(response.content)

    path = tmp_path / "journal"
    with ThreadPoolExecutor(1) as executor:
        await run(urls, Journal(path), parse=inverse, executor=executor)
    assert await run(urls, Journal(path, retry_failed=True)) == urls[:1]
