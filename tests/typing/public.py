"""What a type checker infers of the public names. Checked by mypy, never run."""

import asyncio
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


async def gathers(client: Client) -> None:
    response, one = await gather(client.get("http://localhost/"), number())
    assert_type(response, Response)
    assert_type(one, int)
    assert_type(await gather(*[client.get("http://localhost/")], limit=10), list[Response])
    (kept,) = await gather(number(), return_exceptions=True)
    assert_type(kept, int | BaseException)


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
