"""``python -m benches.compare``: aioxide against other clients, and against a Rust program.

Every client runs in a process of its own against a server in another; the peers take turns, and the medians
go to ``compare.json`` and ``compare.md`` in ``benches/results``. A peer that is not installed, or fails, is
in the report with the reason. Install them with ``pip install --group bench``.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from aioxide.testing import SiteProcess, site_process
from benches.compare.report import OURS, markdown, summary
from benches.compare.scenarios import SCENARIOS, Scenario

ROOT = Path(__file__).parents[2]
RUST = "reqwest (Rust)"
PEERS = [OURS, "ry", "wreq", "pyreqwest", "aiohttp", "httpx", RUST]

#: aiohttp has none, and httpx wants the package h2 for it.
WITHOUT_HTTP2 = {"aiohttp", "httpx"}

#: A target directory of its own: the extension is built with other settings, and would be built again.
TARGET = ROOT / "target" / "compare"

#: One client's run, in seconds; beyond, it counts as failed.
PATIENCE = 300.0


class PeerFailedError(Exception):
    """A client did not do what it should; the message says why, in one line."""


def main() -> None:
    options = _options()
    _build_rust_peer()
    results: dict[str, Any] = {"setting": _setting(options), "versions": {}, "scenarios": {}}
    for name in options.scenarios:
        results["scenarios"][name] = _compare(name, SCENARIOS[name], options, results["versions"])
    page = markdown(results)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "compare.json").write_text(json.dumps(results, indent=2) + "\n")
    (options.output / "compare.md").write_text(page)
    print(page)


def _compare(
    name: str, scenario: Scenario, options: argparse.Namespace, versions: dict[str, str]
) -> dict[str, Any]:
    """All rounds of one scenario."""
    site = site_process(workers=options.server_workers, log=False, tls=scenario.tls, http2=scenario.http2)
    with site as server:
        return _rounds(name, scenario, server, options, versions)


def _rounds(
    name: str,
    scenario: Scenario,
    site: SiteProcess,
    options: argparse.Namespace,
    versions: dict[str, str],
) -> dict[str, Any]:
    requests = options.requests // scenario.fewer
    rounds: dict[str, list[dict[str, Any]]] = {}
    absent: dict[str, str] = {}
    for number in range(options.rounds):
        for peer in options.peers:
            if peer in absent:
                continue
            if scenario.http2 and peer in WITHOUT_HTTP2:
                absent[peer] = "has no HTTP/2, or not without an extra"
                continue
            try:
                measured = _run(peer, scenario, site, requests, options)
            except PeerFailedError as error:
                # A peer that fails once is out: its medians would be of other rounds than the others'.
                absent[peer] = str(error)
                rounds.pop(peer, None)
                continue
            versions[peer] = measured.pop("version")
            rounds.setdefault(peer, []).append(measured)
            rate = measured["requests"] / measured["wall"]
            print(f"{name} {number + 1}/{options.rounds} {peer}: {rate:,.0f}/s", file=sys.stderr)
    ours = rounds.get(OURS)
    return {"peers": {peer: summary(each, ours) for peer, each in rounds.items()}, "absent": absent}


def _run(
    peer: str, scenario: Scenario, site: SiteProcess, requests: int, options: argparse.Namespace
) -> dict[str, Any]:
    """One client's turn."""
    load = [scenario.load, site.url, str(scenario.size), str(requests), str(options.limit)]
    if peer == RUST:
        command = [str(TARGET / "release" / "examples" / "reqwest_peer"), *load, str(options.workers)]
    else:
        command = [sys.executable, "-m", "benches.compare.load", peer, *load]
    environment = os.environ | {"AIOXIDE_WORKERS": str(options.workers)}
    if site.certificate_path:
        environment["COMPARE_AUTHORITY"] = site.certificate_path
    try:
        ended = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=True
        )
    except FileNotFoundError:
        raise PeerFailedError("not built") from None
    except subprocess.TimeoutExpired:
        raise PeerFailedError(f"took more than {PATIENCE:.0f} s") from None
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or [f"exit status {error.returncode}"])[-1]
        # For a table that is committed: without this machine's paths, or what ends a cell.
        raise PeerFailedError(last.replace(f"{ROOT}/", "").replace("|", "/")) from None
    measured: dict[str, Any] = json.loads(ended.stdout)
    measured.setdefault("version", _locked("reqwest"))
    return measured


def _build_rust_peer() -> None:
    command = ["cargo", "build", "--release", "--example", "reqwest_peer", "--target-dir", str(TARGET)]
    environment = os.environ | {"PYO3_PYTHON": sys.executable}
    try:
        subprocess.run(command, cwd=ROOT, env=environment, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        # It will be reported as absent.
        print(f"the Rust peer was not built: {error}", file=sys.stderr)


def _setting(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.release()}",
        "cpu": _processor(),
        "cores": os.cpu_count(),
        "hyper": _locked("hyper"),
        "tokio": _locked("tokio"),
        "rounds": options.rounds,
        "limit": options.limit,
        "workers": options.workers,
        "server_workers": options.server_workers,
    }


def _processor() -> str:
    """The CPU's name, where the system tells."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _locked(crate: str) -> str:
    """The version of a crate that Cargo.lock has."""
    packages = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    return next(str(package["version"]) for package in packages if package["name"] == crate)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benches.compare", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each peer (%(default)s)")
    parser.add_argument("--requests", type=int, default=20_000, help="of one turn (%(default)s)")
    parser.add_argument("--limit", type=int, default=100, help="requests in flight (%(default)s)")
    parser.add_argument(
        "--workers", type=int, default=min(2, os.cpu_count() or 1), help="tokio threads (%(default)s)"
    )
    parser.add_argument("--server-workers", type=int, default=1, help="threads that serve (%(default)s)")
    parser.add_argument("--scenarios", nargs="+", choices=SCENARIOS, default=list(SCENARIOS))
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=PEERS)
    parser.add_argument("--output", type=Path, default=ROOT / "benches" / "results", help="a directory")
    return parser.parse_args()


if __name__ == "__main__":
    main()
