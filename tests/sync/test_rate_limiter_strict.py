"""``RateLimiter(strict=True)``, which counts as servers do, and ``refund``."""

import asyncio
import threading

import pytest

import aioxide
from tests.sync.test_rate_limiter import times


def test_all_go_at_once_that_the_window_has_room_for(on_fake_clock):
    went = on_fake_clock(times(aioxide.RateLimiter(3, per=60, strict=True), 8))
    assert [number for number, _ in went] == list(range(8))
    assert [time for _, time in went] == pytest.approx([0, 0, 0, 60, 60, 60, 120, 120])


def test_no_window_ever_has_more(on_fake_clock):
    """Where a bucket of the same size lets twice as many through."""

    async def main(limiter):
        loop = asyncio.get_running_loop()
        went = []
        for pause in (0, 0.1, 1.9, 3, 0, 0.7, 0.5, 0.05, 9, 0, 0):
            for _ in range(5):
                await limiter.acquire()
                went.append(loop.time())
            await asyncio.sleep(pause)
        return max(sum(first <= time < first + 2 - 1e-6 for time in went) for first in went)

    assert on_fake_clock(main(aioxide.RateLimiter(7, per=2, strict=True))) == 7
    assert on_fake_clock(main(aioxide.RateLimiter(7, per=2, burst=7))) > 7


def test_several_wait_for_as_much_room(on_fake_clock):
    async def main():
        loop = asyncio.get_running_loop()
        limiter = aioxide.RateLimiter(4, per=10, strict=True)
        start, order = loop.time(), []

        async def one(n):
            await limiter.acquire(n)
            order.append((n, round(loop.time() - start, 6)))

        await limiter.acquire(3)
        await asyncio.sleep(1)
        await limiter.acquire(1)
        # Who asks for all is not overtaken by who could go.
        await asyncio.gather(one(4), one(1), one(3))
        return order

    assert on_fake_clock(main()) == [(4, 11), (1, 21), (3, 21)]


def test_each_key_has_a_window_and_idle_ones_are_forgotten(on_fake_clock):
    async def main():
        limiter = aioxide.RateLimiter(2, per=1, strict=True)
        for number in range(1_000):
            assert limiter.try_acquire(2, key=number)
            assert not limiter.try_acquire(key=number)
            await asyncio.sleep(0.1)
        return limiter.statistics()["keys"]

    assert on_fake_clock(main()) < 200


def test_what_is_given_back_lets_another_go(on_fake_clock):
    async def main(limiter, key):
        loop = asyncio.get_running_loop()
        await limiter.acquire(2, key)
        waiting = [asyncio.ensure_future(limiter.acquire(1, key)) for _ in range(2)]
        await asyncio.sleep(1)
        assert not any(task.done() for task in waiting)
        start = loop.time()
        limiter.refund(key=key)
        await waiting[0]
        assert loop.time() == start
        limiter.refund(key=key)
        await waiting[1]
        assert loop.time() == start
        assert not limiter.try_acquire(key=key)

    for key in (None, "key"):
        on_fake_clock(main(aioxide.RateLimiter(2, per=1_000, strict=True), key))
        on_fake_clock(main(aioxide.RateLimiter(2, per=1_000, burst=2), key))


@pytest.mark.parametrize("settings", [{"strict": True}, {"burst": 3}])
def test_more_than_went_gives_no_more_than_there_is(on_fake_clock, settings):
    async def main():
        limiter = aioxide.RateLimiter(3, per=1_000, **settings)
        limiter.refund(100)
        assert limiter.try_acquire(2)
        limiter.refund(100)
        limiter.refund(key="never seen")
        assert limiter.statistics()["keys"] == 0
        assert limiter.try_acquire(3)
        assert not limiter.try_acquire()

    on_fake_clock(main())


def test_a_thread_that_waits_hears_of_it():
    limiter = aioxide.RateLimiter(1, per=3_600, strict=True)
    assert limiter.acquire_blocking()
    passed = []
    thread = threading.Thread(target=lambda: passed.append(limiter.acquire_blocking(timeout=60)))
    thread.start()
    while not limiter.statistics()["waiting"]:
        pass
    limiter.refund()
    thread.join()
    assert passed == [True]


@pytest.mark.parametrize("given_up", [0, 1, 2])
def test_who_gives_up_leaves_the_window_as_it_was(on_fake_clock, given_up):
    async def main():
        loop = asyncio.get_running_loop()
        limiter = aioxide.RateLimiter(1, per=1, strict=True)
        await limiter.acquire()
        start = loop.time()
        tasks = [asyncio.ensure_future(limiter.acquire()) for _ in range(3)]
        await asyncio.sleep(0.5)
        tasks[given_up].cancel()
        await asyncio.wait(tasks)
        return loop.time() - start

    assert on_fake_clock(main()) == pytest.approx(2)


def test_what_is_no_window_is_refused():
    for settings in ({"rate": 1.5}, {"rate": 0.5}, {"rate": 2, "burst": 2}):
        with pytest.raises(ValueError, match="strict window"):
            aioxide.RateLimiter(**settings, strict=True)
    with pytest.raises(ValueError, match="must be"):
        aioxide.RateLimiter(0, strict=True)
    limiter = aioxide.RateLimiter(3, strict=True)
    for n in (0, -1, 4):
        with pytest.raises(ValueError, match="from 1 to the rate, which is 3"):
            limiter.acquire(n)
    for n in (0, -1):
        with pytest.raises(ValueError, match="at least 1"):
            limiter.refund(n)
    with pytest.raises(TypeError, match="unhashable"):
        limiter.refund(key=[])


def test_it_says_that_it_is_strict():
    limiter = aioxide.RateLimiter(5, 2, strict=True)
    assert (limiter.strict, limiter.burst, aioxide.RateLimiter(5).strict) == (True, 5, False)
    assert repr(limiter).endswith("[rate:5, per:2, strict]>")
