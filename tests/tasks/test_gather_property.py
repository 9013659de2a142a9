"""`gather` against asyncio's, over random mixtures of awaitables, on a clock that stands still.

Each program runs twice, once over either; what they come to must be the same: the results or the first
exception, which children ran to their ends and which were cancelled, and what `cancel` answered.
"""

import asyncio
import itertools
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import aioxide
from aioxide._core import echo, noop, pending, pending_count

VALUES = st.one_of(
    st.none(), st.integers(), st.tuples(st.integers(), st.integers()), st.just(()), st.text(max_size=3)
)


@dataclass(frozen=True)
class Child:
    kind: str
    # When it ends, in seconds of the fake clock: no two of a program end at the same time.
    delay: int
    value: object
    fails: bool


PYTHON = ["coroutine", "task", "future", "awaitable", "waits for an operation"]
NATIVE = ["echo", "noop", "sleep"]
NEVER = ["pending", "coroutine for ever", "future for ever", "sleep for ever", "stubborn"]


def children(kinds):
    one = st.tuples(st.sampled_from(kinds), VALUES, st.booleans())
    # An order of ends that differs from the order of the arguments.
    return st.lists(one, max_size=8).flatmap(
        lambda drawn: st.permutations(range(1, len(drawn) + 1)).map(
            lambda delays: [
                Child(kind, delay, value, fails and kind in PYTHON)
                for (kind, value, fails), delay in zip(drawn, delays, strict=True)
            ]
        )
    )


class Failure(Exception):  # noqa: N818
    """One that equals another of the same child."""

    def __eq__(self, other):
        return type(other) is Failure and other.args == self.args

    __hash__ = Exception.__hash__


class Program:
    """Builds the awaitables of one run, and notes what becomes of them."""

    def __init__(self):
        self.notes = []

    async def body(self, number, child):
        try:
            sleep = aioxide.sleep if child.kind == "waits for an operation" else asyncio.sleep
            await sleep(child.delay)
        except asyncio.CancelledError as error:
            self.notes.append((number, "cancelled", error.args))
            raise
        self.notes.append((number, "ended", asyncio.get_running_loop().time()))
        if child.fails:
            raise Failure(number)
        return child.value

    async def stubborn(self, number):
        try:
            await asyncio.sleep(10_000)
        except asyncio.CancelledError:
            self.notes.append((number, "ignored it"))
        await asyncio.sleep(3)
        return "stubborn"

    def make(self, number, child):
        loop = asyncio.get_running_loop()
        match child.kind:
            case "coroutine" | "waits for an operation":
                return self.body(number, child)
            case "task":
                return loop.create_task(self.body(number, child))
            case "future":
                future = loop.create_future()

                def end():
                    if future.done():
                        return
                    if child.fails:
                        future.set_exception(Failure(number))
                    else:
                        future.set_result(child.value)

                loop.call_later(child.delay, end)
                return future
            case "awaitable":
                return Wrapper(self.body(number, child))
            case "echo":
                return echo(child.value)
            case "noop":
                return noop()
            case "sleep":
                return aioxide.sleep(child.delay, child.value)
            case "pending":
                return pending()
            case "coroutine for ever":
                return self.body(number, Child("coroutine", 10_000, None, False))
            case "future for ever":
                return loop.create_future()
            case "sleep for ever":
                return aioxide.sleep(10_000)
            case "stubborn":
                return self.stubborn(number)
        raise AssertionError(child)


class Wrapper:
    def __init__(self, coroutine):
        self.coroutine = coroutine

    def __await__(self):
        return self.coroutine.__await__()


def outcome(future):
    error = future.exception()
    if isinstance(error, asyncio.CancelledError):
        # asyncio's has the message or not, by which child was the last to end.
        return "cancelled"
    if error is not None:
        return type(error), error.args
    return [
        (type(value), value.args) if isinstance(value, BaseException) else value for value in future.result()
    ]


