"""The bar: on a terminal it shows what was counted, elsewhere it shows nothing."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from aioxide._core import Progress

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def last_drawn(text: str) -> str:
    """The bar as it was left."""
    return [line for line in re.split(r"[\r\n]+", CONTROL.sub("", text)) if line.strip()][-1]


def test_it_counts_and_draws_nothing_without_a_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    progress = Progress(10)
    progress.advance()
    progress.advance(3, failed=2, bytes=5000)
    assert not progress.visible
    assert (progress.done, progress.failed, progress.bytes) == (4, 2, 5000)
    assert repr(progress) == "<Progress 4/10, 2 failed>"
    progress.finish()
    progress.finish()
    progress.advance()
    assert progress.done == 4
    progress.write_above(b"a line\n")
    assert tuple(capfd.readouterr()) == ("a line\n", "")


def test_negative_numbers_are_refused() -> None:
    progress = Progress(hidden=True)
    for counts in ({"n": -1}, {"failed": -1}, {"bytes": -1}):
        with pytest.raises(OverflowError):
            progress.advance(**counts)
    assert (progress.done, progress.failed, progress.bytes) == (0, 0, 0)


def test_a_bar_of_the_parent_is_dead_in_a_forked_child(python_command) -> None:
    script = """if True:
        import os
        from aioxide._core import Progress
        progress = Progress(10)
        assert progress.visible
        child = os.fork()
        if not child:
            progress.advance()
            progress.finish()
            assert not progress.visible
            del progress
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        progress.advance(10)
        progress.finish()
    """
    # Forking while other threads run is what is tested, and what Python warns of.
    shown = python_command.run_on_terminal("-W", "ignore::DeprecationWarning", "-c", script)
    assert shown.returncode == 0, shown.text
    assert "10/10" in last_drawn(shown.text)


def test_a_bar_that_is_dropped_is_wiped(python_command) -> None:
    shown = python_command.run_on_terminal(
        "-c", "from aioxide._core import Progress; Progress(10); print('over')"
    )
    assert (shown.returncode, last_drawn(shown.text)) == (0, "over")


def test_fetch_shows_a_bar_on_a_terminal(aioxide_command, served, tmp_path: Path) -> None:
    urls = tmp_path / "urls.txt"
    urls.write_text(f"# a comment\n\n{served.url}/bytes/1000\n" * 49 + "no-url\n")
    shown = aioxide_command.run_on_terminal("fetch", "-i", str(urls), "-o", str(tmp_path / "out.jsonl"))
    assert shown.returncode == 1
    bar = last_drawn(shown.text)
    assert re.search(r"━ 50/50  [\d,.]+/s  1 error  47\.85 KiB  0:0\d *$", bar), bar
    assert len(bar) <= 80
    assert "left" in shown.text
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 50


def test_a_bar_and_lines_share_a_terminal(aioxide_command, served) -> None:
    urls = [f"{served.url}/delay/{20 * number}" for number in range(20)]
    shown = aioxide_command.run_on_terminal("fetch", *urls)
    assert shown.returncode == 0
    lines = [line for line in re.split(r"[\r\n]+", CONTROL.sub("", shown.text)) if line.startswith("{")]
    assert sorted(json.loads(line)["url"] for line in lines) == sorted(urls)
    assert "20/20" in last_drawn(shown.text)


@pytest.mark.parametrize("command", [["fetch", "no-url"], ["demo", "--pages", "9"]])
def test_quiet_draws_no_bar(aioxide_command, command: list[str]) -> None:
    shown = aioxide_command.run_on_terminal(*command, "--quiet", stdout=subprocess.DEVNULL)
    assert shown.text == ""


def test_a_pipe_gets_no_bar(aioxide_command) -> None:
    assert aioxide_command.run("fetch", "no-url").stderr == ""


def test_the_demo_shows_a_bar_on_a_terminal(aioxide_command) -> None:
    shown = aioxide_command.run_on_terminal("demo", "--pages", "50", stdout=subprocess.DEVNULL)
    assert shown.returncode == 0
    assert "101/101" in last_drawn(shown.text)
