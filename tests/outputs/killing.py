"""A program that runs a job again and again, and has it killed: at random moments, or at each step it takes.

    python killing.py MODE OUTPUT SITE SEED ROUNDS

Every round is a process of its own, forked from this one, which has imported what takes long. The last one
is left alone. A name that ends in .journal is a journal, beside a log of what a loop of the user's did.
"""

import asyncio
import faulthandler
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet  # noqa: F401

import aioxide
import aioxide.journal
import aioxide.outputs

# As it is before `Steps`: a user's log is not what is tested.
write = os.write

# Ends that are no failure of a job: it was killed, by a signal or by `Steps`.
KILLED = (-signal.SIGKILL, 99)


def urls(site: str, count: int) -> list[str]:
    """So many URLs; some are there twice, some fail, some have another type."""
    made = []
    for number in range(count):
        if number % 50 == 7:
            made.append(f"no-url-{number}")
        elif number % 10 == 9:
            made.append(made[-3])
        elif number % 10 == 5 and os.environ.get("RETRY_FAILED"):
            made.append(f"{site}/flaky/{os.getpid()}-{number}/1?status=500")
        elif number % 3 == 2:
            made.append(f"{site}/json/1?n={number}")
        else:
            made.append(f"{site}/bytes/{number % 300}?n={number}")
    return made


async def work(output: str, items: list[str], rate: float | None) -> None:
    retry_failed = bool(os.environ.get("RETRY_FAILED"))
    fetching = aioxide.fetch_all(
        items,
        concurrency=50,
        rate=rate,
        **({"journal": output} if output.endswith(".journal") else {}),
    )
    if not output.endswith(".journal"):
        await fetching.save(output, resume=True, retry_failed=retry_failed)
        return
    log = os.open(f"{output}.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    async for result in fetching:
        write(log, f"{result.url}\n".encode())


class Steps:
    """Ends the process before the step of that number; a write is done by half."""

    NAMES = ("open", "write", "ftruncate", "replace", "unlink", "fsync", "close")

    def __init__(self, last: int) -> None:
        self.left = last
        for name in self.NAMES:
            setattr(os, name, self.counted(name, getattr(os, name)))

    def counted(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if self.left == 0:
                if name == "write":
                    write(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                os._exit(KILLED[1])
            self.left -= 1
            return function(*arguments, **options)

        return call


def start(output: str, items: list[str], rate: float | None, last_step: int | None = None) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        faulthandler.dump_traceback_later(60, exit=True)
        if last_step is not None:
            Steps(last_step)
        asyncio.run(work(output, items, rate))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def end(pid: int) -> int:
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status not in (0, *KILLED):
        sys.exit(f"a round ended with {status}")
    return status


def at_random(output: str, site: str, rounds: int, growing: bool) -> list[str]:
    """Kill runs of a job that is too long for any of them, or of one that grows, so that runs also end."""
    items = urls(site, 5000)
    killed = 0
    for number in range(rounds):
        given = items[: 40 * number] if growing else list(items)
        random.shuffle(given)
        pid = start(output, given, None if growing else 4000)
        time.sleep(random.uniform(0.0, 0.15))
        os.kill(pid, signal.SIGKILL)
        killed += end(pid) != 0
    print(killed, "killed")
    return items[: 40 * rounds] if growing else items


def at_each_step(output: str, site: str, rounds: int) -> list[str]:
    """End runs of a job before their first step, their second, and so on; then there is more to be done."""
    items = urls(site, 24)
    count, killed = 0, 0
    for _ in range(rounds):
        count += len(items) // rounds
        step = 0
        while end(start(output, items[:count], None, step)) != 0:
            killed += 1
            step += 1
    print(killed, "killed")
    return items[:count]


def main(mode: str, output: str, site: str, seed: str, rounds: str) -> None:
    random.seed(seed)
    if mode == "steps":
        items = at_each_step(output, site, int(rounds))
    else:
        items = at_random(output, site, int(rounds), mode == "growing")
    if end(start(output, items, None)) != 0:
        sys.exit("the last run did not end")
    Path(f"{output.rstrip('/')}.expected").write_text("\n".join(items))


if __name__ == "__main__":
    main(*sys.argv[1:])
