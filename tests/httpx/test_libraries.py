"""What is installed decides whom the transports serve; nothing of it is imported before it is asked for."""

import pytest

from tests.conftest import Script

# Refuses some packages, as if they were not installed.
WITHOUT = """
import sys

class Without:
    def __init__(self, *names):
        self.names = names

    def find_spec(self, name, path=None, target=None):
        if name in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

def without(*names):
    sys.meta_path.insert(0, Without(*names))
"""

ASK = """
import asyncio
from aioxide.testing import LocalSite

def ask(library):
    from aioxide.httpx import AsyncTransport, Transport

    async def main(url):
        async with library.AsyncClient(transport=AsyncTransport()) as client:
            response = await client.get(url)
        assert type(response).__module__.partition(".")[0] == library.__name__, type(response)
        return response.status_code

    with LocalSite() as site:
        print(asyncio.run(main(f"{site.url}/json")))
        with library.Client(transport=Transport()) as client:
            print(client.get(f"{site.url}/json").status_code)
"""


@pytest.mark.parametrize(("there", "missing"), [("httpx", "httpx2"), ("httpx2", "httpx")])
def test_one_is_enough(script: Script, there: str, missing: str) -> None:
    source = f"{WITHOUT}{ASK}\nwithout({missing!r})\nimport {there}\nask({there})"
    assert script.works(source, flags=("-X", "dev", "-W", "error")) == "200\n200\n"


def test_one_that_stands_for_the_other(script: Script) -> None:
    source = f"{ASK}\nimport httpx2\nhttpx2.alias_httpx()\nimport httpx\nask(httpx)"
    assert script.works(source) == "200\n200\n"


def test_none_is_an_import_error(script: Script) -> None:
    source = f"""{WITHOUT}
without("httpx", "httpx2")
import aioxide
try:
    import aioxide.httpx
except ImportError as error:
    print(error.name, error)
"""
    assert script.works(source) == "httpx aioxide.httpx needs httpx or httpx2: pip install httpx\n"


def test_one_that_is_broken_says_so_itself(script: Script) -> None:
    source = f"""{WITHOUT}
without("idna")
try:
    import aioxide.httpx
except ImportError as error:
    print(error.name)
"""
    assert script.works(source) == "idna\n"


def test_aioxide_alone_imports_neither(script: Script) -> None:
    source = "import sys, aioxide\nprint({'httpx', 'httpx2', 'aioxide.httpx'} & set(sys.modules))"
    assert script.works(source) == "set()\n"


def test_a_child_has_connections_of_its_own(script: Script, fork_source: str) -> None:
    source = f"""{fork_source}
import httpx
from aioxide.httpx import Transport
from aioxide.testing import site_process

with site_process() as site, httpx.Client(transport=Transport()) as client:
    ask = lambda: client.get(site.url + "/json").raise_for_status()
    ask()
    fork(ask)
    ask()
    print("done")
"""
    assert script.works(source, flags=("-W", "ignore::DeprecationWarning")) == "done\n"


def test_loops_one_after_the_other(script: Script) -> None:
    source = """
import asyncio
import httpx
from aioxide.httpx import AsyncTransport
from aioxide.testing import LocalSite

with LocalSite() as site:
    client = httpx.AsyncClient(transport=AsyncTransport())

    async def ask():
        return (await client.get(site.url + "/json")).status_code

    print(asyncio.run(ask()), asyncio.run(ask()))
    print(site.statistics()["connections_opened"])
    asyncio.run(client.aclose())
"""
    assert script.works(source, flags=("-X", "dev", "-W", "error")) == "200 200\n1\n"
