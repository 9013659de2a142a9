"""What a type checker infers of the public names. Checked by mypy, never run."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from io import BufferedReader
from typing import assert_type

import aioxide
from aioxide import Client, Operation, Response, fetch, gather, sleep


async def number() -> int:
    return 1


async def awaits(client: Client) -> None:
    assert_type(client.get("http://localhost/"), Operation[Response])
    assert_type(await client.get("http://localhost/"), Response)
    assert_type(await fetch("http://localhost/"), Response)
    assert_type((await fetch("http://localhost/")).status_code, int)
    assert_type((await fetch("http://localhost/")).content, bytes)
    assert_type(await sleep(1), None)
    assert_type(await sleep(1, "value"), str)


async def uploads(
    client: Client, file: BufferedReader, chunks: AsyncIterator[bytes], lines: Iterator[str]
) -> None:
    assert_type(client.post("http://localhost/", content=file), Operation[Response])
    await client.post(
        "http://localhost/",
        data={"field": ["value", b"\xff"]},
        files={"a": file, "b": ("b.txt", chunks), "c": ("c.txt", lines, "text/plain", {"x": "y"})},
    )
    await client.post("http://localhost/", content=chunks)
    await client.post("http://localhost/", content=lines)
    await client.post("http://localhost/", files=[("a", b"bytes"), ("a", (None, "text"))])
    await client.post("http://localhost/", content=1)  # type: ignore[arg-type]


async def gathers(client: Client) -> None:
    response, one = await gather(client.get("http://localhost/"), number())
    assert_type(response, Response)
    assert_type(one, int)
    assert_type(await gather(*[client.get("http://localhost/")], limit=10), list[Response])
    (kept,) = await gather(number(), return_exceptions=True)
    assert_type(kept, int | BaseException)


async def many() -> None:
    async for done in aioxide.as_completed([number(), number()], limit=2):
        assert_type(done, asyncio.Future[int])
    for one in aioxide.as_completed([number()], timeout=1):
        assert_type(one, Operation[int])
    async for text in aioxide.amap(text_of, [1, 2], limit=2):
        assert_type(text, str)
    async with aioxide.TaskGroup(limit=2) as group:
        assert_type(group.create_task(number()), asyncio.Task[int])
        assert_type(group.create_task(sleep(1, "value")), asyncio.Task[str])
    assert_type(await aioxide.to_thread(divmod_of, 7, by=2), tuple[int, int])


async def in_time() -> int:
    assert_type(await aioxide.wait_for(number(), 1), int)
    async for tick in aioxide.interval(1, missed="skip"):
        assert_type(tick, int)
    async with aioxide.move_on_after(1) as scope:
        assert_type(scope.expired(), bool)
        return await number()
    # Reached: the scope swallows its own timeout.
    return 0


async def text_of(item: int) -> str:
    return str(item)


def divmod_of(number: int, *, by: int) -> tuple[int, int]:
    return divmod(number, by)


async def is_a_coroutine(client: Client) -> None:
    assert_type(await asyncio.create_task(client.get("http://localhost/")), Response)
    async with aioxide.timeout(1):
        pass


def catches(error: aioxide.ConnectTimeout) -> TimeoutError:
    return error


def tells(stall: aioxide.Stall) -> list[str]:
    assert_type(stall.duration, float)
    assert_type(stall.task, str | None)
    return [frame.name for frame in stall.stack]


async def watches() -> None:
    with aioxide.watchdog(0.1, callback=tells) as dog:
        assert_type(dog.stalls, int)
    async with aioxide.watchdog(interval=1) as dog:
        assert_type(dog, aioxide.Watchdog)
