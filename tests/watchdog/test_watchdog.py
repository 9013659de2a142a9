"""A stall is told of while it lasts and when it is over; whatever is not one is not told of.

What blocks a loop here blocks it until it has been told of, and `stop` returns when all has been told: no
test depends on how fast the machine is. Thresholds that must not be reached are a second or more.
"""

import asyncio
import ctypes
import gc
import hashlib
import logging
import math
import re
import signal
import subprocess
import sys
import threading
import time
import traceback

import pytest

from aioxide import Stall, watchdog
from aioxide._core import bridge_statistics

# Seconds. Nobody is as slow as this.
PATIENCE = 60


def until(told):
    """True while a test has to go on blocking its loop; a minute is too long."""
    begin = time.monotonic()
    while not told:
        if time.monotonic() - begin > PATIENCE:
            pytest.fail("the stall was not noticed")
        yield


class Noticed:
    """True once a stall that lasts was told of, in the task of that name if one is given."""

    def __init__(self, told, task=None):
        self.told, self.task = told, task

    def __bool__(self):
        return bool(self.told) and not self.told[-1].finished and self.task in (None, self.told[-1].task)


async def eventually(condition):
    """Lets the loop turn until `condition()`."""
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < PATIENCE
        await asyncio.sleep(0.001)


def sleep_in_a_coroutine(told):
    for _ in until(told):
        time.sleep(0.01)


def spin(told):
    for _ in until(told):
        sum(number * number for number in range(1_000))


def derive_keys(told):
    for _ in until(told):
        hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 20_000)


def match_slowly(told):
    """A regular expression holds the GIL all the time."""
    for _ in until(told):
        re.fullmatch("(a?){17}a{17}", "a" * 16)


def watchers():
    return [thread for thread in threading.enumerate() if thread.name == "aioxide-watchdog"]


def no_watchers():
    for thread in watchers():
        thread.join(PATIENCE)
        assert not thread.is_alive()


@pytest.fixture(autouse=True)
def no_thread_is_left():
    """A watching thread ends soon after its watchdog was stopped or its loop was closed."""
    yield
    no_watchers()


# ---- what is told ----


@pytest.mark.parametrize("block", [sleep_in_a_coroutine, spin, derive_keys, match_slowly])
async def test_a_stall_is_told_of_twice(block):
    told = []

    async def culprit():
        block(Noticed(told, "the culprit"))

    with watchdog(0.05, callback=told.append) as dog:
        await asyncio.sleep(0)
        await asyncio.create_task(culprit(), name="the culprit")
        await asyncio.sleep(0)
    # On a slow machine there may be others.
    first = next(stall for stall in told if stall.task == "the culprit")
    last = next(stall for stall in told[told.index(first) :] if stall.finished)
    assert not first.finished
    assert last.task == "the culprit"
    assert 0.05 <= first.duration <= last.duration <= dog.longest < PATIENCE
    assert first.thread_id == last.thread_id == threading.get_ident()
    assert last.stack == first.stack
    assert isinstance(first.stack, traceback.StackSummary)
    names = [frame.name for frame in first.stack]
    assert names.index("culprit") < names.index(block.__name__)
    frame = first.stack[names.index("culprit")]
    assert (frame.filename, frame.line) == (__file__, 'block(Noticed(told, "the culprit"))')
    assert first.gil_wait >= 0
    assert dog.stalls == len([stall for stall in told if stall.finished])


async def test_one_stall_is_one_stall_however_long():
    told = []
    with watchdog(0.02, callback=told.append) as dog:
        sleep_in_a_coroutine(told)
        begin = time.monotonic()
        while time.monotonic() - begin < 5 * dog.threshold:
            pass
    assert [stall.finished for stall in told] == [False, True]
    assert dog.stalls == 1
    assert dog.longest == told[1].duration >= 0.1


async def test_each_stall_counts():
    told = []
    with watchdog(0.02, callback=told.append) as dog:
        for _ in range(3):
            sleep_in_a_coroutine(Noticed(told))
            # The loop answers, which ends the stall, and the watchdog asks it again.
            await eventually(lambda: told[-1].finished)
    assert dog.stalls >= 3
    assert [stall.finished for stall in told] == [False, True] * dog.stalls
    assert dog.longest == max(stall.duration for stall in told)


