"""`RateLimiter`: so many in so much time, in order, for each key."""

import asyncio
import copy
import pickle
import threading
import weakref

import pytest

import aioxide


async def times(limiter, count, **options):
    """When each of so many went on, in seconds after the first look."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    went = []

    async def one(number):
        await limiter.acquire(**options)
        went.append((number, loop.time() - start))

    await asyncio.gather(*(one(number) for number in range(count)))
    return went


def test_it_spaces_them_evenly(on_fake_clock):
    went = on_fake_clock(times(aioxide.RateLimiter(10), 25))
    assert [number for number, _ in went] == list(range(25))
    assert [time for _, time in went] == pytest.approx([number / 10 for number in range(25)])


def test_per_stretches_the_rate(on_fake_clock):
    went = on_fake_clock(times(aioxide.RateLimiter(3, per=60), 4))
    assert [time for _, time in went] == pytest.approx([0, 20, 40, 60])


def test_a_burst_goes_at_once_and_then_the_pace_is_kept(on_fake_clock):
    went = on_fake_clock(times(aioxide.RateLimiter(10, burst=5), 8))
    assert [time for _, time in went] == pytest.approx([0, 0, 0, 0, 0, 0.1, 0.2, 0.3])


@pytest.mark.parametrize("burst", [1, 4])
def test_no_window_has_more_than_its_share(on_fake_clock, burst):
    """However those who ask come and pause: `rate` in `per` seconds, and what a burst adds."""

    async def main():
        loop = asyncio.get_running_loop()
        limiter = aioxide.RateLimiter(7, per=2, burst=burst)
        went = []
        for pause in (0, 0.1, 0, 3, 0, 0, 0.5, 0.05, 9, 0, 0):
            for _ in range(5):
                await limiter.acquire()
                went.append(loop.time())
            await asyncio.sleep(pause)
        return went

    went = on_fake_clock(main())
    for first in went:
        assert sum(first <= time < first + 2 - 1e-6 for time in went) <= 7 + burst - 1


def test_several_at_once_take_their_time_together(on_fake_clock):
    async def main():
        loop = asyncio.get_running_loop()
        limiter = aioxide.RateLimiter(10, burst=4)
        start = loop.time()
        await limiter.acquire(4)
        await limiter.acquire(4)
        return loop.time() - start

    assert on_fake_clock(main()) == pytest.approx(0.4)


def test_one_who_asks_for_more_is_not_overtaken(on_fake_clock):
    async def main():
        limiter = aioxide.RateLimiter(10, burst=4)
        await limiter.acquire(4)
        order = []

        async def one(n):
            await limiter.acquire(n)
            order.append(n)

        await asyncio.gather(one(4), one(1), one(2))
        return order

    assert on_fake_clock(main()) == [4, 1, 2]


def test_each_key_has_a_pace_of_its_own(on_fake_clock):
    async def main():
        loop = asyncio.get_running_loop()
        limiter = aioxide.RateLimiter(1)
        start = loop.time()
        await asyncio.gather(*(limiter.acquire(key=key) for key in ("a", "b", "a", None, ("c", 1))))
        return loop.time() - start

    assert on_fake_clock(main()) == pytest.approx(1)


def test_idle_keys_are_forgotten(on_fake_clock):
    async def main():
        limiter = aioxide.RateLimiter(100)
        for number in range(5_000):
            await limiter.acquire(key=number)
            await asyncio.sleep(0.02)
        return limiter.statistics()["keys"]

    assert on_fake_clock(main()) < 200


def test_a_key_is_not_forgotten_while_it_is_owed_time(on_fake_clock):
    async def main():
        loop = asyncio.get_running_loop()
        limiter = aioxide.RateLimiter(1, per=1_000)
        await limiter.acquire(key="owed")
        start = loop.time()
        for number in range(500):
            assert limiter.try_acquire(key=number)
        await limiter.acquire(key="owed")
        return loop.time() - start

    assert on_fake_clock(main()) == pytest.approx(1_000)


@pytest.mark.parametrize("given_up", [0, 1, 2])
def test_who_gives_up_takes_nothing_with_it(on_fake_clock, given_up):
    async def main():
        loop = asyncio.get_running_loop()
        limiter = aioxide.RateLimiter(1)
        await limiter.acquire()
        start = loop.time()
        tasks = [asyncio.ensure_future(limiter.acquire()) for _ in range(3)]
        await asyncio.sleep(0.5)
        tasks[given_up].cancel()
        await asyncio.wait(tasks)
        return loop.time() - start, limiter.statistics()["waiting"]

    passed, waiting = on_fake_clock(main())
    assert passed == pytest.approx(2)
    assert waiting == 0


async def test_free_it_does_not_suspend():
    turned = []
    asyncio.get_running_loop().call_soon(turned.append, True)
    limiter = aioxide.RateLimiter(1_000_000, burst=100)
    for _ in range(50):
        async with limiter:
            pass
    assert turned == []
    assert limiter.try_acquire(50)


async def test_try_acquire_does_not_overtake():
    limiter = aioxide.RateLimiter(1, per=3_600)
    assert limiter.try_acquire()
    assert not limiter.try_acquire()
    waiting = asyncio.ensure_future(limiter.acquire())
    await asyncio.sleep(0)
    assert limiter.statistics() == {"keys": 0, "waiting": 1}
    assert not limiter.try_acquire()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert limiter.statistics()["waiting"] == 0


async def test_it_keeps_the_pace_on_every_loop():
    loop = asyncio.get_running_loop()
    limiter = aioxide.RateLimiter(1_000)
    start = loop.time()
    for _ in range(20):
        await limiter.acquire()
    # No timer goes off early by more than the loop's own resolution.
    assert loop.time() - start >= 0.017


def test_loops_and_threads_share_one_pace(new_loop):
    limiter = aioxide.RateLimiter(2_000)
    went = []

    def on_a_loop():
        async def main():
            for _ in range(20):
                await limiter.acquire()
                went.append("loop")

        loop = new_loop()
        loop.run_until_complete(main())
        loop.close()

    def on_a_thread():
        for _ in range(20):
            assert limiter.acquire_blocking()
            went.append("thread")

    threads = [threading.Thread(target=run) for run in (on_a_loop, on_a_thread, on_a_loop, on_a_thread)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (went.count("loop"), went.count("thread")) == (40, 40)
    assert limiter.statistics()["waiting"] == 0


def test_a_thread_gives_up_when_its_time_is_over():
    limiter = aioxide.RateLimiter(1, per=3_600)
    assert limiter.acquire_blocking(timeout=0)
    assert not limiter.acquire_blocking(timeout=0)
    assert not limiter.acquire_blocking(timeout=0.01)
    assert limiter.statistics()["waiting"] == 0


async def test_a_thread_whose_loop_runs_is_refused():
    with pytest.raises(RuntimeError, match="await it instead"):
        aioxide.RateLimiter(1).acquire_blocking()


@pytest.mark.parametrize(
    "settings",
    [
        {"rate": 0},
        {"rate": -1},
        {"rate": float("nan")},
        {"rate": float("inf")},
        {"rate": 1, "per": 0},
        {"rate": 1, "per": -1},
        {"rate": 1, "per": float("nan")},
        {"rate": 1, "burst": 0},
        {"rate": 1, "burst": -1},
    ],
)
def test_what_is_no_rate_is_refused(settings):
    with pytest.raises(ValueError, match="must be"):
        aioxide.RateLimiter(**settings)


def test_bad_arguments_are_refused_at_the_call():
    limiter = aioxide.RateLimiter(1, burst=3)
    for n in (0, -1, 4):
        for ask in (limiter.acquire, limiter.try_acquire, limiter.acquire_blocking):
            with pytest.raises(ValueError, match="from 1 to the burst"):
                ask(n)
    for ask in (limiter.acquire, limiter.try_acquire, limiter.acquire_blocking):
        with pytest.raises(TypeError, match="unhashable"):
            ask(key=[])
    with pytest.raises(ValueError, match="timeout"):
        limiter.acquire_blocking(timeout=-1)
    with pytest.raises(TypeError):
        aioxide.RateLimiter("1")


def test_waiting_without_a_loop_is_an_error():
    operation = aioxide.RateLimiter(1).acquire()
    with pytest.raises(RuntimeError, match="no running event loop"):
        operation.send(None)


def test_it_says_what_it_is():
    limiter = aioxide.RateLimiter(5, per=2, burst=3)
    assert (limiter.rate, limiter.per, limiter.burst) == (5, 2, 3)
    assert repr(limiter).endswith("[rate:5, per:2, burst:3]>")
    assert weakref.ref(limiter)() is limiter
    for refuse in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError, match="cannot pickle"):
            refuse(limiter)


def test_a_subclass_may_have_arguments_of_its_own():
    class Polite(aioxide.RateLimiter):
        def __init__(self, host):
            super().__init__(2)
            self.host = host

    polite = Polite("example.org")
    assert (polite.rate, polite.host) == (2, "example.org")

    class Forgetful(aioxide.RateLimiter):
        def __init__(self):
            pass

    with pytest.raises(RuntimeError, match="__init__"):
        Forgetful().try_acquire()
