"""`interval`: when each tick comes, and what becomes of those that were missed."""

import asyncio
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aioxide import interval, wait_for


async def ticks(busy, period, missed):
    """For each tick its number and when it came; after the n-th the body takes `busy[n]` seconds."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    came = []
    iterator = interval(period, missed)
    for seconds in busy:
        number = await anext(iterator)
        came.append((number, loop.time() - begin))
        await asyncio.sleep(seconds)
    return came


@pytest.mark.parametrize("missed", ["burst", "delay", "skip"])
def test_nothing_missed(on_fake_clock, missed):
    came = on_fake_clock(ticks([0, 1, 3, 9, 0], 10, missed))
    assert came == [(0, 0), (1, 10), (2, 20), (3, 30), (4, 40)]


@pytest.mark.parametrize(
    ("missed", "came"),
    [
        ("burst", [(0, 0), (1, 35), (2, 35), (3, 35), (4, 40), (5, 50)]),
        ("delay", [(0, 0), (1, 35), (2, 45), (3, 55), (4, 65), (5, 75)]),
        ("skip", [(0, 0), (3, 35), (4, 40), (5, 50), (6, 60), (7, 70)]),
    ],
)
def test_a_body_that_takes_too_long(on_fake_clock, missed, came):
    assert on_fake_clock(ticks([35, 0, 0, 0, 0, 0], 10, missed)) == came


thorough = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@thorough
@given(st.lists(st.integers(0, 50), min_size=1, max_size=12), st.integers(1, 20), st.data())
def test_ticks_are_due_when_they_should_be(on_fake_clock, busy, period, data):
    missed = data.draw(st.sampled_from(["burst", "delay", "skip"]))
    expected = []
    now = start = 0
    number = base = 0
    for seconds in busy:
        due = start + (number - base) * period
        if now > due and missed == "skip":
            number = (now - start) // period
        elif now > due and missed == "delay":
            start, base = now, number
        now = max(now, due)
        expected.append((number, now))
        number += 1
        now += seconds
    assert on_fake_clock(ticks(busy, period, missed)) == expected


def test_there_is_no_drift(on_fake_clock):
    came = on_fake_clock(ticks([0.01] * 1_000, 0.1, "burst"))
    assert all(abs(when - number * 0.1) < 1e-9 for number, when in came)
    assert [number for number, _ in came] == list(range(1_000))


async def test_async_for():
    seen = []
    async for tick in interval(0.001):
        seen.append(tick)
        if tick == 5:
            break
    assert seen == list(range(6))


async def test_it_lets_the_loop_turn_though_every_tick_is_late():
    turns = 0

    async def count():
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counter = asyncio.ensure_future(count())
    async for tick in interval(1e-9):
        if tick == 100:
            break
    assert turns >= 99
    counter.cancel()
    await asyncio.wait([counter])


def test_a_cancelled_wait_loses_no_tick(on_fake_clock):
    async def main():
        loop = asyncio.get_running_loop()
        begin = loop.time()
        iterator = interval(10)
        seen = [(await anext(iterator), loop.time() - begin)]
        with pytest.raises(TimeoutError):
            await wait_for(anext(iterator), 4)
        seen.extend([(await anext(iterator), loop.time() - begin) for _ in range(2)])
        return seen

    assert on_fake_clock(main()) == [(0, 0), (1, 10), (2, 20)]


@pytest.mark.parametrize("period", [0, -1, math.nan, math.inf, -math.inf])
def test_a_period_that_cannot_be(period):
    with pytest.raises(ValueError, match="period"):
        interval(period)


@pytest.mark.parametrize("missed", ["", "Burst", None, 1])
def test_a_policy_that_is_not_known(missed):
    with pytest.raises(ValueError, match="missed"):
        interval(1, missed)


def test_a_period_that_is_no_number():
    with pytest.raises(TypeError):
        interval("1")
