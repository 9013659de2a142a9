"""From what was measured to what is read: medians, ratios, tables."""

import textwrap
from collections.abc import Iterator
from statistics import median
from typing import Any

from benches.compare.roster import OURS, TITLES, title

SETTING = """\
{date}, {python}, {system}, {cores} cores ({cpu}), which the clients share with the server (hyper {hyper},
threads: {server_workers}). Each client is in a process of its own, and the server in another. Medians of
rounds in which the clients took turns, of about {seconds:g} s each. Tokio threads of aioxide and of the Rust
program: {workers}; the other clients have what they choose. A client makes a task for each request, behind
`asyncio.Semaphore`, unless its name says otherwise; with one in flight, one request after another."""

COLUMNS = """\
Wall and CPU time are of one request; CPU is the client's, user and system; the peak is of its whole process.
The last two columns are medians of each round's ratios to {ours}: its speed over this client's, above 1 where
aioxide is faster; its CPU time over this client's, below 1 where aioxide takes less."""

Round = dict[str, Any]


def summary(rounds: list[Round], ours: list[Round] | None) -> dict[str, Any]:
    """One peer's medians; ratios are taken round by round, for the machine drifts from one to the next."""
    wall = [1e6 * each["wall"] / each["requests"] for each in rounds]
    cpu = [1e6 * each["cpu"] / each["requests"] for each in rounds]
    result: dict[str, Any] = {
        "requests": round(median(each["requests"] for each in rounds)),
        "requests_per_second": round(1e6 / median(wall), 1),
        "wall_us_per_request": round(median(wall), 2),
        "cpu_us_per_request": round(median(cpu), 2),
        "peak_bytes": round(median(each["peak"] for each in rounds)),
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
    lines = ["# Clients compared", "", *_paragraph(SETTING.format_map(results["setting"]))]
    for name, scenario in results["scenarios"].items():
        lines += ["", f"## {name}: {scenario['title']}", "", *_scenario(scenario)]
    if "starts" in results:
        lines += ["", "## Import", "", *_starts(results["starts"])]
    if "held" in results:
        lines += ["", "## Memory of requests in flight", "", *_held(results["held"])]
    lines += ["", "## Versions", "", *_versions(results["versions"])]
    return "\n".join(lines) + "\n"


def fastest_first(scenario: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The peers that were measured."""
    return sorted(scenario["peers"].items(), key=lambda item: -item[1]["requests_per_second"])


def _scenario(scenario: dict[str, Any]) -> Iterator[str]:
    if scenario["ours"]:
        yield from _paragraph(COLUMNS.format(ours=f"“{title(scenario['ours'], scenario['limit'])}”"))
        yield ""
    yield "| client | requests | per second | wall µs | CPU µs | peak MB | our speed | our CPU |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for peer, measured in fastest_first(scenario):
        speed, cpu = measured.get("our_speed_over_its"), measured.get("our_cpu_over_its")
        yield _row(
            _name(peer, scenario["limit"]),
            f"{measured['requests']:,}",
            f"{measured['requests_per_second']:,.0f}",
            f"{measured['wall_us_per_request']:,.1f}",
            f"{measured['cpu_us_per_request']:,.1f}",
            f"{measured['peak_bytes'] / 1e6:,.0f}",
            "" if speed is None else f"{speed:.2f}x",
            "" if cpu is None else f"{cpu:.2f}x",
        )
    for peer, reason in scenario["absent"].items():
        yield _row(_name(peer, scenario["limit"]), f"absent: {reason}", *[""] * 6)


def _starts(starts: dict[str, Any]) -> Iterator[str]:
    yield f"`import` in a fresh process, without the interpreter's own start. Medians of {starts['rounds']}."
    yield ""
    yield "| module | ms | over aiohttp |"
    yield "| --- | ---: | ---: |"
    aiohttp = starts["modules"].get("aiohttp")
    for module, took in sorted(starts["modules"].items(), key=lambda item: item[1]["ms"]):
        ratio = f"{took['ms'] / aiohttp['ms']:.2f}x" if aiohttp else ""
        yield _row(f"`{module}`", f"{took['ms']:.1f}", ratio)
    for module, reason in starts["absent"].items():
        yield _row(f"`{module}`", f"absent: {reason}", "")


def _held(held: dict[str, Any]) -> Iterator[str]:
    yield from _paragraph(
        f"{held['requests']:,} requests that the server has and never answers, each on a connection of its "
        f"own: what a client's memory grows by for each, and all of it. Medians of {held['rounds']}."
    )
    yield ""
    yield "| client | bytes each | over aiohttp | MB in all | over aiohttp |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    aiohttp = held["peers"].get("aiohttp")
    for peer, took in sorted(held["peers"].items(), key=lambda item: item[1]["bytes"]):
        each, whole = took["bytes_per_request"], took["bytes"]
        yield _row(
            _name(peer, held["requests"]),
            f"{each:,}",
            f"{each / aiohttp['bytes_per_request']:.2f}x" if aiohttp else "",
            f"{whole / 1e6:,.0f}",
            f"{whole / aiohttp['bytes']:.2f}x" if aiohttp else "",
        )
    for peer, reason in held["absent"].items():
        yield _row(_name(peer, held["requests"]), f"absent: {reason}", "", "", "")


def _versions(versions: dict[str, str]) -> Iterator[str]:
    yield "| client | version |"
    yield "| --- | --- |"
    for peer in TITLES:
        if peer in versions:
            yield _row(TITLES[peer], versions[peer])


def _name(peer: str, limit: int) -> str:
    """Ours stand out."""
    return f"**{title(peer, limit)}**" if peer in OURS else title(peer, limit)


def _paragraph(text: str) -> list[str]:
    return textwrap.wrap(text, 110, break_on_hyphens=False)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
