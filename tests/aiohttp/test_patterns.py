"""The programs of `patterns.md` do on the drop-in what they do on aiohttp, with one import changed."""

import re
from pathlib import Path
from typing import Any

import pytest

from aioxide.testing import LocalSite

TEXT = Path(__file__).with_name("patterns.md").read_text("utf-8")
PROGRAMS = dict(re.findall(r"^## (.+?)\n\n```python\n(.+?)^```$", TEXT, re.MULTILINE | re.DOTALL))


def test_there_are_programs() -> None:
    assert len(PROGRAMS) == 2


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_runs_with_its_import_changed(name: str, script: Any) -> None:
    with LocalSite() as site:
        program = PROGRAMS[name].replace("SITE", site.url)
        expected = script(program)
        asked = site.statistics()["requests_finished"]
        ours = program.replace("import aiohttp\n", "from aioxide import aiohttp\n")
        assert ours != program
        printed = script.works(ours, flags=("-W", "error"))
        assert site.statistics()["requests_finished"] == 2 * asked
    assert expected.returncode == 0, expected.stderr
    assert expected.stdout
    assert printed == expected.stdout


def test_both_imports_changed(script: Any) -> None:
    with LocalSite() as site:
        program = PROGRAMS["Web scraping with aiohttp"].replace("SITE", site.url)
        expected = script(program).stdout
        for library in ("asyncio", "aiohttp"):
            program = program.replace(f"import {library}\n", f"from aioxide import {library}\n")
        assert script.works(program) == expected


def test_the_connections_of_a_pool_are_as_many_as_it_says(script: Any) -> None:
    program = PROGRAMS["Use connection pools"].replace("import aiohttp\n", "from aioxide import aiohttp\n")
    with LocalSite() as site:
        script.works(program.replace("SITE", site.url))
        assert 1 <= site.statistics()["connections_opened"] <= 50
        assert site.statistics()["requests_finished"] == 50
