"""``aioxide fetch``: URLs in, one JSON object a line out."""

import argparse
import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

from aioxide._core import Client, Progress, Response
from aioxide.cli.lines import LineWriter
from aioxide.cli.options import Commands, UsageError, header, positive, seconds
from aioxide.cli.streams import open_input, open_output
from aioxide.cli.urls import UrlFeed, count_urls

_SOME_FAILED = 1

_DESCRIPTION = """\
Fetch URLs, many at a time, and write a JSON object a line as each is done: url,
status, length, elapsed, http_version, content_type, and after a redirect
final_url; or url, error, message, elapsed. Lengths are bytes, times seconds."""

_EPILOG = """\
exit status: 0 all fetched, with whatever HTTP status; 1 some failed; 2 bad
usage; 130 interrupted, with what was fetched written"""


def add_to(commands: Commands) -> None:
    """Add this command to the command line."""
    parser = commands.add_parser(
        "fetch",
        help="fetch URLs, write one JSON object a line",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run, parser=parser, headers=[])
    add = parser.add_argument
    add("urls", nargs="*", metavar="URL", help="what to fetch")
    add("-i", "--input", metavar="FILE", help="read URLs from a file, a line each; - is stdin")
    add("-o", "--output", metavar="FILE", default="-", help="write to a file; - is stdout, the default")
    add("--concurrency", metavar="N", type=positive, default=100, help="so many at a time (%(default)s)")
    add("--timeout", metavar="S", type=seconds, help="give a URL up after so many seconds (60)")
    add(
        "--header",
        metavar="'NAME: VALUE'",
        type=header,
        action="append",
        dest="headers",
        help="send it; repeatable",
    )
    add("--quiet", action="store_true", help="draw no progress bar")


def run(options: argparse.Namespace) -> int:
    """Fetch what the options say; the exit status.

    UsageError for files that cannot be opened; KeyboardInterrupt on SIGINT, with what was fetched written;
    BrokenPipeError if nobody reads on.
    """
    if not options.urls and options.input is None:
        raise UsageError("no URLs: name some, or a file of them with -i")
    try:
        # Closing a file that is full raises again what writing raised.
        with contextlib.ExitStack() as files:
            source = None if options.input is None else open_input(options.input, files)
            output = open_output(options.output, source, files)
            failed = asyncio.run(_fetch(options, source, output))
    except BrokenPipeError:
        # No failure, but how whoever reads says that it is enough.
        raise
    except OSError as error:
        print(f"aioxide fetch: error: {error}", file=sys.stderr)
        return _SOME_FAILED
    return _SOME_FAILED if failed else 0


async def _fetch(options: argparse.Namespace, source: int | None, output: BinaryIO) -> int:
    """Fetch everything; how many URLs failed. OSError if URLs cannot be read or lines not written."""
    limits = {} if options.timeout is None else {"timeout": options.timeout}
    client = Client(headers=options.headers, **limits)
    progress = Progress(_total(options), hidden=options.quiet)
    writer = LineWriter(_way_out(output, progress))
    try:
        async with client:
            await _Run(client, UrlFeed(options.urls, source), writer, progress).fetch(options.concurrency)
    finally:
        try:
            writer.flush()
        finally:
            progress.finish()
    return progress.failed


def _total(options: argparse.Namespace) -> int | None:
    """Count the URLs, where that is possible and somebody looks at the bar."""
    if options.input is None:
        return len(options.urls)
    if options.quiet or not os.isatty(2) or options.input == "-" or not os.path.isfile(options.input):
        return None
    with open(options.input, "rb") as file:
        return len(options.urls) + count_urls(file)


def _way_out(output: BinaryIO, progress: Progress) -> Callable[[bytes], object]:
    """Return what writes lines; above the progress bar, if that is on the same terminal."""
    if progress.visible and output.isatty():
        return progress.write_above

    def write(lines: bytes) -> None:
        output.write(lines)
        output.flush()

    return write


@dataclass(frozen=True)
class _Run:
    """One run of the command: what its workers share."""

    client: Client
    feed: UrlFeed
    writer: LineWriter
    progress: Progress

    async def fetch(self, concurrency: int) -> None:
        """Fetch every URL of the feed, so many at a time."""
        try:
            async with asyncio.TaskGroup() as group:
                flushing = group.create_task(self.writer.flush_regularly())
                workers = [group.create_task(self._work()) for _ in range(concurrency)]
                await asyncio.wait(workers)
                flushing.cancel()
        except BaseExceptionGroup as failures:
            # They are many only if all failed to write.
            raise failures.exceptions[0] from None

    async def _work(self) -> None:
        while (url := await self.feed.take()) is not None:
            outcome = await self._outcome(url)
            self.writer.add(outcome)
            self.progress.advance(failed=int("error" in outcome), bytes=outcome.get("length", 0))

    async def _outcome(self, url: str) -> dict[str, Any]:
        """Fetch a URL; the line to write about it."""
        started = time.perf_counter()
        try:
            response = await self.client.get(url)
        except Exception as error:
            # Whatever one URL does, the others go on.
            return {
                "url": url,
                "error": type(error).__name__,
                "message": str(error),
                "elapsed": round(time.perf_counter() - started, 6),
            }
        return _describe(url, response)


def _describe(url: str, response: Response) -> dict[str, Any]:
    line = {
        "url": url,
        "status": response.status_code,
        "length": len(response.content),
        "elapsed": response.elapsed.total_seconds(),
        "http_version": response.http_version,
        "content_type": response.headers.get("content-type"),
    }
    # A bare host is requested with the path that it lacks: no redirect.
    if response.url not in (url, f"{url}/"):
        line["final_url"] = response.url
    return line
