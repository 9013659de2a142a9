"""CPython's own tests of asyncio pass on aioxide and its drop-in, but for those exempted, which all fail."""

import importlib.util
import sys

import pytest

from tests.contract.cpython import FILES, NAMES, exemptions_here, read_exemptions, replacements, run

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("test") is None or importlib.util.find_spec("test.test_asyncio") is None,
    reason="this Python was installed without its tests",
)

EXEMPTIONS = {
    "aioxide": exemptions_here("exemptions.txt"),
    "aioxide.asyncio": exemptions_here("exemptions_drop_in.txt"),
}

# Which names a file is about: it must have asked for them, or it has tested the standard library.
ABOUT = {
    "test_locks": {"Lock", "Event", "Condition", "Semaphore", "BoundedSemaphore", "Barrier"},
    "test_queues": {"Queue", "LifoQueue", "PriorityQueue", "QueueEmpty", "QueueFull"},
    "test_timeouts": {"timeout", "timeout_at", "sleep"},
    "test_taskgroups": {"TaskGroup"},
    "test_waitfor": {"wait_for"},
    "test_tasks": {"gather", "sleep", "wait", "as_completed", "shield"},
    "test_threads": {"to_thread"},
}


@pytest.mark.parametrize("library", EXEMPTIONS)
@pytest.mark.parametrize("file", FILES)
def test_a_file_of_cpython_passes(library, file):
    report = run(library, file)
    if report.absent:
        pytest.skip("this Python has no such file")
    assert report.passed
    unexpected = {
        test: detail
        for test, detail in report.failed.items()
        if not any(exemption.covers(test) for exemption in EXEMPTIONS[library])
    }
    # What went wrong is in the last lines.
    assert not unexpected, "\n".join(f"{test}\n{detail[-800:]}" for test, detail in unexpected.items())
    here = [exemption for exemption in EXEMPTIONS[library] if exemption.pattern.partition(".")[0] == file]
    known = [*report.passed, *report.skipped, *report.failed]
    unknown = [one.pattern for one in here if not any(one.covers(test) for test in known)]
    assert not unknown, f"no tests are called {unknown}"
    stale = {test: one.reason for one in here for test in report.passed if one.covers(test)}
    assert not stale, f"exempted, and yet they pass: {stale}"
    missing = {name for name in ABOUT.get(file, ()) if name in replacements(library)} - report.used
    assert not missing, f"never asked for: {missing}"


def test_every_exemption_is_of_a_file_that_runs():
    exemptions = [exemption for those in EXEMPTIONS.values() for exemption in those]
    assert {exemption.pattern.partition(".")[0] for exemption in exemptions} <= set(FILES)


def test_what_is_replaced_is_asyncios():
    import asyncio

    # That one came with 3.13.
    assert {name for name in NAMES if not hasattr(asyncio, name)} <= {"QueueShutDown"}


def test_an_exemption_gives_its_reason_and_may_be_for_some_versions():
    text = (
        "# why\n\n[py<3.13] test_a.B.test_* -> older\n[py>=3.12] test_c.D.test_e -> newer\ntest_f.* -> all\n"
    )
    assert [one.pattern for one in read_exemptions(text, (3, 11))] == ["test_a.B.test_*", "test_f.*"]
    assert [one.pattern for one in read_exemptions(text, (3, 13))] == ["test_c.D.test_e", "test_f.*"]
    (first, _) = read_exemptions(text, (3, 11))
    assert first.covers("test_a.B.test_c")
    assert not first.covers("test_a.C.test_c")
    assert first.reason == "older"
    with pytest.raises(ValueError, match="line 1 is not"):
        read_exemptions("test_a.B.test_c", sys.version_info[:2])
