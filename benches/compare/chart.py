"""The comparison as a picture: bars of requests per second, an SVG that needs nothing else.

A page shows it on a ground that it does not know, light or dark: it has no ground of its own, and colours
that can be told from both.
"""

from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape

from benches.compare.report import fastest_first
from benches.compare.roster import OURS, RUST, title
from benches.compare.scenarios import FIRST, MIXED

#: Contrast of each with white and with GitHub's dark ground is at least 3.
TEXT, BAR_OURS, BAR_RUST, BAR = "#768390", "#d4622a", "#4c8bc4", "#8b949e"

#: In pixels.
WIDTH, EDGE, LEFT, RIGHT = 800, 8, 290, 70
ROW, THICK, HEAD, GAP = 24, 16, 50, 26

CAPTIONS = {
    FIRST: ("Bodies of 1 KB, 100 requests in flight", "requests per second"),
    MIXED: ("A mixed scrape: 50 hosts, slow answers, compressed pages, errors", "requests per second"),
}


def chart(results: dict[str, Any]) -> str | None:
    """The picture of the main scenarios; None if none of them was measured."""
    shown = {name: results["scenarios"][name] for name in CAPTIONS if name in results["scenarios"]}
    shown = {name: scenario for name, scenario in shown.items() if scenario["peers"]}
    if not shown:
        return None
    parts: list[str] = []
    top = 0
    for name, scenario in shown.items():
        parts += _panel(name, scenario, top)
        top += HEAD + ROW * len(scenario["peers"]) + GAP
    setting = results["setting"]
    footer = f"{setting['date']}, {setting['python']}, {setting['cores']} cores shared with the server"
    parts.append(_text(EDGE, top, footer, size=11))
    height = top + 12
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
            f'height="{height}" font-family="system-ui, -apple-system, Segoe UI, Helvetica, sans-serif" '
            f'fill="{TEXT}" role="img" aria-label="Requests per second of HTTP clients">',
            *parts,
            "</svg>\n",
        ]
    )


def _panel(name: str, scenario: dict[str, Any], top: int) -> Iterator[str]:
    caption, unit = CAPTIONS[name]
    yield _text(EDGE, top + 18, caption, size=15, weight="600")
    yield _text(LEFT, top + HEAD - 8, unit, size=11)
    peers = fastest_first(scenario)
    most = peers[0][1]["requests_per_second"]
    for index, (peer, measured) in enumerate(peers):
        rate = measured["requests_per_second"]
        y = top + HEAD + ROW * index
        long = max(1.0, (WIDTH - LEFT - RIGHT) * rate / most)
        colour = BAR_OURS if peer in OURS else BAR_RUST if peer == RUST else BAR
        label = title(peer, scenario["limit"]).replace("`", "")
        weight = "600" if peer in OURS else "400"
        yield _text(LEFT - 8, y + 13, label, anchor="end", weight=weight)
        yield f'<rect x="{LEFT}" y="{y}" width="{long:.1f}" height="{THICK}" rx="2" fill="{colour}"/>'
        yield _text(LEFT + long + 6, y + 13, f"{rate:,.0f}", weight=weight)


def _text(
    x: float, y: float, text: str, *, size: int = 13, anchor: str = "start", weight: str = "400"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}">'
        f"{escape(text)}</text>"
    )
