"""What a type checker infers of the asyncio drop-in. Checked by mypy, never run.

The classes are asyncio's own to it: a program that type-checked with asyncio does so with the drop-in, and
what it has goes to libraries that know nothing of it.
"""

import asyncio as theirs
from collections.abc import Coroutine
from typing import Any, assert_type

import aioxide
import aioxide.asyncio as by_path
from aioxide import asyncio
from aioxide.asyncio import CancelledError, Lock, Queue, StreamReader, run
from aioxide.asyncio.queues import QueueEmpty
from aioxide.asyncio.tasks import gather


async def number() -> int:
    return 1


def library(queue: theirs.Queue[int], lock: theirs.Lock, group: theirs.TaskGroup) -> theirs.Queue[str]:
    return theirs.Queue()


class Unique(asyncio.Queue[int]):
    def _put(self, item: int) -> None:
        super()._put(item)


async def classes() -> None:
    queue: asyncio.Queue[int] = asyncio.Queue(maxsize=3)
    assert_type(await queue.get(), int)
    assert_type(queue.get_nowait(), int)
    assert_type(await Unique().get(), int)
    async with asyncio.TaskGroup(limit=2) as group, asyncio.Lock(), asyncio.Semaphore(3):
        assert_type(group.create_task(number()), asyncio.Task[int])
        text: asyncio.Queue[str] = library(queue, asyncio.Lock(), group)
        assert_type(await text.get(), str)
    async with asyncio.timeout(1) as scope:
        assert_type(scope, asyncio.Timeout)
        assert_type(scope.expired(), bool)
    condition = asyncio.Condition(asyncio.Lock())
    assert_type(await condition.wait_for(lambda: True), bool)
    assert_type(await asyncio.Barrier(2).wait(), int)
    queue.no_such_method()  # type: ignore[attr-defined]


async def functions() -> None:
    assert_type(await asyncio.gather(number(), asyncio.sleep(1, "text")), tuple[int, str])
    assert_type(await asyncio.gather(*[number()], limit=3), list[int])
    assert_type(await asyncio.gather(number(), return_exceptions=True), tuple[int | BaseException])
    assert_type(await gather(number(), number()), tuple[int, int])
    for one in asyncio.as_completed([number()], timeout=1):
        assert_type(await one, int)
    async for done in asyncio.as_completed([number()], limit=2):
        assert_type(await done, int)
    assert_type(await asyncio.wait_for(number(), 1), int)
    assert_type(await asyncio.to_thread(len, "text"), int)
    assert_type(await asyncio.sleep(1), None)
    coroutine: Coroutine[Any, Any, None] = asyncio.sleep(1)
    await coroutine
    assert_type(await asyncio.create_task(number()), int)
    assert_type(await asyncio.shield(number()), int)
    asyncio.no_such_function()  # type: ignore[attr-defined]


async def untouched(reader: StreamReader) -> None:
    process = await asyncio.create_subprocess_exec("true", stdout=asyncio.subprocess.PIPE)
    assert_type(process, asyncio.subprocess.Process)
    assert_type(await reader.read(), bytes)
    loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()
    future: asyncio.Future[int] = loop.create_future()
    assert_type(await future, int)
    try:
        Queue[int]().get_nowait()
    except (
        QueueEmpty,
        asyncio.QueueEmpty,
        asyncio.QueueShutDown,
        asyncio.TimeoutError,
        CancelledError,
    ) as error:
        assert_type(error.args, tuple[Any, ...])
    assert_type(asyncio.events.get_running_loop(), asyncio.AbstractEventLoop)


def ways() -> None:
    assert_type(run(number()), int)
    assert_type(asyncio.run(number()), int)
    assert_type(by_path.run(number()), int)
    assert_type(aioxide.asyncio.run(number()), int)
    assert_type(aioxide.asyncio.Lock(), Lock)
    aioxide.no_such_name()  # type: ignore[attr-defined]
