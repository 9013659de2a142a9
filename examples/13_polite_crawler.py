"""A polite crawler: follow the links of a site to all of its pages, and leave alone what its robots.txt says.

``fetch_all`` pulls from a queue that the loop fills with what it finds, so a link is on its way as soon as it
was read; the queue is shut down when no page is out any more. Limits for each host, retries, robots.txt and
what a 429 asks for are all in Rust.
"""

import asyncio
import re

import aioxide
from aioxide.testing import LocalSite

PAGES = 300

LINK = re.compile(r'href="(/site/[^"]*)"')


async def main(site: LocalSite) -> None:
    """Crawl the whole shop, and a page that robots are not to see."""
    start = [f"{site.url}/site/", f"{site.url}/site/private/accounts"]
    seen = set(start)
    frontier: aioxide.Queue[str] = aioxide.Queue()
    await frontier.put_many(start)
    out, books, refused = len(seen), 0, []

    crawl = aioxide.fetch_all(frontier, concurrency=32, per_host=8, retries=2, robots=True, timeout=10)
    async for result in crawl:
        response = result.response
        if response is None:
            refused.append(f"{type(result.error).__name__}: {result.error}")
        elif response.headers["content-type"] == "application/json":
            books += 1
        else:
            found = {f"{site.url}{path}" for path in LINK.findall(response.text)} - seen
            seen |= found
            out += len(found)
            await frontier.put_many(found)
        # The last page that was out has brought no new ones: nobody can add to the queue any more.
        out -= 1
        if not out:
            frontier.shutdown()

    statistics = crawl.statistics()
    print(f"{statistics.done} paths, {books} books, {statistics.rate:,.0f} a second")
    print(f"nine in ten took no longer than {1000 * (statistics.p90 or 0):.1f} ms")
    print(*refused, sep="\n")


if __name__ == "__main__":
    with LocalSite(pages=PAGES) as site:
        asyncio.run(main(site))
