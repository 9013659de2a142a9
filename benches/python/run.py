"""Measures aioxide against asyncio and against the usual bridge; writes benches/results/python-*.

python benches/python/run.py [--rounds 5] [--only P1,P3,memory] [--no-write]
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import importlib.util
import json
import os
import platform
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from measure import Outcome
from memory import WAITERS, Waiter, waiters
from pairs import pairs

import aioxide

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds of each pair (%(default)s)")
    parser.add_argument("--only", default="", help="bars, or memory, separated by commas; all by default")
    parser.add_argument("--no-write", action="store_true", help="print only")
    options = parser.parse_args()
    only = set(filter(None, options.only.split(",")))
    usual = usual_bridge() if not only or "P2" in only else None
    chosen = [pair for pair in pairs(usual) if not only or pair.bar in only]
    # The twin's runtime goes on living, and disturbs what is measured after it: it comes last.
    chosen.sort(key=lambda pair: pair.bar == "P2")
    measured = {
        name: [pair.run(options.rounds, new_loop) for pair in chosen] for name, new_loop in loops().items()
    }
    memory: list[Waiter] = []
    if (not only or "memory" in only) and sys.platform == "linux":
        memory = waiters(options.rounds)
    table = markdown(measured, memory, options.rounds)
    print(table)
    if not options.no_write:
        stem = f"python-{sys.version_info.major}.{sys.version_info.minor}"
        (RESULTS / f"{stem}.md").write_text(table)
        (RESULTS / f"{stem}.json").write_text(json.dumps(as_json(measured, memory), indent=1) + "\n")


def loops() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    found: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.SelectorEventLoop}
    try:
        uvloop = importlib.import_module("uvloop")
    except ImportError:
        print("uvloop is not installed: asyncio's loop alone", file=sys.stderr)
    else:
        found["uvloop"] = uvloop.new_event_loop
    return found


def usual_bridge() -> Callable[[], Awaitable[object]] | None:
    """The twin's no-op, built on first use."""
    if importlib.util.find_spec("aioxide_bench_twin") is None:
        target = HERE.parents[1] / "target" / "twin"
        maturin = [str(Path(sys.executable).parent / "maturin"), "develop", "--release", "--quiet"]
        environment = os.environ | {"VIRTUAL_ENV": sys.prefix, "CARGO_TARGET_DIR": str(target)}
        subprocess.run(maturin, check=True, cwd=HERE / "twin", env=environment)
        importlib.invalidate_caches()
    twin = importlib.import_module("aioxide_bench_twin")
    noop: Callable[[], Awaitable[object]] = twin.noop
    return noop


def conditions(rounds: int) -> str:
    return (
        f"aioxide {aioxide.__version__}, CPython {platform.python_version()}, {os.cpu_count()} cores, "
        f"{platform.system()}; medians of {rounds} alternating rounds, collector off while measuring. Times "
        "are of one operation, less what the workload itself says to sleep. The ratios, of speed and of CPU "
        "time, are medians of each round's ratio, since the machine drifts from round to round."
    )


def markdown(measured: dict[str, list[Outcome]], memory: list[Waiter], rounds: int) -> str:
    lines = [
        f"# Against asyncio, CPython {sys.version_info.major}.{sys.version_info.minor}",
        "",
        conditions(rounds),
        "",
        "| bar | loop | what | ns | peer | ns | faster | bar at least | CPU of the peer's |",
        "| --- | --- | --- | ---: | --- | ---: | ---: | ---: | ---: |",
    ]
    for loop, outcomes in measured.items():
        for o in outcomes:
            lines.append(
                f"| {o.pair.bar} | {loop} | {o.pair.what} | {o.ours.wall:,.0f} | {o.pair.peer} | "
                f"{o.theirs.wall:,.0f} | **{o.ratio:.2f}x** | {o.pair.at_least:.1f}x | {o.cpu_ratio:.2f} |"
            )
    if memory:
        lines += memory_section(memory, rounds)
    return "\n".join(lines) + "\n"


def memory_section(memory: list[Waiter], rounds: int) -> list[str]:
    lines = [
        "",
        f"## Memory of {WAITERS:,} waiters",
        "",
        "Bytes of one waiter, a task that awaits: what the process grew by, divided by the waiters. Medians "
        f"of {rounds} processes for each figure, on asyncio's loop. A task with its coroutine takes "
        f"{memory[0].task:,.0f}, and the net is without that. Ratios are below 1 where ours takes less.",
        "",
        "| what | bytes | net | peer | bytes | net | of the peer's | net |",
        "| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: |",
    ]
    for w in memory:
        lines.append(
            f"| {w.what} | {w.ours:,.0f} | {w.ours - w.task:,.0f} | {w.peer} | {w.theirs:,.0f} | "
            f"{w.theirs - w.task:,.0f} | **{w.ratio:.2f}x** | {w.net_ratio:.2f}x |"
        )
    return lines


def as_json(measured: dict[str, list[Outcome]], memory: list[Waiter]) -> dict[str, object]:
    return {
        "pairs": [
            {
                "bar": o.pair.bar,
                "loop": loop,
                "what": o.pair.what,
                "peer": o.pair.peer,
                "operations": o.pair.operations,
                "ours_ns": vars(o.ours),
                "peer_ns": vars(o.theirs),
                "ratio": o.ratio,
                "at_least": o.pair.at_least,
                "cpu_ratio": o.cpu_ratio,
            }
            for loop, outcomes in measured.items()
            for o in outcomes
        ],
        "memory": [
            {
                "what": w.what,
                "peer": w.peer,
                "waiters": WAITERS,
                "ours_bytes": w.ours,
                "peer_bytes": w.theirs,
                "task_bytes": w.task,
                "ratio": w.ratio,
                "net_ratio": w.net_ratio,
            }
            for w in memory
        ],
    }


if __name__ == "__main__":
    main()
