"""A scraper and a pooled session as they are written for aiohttp: only the import is another.

``from aioxide import aiohttp`` in the place of ``import aiohttp``; sessions, requests, responses and
exceptions keep their names, and connections, pool and decompression are in Rust.
"""

import asyncio
import sys
from typing import Any

from aioxide.testing import LocalSite

try:
    from aioxide import aiohttp
except ImportError as error:
    # yarl and multidict, whose types programs for aiohttp use.
    print(f"pip install aioxide[aiohttp]: {error}")
    sys.exit()

PAGES = 50


async def fetch_url(session: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    """Fetch a single URL; what goes wrong is told as well."""
    try:
        async with session.get(url, timeout=aiohttp.ClientTimeout(total=10)) as response:
            text = await response.text()
            return {"path": response.url.path, "status": response.status, "length": len(text)}
    except aiohttp.ClientError as error:
        return {"path": url, "error": type(error).__name__}


async def scrape_urls(urls: list[str]) -> list[dict[str, Any]]:
    """Scrape several URLs at once."""
    async with aiohttp.ClientSession() as session:
        return await asyncio.gather(*[fetch_url(session, url) for url in urls])


async def with_connection_pool(site: str) -> list[int]:
    """Share ten connections among many requests."""
    connector = aiohttp.TCPConnector(limit=100, limit_per_host=10)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def get(number: int) -> int:
            async with session.get(f"{site}/bytes/{number}") as response:
                return len(await response.read())

        return await asyncio.gather(*[get(number) for number in range(PAGES)])


async def main(site: LocalSite) -> None:
    """Do both."""
    # The last is of a server that is not there.
    urls = [f"{site.url}{path}" for path in ("/delay/10", "/json/3", "/status/404")]
    for result in await scrape_urls([*urls, "http://127.0.0.1:1/"]):
        print(result)

    opened = site.statistics()["connections_opened"]
    lengths = await with_connection_pool(site.url)
    print(f"{len(lengths)} answers, {sum(lengths)} bytes")
    print(f"at most ten connections: {site.statistics()['connections_opened'] - opened <= 10}")


if __name__ == "__main__":
    with LocalSite() as site:
        asyncio.run(main(site))
