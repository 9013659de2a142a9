"""`wait_for` against asyncio's of 3.12 and later: the same body over both, on a clock that stands still."""

import asyncio
import sys

import pytest

import aioxide
from aioxide import wait_for
from aioxide._core import echo, noop, pending, pending_count


async def value(delay, result):
    await asyncio.sleep(delay)
    if isinstance(result, BaseException):
        raise result
    return result


@pytest.fixture
def same(on_fake_clock):
    """Runs a scenario over either; what they note must be the same. asyncio's is older before 3.13."""

    async def run(scenario, library):
        notes = []
        await scenario(
            library.wait_for, lambda *what: notes.append((asyncio.get_running_loop().time(), *what))
        )
        return notes

    def check(scenario):
        ours = on_fake_clock(run(scenario, aioxide))
        if sys.version_info >= (3, 13):
            assert ours == on_fake_clock(run(scenario, asyncio))
        return ours

    return check


async def ends_in_time(wait_for, note):
    note(await wait_for(value(3, "value"), 5))
    note(await wait_for(asyncio.ensure_future(value(3, "task")), 5))
    try:
        await wait_for(value(3, LookupError("mine")), 5)
    except LookupError as error:
        note(error.args, error.__cause__)


async def does_not(wait_for, note):
    inner = asyncio.ensure_future(value(10, "late"))
    try:
        await wait_for(inner, 5)
    except TimeoutError as error:
        note(error.args, type(error.__cause__), inner.cancelled())


async def no_limit(wait_for, note):
    note(await wait_for(value(1_000, "value"), None))


async def nothing_begins_with_no_time(wait_for, note):
    for limit in (0, -1, float("-inf")):
        begun = []

        async def body(begun=begun):
            begun.append(1)

        try:
            await wait_for(body(), limit)
        except TimeoutError as error:
            note(begun, type(error.__cause__))


async def what_is_done_comes_with_no_time(wait_for, note):
    loop = asyncio.get_running_loop()
    for limit in (0, -1, 1e-9, 5, None):
        future = loop.create_future()
        future.set_result("done")
        note(await wait_for(future, limit))
        future = loop.create_future()
        future.set_exception(LookupError("mine"))
        try:
            await wait_for(future, limit)
        except LookupError as error:
            note(error.args)
        future = loop.create_future()
        future.cancel("enough")
        try:
            await wait_for(future, limit)
        except asyncio.CancelledError as error:
            note(error.args)


async def one_that_suppresses_the_cancellation_gives_its_value(wait_for, note):
    async def stubborn():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            await asyncio.sleep(2)
            return "all the same"

    try:
        note(await wait_for(stubborn(), 5))
    except TimeoutError:
        note("timeout")


async def cancelled_from_outside(wait_for, note):
    inner = asyncio.ensure_future(value(10, "never"))
    task = asyncio.ensure_future(wait_for(inner, 5))
    await asyncio.sleep(1)
    task.cancel("enough")
    try:
        await task
    except asyncio.CancelledError as error:
        note(error.args, inner.cancelled())


async def cancelled_while_it_ends_with_no_time(wait_for, note):
    async def stubborn():
        while True:
            try:
                return await asyncio.sleep(10)
            except asyncio.CancelledError:
                note("inner")

    inner = asyncio.ensure_future(stubborn())
    await asyncio.sleep(0)
    task = asyncio.ensure_future(wait_for(inner, 0))
    await asyncio.sleep(1)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        note("outer", inner.done())
    await inner


async def shielded(wait_for, note):
    inner = asyncio.ensure_future(value(10, "kept"))
    try:
        await wait_for(asyncio.shield(inner), 5)
    except TimeoutError:
        note("timeout")
    note(await inner)


async def an_exception_while_it_is_cancelled_comes_through(wait_for, note):
    async def fails():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            raise LookupError("mine") from None

    try:
        await wait_for(fails(), 5)
    except LookupError as error:
        note(error.args, type(error.__context__))


async def in_a_timeout(wait_for, note):
    try:
        async with asyncio.timeout(3):
            await wait_for(value(10, "never"), 5)
    except TimeoutError:
        note("outer")
    note(asyncio.current_task().cancelling())


@pytest.mark.parametrize(
    "scenario",
    [
        ends_in_time,
        does_not,
        no_limit,
        nothing_begins_with_no_time,
        what_is_done_comes_with_no_time,
        one_that_suppresses_the_cancellation_gives_its_value,
        cancelled_from_outside,
        cancelled_while_it_ends_with_no_time,
        shielded,
        an_exception_while_it_is_cancelled_comes_through,
        in_a_timeout,
    ],
    ids=lambda scenario: scenario.__name__,
)
def test_as_asyncio(same, scenario):
    assert same(scenario)


async def test_native_operations(until):
    assert await wait_for(echo(1), 10) == 1
    assert await wait_for(noop(), None) is None
    with pytest.raises(TimeoutError):
        await wait_for(pending(), 0.01)
    await until(lambda: pending_count() == 0)
    with pytest.raises(TimeoutError):
        await wait_for(echo(1), 0)


async def test_awaiting_in_place_makes_no_task():
    task = asyncio.current_task()

    async def body():
        return asyncio.current_task()

    assert await wait_for(body(), 10) is task
    assert await wait_for(body(), None) is task


@pytest.mark.parametrize("limit", ["1", object(), [1]], ids=repr)
async def test_a_limit_that_is_no_number_is_a_type_error(limit):
    future = asyncio.get_running_loop().create_future()
    with pytest.raises(TypeError):
        await wait_for(future, limit)


async def test_a_limit_that_is_nan_is_a_value_error():
    with pytest.raises(ValueError, match="NaN"):
        await wait_for(asyncio.get_running_loop().create_future(), float("nan"))


@pytest.mark.parametrize("limit", [0, 1, None])
async def test_what_cannot_be_awaited_is_a_type_error(limit):
    with pytest.raises(TypeError):
        await wait_for(3, limit)
