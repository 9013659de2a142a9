"""``gather(progress=)``: whoever asks is told of each end."""

import asyncio
import gc
import weakref
from typing import Any

import pytest

import aioxide
from aioxide.testing import echo, noop, pending
from tests.terminal import drawn_by


async def failing() -> None:
    await asyncio.sleep(0)
    raise KeyError("no")


async def value(number: int) -> int:
    await asyncio.sleep(0)
    return number


async def at_once(number: int) -> int:
    return number


@pytest.mark.parametrize("limit", [None, 1, 3])
@pytest.mark.parametrize("kind", ["native", "coroutine", "task", "mixed", "ready"])
async def test_each_end_is_told(kind: str, limit: int | None) -> None:
    make: dict[str, Any] = {
        "native": echo,
        "coroutine": value,
        "ready": at_once,
        "task": lambda number: asyncio.ensure_future(value(number)),
        "mixed": lambda number: [echo, value, at_once][number % 3](number),
    }
    told: list[tuple[int, int]] = []
    aws = [make[kind](number) for number in range(7)]
    results = await aioxide.gather(*aws, limit=limit, progress=lambda done, total: told.append((done, total)))
    assert results == list(range(7))
    assert told == [(done, 7) for done in range(1, 8)]


async def test_native_ends_are_told_before_the_last() -> None:
    """The loop is not left asleep until all have ended."""
    first = asyncio.Event()
    gathering = aioxide.gather(noop(), pending(), progress=lambda done, total: first.set())
    await first.wait()
    assert not gathering.done()
    gathering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gathering


async def test_failures_are_ends() -> None:
    told: list[int] = []
    results = await aioxide.gather(
        value(1), failing(), return_exceptions=True, progress=lambda done, total: told.append(done)
    )
    assert results[0] == 1
    assert isinstance(results[1], KeyError)
    assert told == [1, 2]


async def test_after_the_first_failure_nobody_is_told() -> None:
    told: list[int] = []
    last = asyncio.Event()

    async def later() -> None:
        await last.wait()

    task = asyncio.create_task(later())
    with pytest.raises(KeyError):
        await aioxide.gather(failing(), task, progress=lambda done, total: told.append(done))
    last.set()
    await task
    await asyncio.sleep(0)
    assert told == [1]


async def test_after_a_cancel_nobody_is_told() -> None:
    told: list[int] = []
    gathering = aioxide.gather(pending(), pending(), progress=lambda done, total: told.append(done))
    await asyncio.sleep(0)
    gathering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gathering
    assert told == []


async def test_one_that_comes_twice_is_one() -> None:
    told: list[tuple[int, int]] = []
    task = asyncio.create_task(value(1))
    await aioxide.gather(task, task, value(2), progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]


@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize("return_exceptions", [False, True])
async def test_what_progress_raises_is_raised(at: int, return_exceptions: bool) -> None:
    def progress(done: int, total: int) -> None:
        if done == at:
            raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        await aioxide.gather(
            *[value(number) for number in range(3)], return_exceptions=return_exceptions, progress=progress
        )


async def test_progress_may_cancel_it() -> None:
    gathering = aioxide.gather(value(1), pending(), progress=lambda done, total: gathering.cancel())
    with pytest.raises(asyncio.CancelledError):
        await gathering


async def test_what_is_no_progress() -> None:
    async def asynchronous(done: int, total: int) -> None: ...

    with pytest.raises(TypeError, match="asynchronous"):
        await aioxide.gather(value(1), progress=asynchronous)
    for wrong in (5, "bar"):
        task = asyncio.create_task(value(1))
        with pytest.raises(TypeError, match="progress must be callable"):
            aioxide.gather(task, progress=wrong)  # type: ignore[call-overload]
        await task
        with pytest.raises(TypeError, match="progress must be callable"):
            aioxide.gather(progress=wrong)  # type: ignore[call-overload]
    assert await aioxide.gather(value(1), progress=None) == [1]
    assert await aioxide.gather(value(1), progress=False) == [1]


async def test_without_a_terminal_a_bar_draws_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    assert await aioxide.gather(value(1), echo(2), progress=True) == [1, 2]
    assert capfd.readouterr() == ("", "")


def test_a_bar_on_a_terminal() -> None:
    source = (
        "import aioxide, asyncio\n"
        "async def fail(): raise KeyError\n"
        "async def main():\n"
        "    aws = [aioxide.sleep(0) for _ in range(9)]\n"
        "    await aioxide.gather(*aws, fail(), return_exceptions=True, progress=True)\n"
        "asyncio.run(main())\n"
    )
    drawn = drawn_by(source)
    assert b"10/10" in drawn
    assert b"1 error" in drawn
    assert drawn.endswith(b"\n")


async def test_a_cycle_through_progress_is_collected() -> None:
    class Progress:
        gathering: Any = None

        def __call__(self, done: int, total: int) -> None: ...

    progress = Progress()
    progress.gathering = aioxide.gather(pending(), progress=progress)
    await asyncio.sleep(0)
    gone = weakref.ref(progress)
    progress.gathering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await progress.gathering
    del progress
    gc.collect()
    assert gone() is None
