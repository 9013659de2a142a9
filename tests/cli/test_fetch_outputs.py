"""``aioxide fetch -o``: forms of output, and going on with them after whatever end."""

import asyncio
import resource
import signal
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from aioxide.cli import main
from aioxide.records import open_alone
from aioxide.testing import LocalSite
from tests.cli.test_progress import last_drawn
from tests.outputs.reading import read

OUTPUTS = ["out.jsonl", "out/", "out.parquet", "out.arrow"]
INTERRUPTED = 130

each_output = pytest.mark.parametrize("name", OUTPUTS)


def urls_of(path: Path) -> Counter[str]:
    return Counter(row["url"] for row in read(path))


@pytest.fixture
def input_file(served, tmp_path: Path) -> tuple[str, list[str]]:
    """A file of URLs, some of them twice."""
    urls = [f"{served.url}/bytes/{number % 60}?n={number % 90}" for number in range(100)]
    (tmp_path / "urls.txt").write_text("\n".join(urls))
    return str(tmp_path / "urls.txt"), urls


@each_output
def test_each_form_is_written_and_gone_on_with(
    aioxide_command, input_file, tmp_path: Path, name: str
) -> None:
    file, urls = input_file
    arguments = ["fetch", "-i", file, "-o", f"{tmp_path}/{name}"]
    for extra in ([], ["--resume"], []):
        done = aioxide_command.run(*arguments, *extra)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert urls_of(tmp_path / name) == Counter(urls)


@each_output
def test_after_an_interrupt_it_goes_on(aioxide_command, site: LocalSite, tmp_path: Path, name: str) -> None:
    quick, stuck = 100, 5
    urls = [f"{site.url}/bytes/{number}" for number in range(quick)]
    output = f"{tmp_path}/{name}"
    process = aioxide_command.start(
        "fetch",
        *urls,
        *[f"{site.url}/hang"] * stuck,
        *["-o", output, "--concurrency", str(stuck)],
        stderr=subprocess.PIPE,
    )
    with process:
        asyncio.run(_begun(site, quick + stuck))
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == b""
    assert process.returncode == INTERRUPTED
    more = [*reversed(urls), urls[0], f"{site.url}/bytes/1000"]
    done = aioxide_command.run("fetch", *more, "-o", output, "--resume")
    assert (done.returncode, done.stderr) == (0, "")
    assert urls_of(tmp_path / name) == Counter(more)
    assert len(site.requests()) == quick + stuck + 2


async def _begun(site: LocalSite, count: int) -> None:
    await site.wait_begun(count)


@each_output
def test_a_full_disk_is_one_message_and_it_goes_on(
    aioxide_command, input_file, tmp_path: Path, name: str
) -> None:
    file, urls = input_file
    arguments = ["fetch", "-i", file, "-o", f"{tmp_path}/{name}"]

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))

    done = aioxide_command.run(*arguments, preexec_fn=small_files)
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["aioxide fetch: error: [Errno 27] File too large"]
    done = aioxide_command.run(*arguments, "--resume")
    assert (done.returncode, done.stderr) == (0, "")
    assert urls_of(tmp_path / name) == Counter(urls)


def test_a_failure_of_before_is_no_failure_of_this_run(aioxide_command, tmp_path: Path) -> None:
    arguments = ["fetch", "no-url", "-o", f"{tmp_path}/out.jsonl"]
    assert aioxide_command.run(*arguments).returncode == 1
    assert aioxide_command.run(*arguments, "--resume").returncode == 0
    assert urls_of(tmp_path / "out.jsonl") == {"no-url": 1}


def test_the_body_is_in_the_line(aioxide_command, served, tmp_path: Path) -> None:
    aioxide_command.run("fetch", f"{served.url}/bytes/3", "--body", "-o", f"{tmp_path}/out.jsonl")
    assert [row["text"] for row in read(tmp_path / "out.jsonl")] == ["012"]