@pytest.mark.skipif(sys.platform == "win32", reason="no usleep")
async def test_what_holds_the_gil_is_told_of_when_it_lets_go():
    told = []
    sleep = ctypes.PyDLL(None).usleep
    with watchdog(0.05, callback=told.append):
        await asyncio.sleep(0)
        sleep(900_000)
        await asyncio.sleep(0)
    stall = max(told, key=lambda stall: stall.gil_wait)
    assert stall.duration > 0.3
    assert stall.gil_wait > 0.1
    assert "; the GIL could not be had for " in str(stall)
    # It lets go right after the call, so the loop is still there, unless another thread came first.
    if stall.stack:
        assert [frame.line for frame in stall.stack if frame.filename == __file__][-1] == "sleep(900_000)"
    assert told[-1].finished


async def test_a_stall_in_a_callback_is_in_no_task():
    stuck = []
    loop = asyncio.get_running_loop()
    over = loop.create_future()

    def callback():
        for _ in until(stuck):
            time.sleep(0.01)
        over.set_result(None)

    def note(stall):
        if "callback" in [frame.name for frame in stall.stack]:
            stuck.append(stall)

    with watchdog(0.05, callback=note):
        loop.call_soon(callback)
        await over
    stall = stuck[0]
    assert stall.task is None
    assert ", task " not in str(stall)


async def test_it_is_logged_with_its_stack(caplog):
    caplog.set_level(logging.WARNING, "aioxide.watchdog")
    asyncio.current_task().set_name("wörker 1")
    with watchdog(0.05):
        sleep_in_a_coroutine(caplog.records)
    first, last = caplog.records[:2]
    assert (first.name, first.levelname) == ("aioxide.watchdog", "WARNING")
    text = first.getMessage()
    assert re.match(
        r'the event loop has not turned for \d+\.\d{3} s, task "wörker 1", thread \d+.*; '
        r"it is at \(the latest call last\):\n  File ",
        text,
    )
    assert "in sleep_in_a_coroutine\n" in text
    assert text == str(first.stall)
    assert re.match(r'the event loop turns again, after \d+\.\d{3} s, task "wörker 1"', last.getMessage())
    assert "\n" not in last.getMessage()
    assert last.stall.finished


async def test_reprs():
    told = []
    dog = watchdog(0.05, callback=told.append)
    assert repr(dog) == "<Watchdog [stopped] threshold=0.05 stalls=0>"
    with dog:
        assert repr(dog).startswith("<Watchdog [running] threshold=0.05 stalls=")
        sleep_in_a_coroutine(told)
    assert re.fullmatch(r"<Stall lasting \d+\.\d{3} s, thread \d+>", repr(told[0]))
    assert repr(told[1]).startswith("<Stall finished ")


# ---- what is not told ----


async def answers(count):
    """Waits until the watched loop has been asked, and has answered, so many times."""
    rings = bridge_statistics()["rings"]
    async with asyncio.timeout(PATIENCE):
        # A question comes after the answer to the one before it.
        while bridge_statistics()["rings"] <= rings + count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_an_idle_loop_is_no_stall():
    told = []
    with watchdog(2 * PATIENCE, callback=told.append, interval=0.01) as dog:
        await answers(5)
    assert (told, dog.stalls, dog.longest) == ([], 0, 0)


async def test_a_busy_loop_is_no_stall():
    if type(asyncio.get_running_loop()).__name__ == "NoAddReader":
        pytest.skip("a thread calls this loop, and CPython lets a loop that never rests starve other threads")
    told = []
    over = asyncio.Event()

    async def work():
        while not over.is_set():  # noqa: ASYNC110
            await asyncio.sleep(0)

    async with watchdog(2 * PATIENCE, callback=told.append, interval=0.01):
        busy = asyncio.gather(*(work() for _ in range(50)))
        await answers(5)
        over.set()
        await busy
    assert told == []


