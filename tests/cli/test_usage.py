"""What the command line takes, what it refuses, and how it explains itself."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import aioxide
from aioxide.cli import main

BAD_USAGE = 2
URL = "http://127.0.0.1:1/"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "COMMAND"),
        (["scrape"], "scrape"),
        (["fetch"], "no URLs"),
        (["fetch", URL, "--concurrency", "0"], "--concurrency"),
        (["fetch", URL, "--concurrency", "many"], "--concurrency"),
        (["fetch", URL, "--timeout", "0"], "--timeout"),
        (["fetch", URL, "--timeout", "-1"], "--timeout"),
        (["fetch", URL, "--timeout", "nan"], "--timeout"),
        (["fetch", URL, "--timeout", "soon"], "--timeout"),
        (["fetch", URL, "--header", "no-colon"], "--header"),
        (["fetch", URL, "--header", ": no name"], "--header"),
        (["fetch", URL, "--header", "a b: c"], "--header"),
        (["fetch", URL, "--header", "a: b\r\nc: d"], "--header"),
        (["fetch", "-i", "no/such/file"], "no/such/file"),
        (["fetch", "-i", "."], "cannot read ."),
        (["fetch", URL, "-o", "no/such/file"], "no/such/file"),
        (["fetch", URL, "-o", "."], "cannot write ."),
        (["demo", "--pages", "0"], "--pages"),
        (["demo", "--concurrency", "-5"], "--concurrency"),
    ],
)
def test_bad_usage_is_explained(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == BAD_USAGE
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("usage: aioxide")
    assert complaint in printed.err.splitlines()[-1]


def test_urls_and_options_come_in_any_order(capfd: pytest.CaptureFixture[str]) -> None:
    arguments = [URL, "--timeout", "5", f"{URL}b", "--header", "a: b", f"{URL}c", "--quiet", "--", "--d"]
    assert main(["fetch", *arguments]) == 1
    urls = {json.loads(line)["url"] for line in capfd.readouterr().out.splitlines()}
    assert urls == {URL, f"{URL}b", f"{URL}c", "--d"}


def test_an_input_is_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    urls = tmp_path / "urls.txt"
    urls.write_text(URL)
    with pytest.raises(SystemExit) as ended:
        main(["fetch", "-i", str(urls), "-o", str(urls)])
    assert ended.value.code == BAD_USAGE
    assert "read and written" in capsys.readouterr().err
    assert urls.read_text() == URL


@pytest.mark.parametrize("descriptor", [0, 1])
def test_a_closed_standard_file_is_bad_usage(aioxide_command, descriptor: int) -> None:
    done = aioxide_command.run(
        "fetch", "-i", "-", stdin=subprocess.DEVNULL, preexec_fn=lambda: os.close(descriptor)
    )
    assert done.returncode == BAD_USAGE
    assert "error: cannot" in done.stderr


@pytest.mark.parametrize("arguments", [["fetch", URL], ["demo"], ["info"]])
def test_a_bad_number_of_workers_is_told_once(aioxide_command, arguments: list[str]) -> None:
    done = aioxide_command.run(*arguments, env={**os.environ, "AIOXIDE_WORKERS": "none"})
    assert (done.returncode, done.stdout) == (BAD_USAGE, "")
    assert "AIOXIDE_WORKERS" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("command", [[], ["fetch"], ["demo"], ["info"]])
def test_help_fits_a_terminal(aioxide_command, command: list[str]) -> None:
    done = aioxide_command.run(*command, "--help", env={**os.environ, "COLUMNS": "80"})
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    # The last line is for what is typed next.
    assert len(lines) <= 23
    assert max(map(len, lines)) <= 80


def test_the_script_is_the_module(aioxide_command) -> None:
    script = Path(sys.executable).with_name("aioxide")
    if not script.exists():
        pytest.skip("the package is not installed, only on the path")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == aioxide_command.run("--version").stdout == f"aioxide {aioxide.__version__}\n"
