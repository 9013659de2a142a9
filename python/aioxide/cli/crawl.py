"""The scraper of the demo: follows every link of the bookshop, and reads every book's data."""

import asyncio
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from aioxide._core import Client, Progress, Response
from aioxide.exceptions import HTTPError

#: Where the shop's front page is.
FRONT = "/site/"

# Cheaper than a parser, and enough for pages that are known to be well-formed.
_LINK = re.compile(r'href="(/site/[^"#]*)"')

# How many failures a message shows.
_SHOWN = 3


@dataclass
class Crawl:
    """A walk over all links of the shop, and what it brought home."""

    client: Client
    progress: Progress
    frontier: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    #: Every path that was put into the frontier.
    seen: set[str] = field(default_factory=set)
    books: list[dict[str, Any]] = field(default_factory=list)
    #: A sentence for each path that could not be read.
    failures: list[str] = field(default_factory=list)
    pages: int = 0
    links: int = 0
    #: Seconds that passed, and seconds that this process computed.
    wall: float = 0.0
    cpu: float = 0.0

    async def walk(self, start: str, concurrency: int) -> None:
        """Visit ``start`` and all that links lead to from there, ``concurrency`` at a time."""
        wall, cpu = time.perf_counter(), time.process_time()
        self._follow([start])
        async with asyncio.TaskGroup() as group:
            workers = [group.create_task(self._work()) for _ in range(concurrency)]
            await self.frontier.join()
            for worker in workers:
                worker.cancel()
        self.wall, self.cpu = time.perf_counter() - wall, time.process_time() - cpu

    def _follow(self, links: Iterable[str]) -> None:
        for link in links:
            self.links += 1
            if link not in self.seen:
                self.seen.add(link)
                self.frontier.put_nowait(link)

    async def _work(self) -> None:
        while True:
            path = await self.frontier.get()
            try:
                response = await self.client.get(path)
                self._read(response.raise_for_status())
            except HTTPError as error:
                self.failures.append(f"{path}: {type(error).__name__}: {error}")
                self.progress.advance(failed=1)
            self.frontier.task_done()

    def _read(self, response: Response) -> None:
        self.progress.advance(bytes=len(response.content))
        if response.headers["content-type"] == "application/json":
            self.books.append(response.json())
        else:
            self.pages += 1
            self._follow(_LINK.findall(response.text))

    def missing(self, books: int) -> str:
        """Say what of a shop with so many books was not found; nothing, if all of it was."""
        pages = books + 1
        found = {book["id"] for book in self.books}
        if self.pages == pages and found == set(range(books)) and not self.failures:
            return ""
        lack = f"found {self.pages:,} of {pages:,} pages and {len(found):,} of {books:,} books"
        return "\n  ".join([lack, *self.failures[:_SHOWN]])
