"""`move_on_after`: a timeout that swallows its own TimeoutError, and nothing else."""

import asyncio
import math

import pytest

from aioxide import move_on_after
from aioxide._core import bridge_statistics, pending, pending_count


async def never():
    await asyncio.get_running_loop().create_future()


def test_the_program_goes_on_after_it(on_fake_clock):
    async def main():
        loop = asyncio.get_running_loop()
        begin = loop.time()
        async with move_on_after(5) as scope:
            assert scope.when() == begin + 5
            assert not scope.expired()
            await never()
            raise AssertionError("not reached")
        assert scope.expired()
        assert asyncio.current_task().cancelling() == 0
        await asyncio.sleep(1)
        return loop.time() - begin

    assert on_fake_clock(main()) == 6


def test_what_ends_in_time_is_left_alone(on_fake_clock):
    async def main():
        async with move_on_after(5) as scope:
            await asyncio.sleep(3)
        assert not scope.expired()
        async with move_on_after(None) as scope:
            assert scope.when() is None
            await asyncio.sleep(1_000)
        await asyncio.sleep(10)
        return scope.expired()

    assert on_fake_clock(main()) is False


@pytest.mark.parametrize("seconds", [0, -1, -math.inf])
async def test_no_time_is_over_at_the_first_wait(seconds):
    reached = False
    async with move_on_after(seconds) as scope:
        reached = True
        await asyncio.sleep(60)
    assert reached
    assert scope.expired()


async def test_other_exceptions_come_through():
    with pytest.raises(LookupError):
        async with move_on_after(60):
            raise LookupError
    with pytest.raises(TimeoutError):
        async with move_on_after(60):
            raise TimeoutError

    async def fails_when_it_is_cancelled():
        try:
            await never()
        except asyncio.CancelledError:
            raise LookupError from None

    with pytest.raises(LookupError):
        async with move_on_after(0):
            await fails_when_it_is_cancelled()


async def test_cancelling_from_outside_comes_through():
    async def body():
        async with move_on_after(60):
            await never()

    task = asyncio.ensure_future(body())
    await asyncio.sleep(0)
    task.cancel("enough")
    with pytest.raises(asyncio.CancelledError, match="enough"):
        await task


def test_cancelling_from_outside_at_the_deadline_comes_through(on_fake_clock):
    async def body():
        async with move_on_after(5):
            await never()

    async def main():
        task = asyncio.ensure_future(body())
        asyncio.get_running_loop().call_later(5, task.cancel)
        await asyncio.wait([task])
        return task.cancelled()

    assert on_fake_clock(main()) is True


def test_nested_scopes_end_where_they_belong(on_fake_clock):
    async def main():
        loop = asyncio.get_running_loop()
        begin = loop.time()
        seen = []
        async with move_on_after(5) as outer:
            async with move_on_after(3) as inner:
                await never()
            seen.append((loop.time() - begin, inner.expired(), outer.expired()))
            async with move_on_after(10) as late:
                await never()
        seen.append((loop.time() - begin, late.expired(), outer.expired()))
        return seen

    assert on_fake_clock(main()) == [(3, True, False), (5, False, True)]


def test_rescheduling(on_fake_clock):
    async def main():
        loop = asyncio.get_running_loop()
        begin = loop.time()
        scope = move_on_after(5)
        with pytest.raises(RuntimeError, match="not been entered"):
            scope.reschedule(None)
        async with scope:
            scope.reschedule(begin + 8)
            assert scope.when() == begin + 8
            await never()
        with pytest.raises(RuntimeError, match="expired"):
            scope.reschedule(begin + 9)
        with pytest.raises(RuntimeError, match="already been entered"):
            await scope.__aenter__()
        return loop.time() - begin

    assert on_fake_clock(main()) == 8


async def test_it_stops_native_work(until):
    async with move_on_after(0.01):
        await pending()
    await until(lambda: pending_count() == 0)
    assert bridge_statistics()["sleeping"] <= 1


def test_bad_use():
    with pytest.raises(RuntimeError):
        move_on_after(1)

    async def main():
        with pytest.raises(ValueError, match="NaN"):
            move_on_after(math.nan)
        with pytest.raises(TypeError):
            move_on_after("1")

    asyncio.run(main())


async def test_it_says_what_it_is():
    scope = move_on_after(60)
    assert repr(scope) == "<MoveOn [created]>"
    async with scope:
        assert repr(scope).startswith("<MoveOn [active] when=")
    assert repr(scope) == "<MoveOn [finished]>"
