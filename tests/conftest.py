"""What every test stands on: the loops, the checks after each test, and the ways to wait and to run scripts.

Every async test runs once on each loop of `LOOPS`; a test for one kind of loop says so with
`@pytest.mark.asyncio(loop_factories=[...])`. A test that makes its own loops takes `new_loop`.
"""

import asyncio
import gc
import inspect
import os
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from aioxide._core import bridge_statistics, noop, pending_count

try:
    import uvloop
except ImportError:
    uvloop = None

# A slow machine is no failure.
settings.register_profile("aioxide", settings.default, deadline=None)
settings.load_profile("aioxide")

LoopFactory = Callable[[], asyncio.AbstractEventLoop]

# What the loops of the running test told their exception handlers.
_reported: list[dict[str, Any]] = []

# How often was looked for garbage.
_collections = 0


class NoAddReader(asyncio.SelectorEventLoop):
    """A loop that watches no fds for others, as Windows' Proactor: it is called from a thread."""

    def add_reader(self, fd: Any, callback: Any, *args: Any) -> None:
        raise NotImplementedError


def _watched(factory: LoopFactory) -> LoopFactory:
    def make() -> asyncio.AbstractEventLoop:
        loop = factory()
        loop.set_exception_handler(lambda _, context: _reported.append(context))
        return loop

    return make


LOOPS: dict[str, LoopFactory] = {
    "asyncio": _watched(asyncio.SelectorEventLoop),
    "no-add-reader": _watched(NoAddReader),
}
if uvloop is not None:
    LOOPS["uvloop"] = _watched(uvloop.new_event_loop)


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> dict[str, LoopFactory]:
    return LOOPS


def pytest_collection_finish(session: pytest.Session) -> None:
    # What was imported stays: the collections after each test need not look at it.
    gc.collect()
    gc.freeze()


@pytest.fixture(params=list(LOOPS))
def loop_kind(request: pytest.FixtureRequest) -> str:
    """Each key of `LOOPS` in turn."""
    return request.param


@pytest.fixture
def new_loop(loop_kind: str) -> LoopFactory:
    """Makes loops, of each kind in turn; whoever calls it closes them."""
    return LOOPS[loop_kind]


class FakeClock(asyncio.SelectorEventLoop):
    """A loop whose time stands still while anything can run, and jumps to the next timer then."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        if not self._ready:
            self.now = max(self.now, min((h.when() for h in self._scheduled if not h.cancelled()), default=0))
        super()._run_once()


FAKE_CLOCK = _watched(FakeClock)


@pytest.fixture
def on_fake_clock() -> Iterator[Callable[[Awaitable[Any]], Any]]:
    """`on_fake_clock(coroutine)` runs it on a `FakeClock` of its own."""
    opened = []

    def run(coroutine: Awaitable[Any]) -> Any:
        loop = FAKE_CLOCK()
        opened.append(loop)
        return loop.run_until_complete(coroutine)

    yield run
    for loop in opened:
        loop.close()


@pytest.fixture
def reported() -> list[dict[str, Any]]:
    """What the loops told their exception handlers; a test that expects something takes it out."""
    return _reported


@pytest.fixture(autouse=True)
def nothing_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test whose loops reported an exception, or after which something still runs."""
    _reported.clear()
    if inspect.iscoroutinefunction(getattr(request.node, "obj", None)):
        request.getfixturevalue("nothing_sleeps")
    yield
    gc.collect()
    global _collections
    _collections += 1
    if _collections % 100 == 0:
        # Reports of thousands of tests need not be looked at after each of those that follow.
        gc.freeze()
    assert not _reported, f"{len(_reported)} went to the loops' exception handlers, as: {_reported[0]}"


@pytest.fixture
async def nothing_sleeps() -> AsyncIterator[None]:
    """Fails a test that leaves an operation suspended on its loop, or work of ours on tokio."""
    yield
    await _until(lambda: not bridge_statistics()["sleeping"] and not pending_count())


async def _until(condition: Callable[[], object], trips: int = 5_000) -> None:
    for _ in range(trips):
        if condition():
            return
        await noop()
    state = f"{bridge_statistics()}, {pending_count()} pending"
    pytest.fail(f"after {trips} trips to tokio and back it has not come true; {state}")


@pytest.fixture
def until() -> Callable[[Callable[[], object]], Awaitable[None]]:
    """`await until(condition)`: lets the loop and tokio turn until it is true; fails if it never is."""
    return _until


# For programs that fork: the parent waits for the child, and passes its failure on.
FORK = """
def fork(child):
    import os, signal, traceback
    pid = os.fork()
    if pid:
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert status == 0, f"the child ended with {status}"
        return
    status = 1
    try:
        # One that hangs ends before the test's patience does.
        signal.alarm(25)
        child()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)
"""


class Script:
    """Runs a Python program, given as text or as a file, in a process of its own."""

    def __call__(
        self,
        source: str | Path,
        *args: str,
        flags: tuple[str, ...] = (),
        env: dict[str, str] | None = None,
        seconds: float = 30,
    ) -> subprocess.CompletedProcess[str]:
        program = [str(source)] if isinstance(source, Path) else ["-c", textwrap.dedent(source)]
        return subprocess.run(
            [sys.executable, *flags, *program, *args],
            env=os.environ | (env or {}),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def works(self, source: str | Path, *args: str, **options: Any) -> str:
        """What a program printed that must succeed and say nothing on stderr."""
        done = self(source, *args, **options)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def fork_source() -> str:
    """The source of `fork(child)`, to stand before that of a script that forks."""
    return FORK
