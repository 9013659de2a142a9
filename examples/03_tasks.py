"""Tasks: one in the background, a group of them, and whichever ends first.

A request is a coroutine to asyncio, so ``create_task`` takes it as it is. aioxide's ``TaskGroup`` is
asyncio's with a ``limit``: a thousand tasks can be made at once, and ten of them run. ``as_completed`` is
that of Python 3.13, on every Python, and has a ``limit`` too.
"""

import asyncio

import aioxide
from aioxide.testing import LocalSite

AT_ONCE = 4


async def in_the_background(client: aioxide.Client) -> None:
    """Let a task go on while something else is awaited."""
    task = asyncio.create_task(client.get("/delay/40"), name="the slow page")
    quick = await client.get("/json")
    print(f"{task.get_name()} has ended: {task.done()}; the quick one said {quick.status_code} meanwhile")
    slow = await task
    print(f"{task.get_name()} said {slow.status_code}")


async def a_group(client: aioxide.Client) -> None:
    """Leave the block when every task of the group has ended, and read the results from the tasks."""
    running = most = 0

    async def price(number: int) -> float:
        nonlocal running, most
        running += 1
        most = max(most, running)
        response = await client.get(f"/site/api/item/{number}")
        running -= 1
        return float(response.json()["price"])

    async with aioxide.TaskGroup(limit=AT_ONCE) as group:
        tasks = [group.create_task(price(number)) for number in range(20)]
    cost = sum(task.result() for task in tasks)
    print(f"{len(tasks)} books cost {cost:.2f}; {most} were asked for at once")


async def as_they_end(client: aioxide.Client) -> None:
    """Work on what has ended while the rest is still running."""
    requests = [client.get(f"/site/page/{number}") for number in range(20)]
    length = 0
    async for task in aioxide.as_completed(requests, limit=AT_ONCE):
        length += len((await task).content)
    print(f"{len(requests)} pages as they came, {length:,} bytes")


async def the_first_of_several(client: aioxide.Client) -> None:
    """Ask two servers, take the answer that comes, and take the other question back."""
    mirrors = [asyncio.create_task(client.get(path), name=path) for path in ("/hang", "/json")]
    done, rest = await asyncio.wait(mirrors, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    await asyncio.wait(rest)
    print(f"first: {', '.join(task.get_name() for task in done)}; taken back: {len(rest)}")


async def main(site: str) -> None:
    """Start tasks in four ways."""
    async with aioxide.Client(base_url=site) as client:
        await in_the_background(client)
        await a_group(client)
        await as_they_end(client)
        await the_first_of_several(client)


if __name__ == "__main__":
    with LocalSite() as site:
        asyncio.run(main(site.url))
