"""``aioxide fetch``: the options that are those of ``fetch_all``."""

import argparse
import json
import signal
import subprocess
from typing import Any

import pytest

from aioxide.cli import main, options


def records(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize(
    ("text", "a_second"),
    [("10", 10), ("10/s", 10), ("0.5", 0.5), ("600/m", 10), ("5/h", 5 / 3600), ("1e3/s", 1000)],
)
def test_rates(text: str, a_second: float) -> None:
    assert options.rate(text) == pytest.approx(a_second)


@pytest.mark.parametrize("text", ["", "0", "-1", "nan", "inf", "10/", "10/d", "/s", "ten", "10/s/s", "1e99"])
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="10/s, 600/m or 5/h"):
        options.rate(text)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--rate", "0"], "--rate"),
        (["--per-host-rate", "0"], "--per-host-rate"),
        (["--per-host", "0"], "--per-host"),
        (["--retries", "-1"], "--retries"),
        (["--retries", "some"], "--retries"),
        (["--max-body", "0"], "--max-body"),
        (["--max-body", "1MB"], "--max-body"),
        (["--concurrency", "automatic"], "or auto"),
        (["--method", "GET IT"], "method"),
        (["--method", ""], "method"),
    ],
)
def test_bad_usage_is_explained(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["fetch", "http://127.0.0.1:1/", *arguments])
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err.splitlines()[-1]


def test_retries(aioxide_command, site) -> None:
    done = aioxide_command.run("fetch", "--retries", "2", f"{site.url}/flaky/a/1", f"{site.url}/bytes/1")
    assert done.returncode == 0
    attempts = {row["url"].removeprefix(site.url): row["attempts"] for row in records(done.stdout)}
    assert attempts == {"/flaky/a/1": 2, "/bytes/1": 1}


def test_no_retries(aioxide_command, site) -> None:
    done = aioxide_command.run("fetch", "--retries", "0", f"{site.url}/flaky/a/1")
    assert [(row["status"], row["attempts"]) for row in records(done.stdout)] == [(503, 1)]


def test_a_body_that_is_too_long(aioxide_command, site) -> None:
    done = aioxide_command.run("fetch", "--max-body", "10", f"{site.url}/bytes/10", f"{site.url}/bytes/11")
    assert done.returncode == 1
    assert sorted(row.get("error", "") for row in records(done.stdout)) == ["", "BodyTooLarge"]


def test_robots_are_obeyed(aioxide_command, site) -> None:
    done = aioxide_command.run("fetch", "--robots", f"{site.url}/hang", f"{site.url}/bytes/1")
    assert done.returncode == 1
    assert {row.get("error") for row in records(done.stdout)} == {None, "RobotsDisallowed"}


def test_the_same_is_fetched_once(aioxide_command, site) -> None:
    urls = [f"{site.url}/bytes/1"] * 5
    done = aioxide_command.run("fetch", "--dedupe", *urls)
    assert (done.returncode, len(records(done.stdout)), len(site.requests())) == (0, 1, 1)


def test_the_same_is_fetched_once_over_two_runs(aioxide_command, site, tmp_path) -> None:
    urls = [f"{site.url}/bytes/1", f"{site.url}/bytes/1#again"]
    for _ in range(2):
        arguments = ["--dedupe", "--resume", "-o", str(tmp_path / "out.jsonl")]
        assert aioxide_command.run("fetch", *arguments, *urls).returncode == 0
    assert len(site.requests()) == 1


def test_another_method(aioxide_command, site) -> None:
    assert aioxide_command.run("fetch", "--method", "delete", f"{site.url}/echo").returncode == 0
    assert [seen.method for seen in site.requests()] == ["DELETE"]


@pytest.mark.parametrize("arguments", [["--per-host", "2"], ["--concurrency", "2"]])
def test_limits(aioxide_command, site, arguments: list[str]) -> None:
    urls = [f"{site.url}/delay/20?n={number}" for number in range(8)]
    done = aioxide_command.run("fetch", *arguments, *urls)
    assert (done.returncode, len(records(done.stdout))) == (0, 8)
    assert site.statistics()["connections_opened"] <= 2


def test_a_pace_and_what_is_found_out_on_the_way(aioxide_command, site) -> None:
    urls = [f"{site.url}/bytes/{number}" for number in range(30)]
    done = aioxide_command.run("fetch", "--concurrency", "auto", "--rate", "6000/m", *urls)
    assert (done.returncode, len(records(done.stdout))) == (0, 30)


def test_a_pace_for_each_host(aioxide_command, site) -> None:
    other = site.url.replace("127.0.0.1", "localhost")
    urls = [f"{origin}/json/{number}" for number in range(2) for origin in (site.url, other)]
    # One a host, and then nothing for a minute.
    with aioxide_command.start("fetch", "--per-host-rate", "1/m", *urls, stdout=subprocess.PIPE) as process:
        lines = [process.stdout.readline() for _ in range(2)]
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert ({json.loads(line)["url"] for line in lines}, rest) == ({*urls[:2]}, b"")
