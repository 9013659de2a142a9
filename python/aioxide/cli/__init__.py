"""The command line: ``aioxide fetch``, ``aioxide demo`` and ``aioxide info``.

Exit status: 0 if all went well, 1 if something failed, 2 for bad usage, and as shells have it, 130 after an
interrupt and 141 where nobody reads the output any more.
"""

import argparse
import sys
from collections.abc import Sequence

from aioxide._core import __version__, build_info
from aioxide.cli import demo, fetch, info
from aioxide.cli.options import Parser, UsageError
from aioxide.cli.streams import forget_stdout

__all__ = ["main"]

_INTERRUPTED = 130
_NOBODY_READS = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that ``argv`` asks for, by default that of this process; the exit status.

    SystemExit for ``--help``, ``--version`` and bad usage.
    """
    options = _parser().parse_args(argv)
    try:
        _start_runtime()
        status: int = options.run(options)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        forget_stdout()
        return _NOBODY_READS
    except KeyboardInterrupt:
        return _INTERRUPTED
    except UsageError as error:
        parser: argparse.ArgumentParser = options.parser
        parser.error(str(error))
    return status


def _start_runtime() -> None:
    """Start what every command needs: a setting that is wrong is told once, and not for each URL."""
    try:
        build_info()
    except ValueError as error:
        raise UsageError(str(error)) from error


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="aioxide", description="Fetch URLs on tokio, from Python's own event loop.")
    parser.add_argument("--version", action="version", version=f"aioxide {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (fetch, demo, info):
        command.add_to(commands)
    return parser
