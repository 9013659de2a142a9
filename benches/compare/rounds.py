"""The rounds of one scenario, in which the clients take turns against one server."""

import itertools
import sys
from argparse import Namespace
from collections import Counter
from typing import Any

from aioxide.testing import SiteProcess, site_process
from benches.compare.clients import PeerFailedError, take
from benches.compare.report import summary
from benches.compare.roster import OURS
from benches.compare.scenarios import Scenario
from benches.compare.turn import Turn


def compare(name: str, scenario: Scenario, options: Namespace, versions: dict[str, str]) -> dict[str, Any]:
    """All rounds of one scenario; notes the versions of those who took part."""
    site = site_process(
        # All of 127.0.0.0/8, where there are to be many hosts.
        host="0.0.0.0" if scenario.hosts > 1 else "127.0.0.1",
        workers=options.server_workers,
        log=False,
        tls=scenario.tls,
        http2=scenario.http2,
    )
    with site as server:
        rounds, absent = _rounds(name, scenario, _turn(scenario, server, options), options, versions)
    _judge(rounds, absent)
    ways = reversed(OURS) if scenario.limit == 1 else iter(OURS)
    ours = next((peer for peer in ways if peer in rounds), None)
    return {
        "title": scenario.title,
        "limit": scenario.limit,
        "ours": ours,
        "peers": {peer: summary(each, rounds[ours] if ours else None) for peer, each in rounds.items()},
        "absent": absent,
    }


def _turn(scenario: Scenario, site: SiteProcess, options: Namespace) -> Turn:
    return Turn(
        url=site.url.replace("0.0.0.0", "127.0.0.1"),
        size=scenario.size,
        hosts=scenario.hosts,
        limit=scenario.limit,
        requests=scenario.requests,
        seconds=options.seconds,
        http2=scenario.http2,
        authority=site.certificate_path,
        workers=options.workers,
    )


def _rounds(
    name: str, scenario: Scenario, turn: Turn, options: Namespace, versions: dict[str, str]
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, str]]:
    rounds: dict[str, list[dict[str, Any]]] = {}
    absent: dict[str, str] = {}
    number = options.rounds or scenario.rounds
    for turns in range(1, number + 1):
        for peer in options.peers or scenario.peers:
            if peer in absent:
                continue
            try:
                measured = take(peer, turn)
            except PeerFailedError as error:
                # A peer that fails once is out: its medians would be of other rounds than the others'.
                absent[peer] = str(error)
                rounds.pop(peer, None)
                print(f"{name} {turns}/{number} {peer}: {error}", file=sys.stderr)
                continue
            versions[peer] = measured.pop("version")
            rounds.setdefault(peer, []).append(measured)
            rate = measured["requests"] / measured["wall"]
            print(f"{name} {turns}/{number} {peer}: {rate:,.0f}/s", file=sys.stderr)
    return rounds, absent


def _judge(rounds: dict[str, list[dict[str, Any]]], absent: dict[str, str]) -> None:
    """Turn out who did not see what most saw: the same requests have the same answers."""
    seen: dict[int, Counter[tuple[tuple[str, int], ...]]] = {}
    for measured in itertools.chain.from_iterable(rounds.values()):
        seen.setdefault(measured["requests"], Counter())[_counts(measured)] += 1
    for peer, each in list(rounds.items()):
        for measured in each:
            usual = seen[measured["requests"]].most_common(1)[0][0]
            if _counts(measured) != usual:
                absent[peer] = f"saw {dict(_counts(measured))} where most saw {dict(usual)}"
                rounds.pop(peer, None)


def _counts(measured: dict[str, Any]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(measured["counts"].items()))
