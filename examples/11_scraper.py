"""A scraper: follow the links of a shop to all of its pages, and read each book's data.

The workers share a client, and with it a pool of connections; the queue of pages to visit ends when nobody
can add to it any more. Bodies are read, decompressed and parsed as JSON in Rust; a page that fails is
reported and the crawl goes on.
"""

import asyncio
import re
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import aioxide
from aioxide.testing import LocalSite

WORKERS = 16
PAGES = 500

LINK = re.compile(r'href="(/site/[^"]*)"')


@dataclass
class Crawl:
    """What is to be visited, what was seen, and what came of it."""

    client: aioxide.Client
    waiting: aioxide.Queue[str] = field(default_factory=aioxide.Queue)
    seen: set[str] = field(default_factory=set)
    books: list[dict[str, Any]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def add(self, paths: list[str]) -> None:
        """Queue the paths that are new."""
        for path in paths:
            if path not in self.seen:
                self.seen.add(path)
                self.waiting.put_nowait(path)

    async def visit(self, path: str) -> None:
        """Fetch a path; it is either a book's data or a page with links to follow."""
        try:
            response = (await self.client.get(path)).raise_for_status()
            if response.headers["content-type"] == "application/json":
                self.books.append(response.json())
            else:
                self.add(LINK.findall(response.text))
        except aioxide.HTTPError as error:
            self.failures.append(f"{path}: {type(error).__name__}")

    async def work(self) -> None:
        """Visit what is waiting, until the queue is shut down."""
        async for path in self.waiting:
            await self.visit(path)
            self.waiting.task_done()

    async def run(self, start: str) -> None:
        """Visit everything that can be reached from ``start``."""
        # One that does not exist, to see what becomes of it.
        self.add([start, "/site/page/1000000"])
        async with aioxide.TaskGroup() as group:
            for _ in range(WORKERS):
                group.create_task(self.work())
            # A link is queued before the page it was found on is done, so this comes after the last of them.
            await self.waiting.join()
            self.waiting.shutdown()


async def main(site: LocalSite) -> None:
    """Crawl the whole shop."""
    begin = perf_counter()
    async with aioxide.Client(base_url=site.url, timeout=10) as client:
        crawl = Crawl(client)
        await crawl.run("/site/")
    rate = len(crawl.seen) / (perf_counter() - begin)

    dearest = max(crawl.books, key=lambda book: (book["price"], book["id"]))
    print(f"{len(crawl.seen)} paths, {len(crawl.books)} books, {rate:,.0f} a second")
    print(f"the dearest: {dearest['title']}, {dearest['price']} {dearest['currency']}")
    print(f"failed: {crawl.failures}")
    seen = site.statistics()
    shared = seen["requests_finished"] > 10 * seen["connections_opened"]
    print(f"{seen['requests_finished']} requests, more than ten on each connection: {shared}")


if __name__ == "__main__":
    with LocalSite(pages=PAGES) as site:
        asyncio.run(main(site))
