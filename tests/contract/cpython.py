"""CPython's own tests of asyncio, run on a module of ours: the half of `test_cpython.py` that is no test.

The tests are those of the interpreter that runs this, `test.test_asyncio`. Every name of `NAMES` that
the module defines takes asyncio's place in them:

- while a test module is imported asyncio itself is patched, since test modules keep classes then
  (`q_class = asyncio.Queue`); afterwards it is as it was, and the module's globals `asyncio`,
  `taskgroups` ... become proxies that hand out the replacements. So unittest, asyncio's runner and
  aioxide go on with the standard library's own, and a broken primitive cannot break the harness;
- each file runs in a process of its own, which is `python cpython.py MODULE FILE [TEST ...]`: it skips
  the tests named, and prints a JSON object for every start and end of another. A test that hangs, or
  takes the interpreter with it, is one failed test; a new process goes on behind it.
"""

from __future__ import annotations

import faulthandler
import fnmatch
import importlib
import importlib.util
import json
import operator
import os
import re
import subprocess
import sys
import types
import unittest
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# What may be replaced, and in which module of asyncio it is defined.
NAMES = {
    "Barrier": "locks",
    "BoundedSemaphore": "locks",
    "BrokenBarrierError": "exceptions",
    "Condition": "locks",
    "Event": "locks",
    "LifoQueue": "queues",
    "Lock": "locks",
    "PriorityQueue": "queues",
    "Queue": "queues",
    "QueueEmpty": "queues",
    "QueueFull": "queues",
    "QueueShutDown": "queues",
    "Semaphore": "locks",
    "TaskGroup": "taskgroups",
    "as_completed": "tasks",
    "gather": "tasks",
    "shield": "tasks",
    "sleep": "tasks",
    "timeout": "timeouts",
    "timeout_at": "timeouts",
    "to_thread": "threads",
    "wait": "tasks",
    "wait_for": "tasks",
}

FILES = [
    "test_locks",
    "test_queues",
    "test_timeouts",
    "test_taskgroups",
    "test_waitfor",
    "test_tasks",
    "test_threads",
    "test_eager_task_factory",
    "test_pep492",
    "test_runners",
    "test_context",
    "test_futures2",
    "test_staggered",
]

# `test_tasks` runs its hundred tests for every mixture of C, Python and subclassed Task and Future; all C
# and all Python are enough here.
LEFT_OUT = (
    "test_tasks.CTask_CFuture_SubclassTests.*",
    "test_tasks.CTaskSubclass_PyFuture_Tests.*",
    "test_tasks.PyTask_CFutureSubclass_Tests.*",
    "test_tasks.CTask_PyFuture_Tests.*",
    "test_tasks.PyTask_CFuture_Tests.*",
    "test_tasks.PyTask_PyFuture_SubclassTests.*",
)

# Seconds for one test; the slowest takes two.
TEST_PATIENCE = 20.0
# Seconds for one process.
FILE_PATIENCE = 100.0
# A file with more hangs and crashes than this is given up.
MOST_CRASHES = 3


# ---- what may fail ----


@dataclass(frozen=True)
class Exemption:
    """A line of `exemptions.txt`: the tests that may fail, and why."""

    pattern: str
    reason: str

    def covers(self, test: str) -> bool:
        return fnmatch.fnmatchcase(test, self.pattern)


_COMPARE = {"<": operator.lt, "<=": operator.le, "==": operator.eq, ">": operator.gt, ">=": operator.ge}
_LINE = re.compile(
    r"(?:\[py(?P<compare>[<>]=?|==)(?P<major>\d+)\.(?P<minor>\d+)\] )?(?P<pattern>\S+) -> (?P<reason>\S.*)"
)


def read_exemptions(text: str, version: tuple[int, int]) -> list[Exemption]:
    """Those of `text` that hold for a Python; ValueError for a line that gives no reason."""
    exemptions = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.rstrip())
        if match is None:
            raise ValueError(f"line {number} is not '[py<3.13] PATTERN -> REASON': {line}")
        if match["compare"] and not _COMPARE[match["compare"]](
            version, (int(match["major"]), int(match["minor"]))
        ):
            continue
        exemptions.append(Exemption(match["pattern"], match["reason"]))
    return exemptions