def assert_message(future):
    error = future.exception()
    if isinstance(error, asyncio.CancelledError):
        assert error.args == ("from outside",)


async def run(gather, drawn, repeats, *, cancel_at=None, **options):
    """What a program comes to."""
    program = Program()
    awaitables = [program.make(number, child) for number, child in enumerate(drawn)]
    arguments = awaitables + [awaitables[index % len(awaitables)] for index in repeats if awaitables]
    future = gather(*arguments, **options)
    seen = []
    if cancel_at is not None:
        await asyncio.sleep(cancel_at)
        # Those that are ready by now must have been heard of.
        for _ in range(5):
            await asyncio.sleep(0)
        seen += [future.done(), future.cancel("from outside")]
    await asyncio.wait([future])
    if gather is aioxide.gather and cancel_at is not None:
        assert_message(future)
    seen += [outcome(future), asyncio.get_running_loop().time()]
    # The others go on after a failure.
    await asyncio.sleep(20_000)
    return seen, sorted(program.notes, key=repr)


@pytest.fixture
def same(on_fake_clock):
    def check(*program, **options):
        theirs = on_fake_clock(run(asyncio.gather, *program, **options))
        ours = on_fake_clock(run(aioxide.gather, *program, **options))
        assert ours == theirs

    return check


thorough = settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@thorough
@given(children(PYTHON + NATIVE), st.lists(st.integers(0, 7), max_size=3), st.booleans())
def test_run_to_the_end(same, drawn, repeats, return_exceptions):
    same(drawn, repeats, return_exceptions=return_exceptions)


@thorough
@given(
    children(PYTHON + NEVER),
    st.lists(st.integers(0, 7), max_size=3),
    st.booleans(),
    # Between the ends of two children.
    st.integers(0, 8).map(lambda time: time + 0.5),
)
def test_cancelled_on_the_way(same, drawn, repeats, return_exceptions, cancel_at):
    if not drawn:
        return
    same(drawn, repeats, return_exceptions=return_exceptions, cancel_at=cancel_at)


@thorough
@given(children(PYTHON + NEVER), st.booleans())
def test_cancelled_before_anything_started(same, drawn, return_exceptions):
    if not drawn:
        return
    same(drawn, [], return_exceptions=return_exceptions, cancel_at=0)


@thorough
@given(children(PYTHON + NATIVE), st.lists(st.integers(0, 7), max_size=3), st.integers(1, 9))
def test_a_limit_changes_no_result(on_fake_clock, drawn, repeats, limit):
    """And no more than so many of the bodies are inside at once."""
    theirs = on_fake_clock(run(asyncio.gather, drawn, repeats, return_exceptions=True))
    ours = on_fake_clock(run(aioxide.gather, drawn, repeats, return_exceptions=True, limit=limit))
    assert ours[0][0] == theirs[0][0]
    assert len(ours[1]) == len(theirs[1])


@thorough
@given(st.lists(st.integers(0, 4), min_size=1, max_size=12), st.integers(1, 6))
def test_a_limit_holds_and_is_used(on_fake_clock, delays, limit):
    """As many run as may: a list scheduler's moments of start are known."""

    async def main():
        loop = asyncio.get_running_loop()
        begin = loop.time()
        starts = []

        async def one(number, delay):
            starts.append((number, loop.time() - begin))
            await asyncio.sleep(delay)

        await aioxide.gather(*(one(number, delay) for number, delay in enumerate(delays)), limit=limit)
        return starts

    expected = []
    free = [0] * limit
    for number, delay in enumerate(delays):
        start = min(free)
        free[free.index(start)] = start + delay
        expected.append((number, start))
    assert on_fake_clock(main()) == expected


def test_nothing_is_left_on_tokio(on_fake_clock):
    async def main():
        for _ in itertools.repeat(None, 5_000):
            if not pending_count():
                return True
            await noop()
        return False

    assert on_fake_clock(main())
