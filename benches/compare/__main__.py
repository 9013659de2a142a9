"""``python -m benches.compare``: aioxide against other clients, and against a Rust program.

Every client runs in a process of its own against a server in another; the peers take turns, and the medians
go to ``compare.json`` (with every single figure), ``compare.md`` and ``compare.svg`` in ``benches/results``.
A peer that is not installed, lacks what is measured, or fails, is in the report with the reason. Install them
with ``pip install --group bench``. A mixed scrape listens on all addresses of this machine while it lasts:
its hosts are 127.0.0.1 to 127.0.0.50, which only Linux has without further ado.
"""

import argparse
import json
import os
import resource
from pathlib import Path
from typing import Any

from benches.compare.chart import chart
from benches.compare.clients import build_rust_peer
from benches.compare.held import held
from benches.compare.report import markdown
from benches.compare.roster import EVERYONE, RUST
from benches.compare.rounds import compare
from benches.compare.scenarios import SCENARIOS, USUAL
from benches.compare.setting import ROOT, setting
from benches.compare.starts import starts


def main() -> None:
    options = _options()
    _allow_many_sockets()
    if options.peers is None or RUST in options.peers:
        build_rust_peer()
    chosen = ("seconds", "workers", "server_workers")
    results: dict[str, Any] = {
        "setting": setting() | {name: getattr(options, name) for name in chosen},
        "versions": {},
        "scenarios": {},
    }
    for name in options.scenarios:
        results["scenarios"][name] = compare(name, SCENARIOS[name], options, results["versions"])
        _publish(results, options.output)
    if options.process:
        results["starts"] = starts(options.rounds or 11)
        results["held"] = held(options.rounds or 3, options.workers)
    print(_publish(results, options.output))


def _publish(results: dict[str, Any], directory: Path) -> str:
    """Write what is known so far; the page."""
    page, picture = markdown(results), chart(results)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "compare.json").write_text(json.dumps(results, indent=1) + "\n")
    (directory / "compare.md").write_text(page)
    if picture:
        (directory / "compare.svg").write_text(picture)
    return page


def _allow_many_sockets() -> None:
    """Ten thousand requests in flight have as many sockets, in the client and in the server."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _options() -> argparse.Namespace:
    switch = argparse.BooleanOptionalAction
    parser = argparse.ArgumentParser(prog="python -m benches.compare", description=__doc__)
    parser.add_argument(
        "--full", action="store_true", help="all peers in all scenarios: hours, instead of twelve minutes"
    )
    parser.add_argument("--rounds", type=int, help="turns of each peer (3 to 5)")
    parser.add_argument("--seconds", type=float, default=1.0, help="of one turn (%(default)s)")
    parser.add_argument(
        "--workers", type=int, default=min(2, os.cpu_count() or 1), help="tokio threads (%(default)s)"
    )
    parser.add_argument("--server-workers", type=int, default=1, help="threads that serve (%(default)s)")
    parser.add_argument(
        "--scenarios", nargs="*", choices=SCENARIOS, metavar="NAME", help=", ".join(SCENARIOS)
    )
    parser.add_argument("--peers", nargs="+", choices=EVERYONE, metavar="NAME", help=", ".join(EVERYONE))
    parser.add_argument(
        "--process", action=switch, default=True, help="measure imports and memory as well (%(default)s)"
    )
    parser.add_argument("--output", type=Path, default=ROOT / "benches" / "results", help="a directory")
    options = parser.parse_args()
    if options.scenarios is None:
        options.scenarios = list(SCENARIOS) if options.full else list(USUAL)
    if options.full and options.peers is None:
        options.peers = list(EVERYONE)
    return options


if __name__ == "__main__":
    main()
