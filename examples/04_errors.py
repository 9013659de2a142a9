"""Errors: kept as results, told apart, tried again, and raised by a group.

aioxide's exceptions are one tree, and the branches are builtins as well: a timeout is a TimeoutError, a
broken connection a ConnectionError. Each says in which ``phase`` of which ``request`` it happened.
"""

import asyncio
from typing import Any

import aioxide
from aioxide.testing import LocalSite


async def book(client: aioxide.Client, number: int) -> dict[str, Any] | None:
    """Give a book, or None if there is no such book; every other error is the caller's."""
    response = await client.get(f"/site/api/item/{number}")
    try:
        found: dict[str, Any] = response.raise_for_status().json()
    except aioxide.HTTPStatusError as error:
        if error.response.status_code != 404:
            raise
        return None
    return found


async def errors_as_results(client: aioxide.Client) -> None:
    """``return_exceptions`` loses no result because of another one's failure."""
    urls = ["/json", "/truncated/1000", "/broken/br", "/redirect/loop", "http://127.0.0.1:1/nobody-is-there"]
    questions = [*map(client.get, urls), client.get("/hang", timeout=0.05)]
    for outcome in await aioxide.gather(*questions, return_exceptions=True):
        match outcome:
            case aioxide.Response():
                print(f"{outcome.status_code}: {len(outcome.content)} bytes")
            case ConnectionError() | TimeoutError():
                print(f"{type(outcome).__name__}: perhaps later")
            case aioxide.RequestError():
                print(f"{type(outcome).__name__}: it will not get better, in the phase {outcome.phase!r}")
            case BaseException():
                raise outcome


async def try_again(client: aioxide.Client, path: str, attempts: int = 4) -> aioxide.Response:
    """Ask again after a 5xx, each time after twice as long a pause."""
    for attempt in range(1, attempts + 1):
        response = await client.get(path)
        if not response.is_server_error or attempt == attempts:
            break
        await aioxide.sleep(0.005 * 2**attempt)
    print(f"{path}: {response.status_code} at attempt {attempt}")
    return response.raise_for_status()


async def errors_of_a_group(client: aioxide.Client) -> None:
    """Let the first failure cancel the rest of a group; it comes out in an ExceptionGroup."""
    try:
        async with aioxide.TaskGroup() as group:
            waiting = group.create_task(client.get("/hang"))
            group.create_task(try_again(client, "/status/500", attempts=1))
    except* aioxide.HTTPStatusError as failures:
        for failure in failures.exceptions:
            print(f"in a group: {type(failure).__name__}; the other was taken back: {waiting.cancelled()}")


async def main(site: LocalSite) -> None:
    """Meet errors in four places."""
    async with aioxide.Client(base_url=site.url) as client:
        books = await aioxide.gather(*(book(client, number) for number in (1, 2, 1_000_000)))
        print([found and found["title"] for found in books])
        await errors_as_results(client)
        await try_again(client, "/flaky/books/2")
        await errors_of_a_group(client)


if __name__ == "__main__":
    with LocalSite() as site:
        asyncio.run(main(site))