def test_a_loop_between_two_runs_is_no_stall(new_loop):
    told = []
    loop = new_loop()

    async def start():
        dog = watchdog(0.5, callback=told.append)
        dog.start()
        return dog

    dog = loop.run_until_complete(start())
    time.sleep(1.2)
    assert dog.running
    assert told == []
    loop.run_until_complete(asyncio.sleep(0.01))
    assert told == []
    dog.stop()
    loop.close()


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no SIGSTOP")
def test_a_process_that_was_stopped_had_no_stall():
    source = """
import asyncio, sys
import aioxide
async def main():
    with aioxide.watchdog(0.5, interval=0.01) as dog:
        print("ready", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        await asyncio.sleep(0.1)
    print(dog.stalls)
asyncio.run(main())
"""
    with subprocess.Popen(
        [sys.executable, "-c", source], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGSTOP)
        time.sleep(1.5)
        process.send_signal(signal.SIGCONT)
        printed, _ = process.communicate("\n", timeout=PATIENCE)
    assert printed == "0\n"


async def test_it_costs_one_wake_up_an_interval():
    before, begin = bridge_statistics()["rings"], time.monotonic()
    with watchdog(5, interval=0.05):
        await asyncio.sleep(0.6)
    rings, elapsed = bridge_statistics()["rings"] - before, time.monotonic() - begin
    assert 2 <= rings <= elapsed / 0.05 + 1


# ---- how it is used ----


@pytest.mark.parametrize("name", ["threshold", "interval"])
@pytest.mark.parametrize("value", [0, -1, -0.0, math.nan, -math.inf])
async def test_a_time_that_makes_no_sense_is_a_value_error(name, value):
    with pytest.raises(ValueError, match=f"^{name} must be above zero, not "):
        watchdog(**{name: value})


async def test_the_interval():
    assert watchdog().threshold == 0.1
    assert watchdog().interval == 0.05
    assert watchdog(0.5, interval=2).interval == 2
    assert watchdog(0.005).interval == 0.01
    assert watchdog(1, interval=1e-9).interval == 0.01
    assert watchdog(math.inf).threshold >= 1e9


async def test_an_interval_above_the_threshold():
    told = []
    with watchdog(0.02, callback=told.append, interval=0.1) as dog:
        await asyncio.sleep(0.25)
        sleep_in_a_coroutine(Noticed(told))
        await asyncio.sleep(0)
    assert dog.stalls >= 1
    assert told[-1].duration >= 0.02


async def test_a_threshold_without_end():
    with watchdog(math.inf) as dog:
        await asyncio.sleep(0.01)
    assert dog.stalls == 0


async def test_a_callback_must_be_callable():
    with pytest.raises(TypeError, match="callback must be callable"):
        watchdog(callback=7)


def test_without_a_loop_it_is_a_runtime_error(new_loop):
    with pytest.raises(RuntimeError, match="no running event loop"):
        watchdog()

    async def make():
        return watchdog()

    loop = new_loop()
    dog = loop.run_until_complete(make())
    loop.close()
    with pytest.raises(RuntimeError, match="no running event loop"):
        dog.start()
    assert not dog.running
    dog.stop()


async def test_start_and_stop():
    told = []
    dog = watchdog(0.05, callback=told.append)
    dog.stop()
    for _ in range(2):
        del told[:]
        assert not dog.running
        dog.start()
        assert dog.running
        with pytest.raises(RuntimeError, match="running already"):
            dog.start()
        sleep_in_a_coroutine(told)
        dog.stop()
        dog.stop()
        assert not dog.running
        assert told[-1].finished
    assert dog.stalls >= 2


async def test_the_block_gets_the_watchdog_and_its_exceptions_go_on():
    dog = watchdog()

    async def fails():
        with dog as entered:
            assert entered is dog
            assert dog.running
            raise LookupError

    async def fails_too():
        async with dog as entered:
            assert entered is dog
            assert dog.running
            raise LookupError

    for block in (fails, fails_too):
        with pytest.raises(LookupError):
            await block()
        assert not dog.running


async def test_a_callback_that_fails_is_told_of_and_called_again(monkeypatch):
    failures, calls = [], []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: failures.append((args.exc_value, args.object)))

    def callback(stall):
        calls.append(stall)
        raise [LookupError, SystemExit][len(calls) % 2](len(calls))

    with watchdog(0.05, callback=callback):
        sleep_in_a_coroutine(calls)
    assert len(calls) == len(failures) >= 2
    for number, (exception, where) in enumerate(failures, 1):
        assert type(exception) is [LookupError, SystemExit][number % 2]
        assert where is callback


async def test_a_callback_can_stop_it():
    told = []

    def callback(stall):
        told.append(stall)
        dog.stop()

    dog = watchdog(0.05, callback=callback)
    dog.start()
    sleep_in_a_coroutine(told)
    assert not dog.running
    # Its thread has still to say that the stall is over.
    await eventually(lambda: len(told) == 2)
    assert [stall.finished for stall in told] == [False, True]


