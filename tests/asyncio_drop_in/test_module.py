"""The module as a module: its names, its submodules, how it is imported."""

import asyncio
import importlib
import inspect
import re
import sys
import warnings

import pytest

import aioxide
from aioxide import asyncio as ours

# What asyncio has and is another thing in the drop-in.
OURS = {
    "Barrier",
    "BoundedSemaphore",
    "Condition",
    "Event",
    "LifoQueue",
    "Lock",
    "PriorityQueue",
    "Queue",
    "Semaphore",
    "TaskGroup",
    "Timeout",
    "as_completed",
    "gather",
    "iscoroutinefunction",
    "sleep",
    "timeout",
    "timeout_at",
    "to_thread",
    "wait_for",
}
SUBMODULES = [name for name in dir(asyncio) if inspect.ismodule(getattr(asyncio, name)) and name != "sys"]


def test_every_name_of_asyncio_is_there_and_either_its_own_or_ours():
    assert set(ours.__all__) == {*asyncio.__all__, "QueueShutDown", "TaskGroup"}
    names = [name for name in ours.__all__ if hasattr(asyncio, name)]
    different = {name for name in names if getattr(ours, name) is not getattr(asyncio, name)}
    assert different == OURS - ({"iscoroutinefunction"} if sys.version_info >= (3, 14) else set())


def test_what_is_public_but_not_in_all_is_there():
    for name in dir(asyncio):
        if not name.startswith("__") and name not in OURS and name not in SUBMODULES:
            assert getattr(ours, name) is getattr(asyncio, name), name


def test_dir_has_every_name():
    assert set(dir(asyncio)) | {"QueueShutDown"} <= set(dir(ours))
    assert set(dir(asyncio.tasks)) <= set(dir(ours.tasks))


@pytest.mark.parametrize("name", SUBMODULES)
def test_a_submodule_has_all_that_asyncios_has(name):
    theirs, mine = getattr(asyncio, name), getattr(ours, name)
    assert importlib.import_module(f"aioxide.asyncio.{name}") is mine
    for attribute in vars(theirs):
        if attribute.startswith("__"):
            continue
        if attribute in OURS and mine is not theirs:
            assert getattr(mine, attribute) in {getattr(ours, attribute), getattr(theirs, attribute)}
        else:
            assert getattr(mine, attribute) is getattr(theirs, attribute), attribute
    if mine is not theirs:
        assert {*theirs.__all__} <= {*mine.__all__}


@pytest.mark.parametrize(
    "statement",
    [
        "from aioxide import asyncio; asyncio.Lock, asyncio.run",
        "import aioxide.asyncio as asyncio; asyncio.Lock, asyncio.subprocess.PIPE",
        "import aioxide.asyncio; aioxide.asyncio.Lock",
        "import aioxide; aioxide.asyncio.Lock",
        "from aioxide.asyncio import Lock, CancelledError, run, subprocess",
        "from aioxide.asyncio import *; Lock, Queue, CancelledError, run, sleep, gather, QueueShutDown",
        "from aioxide.asyncio.queues import Queue, QueueEmpty",
        "from aioxide.asyncio.subprocess import PIPE, Process",
        "from aioxide.asyncio.exceptions import CancelledError, TimeoutError",
        "import aioxide.asyncio.subprocess; aioxide.asyncio.subprocess.PIPE",
        "import aioxide.asyncio.base_events as base_events; base_events.BaseEventLoop",
    ],
)
def test_every_way_to_import_it_works(script, statement):
    script.works(statement, flags=("-W", "error"))


def test_the_name_that_a_star_imports_are_ours(script):
    printed = script.works("""
        from aioxide.asyncio import *
        print(Queue.__module__, Lock.__module__, TaskGroup.__module__, sleep.__module__)
    """)
    assert re.fullmatch(r"(aioxide[\w.]* ?){4}\n", printed)


def test_aioxide_does_not_import_it_before_it_is_asked_for(script):
    printed = script.works("""
        import sys, aioxide
        print([name for name in sys.modules if name.startswith("aioxide.asyncio")])
        aioxide.asyncio
        print("aioxide.asyncio" in sys.modules)
    """)
    assert printed == "[]\nTrue\n"


def test_asyncio_is_as_it_was(script):
    printed = script.works("""
        import asyncio
        def names():
            return {name: value for name, value in vars(asyncio).items() if name != "__warningregistry__"}

        before = names()
        classes = {name: dict(vars(value)) for name, value in before.items() if isinstance(value, type)}
        import aioxide.asyncio
        aioxide.asyncio.Queue, aioxide.asyncio.Lock()
        class Mine(aioxide.asyncio.Queue): ...
        print(names() == before)
        print(all(dict(vars(before[name])) == members for name, members in classes.items()))
    """)
    assert printed == "True\nTrue\n"


@pytest.mark.parametrize(
    "module", [aioxide, ours, ours.queues, ours.coroutines], ids=lambda one: one.__name__
)
def test_a_name_that_nobody_has_is_an_attribute_error_that_says_whose(module):
    with pytest.raises(AttributeError, match=rf"^module '{module.__name__}' has no attribute 'nonsense'"):
        module.nonsense  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'nonsense'"):
        exec(f"from {module.__name__} import nonsense")
    assert not hasattr(module, "__nonsense__")


def test_a_name_of_a_python_to_come_is_there(monkeypatch):
    monkeypatch.setattr(asyncio, "brew_tea", len, raising=False)
    monkeypatch.setattr(asyncio.tasks, "_brew_coffee", max, raising=False)
    assert ours.brew_tea is len
    assert ours.tasks._brew_coffee is max
    assert "brew_tea" in dir(ours)


def test_a_deprecated_name_warns_where_it_is_used(monkeypatch):
    def deprecated(name):
        if name != "old_policy":
            raise AttributeError(name)
        # As `warnings._deprecated` does for asyncio.
        warnings.warn("'asyncio.old_policy' is deprecated", DeprecationWarning, stacklevel=2)
        return len

    monkeypatch.setattr(asyncio, "__getattr__", deprecated, raising=False)
    with pytest.warns(DeprecationWarning, match="old_policy") as caught:
        assert ours.old_policy is len
    assert [warning.filename for warning in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DeprecationWarning):
            ours.old_policy  # noqa: B018
    with pytest.raises(AttributeError, match=r"^module 'aioxide\.asyncio' has no attribute 'nonsense'"):
        ours.nonsense  # noqa: B018
