"""The runtime's threads: how many, what they are called, and when they start."""

import sys

import pytest

THREADS = """
import asyncio, os
from aioxide._core import noop

def name(task):
    try:
        return open(f"/proc/self/task/{task}/comm").read().strip()
    except OSError:  # it has ended meanwhile
        return ""

def ours():
    names = map(name, os.listdir("/proc/self/task"))
    return sorted(name for name in names if name.startswith("aioxide"))
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def test_importing_starts_no_thread(script):
    printed = script.works(
        """
        import os
        import aioxide
        operation = aioxide.sleep(1)
        operation.close()
        print(len(os.listdir("/proc/self/task")))
        """
    )
    assert printed == "1\n"


def test_what_needs_no_tokio_starts_none(script):
    printed = script.works(
        THREADS
        + """
import aioxide
async def main():
    async with aioxide.timeout(3600):
        pass
    return ours()
print(asyncio.run(main()))
"""
    )
    assert printed == "[]\n"


def test_the_first_use_starts_them_and_they_have_a_name(script):
    printed = script.works(THREADS + "asyncio.run(noop())\nasyncio.run(noop())\nprint(set(ours()))")
    assert printed == "{'aioxide'}\n"


@pytest.mark.parametrize("workers", [1, 2, 5, " 3 "])
def test_the_variable_sets_how_many(script, workers):
    source = THREADS + (
        "import aioxide\n"
        "async def main():\n"
        "    for _ in range(50):\n"
        "        await aioxide.gather(*(noop() for _ in range(50)))\n"
        "    while len(ours()) < int(os.environ['AIOXIDE_WORKERS']):\n"
        "        await noop()\n"
        "    return len(ours())\n"
        "print(asyncio.run(main()))"
    )
    assert script.works(source, env={"AIOXIDE_WORKERS": str(workers)}) == f"{int(workers)}\n"


def test_by_default_there_are_few(script):
    printed = script.works(
        THREADS
        + "import aioxide\n"
        + "async def main():\n    await aioxide.gather(*(noop() for _ in range(1000)))\n"
        + "asyncio.run(main())\nprint(len(ours()) <= 2)"
    )
    assert printed == "True\n"


@pytest.mark.parametrize("workers", ["0", "-1", "513", "two", "1.5", ""])
def test_a_bad_number_is_a_value_error_at_the_first_use(script, workers):
    source = """
    import asyncio
    from aioxide import gather
    from aioxide._core import noop

    async def main():
        for attempt in (noop, noop, lambda: gather(noop(), noop())):
            try:
                await attempt()
            except ValueError as error:
                print(error)

    asyncio.run(main())
    """
    lines = script.works(source, env={"AIOXIDE_WORKERS": workers}).splitlines()
    assert len(lines) == 3
    assert set(lines) == {f'AIOXIDE_WORKERS must be a whole number from 1 to 512, not "{workers}"'}


def test_many_threads_use_one_runtime(script):
    printed = script.works(
        THREADS
        + """
import threading
def run():
    asyncio.run(noop())
threads = [threading.Thread(target=run) for _ in range(16)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(ours()) <= 2)
"""
    )
    assert printed == "True\n"
