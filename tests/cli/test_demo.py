"""``aioxide demo``: a newcomer's first look, which must not fail."""

import os
import signal
import subprocess

import pytest

from aioxide.cli.crawl import Crawl

BOOKS = 300


def test_it_finds_everything_and_says_so(aioxide_command) -> None:
    done = aioxide_command.run("demo", "--pages", str(BOOKS))
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{BOOKS + 1} pages and {BOOKS} books" in done.stdout
    assert f"{2 * BOOKS + 1} requests" in done.stdout
    for fact in ["cheapest", "dearest", "most common tag", "requests a second", "µs of CPU", "aioxide fetch"]:
        assert fact in done.stdout


def test_letters_that_stdout_lacks_do_no_harm(aioxide_command) -> None:
    done = aioxide_command.run("demo", "--pages", "9", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "cheapest" in done.stdout


@pytest.mark.parametrize("books", [1, 9])
def test_a_small_shop_is_found_by_one_worker(aioxide_command, books: int) -> None:
    done = aioxide_command.run("demo", "--pages", str(books), "--concurrency", "1", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_missing_is_said() -> None:
    crawl = Crawl(client=None, progress=None)
    crawl.pages = 3
    crawl.books = [{"id": 0}, {"id": 1}]
    assert crawl.missing(2) == ""
    assert crawl.missing(3) == "found 3 of 4 pages and 2 of 3 books"
    crawl.failures = ["/site/page/1: ReadError: gone"]
    assert crawl.missing(2).splitlines()[1:] == ["  /site/page/1: ReadError: gone"]


def test_an_interrupt_ends_it_and_its_site(aioxide_command) -> None:
    process = aioxide_command.start(
        "demo", "--pages", "100000", stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with process:
        assert b"is open at" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == b""
        assert process.stderr.read() == b""
    assert process.returncode == 130
