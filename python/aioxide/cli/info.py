"""``aioxide info``: which aioxide this is, on what, and what it can do."""

import argparse
import json
import platform
from typing import Any

from aioxide._core import __version__, build_info
from aioxide.cli.options import Commands


def add_to(commands: Commands) -> None:
    """Add this command to the command line."""
    parser = commands.add_parser(
        "info", help="print versions and features", description="Print versions and features."
    )
    parser.set_defaults(run=run, parser=parser)
    parser.add_argument("--json", action="store_true", help="as one JSON object")


def run(options: argparse.Namespace) -> int:
    """Print what is known; 0."""
    facts = describe()
    if options.json:
        print(json.dumps(facts))
    else:
        for name, fact in facts.items():
            print(f"{name:<16} {', '.join(fact) if isinstance(fact, list) else fact}")
    return 0


def describe() -> dict[str, Any]:
    """Return versions and features, each a text, a number or a list of texts.

    Starts the runtime, to count its workers.
    """
    return {
        "aioxide": __version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": platform.platform(),
        **build_info(),
    }
