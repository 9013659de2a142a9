"""Measures what dead hosts cost the others in `fetch_all`, and the memory of a long job.

It writes benches/results/hosts.md. The names of the hosts all lead to one local site; those of the dead to a
port whose queue is full, so that a connection to it is never made.

python benches/python/hosts.py [--rounds 5] [--urls 1000000] [--no-write]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime
import platform
import resource
import socket
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import aioxide
from aioxide.testing import LocalSite, site_process

RESULTS = Path(__file__).parent.parent / "results"

HOSTS, DEAD, URLS_EACH = 200, 20, 100
DELAY_MS = 50
CONNECT = 1.0


@contextlib.contextmanager
def dead_port() -> Iterator[int]:
    """A port that takes no connection and refuses none."""
    with contextlib.ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            filler = sockets.enter_context(socket.socket())
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(listener.getsockname())
        yield listener.getsockname()[1]


async def seconds(site: LocalSite, dead: int | None) -> float:
    """The time until the last URL of the living hosts is fetched; `dead`: the port of others beside them."""
    port = site.url.rsplit(":", 1)[1]
    living = HOSTS - DEAD

    def urls() -> Iterator[str]:
        for number in range(URLS_EACH):
            for host in range(HOSTS):
                if host < living:
                    yield f"http://h{host}.test:{port}/delay/{DELAY_MS}?{number}"
                elif dead is not None:
                    yield f"http://h{host}.test:{dead}/{number}"

    names = {f"h{host}.test": "127.0.0.1" for host in range(HOSTS)}
    timeout = aioxide.Timeout(connect=CONNECT, total=60)
    begin, left = time.perf_counter(), living * URLS_EACH
    async with aioxide.Client(resolve=names, limits=aioxide.Limits(2 * HOSTS)) as client:
        async for result in client.fetch_all(urls(), timeout=timeout, concurrency=100):
            left -= result.ok
            if not left:
                break
    return time.perf_counter() - begin


async def memory(site: LocalSite, count: int) -> tuple[float, float, float]:
    """The most memory in MB after a tenth of so many URLs and after all, and URLs a second."""

    def most() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    begin, early, done = time.perf_counter(), 0.0, 0
    async for result in aioxide.fetch_all(f"{site.url}/bytes/1024?{n}" for n in range(count)):
        done += result.ok
        if done == count // 10:
            early = most()
    if done != count:
        raise RuntimeError(f"{count - done} of {count} URLs failed")
    return early, most(), count / (time.perf_counter() - begin)


async def measure(site: LocalSite, rounds: int, urls: int) -> list[str]:
    early, late, rate = await memory(site, urls)
    with dead_port() as dead:
        pairs = [(await seconds(site, None), await seconds(site, dead)) for _ in range(rounds)]
    without, beside = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(both / alone for alone, both in pairs)
    return [
        "# Many hosts, and many URLs",
        "",
        f"{datetime.datetime.now(datetime.UTC).date()}, CPython {platform.python_version()}. "
        f"`concurrency=100`. {HOSTS - DEAD} hosts of {URLS_EACH} URLs each that take {DELAY_MS} ms, "
        f"without and with {DEAD} more, as many URLs each, that take no connection, which is given up "
        f"after {CONNECT:g} s; medians of {rounds} alternating rounds, the ratio the median of each round's.",
        "",
        "| | |",
        "| --- | ---: |",
        f"| the living alone | {without:.2f} s |",
        f"| the last of the living, beside the dead | {beside:.2f} s |",
        f"| ratio | {ratio:.3f} |",
        f"| {urls:,} URLs of 1 KiB from a generator, one local site | {rate:,.0f} a second |",
        f"| most memory of the process after a tenth of them / after all | {early:.1f} MB / {late:.1f} MB |",
        "",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=5, help="rounds without and with the dead (%(default)s)"
    )
    parser.add_argument("--urls", type=int, default=1_000_000, help="URLs of the long job (%(default)s)")
    parser.add_argument("--no-write", action="store_true", help="print only")
    options = parser.parse_args()
    with site_process() as site:
        lines = asyncio.run(measure(site, options.rounds, options.urls))
    print("\n".join(lines))
    if not options.no_write:
        (RESULTS / "hosts.md").write_text("\n".join(lines))


if __name__ == "__main__":
    main()
