"""``aioxide demo``: serves a bookshop on this machine, scrapes all of it, and tells what it found."""

import argparse
import asyncio
import io
import sys
from collections import Counter
from typing import Any

from aioxide._core import Client, Progress
from aioxide.cli.crawl import FRONT, Crawl
from aioxide.cli.info import describe
from aioxide.cli.options import Commands, positive
from aioxide.testing import site_process

_INCOMPLETE = 1

_NEXT = """
Now yours:  aioxide fetch https://example.org
            aioxide fetch -i urls.txt -o out.jsonl --concurrency 200
            python -c 'import aioxide; help(aioxide.Client)'"""


def add_to(commands: Commands) -> None:
    """Add this command to the command line."""
    parser = commands.add_parser(
        "demo",
        help="scrape a web site that it serves itself; needs no network",
        description="Serve a bookshop on this machine, in a process of its own, and scrape it: start at "
        "its front page, follow every link, read every book's data. Exit status 0 if all was found.",
    )
    parser.set_defaults(run=run, parser=parser)
    add = parser.add_argument
    add("--pages", metavar="N", type=positive, default=5000, help="books in the shop (%(default)s)")
    add("--concurrency", metavar="N", type=positive, default=100, help="so many at a time (%(default)s)")
    add("--quiet", action="store_true", help="draw no progress bar")


def run(options: argparse.Namespace) -> int:
    """Scrape the shop and print what came of it; the exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Titles have letters that not every terminal has.
        sys.stdout.reconfigure(errors="replace")
    try:
        with site_process(pages=options.pages, log=False) as site:
            crawl = asyncio.run(_scrape(site.url, options))
    except RuntimeError as error:
        return _fail(f"the bookshop cannot be served: {error}")
    missing = crawl.missing(options.pages)
    if missing:
        return _fail(missing)
    print(_summary(crawl))
    return 0


def _fail(reason: str) -> int:
    print(f"aioxide demo: error: {reason}", file=sys.stderr)
    return _INCOMPLETE


async def _scrape(url: str, options: argparse.Namespace) -> Crawl:
    # Said in here, where an interrupt already finds a loop that can be stopped in good order.
    print(f"A bookshop of {options.pages:,} books is open at {url}{FRONT}", flush=True)
    # The front page, and for each book a page and its data.
    progress = Progress(1 + 2 * options.pages, hidden=options.quiet)
    try:
        async with Client(base_url=url) as client:
            crawl = Crawl(client, progress)
            await crawl.walk(FRONT, options.concurrency)
    finally:
        progress.finish()
    return crawl


def _summary(crawl: Crawl) -> str:
    requests = len(crawl.seen)
    # They came in any order; of two that are equally cheap, the first is to be the same each time.
    books = sorted(crawl.books, key=lambda book: int(book["id"]))
    return "\n".join(
        [
            f"\n{crawl.pages:,} pages and {len(books):,} books, found by {crawl.links:,} links.\n",
            *(f"  {name:<20}{fact}" for name, fact in _facts(books)),
            f"\n{requests:,} requests and {crawl.progress.bytes / 1e6:,.1f} MB in {crawl.wall:.2f} s: "
            f"{requests / crawl.wall:,.0f} requests a second.",
            f"Each took {crawl.cpu / requests * 1e6:,.0f} µs of CPU time, its page or JSON read.",
            "aioxide {aioxide}, {python}, {workers} tokio workers, {platform}.".format(**describe()),
            _NEXT,
        ]
    )


def _facts(books: list[dict[str, Any]]) -> list[tuple[str, str]]:
    tag, tagged = Counter(tag for book in books for tag in book["tags"]).most_common(1)[0]
    author, written = Counter(book["author"] for book in books).most_common(1)[0]
    return [
        ("cheapest", _book(min(books, key=lambda book: book["price"]))),
        ("dearest", _book(max(books, key=lambda book: book["price"]))),
        ("oldest", _book(min(books, key=lambda book: book["year"]))),
        ("most common tag", f"{tag}, on {tagged:,} books"),
        ("busiest author", f"{author}, of {written:,} books"),
        ("in stock", f"{sum(book['stock'] for book in books):,} copies"),
    ]


def _book(book: dict[str, Any]) -> str:
    return f"{book['title']}, by {book['author']}, {book['year']}: €{book['price']:.2f}"