async def test_another_thread_can_stop_it():
    dog = watchdog()
    dog.start()
    await asyncio.to_thread(dog.stop)
    assert not dog.running


async def test_two_watch_one_loop():
    quick, slow, never = [], [], []
    with (
        watchdog(0.05, callback=quick.append),
        watchdog(0.1, callback=slow.append),
        watchdog(PATIENCE, callback=never.append),
    ):
        sleep_in_a_coroutine(slow)
        assert not Noticed(never)
    assert quick[0].stack
    assert quick[-1].finished
    assert slow[-1].finished
    assert never == []


def test_each_thread_has_its_own(new_loop):
    told = [[] for _ in range(4)]
    done = threading.Barrier(4)
    threads = []
    idents = [0] * 4

    async def main(number):
        blocks = number % 2
        with watchdog(0.05 if blocks else PATIENCE, callback=told[number].append):
            if blocks:
                sleep_in_a_coroutine(told[number])
            await asyncio.sleep(0)
        await asyncio.to_thread(done.wait, PATIENCE)

    def run(number):
        idents[number] = threading.get_ident()
        loop = new_loop()
        loop.run_until_complete(main(number))
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    for number in range(4):
        threads.append(threading.Thread(target=run, args=(number,)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    assert told[0] == told[2] == []
    for number in (1, 3):
        assert {stall.thread_id for stall in told[number]} == {idents[number]}


def test_a_loop_that_moves_to_another_thread(new_loop):
    told = []
    loop = new_loop()

    async def start():
        dog = watchdog(0.05, callback=told.append)
        dog.start()
        return dog

    async def move():
        # The first answer from here says where the loop is now.
        before = bridge_statistics()["rings"]
        await eventually(lambda: bridge_statistics()["rings"] > before + 1)
        sleep_in_a_coroutine(Noticed(told, asyncio.current_task().get_name()))
        return threading.get_ident()

    dog = loop.run_until_complete(start())
    moved = []
    thread = threading.Thread(target=lambda: moved.append(loop.run_until_complete(move())))
    thread.start()
    thread.join()
    dog.stop()
    loop.close()
    assert told[-1].thread_id == moved[0]
    assert "sleep_in_a_coroutine" in [frame.name for frame in told[-1].stack]


def test_a_closed_loop_ends_it(new_loop):
    loop = new_loop()

    async def start():
        dog = watchdog(0.5, callback=told.append)
        dog.start()
        return dog

    told = []
    dog = loop.run_until_complete(start())
    assert watchers()
    loop.close()
    no_watchers()
    assert not dog.running
    assert told == []
    dog.stop()

    async def again():
        with dog:
            sleep_in_a_coroutine(told)

    loop = new_loop()
    loop.run_until_complete(again())
    loop.close()
    assert told


@pytest.mark.parametrize("closes", [True, False])
def test_a_stall_that_is_the_end_of_a_run(new_loop, closes):
    """The loop never turns again, and is not stuck any more."""
    told, finished = [], []

    def note(stall):
        told.append(stall)
        if stall.finished:
            finished.append(stall)

    async def main():
        dog = watchdog(0.05, callback=note)
        dog.start()
        sleep_in_a_coroutine(told)
        return dog

    loop = new_loop()
    dog = loop.run_until_complete(main())
    if closes:
        loop.close()
    sleep_in_a_coroutine(finished)
    assert [stall.finished for stall in told] == [False, True]
    if closes:
        no_watchers()
    assert dog.running == (not closes)
    dog.stop()
    loop.close()


def test_it_needs_no_name_to_go_on(new_loop):
    """Like a thread, it lives as long as it runs."""
    told = []

    async def main():
        watchdog(0.05, callback=told.append).start()
        gc.collect()
        sleep_in_a_coroutine(told)
        await eventually(lambda: told[-1].finished)

    loop = new_loop()
    loop.run_until_complete(main())
    loop.close()


async def test_many_come_and_go():
    for _ in range(200):
        with watchdog():
            pass
    assert bridge_statistics()["sleeping"] == 0


async def test_a_stall_has_no_constructor():
    with pytest.raises(TypeError):
        Stall()
