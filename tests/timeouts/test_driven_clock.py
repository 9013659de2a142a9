"""A test that drives its loop's clock finds scheduled there what asyncio would have scheduled."""

import asyncio

import pytest

import aioxide


class Watched(asyncio.SelectorEventLoop):
    """Notes each timer that is asked for."""

    def __init__(self):
        super().__init__()
        self.now = 0.0
        self.handles = []

    def time(self):
        return self.now

    def call_at(self, when, callback, *args, context=None):
        handle = super().call_at(when, callback, *args, context=context)
        self.handles.append(handle)
        return handle

    def advance(self, seconds):
        self.now += seconds

    def schedule(self):
        """Each timer's time, and whether it is still to come."""
        return [
            (handle.when(), not handle.cancelled() and handle.when() > self.now) for handle in self.handles
        ]


async def sleeps(library, loop):
    tasks = [asyncio.ensure_future(library.sleep(delay)) for delay in (3, 1, 2, 1)]
    await asyncio.sleep(0)
    tasks[2].cancel()
    await asyncio.wait(tasks[2:3])
    loop.advance(1)
    await asyncio.wait([tasks[1], tasks[3]])
    loop.advance(2)
    await tasks[0]


async def timeouts(library, loop):
    async with library.timeout(5), library.timeout(1) as inner:
        inner.reschedule(7)
    async with library.timeout(None), library.timeout_at(loop.time() + 9):
        pass
    try:
        async with library.timeout(1):
            loop.advance(1)
            await library.sleep(60)
    except TimeoutError:
        pass
    else:
        pytest.fail("it did not expire")


@pytest.mark.parametrize("scenario", [sleeps, timeouts])
def test_every_timer_is_told_to_the_loop(scenario):
    schedules = []
    for library in (asyncio, aioxide):
        loop = Watched()
        try:
            loop.run_until_complete(scenario(library, loop))
            schedules.append(loop.schedule())
        finally:
            loop.close()
    theirs, ours = schedules
    assert ours == theirs
