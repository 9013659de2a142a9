"""Fork and exit with a watchdog running: no hang, no output, and no watchdog in the child."""

import sys

import pytest

PRELUDE = """
import asyncio, atexit, logging, os, signal, sys, threading, time, warnings
from aioxide import watchdog

LOOP = sys.argv[1]
if LOOP == "uvloop":
    from uvloop import new_event_loop
elif LOOP == "no-add-reader":
    class new_event_loop(asyncio.SelectorEventLoop):
        def add_reader(self, *args):
            raise NotImplementedError
else:
    from asyncio import SelectorEventLoop as new_event_loop
# CPython 3.12 warns of any fork in a process with threads.
warnings.simplefilter("ignore", DeprecationWarning)

def run(coroutine):
    loop = new_event_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()

async def start(*args, **options):
    dog = watchdog(*args, **options)
    dog.start()
    return dog

def block(told):
    while not told:
        time.sleep(0.005)

async def see_a_stall():
    told = []
    with watchdog(0.02, callback=told.append):
        block(told)
    assert "see_a_stall" in [frame.name for frame in told[0].stack]
    assert told[-1].finished
"""


@pytest.fixture(params=["asyncio", "uvloop", "no-add-reader"])
def works(request, script, fork_source):
    if request.param == "uvloop":
        pytest.importorskip("uvloop")

    def check(source, printed="", code=0):
        done = script(PRELUDE + fork_source + source, request.param, seconds=60)
        assert (done.returncode, done.stdout, done.stderr) == (code, printed, "")

    return check


# ---- fork ----

forks = pytest.mark.skipif(sys.platform == "win32", reason="no fork")


@forks
def test_the_child_has_no_watchdog(works):
    works(
        """
async def main():
    told = []
    with watchdog(0.02, callback=told.append) as dog:
        block(told)
        before = dog.stalls

        def child():
            asyncio._set_running_loop(None)
            assert not dog.running
            assert dog.stalls >= before and dog.longest > 0 and repr(dog)
            del told[:]
            time.sleep(0.1)
            assert not told
            dog.stop()
            run(see_a_stall())

            async def again():
                with dog:
                    block(told)
            run(again())
            assert told

        for _ in range(5):
            fork(child)
        assert dog.running
    await see_a_stall()

run(main())
"""
    )


@forks
def test_forks_while_it_asks(works):
    """The watching thread may hold a lock at any moment; the child takes none of them."""
    works(
        """
async def main():
    dogs = [await start(30, interval=0.01) for _ in range(20)]
    def child():
        asyncio._set_running_loop(None)
        for dog in dogs:
            assert not dog.running
            dog.stop()
    for _ in range(40):
        fork(child)
        await asyncio.sleep(0.003)
    for dog in dogs:
        dog.stop()

run(main())
"""
    )


@forks
def test_the_child_exits_in_the_ordinary_way(works):
    works(
        """
async def main():
    dog = await start(30)
    pid = os.fork()
    if pid:
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
        dog.stop()
        return
    signal.alarm(50)
    asyncio._set_running_loop(None)
    run(see_a_stall())
    # Through finalization, out of the parent's loop.
    atexit._run_exitfuncs()
    os._exit(7)

run(main())
"""
    )


# ---- exit ----


def test_a_running_watchdog(works):
    works(
        "loop = new_event_loop()\ndog = loop.run_until_complete(start(30, interval=0.01))\nprint('end')",
        "end\n",
    )


def test_exits_at_every_moment_of_an_interval(script):
    """Twenty watching threads, one of which is likely to be in the middle of something."""
    for _ in range(10):
        script.works(
            PRELUDE
            + """
loop = new_event_loop()
for _ in range(20):
    loop.run_until_complete(start(30, interval=0.01))
loop.run_until_complete(asyncio.sleep(0.01))
""",
            "asyncio",
        )


def test_exit_out_of_a_stall(works):
    works(
        """
told = []
async def main():
    await start(0.02, callback=told.append)
    block(told)
    sys.exit(3)

atexit.register(lambda: print(len(told), told[-1].finished))
loop = new_event_loop()
# What is registered after the import of aioxide runs before its own.
try:
    loop.run_until_complete(main())
except SystemExit:
    loop.close()
    while not told[-1].finished:
        time.sleep(0.001)
    raise
""",
        "2 True\n",
        3,
    )


def test_what_is_not_told_yet_is_told_at_exit(script):
    done = script(
        PRELUDE
        + """
async def main():
    dog = await start(0.02)
    told = []
    logging.getLogger("aioxide.watchdog").addHandler(logging.StreamHandler(sys.stdout))
    while not dog.stalls:
        time.sleep(0.005)
    sys.exit(3)
# A loop that is neither closed nor dropped.
loop = new_event_loop()
main = main()
loop.set_exception_handler(lambda *_: None)
loop.run_until_complete(main)
""",
        "asyncio",
        seconds=60,
    )
    assert done.returncode == 3
    assert done.stdout.startswith("the event loop has not turned for ")
    assert "the event loop turns again" in done.stdout.splitlines()[-1]


def test_a_callback_that_never_returns(script):
    """It is ended where it is, after the five seconds that it has."""
    printed = script.works(
        PRELUDE
        + """
told = []
def callback(stall):
    told.append(stall)
    threading.Event().wait()
async def main():
    await start(0.02, callback=callback)
    block(told)
loop = new_event_loop()
loop.run_until_complete(main())
print("end")
""",
        "asyncio",
        seconds=60,
    )
    assert printed == "end\n"


def test_loops_in_daemon_threads(works):
    works(
        """
ready = threading.Barrier(4)
async def main():
    await start(30, interval=0.01)
    await asyncio.to_thread(ready.wait)
    await asyncio.Event().wait()
for _ in range(3):
    threading.Thread(target=lambda: new_event_loop().run_until_complete(main()), daemon=True).start()
ready.wait()
"""
    )


def test_inside_atexit(script):
    """Registered before the import, so that it runs after what ends the watching threads."""
    printed = script.works(
        "import atexit\natexit.register(lambda: late())\n"
        + PRELUDE
        + """
def late():
    async def main():
        with watchdog(0.02) as dog:
            time.sleep(0.1)
        return dog.stalls, dog.running
    print(run(main()))
run(see_a_stall())
""",
        "asyncio",
    )
    assert printed == "(0, False)\n"