@pytest.mark.parametrize(
    ("output", "complaint"),
    [
        ("out.csv", "results are written to .jsonl"),
        ("-", "a stream cannot be resumed"),
        ("/dev/null", "no file on a disk"),
        ("no/such/out.jsonl", "cannot write no/such/out.jsonl"),
        ("no/such/out.parquet", "cannot write no/such/out.parquet"),
        ("theirs.jsonl", "line 1 is none that was written here"),
        ("theirs.parquet", "theirs.parquet cannot be resumed"),
        ("theirs.jsonl/", "cannot write theirs.jsonl/"),
        ("there", "no index.jsonl"),
        ("locked.jsonl", "somebody else is writing"),
    ],
)
def test_what_cannot_be_written_is_bad_usage(
    output: str,
    complaint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for theirs in ("theirs.jsonl", "theirs.parquet"):
        Path(theirs).write_text("theirs\n")
    Path("there").mkdir()
    Path("there/file").touch()
    locked = open_alone("locked.jsonl")
    before = _contents(tmp_path)
    with open(locked, "wb"), pytest.raises(SystemExit) as ended:
        main(["fetch", "http://127.0.0.1:1/", "--resume", "-o", output])
    assert ended.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert complaint in printed.err.splitlines()[-1]
    assert _contents(tmp_path) == before


def _contents(path: Path) -> dict[str, Any]:
    return {str(file): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def test_a_directory_that_cannot_be_written(aioxide_command, served) -> None:
    done = aioxide_command.run("fetch", f"{served.url}/bytes/1", "-o", "/proc/self/")
    assert done.returncode == 2
    assert "cannot write /proc/self/" in done.stderr


def test_without_pyarrow_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(SystemExit):
        main(["fetch", "http://127.0.0.1:1/", "-o", "out.parquet"])
    assert "aioxide[arrow]" in capsys.readouterr().err


def test_a_pipe_that_is_named_is_written(aioxide_command, served, tmp_path: Path) -> None:
    done = aioxide_command.run("fetch", f"{served.url}/bytes/3", "-o", "/dev/stdout")
    assert (done.returncode, done.stdout.count("\n")) == (0, 1)


def test_a_bar_counts_what_was_left_out(aioxide_command, input_file, tmp_path: Path) -> None:
    file, urls = input_file
    arguments = ["fetch", "-i", file, "-o", f"{tmp_path}/out.jsonl"]
    aioxide_command.run("fetch", *urls[:30], "-o", f"{tmp_path}/out.jsonl")
    shown = aioxide_command.run_on_terminal(*arguments, "--resume")
    assert shown.returncode == 0
    assert "100/100" in last_drawn(shown.text)


@each_output
def test_what_failed_is_fetched_again(aioxide_command, site: LocalSite, tmp_path: Path, name: str) -> None:
    urls = [f"{site.url}/flaky/a/1?status=500", f"{site.url}/bytes/1", "no URL"]
    for options in ([], ["--retry-failed"], ["--retry-failed"], ["--resume"]):
        aioxide_command.run("fetch", *urls, "-o", f"{tmp_path}/{name}", *options)
        assert urls_of(tmp_path / name) == Counter(urls)
    assert sorted(row.get("status", 0) for row in read(tmp_path / name)) == [0, 200, 200]
    assert len(site.requests()) == 3


def test_what_is_printed_cannot_be_retried(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["fetch", "http://127.0.0.1:1/", "--retry-failed"])
    assert ended.value.code == 2
    assert "a stream cannot be resumed" in capsys.readouterr().err


def test_another_method_is_another_request(aioxide_command, site: LocalSite, tmp_path: Path) -> None:
    output = str(tmp_path / "out.jsonl")
    for _ in range(2):
        for method in ("GET", "DELETE"):
            arguments = ["--method", method, "-o", output, "--resume"]
            assert aioxide_command.run("fetch", f"{site.url}/echo", *arguments).returncode == 0
    assert [row.get("method") for row in read(tmp_path / "out.jsonl")] == [None, "DELETE"]
