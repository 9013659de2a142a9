"""Measures `Response.json` against orjson and the standard library on the same bytes.

It writes benches/results/json.md.

python benches/python/parsing.py [--rounds 9] [--no-write]
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

import aioxide

RESULTS = Path(__file__).parent.parent / "results"

DOCUMENTS: dict[str, Any] = {
    "a small object": {"url": "http://x/", "status": 200, "ok": True, "items": [1, 2, 3]},
    "1,000 records": [
        {"id": n, "name": f"name {n}", "mail": f"u{n}@example.com", "score": n * 1.5, "tags": ["a", "b", "c"]}
        for n in range(1000)
    ],
    "10,000 floats": [[n * 0.1234567 for n in range(100)] for _ in range(100)],
    "5,000 strings of ASCII": ["x" * 50 + str(n) for n in range(5000)],
    "5,000 strings of other characters": [f"grüße 東京 {n}" for n in range(5000)],
}


def microseconds(parse: Callable[[], object], seconds: float = 0.05) -> float:
    """The time of one call, over as many as fit into `seconds`."""
    count, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        parse()
        count += 1
    return 1e6 * elapsed / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=9, help="rounds in which the three take turns (%(default)s)"
    )
    parser.add_argument("--no-write", action="store_true", help="print only")
    options = parser.parse_args()
    lines = [
        "# JSON",
        "",
        f"{datetime.datetime.now(datetime.UTC).date()}, CPython {platform.python_version()}, orjson "
        f"{version('orjson')}. Microseconds a document, medians of {options.rounds} rounds in which "
        "the three took turns; the ratio is the median of each round's, above 1 where `Response.json` is "
        "faster.",
        "",
        "| document | bytes | `Response.json` | orjson | `json` | against orjson |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, document in DOCUMENTS.items():
        body = json.dumps(document, ensure_ascii=False).encode()
        response = aioxide.Response(200, content=body)
        assert response.json() == orjson.loads(body) == document
        rounds = [
            (
                microseconds(response.json),
                microseconds(lambda body=body: orjson.loads(body)),
                microseconds(lambda body=body: json.loads(body)),
            )
            for _ in range(options.rounds)
        ]
        ours, fast, standard = (statistics.median(column) for column in zip(*rounds, strict=True))
        ratio = statistics.median(theirs / our for our, theirs, _ in rounds)
        cells = [name, f"{len(body):,}", f"{ours:.1f}", f"{fast:.1f}", f"{standard:.1f}", f"{ratio:.2f}x"]
        lines.append(f"| {' | '.join(cells)} |")
    page = "\n".join(lines) + "\n"
    print(page)
    if not options.no_write:
        (RESULTS / "json.md").write_text(page)


if __name__ == "__main__":
    main()