# ---- the parent's side ----


@dataclass
class Report:
    """What became of the tests of a file."""

    passed: set[str] = field(default_factory=set)
    skipped: set[str] = field(default_factory=set)
    # The last of what was said of each.
    failed: dict[str, str] = field(default_factory=dict)
    # Which replacements the tests asked for.
    used: set[str] = field(default_factory=set)
    # The interpreter has no such file.
    absent: bool = False

    def take(self, event: dict[str, Any]) -> None:
        match event["outcome"]:
            case "passed":
                self.passed.add(event["test"])
            case "skipped":
                self.skipped.add(event["test"])
            case "failed":
                self.failed[event["test"]] = event["detail"]


def run(library: str, file: str) -> Report:
    """Runs one of `FILES` on a module to its end, however often the interpreter must be started anew."""
    report = Report()
    for _ in range(MOST_CRASHES + 1):
        seen = [*report.passed, *report.skipped, *report.failed]
        command = [sys.executable, "-W", "ignore", __file__, library, file, *seen]
        # The file itself must not be found as a module, nor the directory's neighbours.
        environment = os.environ | {"PYTHONSAFEPATH": "1"}
        environment.pop("PYTHONASYNCIODEBUG", None)
        try:
            done = subprocess.run(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=FILE_PATIENCE,
                check=False,
            )
            output, said = done.stdout, f"{done.stderr}\nended with status {done.returncode}"
        except subprocess.TimeoutExpired as late:
            output = late.stdout.decode() if isinstance(late.stdout, bytes) else late.stdout or ""
            said = f"gave no sign for {FILE_PATIENCE} seconds"
        current = f"{file}.(outside of a test)"
        for line in output.splitlines():
            match json.loads(line):
                case {"start": test}:
                    current = test
                case {"outcome": _} as event:
                    report.take(event)
                case {"absent": absent}:
                    report.absent = absent
                case {"used": names}:
                    report.used.update(names)
                    return report
        report.failed[current] = f"hung or crashed: {said[-4_000:]}"
    return report


# ---- the child's side ----


def replacements(library: str) -> dict[str, Any]:
    """The names that a module defines and asyncio does not define just so."""
    import asyncio

    module = importlib.import_module(library)
    missing = object()
    ours = {name: getattr(module, name, missing) for name in NAMES}
    return {
        name: value
        for name, value in ours.items()
        if value is not missing and value is not getattr(asyncio, name, missing)
    }


class Proxy(types.ModuleType):
    """A module of asyncio that hands out replacements, and is the real one otherwise."""

    def __init__(self, real: types.ModuleType, table: dict[str, Any], used: set[str]):
        super().__init__(real.__name__)
        self.__dict__.update(_real=real, _table=table, _used=used)

    def __getattr__(self, name: str) -> Any:
        if name in self._table:
            self._used.add(name)
            return self._table[name]
        return getattr(self._real, name)

    def __setattr__(self, name: str, value: Any) -> None:
        # A test that patches asyncio patches what it sees.
        if name in self._table:
            self._table[name] = value
        else:
            setattr(self._real, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._real, name)


