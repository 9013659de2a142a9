"""``aioxide fetch`` amid pipes: it reads no more than it needs, and ends well however it is ended."""

import asyncio
import json
import os
import select
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aioxide.testing import LocalSite

INTERRUPTED, NOBODY_READS = 130, 141

# Seconds that a pipe stays full before it counts as not read any more.
STILL = 0.5


def wait(operation: Callable[[int], Any], count: int) -> None:
    """Block until a site has counted so many."""

    async def waiting() -> None:
        await operation(count)

    asyncio.run(waiting())


def test_a_slow_writer_is_answered_while_it_writes(aioxide_command, site: LocalSite) -> None:
    process = aioxide_command.start("fetch", "-i", "-", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with process:
        for number in range(3):
            process.stdin.write(f"{site.url}/bytes/{number}\n".encode())
            process.stdin.flush()
            # Written although stdin is still open, and nothing else may ever come.
            assert json.loads(process.stdout.readline())["length"] == number
        process.stdin.close()
        assert process.stdout.read() == b""
    assert process.returncode == 0


def test_no_more_is_read_than_needed(aioxide_command, site: LocalSite) -> None:
    process = aioxide_command.start(
        "fetch", "-i", "-", "--concurrency", "2", stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    with process:
        pipe = process.stdin.fileno()
        os.set_blocking(pipe, False)
        lines = f"{site.url}/hang\n".encode() * 100
        written = 0
        while written < 10_000_000 and select.select([], [pipe], [], STILL)[1]:
            written += os.write(pipe, lines)
        wait(site.wait_begun, 2)
        assert written < 1_000_000
        process.send_signal(signal.SIGINT)
        process.stdin.close()
    assert process.returncode == INTERRUPTED


def test_an_interrupt_leaves_whole_lines_of_all_that_was_fetched(
    aioxide_command, site: LocalSite, tmp_path: Path
) -> None:
    quick, stuck = 300, 20
    urls = [f"{site.url}/bytes/{n}" for n in range(quick)] + [f"{site.url}/hang"] * stuck * 2
    (tmp_path / "urls.txt").write_text("\n".join(urls))
    process = aioxide_command.start(
        "fetch",
        "-i",
        str(tmp_path / "urls.txt"),
        "-o",
        str(tmp_path / "out.jsonl"),
        "--concurrency",
        str(stuck),
        stderr=subprocess.PIPE,
    )
    with process:
        # Every worker is stuck: what could be fetched has been.
        wait(site.wait_begun, quick + stuck)
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == b""
    assert process.returncode == INTERRUPTED
    text = (tmp_path / "out.jsonl").read_text()
    assert text.endswith("\n")
    assert sorted(json.loads(line)["length"] for line in text.splitlines()) == list(range(quick))


def test_an_interrupt_is_not_held_up_by_an_idle_stdin(aioxide_command, site: LocalSite) -> None:
    process = aioxide_command.start(
        "fetch", f"{site.url}/bytes/1", "-i", "-", stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert json.loads(process.stdout.readline())["length"] == 1
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == INTERRUPTED


def test_an_output_that_nobody_reads_ends_it_quietly(aioxide_command, site: LocalSite) -> None:
    process = aioxide_command.start(
        "fetch", "-i", "-", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with process:
        process.stdin.write(f"{site.url}/bytes/1\n".encode())
        process.stdin.flush()
        process.stdout.readline()
        process.stdout.close()
        # Stdin stays open: it is the pipe that ends the command.
        process.stdin.write(f"{site.url}/bytes/2\n".encode())
        process.stdin.flush()
        assert process.stderr.read() == b""
        assert process.wait(30) == NOBODY_READS


def test_a_full_disk_is_one_message(aioxide_command, site: LocalSite) -> None:
    for arguments in [["-o", "/dev/full"], []]:
        with open("/dev/full", "wb") as full:
            process = aioxide_command.start(
                "fetch", f"{site.url}/bytes/1", *arguments, stdout=full, stderr=subprocess.PIPE
            )
            with process:
                message = process.stderr.read().decode()
        assert process.returncode == 1
        assert message.splitlines() == ["aioxide fetch: error: [Errno 28] No space left on device"]
