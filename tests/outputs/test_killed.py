"""A job that is killed at any moment and started again: each URL is in the output once, none is lost."""

import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aioxide.testing import SiteProcess
from tests.outputs.reading import read

SCRIPT = Path(__file__).with_name("killing.py")
OUTPUTS = ["out.jsonl", "out/", "out.parquet", "out.arrow"]
PATIENCE = 100


def kill(mode: str, output: str, site: SiteProcess, rounds: int, retry_failed: bool = False) -> int:
    """How many were killed."""
    arguments = [mode, output, site.url, "a seed", str(rounds)]
    done = subprocess.run(
        [sys.executable, "-W", "error", SCRIPT, *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={**os.environ, "RETRY_FAILED": "1" if retry_failed else ""},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done
    return int(done.stdout.split()[0])


def expected_of(path: Path) -> list[str]:
    return Path(f"{path}.expected").read_text().splitlines()


def check(path: Path) -> None:
    rows = read(path)
    assert Counter(row["url"] for row in rows) == Counter(expected_of(path))
    for row in rows:
        if row["url"].startswith("no-url"):
            assert row["error"] == "InvalidURL"
        elif "/flaky/" in row["url"]:
            # The last run is as good as any, and the site fails once.
            assert row["status"] == 200
        elif "/json/" in row["url"]:
            assert row["content_type"] == "application/json"
        else:
            length = int(row["url"].rpartition("/")[2].partition("?")[0])
            assert (row["status"], row["length"]) == (200, length)
            assert len(row.get("content", b"x" * length)) == length


def check_log(path: Path, killed: int) -> None:
    """A loop of the user's has had every URL at least once; again only what was in its hands."""
    seen, expected = Counter(Path(f"{path}.log").read_text().splitlines()), Counter(expected_of(path))
    assert set(seen) == set(expected)
    again = seen - expected
    assert not expected - seen
    assert again.total() <= killed


@pytest.mark.parametrize("mode", ["long", "growing"])
def test_at_random_moments(mode: str, site: SiteProcess, tmp_path: Path) -> None:
    outputs = [*OUTPUTS, "urls.journal"] if mode == "long" else OUTPUTS
    with ThreadPoolExecutor() as pool:
        killed = list(pool.map(lambda name: kill(mode, f"{tmp_path}/{name}", site, 25), outputs))
    for name in OUTPUTS:
        check(tmp_path / name)
    if mode == "long":
        check_log(tmp_path / "urls.journal", killed[-1])
        assert sum(killed) > 100


def test_at_each_step(site: SiteProcess, tmp_path: Path) -> None:
    outputs = [*OUTPUTS, "urls.journal"]
    with ThreadPoolExecutor() as pool:
        killed = list(pool.map(lambda name: kill("steps", f"{tmp_path}/{name}", site, 2), outputs))
    assert min(killed) > 3
    for name in OUTPUTS:
        check(tmp_path / name)
    check_log(tmp_path / "urls.journal", killed[-1])


def test_while_what_failed_is_tried_again(site: SiteProcess, tmp_path: Path) -> None:
    """What is taken out to be fetched again is not lost, nor there twice."""
    with ThreadPoolExecutor() as pool:
        killed = list(pool.map(lambda name: kill("steps", f"{tmp_path}/{name}", site, 2, True), OUTPUTS))
    assert min(killed) > 6
    for name in OUTPUTS:
        check(tmp_path / name)
