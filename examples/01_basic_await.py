"""Await one thing: a page, a pause, a result.

Everything that aioxide awaits is awaited from plain asyncio: its loop, its tasks, its cancellation.
"""

import asyncio
from typing import Any

import aioxide
from aioxide.testing import LocalSite


async def fetch_book(url: str) -> dict[str, Any]:
    """Fetch a book's data; HTTPStatusError if there is no such book."""
    response = await aioxide.fetch(url)
    book: dict[str, Any] = response.raise_for_status().json()
    return book


async def main(site: str) -> None:
    """Fetch one book, and say something about the answer."""
    print("Hello")
    await aioxide.sleep(0.01)

    book = await fetch_book(f"{site}/site/api/item/7")
    print(f"{book['title']}, by {book['author']}: {book['price']} {book['currency']}")

    response = await aioxide.fetch(f"{site}/site/page/7")
    print(response.status_code, response.headers["content-type"], f"{len(response.text)} characters")


if __name__ == "__main__":
    with LocalSite() as site:
        asyncio.run(main(site.url))
