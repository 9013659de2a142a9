"""From what was measured to what is read: medians, ratios, a table."""

from statistics import median
from typing import Any

from benches.compare.scenarios import SCENARIOS

#: The peer that the others are compared with.
OURS = "aioxide"

SETTING = """\
{date}, {python}, {system}, {cores} cores ({cpu}). HTTP/1.1 without TLS and bodies of 1 KiB, unless
said otherwise, {limit} requests in flight. Medians of {rounds} rounds in which the peers took turns; each
client in a process of its own, the server (hyper, threads: {server_workers}) in another. Tokio threads of
aioxide and of the Rust program: {workers}; the other clients have what they choose."""

COLUMNS = f"""\
Wall and CPU time are of one request; CPU is the client's, user and system. The last two columns are medians
of each round's ratios: {OURS}'s speed over this client's, above 1 where {OURS} is faster; {OURS}'s CPU time
over this client's, below 1 where {OURS} takes less."""

Round = dict[str, Any]


def summary(rounds: list[Round], ours: list[Round] | None) -> dict[str, Any]:
    """One peer's medians; ratios are taken round by round, for the machine drifts from one to the next."""
    wall = [1e6 * each["wall"] / each["requests"] for each in rounds]
    cpu = [1e6 * each["cpu"] / each["requests"] for each in rounds]
    result: dict[str, Any] = {
        "requests": rounds[0]["requests"],
        "requests_per_second": round(1e6 / median(wall)),
        "wall_us_per_request": round(median(wall), 2),
        "cpu_us_per_request": round(median(cpu), 2),
        "rounds": rounds,
    }
    if ours is not None:
        wall_ours = [1e6 * each["wall"] / each["requests"] for each in ours]
        cpu_ours = [1e6 * each["cpu"] / each["requests"] for each in ours]
        pairs = list(zip(wall, wall_ours, strict=True))
        result["our_speed_over_its"] = round(median(its / our for its, our in pairs), 3)
        pairs = list(zip(cpu, cpu_ours, strict=True))
        result["our_cpu_over_its"] = round(median(our / its for its, our in pairs), 3)
    return result


def markdown(results: dict[str, Any]) -> str:
    """Everything as a page: the setting first, for a figure without it says nothing."""
    lines = ["# Clients compared", "", SETTING.format_map(results["setting"]), "", COLUMNS]
    for name, scenario in results["scenarios"].items():
        lines += ["", f"## {name}: {SCENARIOS[name].title}", ""]
        lines += [
            "| client | version | requests | per second | wall µs | CPU µs | our speed | our CPU |",
            "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
        ]
        peers = sorted(scenario["peers"].items(), key=lambda item: -item[1]["requests_per_second"])
        lines += [_row(peer, results["versions"][peer], measured) for peer, measured in peers]
        lines += [f"| {peer} | absent: {reason} | | | | | | |" for peer, reason in scenario["absent"].items()]
    return "\n".join(lines) + "\n"


def _row(peer: str, version: str, measured: dict[str, Any]) -> str:
    speed, cpu = measured.get("our_speed_over_its"), measured.get("our_cpu_over_its")
    cells = [
        peer,
        version,
        f"{measured['requests']:,}",
        f"{measured['requests_per_second']:,}",
        f"{measured['wall_us_per_request']:.1f}",
        f"{measured['cpu_us_per_request']:.1f}",
        "" if speed is None else f"{speed:.2f}x",
        "" if cpu is None else f"{cpu:.2f}x",
    ]
    return f"| {' | '.join(cells)} |"
