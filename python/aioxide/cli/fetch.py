"""``aioxide fetch``: URLs in, results out, in the form that the name of the output says.

A thin shell over `Client.fetch_all` and `outputs`.
"""

import argparse
import asyncio
import contextlib
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from aioxide._core import Client, Limits, Progress, Result
from aioxide.cli.options import (
    Commands,
    UsageError,
    count,
    header,
    positive,
    positive_or_auto,
    rate,
    seconds,
)
from aioxide.cli.streams import check_output, open_input, standard_output
from aioxide.cli.urls import count_urls, feed_urls
from aioxide.fetching import show
from aioxide.journal import Done
from aioxide.outputs import LinesStream, Output, output_at, write

_SOME_FAILED = 1

# What concurrency="auto" comes to at most.
_MOST = 1000

_USAGE = "aioxide fetch [-i FILE] [-o OUTPUT] [OPTION ...] [URL ...]"

_DESCRIPTION = """\
Fetch URLs, many at a time. Written of each, as it is done: url, status, length,
elapsed, attempts, http_version, content_type, final_url; or error, message."""

_EPILOG = "exit status: 0 all fetched, 1 some failed, 2 bad usage, 130 interrupted"


def add_to(commands: Commands) -> None:
    """Add this command to the command line."""
    parser = commands.add_parser(
        "fetch",
        help="fetch URLs, write a JSON line, a file or a row for each",
        usage=_USAGE,
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=_Dense,
        add_help=False,
    )
    parser.set_defaults(run=run, parser=parser, headers=[])
    # Without a heading, which needs a line.
    add = parser.add_argument_group().add_argument
    add("-h", "--help", action="help", help=argparse.SUPPRESS)
    add("urls", nargs="*", metavar="URL", help=argparse.SUPPRESS)
    add("-i", "--input", metavar="FILE", help="read URLs from it, a line each; - is stdin")
    add("-o", "--output", metavar="OUTPUT", default="-", help=".jsonl .parquet .arrow or DIR/; - is stdout")
    add("--resume", action="store_true", help="leave out what OUTPUT has, and go on with it")
    add("--retry-failed", action="store_true", help="the same, but fetch again what has failed there")
    add("--body", action="store_true", help="write the text of each body in its line, too")
    add("--concurrency", metavar="N", type=positive_or_auto, default=100, help="at a time (100), or auto")
    add("--per-host", metavar="N", type=positive, help="so many at a time of each host")
    add("--rate", metavar="N/s", type=rate, help="begin no more a second; or N/m, N/h")
    add("--per-host-rate", metavar="N/s", type=rate, help="the same for each host")
    add("--retries", metavar="N", type=count, help="try again so often what failed")
    add("--timeout", metavar="S", type=seconds, help="give up after so many seconds (60)")
    add("--max-body", metavar="BYTES", type=positive, help="give up a body that is longer")
    add("--robots", action="store_true", help="obey the robots.txt of each host")
    add("--dedupe", action="store_true", help="fetch a URL once that is given twice")
    add("--method", metavar="NAME", default="GET", help="of the requests (%(default)s)")
    add(
        "--header",
        metavar="'N: VALUE'",
        type=header,
        action="append",
        dest="headers",
        help="send it; repeatable",
    )
    add("--quiet", action="store_true", help="draw no progress bar")


class _Dense(argparse.RawDescriptionHelpFormatter):
    """Help that fits a terminal of 24 lines, with one for each option, and one for what is typed next."""

    def __init__(self, prog: str, **options: Any) -> None:
        super().__init__(prog, **{**options, "max_help_position": 30})

    def format_help(self) -> str:
        """Format it."""
        return super().format_help().replace("\n\n", "\n", 1)


def run(options: argparse.Namespace) -> int:
    """Fetch what the options say; the exit status.

    UsageError for files that cannot be opened; KeyboardInterrupt on SIGINT, with what was fetched written;
    BrokenPipeError if nobody reads on.
    """
    if not options.urls and options.input is None:
        raise UsageError("no URLs: name some, or a file of them with -i")
    try:
        with contextlib.ExitStack() as files:
            source = None if options.input is None else open_input(options.input, files)
            failed = asyncio.run(_fetch(options, source))
    except BrokenPipeError:
        # No failure, but how whoever reads says that it is enough.
        raise
    except OSError as error:
        print(f"aioxide fetch: error: {error}", file=sys.stderr)
        return _SOME_FAILED
    return _SOME_FAILED if failed else 0


async def _fetch(options: argparse.Namespace, source: int | None) -> int:
    """Fetch everything; how many URLs failed. OSError if URLs cannot be read or results not written."""
    progress = Progress(_total(options), hidden=options.quiet)
    try:
        output = _Checked(options.output, _output(options, source, progress))
        most = _MOST if options.concurrency == "auto" else options.concurrency
        async with Client(headers=options.headers, limits=Limits(max_connections=most)) as client:
            try:
                fetching = client.fetch_all(
                    feed_urls(options.urls, source),
                    progress=partial(show, progress),
                    robots=options.robots,
                    dedupe=options.dedupe,
                    **_given(options),
                )
            except ValueError as error:
                raise UsageError(str(error)) from error
            try:
                statistics = await write(
                    fetching, output, resume=options.resume, retry_failed=options.retry_failed
                )
            finally:
                show(progress, fetching.statistics())
    finally:
        progress.finish()
    return statistics.failed


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """Collect the arguments of `fetch_all` that the options have a value for."""
    names = ["concurrency", "per_host", "rate", "per_host_rate"]
    names += ["retries", "timeout", "max_body", "method"]
    given = {name: getattr(options, name) for name in names}
    return {name: value for name, value in given.items() if value is not None}


def _output(options: argparse.Namespace, source: int | None, progress: Progress) -> Output:
    """Choose where results go. UsageError if they cannot go there."""
    if options.output == "-":
        return LinesStream(_way_out(progress), options.body)
    check_output(options.output, source)
    try:
        return output_at(options.output, options.body or None)
    except (ValueError, ImportError) as error:
        raise UsageError(str(error)) from error


def _way_out(progress: Progress) -> Callable[[bytes], object]:
    """Return what writes lines to stdout; above the progress bar, if that is on the same terminal."""
    output = standard_output()
    if progress.visible and output.isatty():
        return progress.write_above

    def write_lines(lines: bytes) -> None:
        output.write(lines)
        output.flush()

    return write_lines


def _total(options: argparse.Namespace) -> int | None:
    """Count the URLs, where that is possible and somebody looks at the bar."""
    if options.input is None:
        return len(options.urls)
    if options.quiet or not os.isatty(2) or options.input == "-" or not os.path.isfile(options.input):
        return None
    with open(options.input, "rb") as file:
        return len(options.urls) + count_urls(file)


class _Checked:
    """An output which, if it cannot be opened, is bad usage."""

    def __init__(self, path: str, output: Output) -> None:
        self._path = path
        self._output = output
        self.in_thread = output.in_thread
        self.add: Callable[[list[Result]], None] = output.add
        self.close: Callable[[bool], None] = output.close

    def begin(self, done: Done, resume: bool, retry_failed: bool) -> None:
        """Open it. UsageError if that cannot be done."""
        try:
            self._output.begin(done, resume, retry_failed)
        except OSError as error:
            raise UsageError(f"cannot write {self._path}: {error.strerror or error}") from error
        except ValueError as error:
            raise UsageError(str(error)) from error