def import_with(ours: dict[str, Any], name: str, used: set[str]) -> types.ModuleType:
    """A test module that sees `ours` in asyncio's place."""
    import asyncio

    missing = object()
    theirs = {key: getattr(asyncio, key, missing) for key in ours}
    for key, value in ours.items():
        setattr(asyncio, key, value)
    try:
        module = importlib.import_module(name)
    finally:
        for key, value in theirs.items():
            if value is missing:
                delattr(asyncio, key)
            else:
                setattr(asyncio, key, value)
    # Some modules share their tests' bases and helpers.
    for other in [value for key, value in sys.modules.items() if key.startswith("test.test_asyncio.test_")]:
        for key, value in list(vars(other).items()):
            if not isinstance(value, types.ModuleType) or isinstance(value, Proxy):
                continue
            package, _, submodule = value.__name__.partition(".")
            if package == "asyncio":
                table = {key: ours[key] for key in ours if not submodule or NAMES[key] == submodule}
                setattr(other, key, Proxy(value, table, used))
    # Kept by a class while it was made.
    for base in [value for value in vars(module).values() if isinstance(value, type)]:
        kept = [attribute for part in base.__mro__ for attribute in vars(part).values()]
        used.update(key for key, value in ours.items() if any(value is attribute for attribute in kept))
    return module


def flat(suite: unittest.TestSuite) -> list[unittest.TestCase]:
    """The single tests of a suite."""
    tests = []
    for test in suite:
        tests.extend(flat(test) if isinstance(test, unittest.TestSuite) else [test])
    return tests


def name_of(test: Any) -> str:
    return test.id().removeprefix("test.test_asyncio.")


class Result(unittest.TestResult):
    """Prints what becomes of each test; the worst of what is said of one counts."""

    def __init__(self, channel: Any):
        super().__init__()
        self.channel = channel
        self.outcome: dict[str, str] = {}

    def tell(self, **event: Any) -> None:
        print(json.dumps(event), file=self.channel, flush=True)

    def startTest(self, test: Any) -> None:  # noqa: N802
        super().startTest(test)
        self.outcome = {"outcome": "passed"}
        self.tell(start=name_of(test))
        faulthandler.dump_traceback_later(TEST_PATIENCE, exit=True)

    def stopTest(self, test: Any) -> None:  # noqa: N802
        super().stopTest(test)
        # Its loop is closed after this: let that hang no longer than the test.
        faulthandler.dump_traceback_later(TEST_PATIENCE, exit=True)
        self.tell(test=name_of(test), **self.outcome)

    def fail(self, test: Any, error: Any) -> None:
        detail = self._exc_info_to_string(error, test)
        self.outcome = {"outcome": "failed", "detail": detail}
        if not hasattr(test, "_testMethodName"):
            # A fixture of a class or of the module.
            self.tell(test=str(test), **self.outcome)

    addError = addFailure = fail  # noqa: N815

    def addSubTest(self, test: Any, subtest: Any, error: Any) -> None:  # noqa: N802
        if error is not None:
            self.fail(test, error)

    def addSkip(self, test: Any, reason: str) -> None:  # noqa: N802
        self.outcome = {"outcome": "skipped"}
        # Some versions skip a test without having started it.
        self.tell(test=name_of(test), outcome="skipped")

    def addUnexpectedSuccess(self, test: Any) -> None:  # noqa: N802
        self.outcome = {"outcome": "failed", "detail": "unexpected success"}


def main(library: str, file: str, seen: list[str]) -> None:
    """Runs the tests of a file on a module, all but those seen before."""
    # What the tests print goes to stderr.
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    result = Result(channel)
    used: set[str] = set()
    module = f"test.test_asyncio.{file}"
    if importlib.util.find_spec("test.test_asyncio") is None or importlib.util.find_spec(module) is None:
        result.tell(absent=True)
    else:
        loaded = unittest.defaultTestLoader.loadTestsFromModule(
            import_with(replacements(library), module, used)
        )
        unittest.TestSuite(
            test
            for test in flat(loaded)
            if name_of(test) not in seen
            and not any(fnmatch.fnmatchcase(name_of(test), pattern) for pattern in LEFT_OUT)
        ).run(result)
    faulthandler.cancel_dump_traceback_later()
    result.tell(used=sorted(used))
    sys.stderr.flush()
    # No thread that a broken primitive left waiting can keep the process.
    os._exit(0)


def exemptions_here(name: str) -> list[Exemption]:
    """Those of a file next to this one, for this Python."""
    path = Path(__file__).with_name(name)
    return read_exemptions(path.read_text("utf-8"), sys.version_info[:2])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
