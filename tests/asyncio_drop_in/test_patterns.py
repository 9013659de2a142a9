"""The programs of `patterns.md` do on the drop-in what they do on asyncio, with one import changed."""

import asyncio
import re
import warnings
from pathlib import Path

import pytest

from tests.conftest import FAKE_CLOCK

TEXT = Path(__file__).with_name("patterns.md").read_text("utf-8")
PROGRAMS = dict(re.findall(r"^## (.+?)\n\n```python\n(.+?)^```$", TEXT, re.MULTILINE | re.DOTALL))


class Policy(asyncio.DefaultEventLoopPolicy):
    """Makes loops whose clock jumps: nobody waits."""

    def new_event_loop(self):
        return FAKE_CLOCK()


def said(capsys):
    """What was printed. Which consumer has an item is anybody's: several are free at the same instant."""
    return sorted(re.sub(r"Consumer \d", "Consumer", capsys.readouterr().out).splitlines())


@pytest.fixture(autouse=True)
def clock_that_jumps():
    with warnings.catch_warnings():
        # Policies are deprecated from Python 3.14 on.
        warnings.simplefilter("ignore", DeprecationWarning)
        asyncio.set_event_loop_policy(Policy())
        yield
        asyncio.set_event_loop_policy(None)


def test_there_are_programs():
    assert len(PROGRAMS) == 17


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_runs_with_its_import_changed(name, capsys):
    program = PROGRAMS[name]
    ours = re.sub(r"^import asyncio$", "from aioxide import asyncio", program, flags=re.MULTILINE)
    ours = re.sub(r"^from asyncio import", "from aioxide.asyncio import", ours, flags=re.MULTILINE)
    assert ours != program
    exec(compile(program, name, "exec"), {"__name__": "theirs"})
    expected = said(capsys)
    space = {"__name__": "ours"}
    exec(compile(ours, name, "exec"), space)
    assert space["asyncio"].__name__ == "aioxide.asyncio"
    assert said(capsys) == expected
    assert expected
