"""Thousands of operations cancelled at random moments, in several threads; every one accounted for."""

import asyncio
import gc
import random
import threading

import pytest

from aioxide import gather, sleep, timeout
from aioxide._core import bridge_statistics, echo, noop, pending, pending_count

SEEDS = [1, 2, 3]


class Account:
    """What became of the operations of a storm."""

    def __init__(self):
        self.started = self.ended = self.cancelled = self.timed_out = 0

    def balance(self):
        return self.started - self.ended - self.cancelled - self.timed_out


async def one(chance, account):
    """One operation of a random kind, which notes its own end."""
    account.started += 1
    try:
        match chance.randrange(8):
            case 0:
                assert await noop() is None
            case 1:
                assert await echo((1, 2)) == (1, 2)
            case 2:
                await pending()
            case 3:
                assert await sleep(chance.random() / 1e3, "slept") == "slept"
            case 4:
                assert await gather(noop(), echo(3), sleep(0, 4)) == [None, 3, 4]
            case 5:
                await gather(
                    pending(), noop(), sleep(3600), asyncio.sleep(3600), limit=chance.choice([None, 2])
                )
            case 6:
                async with timeout(chance.random() / 1e3):
                    await pending()
            case 7:
                async with timeout(chance.random() / 1e3):
                    for number in range(10):
                        assert await echo(number) == number
    except asyncio.CancelledError:
        account.cancelled += 1
        raise
    except TimeoutError:
        account.timed_out += 1
    else:
        account.ended += 1


async def storm(seed, count):
    chance = random.Random(seed)
    account = Account()
    running = set()
    for _ in range(count):
        task = asyncio.create_task(one(chance, account))
        running.add(task)
        task.add_done_callback(running.discard)
        if chance.random() < 0.2:
            await asyncio.sleep(0)
        if chance.random() < 0.1:
            await noop()
        for task in chance.sample(sorted(running, key=id), min(len(running), chance.randrange(3))):
            task.cancel()
    await asyncio.sleep(0)
    while running:
        for task in list(running):
            # A timeout swallows none of it: it tells its own cancellation from ours.
            task.cancel()
        await asyncio.wait(list(running))
    # A task cancelled before its first step has not started.
    assert account.balance() == 0
    assert account.ended > 0
    assert account.cancelled > 0
    for _ in range(5_000):
        if not bridge_statistics()["sleeping"]:
            return account
        await noop()
    return pytest.fail(f"{bridge_statistics()} after the storm")


@pytest.mark.parametrize("seed", SEEDS)
async def test_in_one_loop(seed, until):
    await storm(seed, 3_000)
    await until(lambda: pending_count() == 0)


@pytest.mark.parametrize("seed", SEEDS)
def test_in_several_threads(new_loop, seed):
    failures = []

    def run(number):
        loop = new_loop()
        try:
            loop.run_until_complete(storm(seed * 100 + number, 1_000))
        except BaseException as error:
            failures.append(error)
        finally:
            loop.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []

    async def settle():
        for _ in range(5_000):
            if not pending_count():
                return True
            await noop()
        return False

    assert asyncio.run(settle())


@pytest.mark.parametrize("seed", SEEDS)
async def test_gathers_cancelled_at_random(seed, until):
    chance = random.Random(seed)
    futures = []
    for _ in range(200):
        kinds = [
            noop,
            pending,
            lambda: echo(1),
            lambda: sleep(chance.random() / 1e3),
            lambda: asyncio.sleep(0),
        ]
        children = [chance.choice(kinds)() for _ in range(chance.randrange(1, 40))]
        limit = chance.choice([None, None, 1, 3, 10])
        futures.append(gather(*children, limit=limit, return_exceptions=chance.random() < 0.5))
        for _ in range(chance.randrange(3)):
            await asyncio.sleep(0)
        if chance.random() < 0.5:
            chance.choice(futures).cancel("storm")
    for future in futures:
        future.cancel()
    outcomes = await asyncio.gather(*futures, return_exceptions=True)
    assert len(outcomes) == 200
    assert {type(outcome) for outcome in outcomes} <= {list, asyncio.CancelledError}
    await until(lambda: pending_count() == 0 and not bridge_statistics()["sleeping"])


# What a gather had not started yet when its loop was closed.
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
@pytest.mark.parametrize("seed", SEEDS)
def test_loops_closed_at_random(seed):
    """With whatever is in flight then; nothing is said and nothing runs on."""
    chance = random.Random(seed)
    account = Account()
    for _ in range(60):
        loop = asyncio.SelectorEventLoop()

        async def begin(loop=loop):
            for _ in range(chance.randrange(60)):
                task = loop.create_task(one(chance, account))
                task._log_destroy_pending = False
                if chance.random() < 0.3:
                    await noop()

        loop.run_until_complete(begin())
        for task in asyncio.all_tasks(loop):
            task._log_destroy_pending = False
        loop.set_exception_handler(lambda *_: None)
        loop.close()
        gc.collect()

    async def settle():
        for _ in range(5_000):
            if not pending_count():
                return True
            await noop()
        return False

    assert asyncio.run(settle()), f"{pending_count()} pending"
