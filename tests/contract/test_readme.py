"""The programs of the README and the guides run, against a local site in the place of example.org."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from aioxide.testing import LocalSite

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = {
    "README": README,
    "http": (ROOT / "docs/http.md").read_text(),
    "scraping": (ROOT / "docs/guides/scraping.md").read_text(),
    "aiohttp": (ROOT / "docs/migrate/aiohttp.md").read_text(),
    "httpx": (ROOT / "docs/migrate/httpx.md").read_text(),
}
PROGRAMS = {
    f"{page}-{number}": program
    for page, text in PAGES.items()
    for number, program in enumerate(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
}


def test_there_are_programs() -> None:
    assert sum(name.startswith("README") for name in PROGRAMS) >= 2
    assert sum(name.startswith("http") for name in PROGRAMS) >= 8
    assert sum(name.startswith("scraping") for name in PROGRAMS) >= 8


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_program_runs(program: str, tmp_path: Path) -> None:
    with LocalSite() as site:
        local = re.sub(r"https://[a-z.]*example\.org", site.url, program)
        local = local.replace('"/items"', '"/json/3"')
        assert site.url in local
        result = subprocess.run(
            [sys.executable, "-X", "dev", "-W", "error", "-c", local],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=tmp_path,
        )
        seen = site.statistics()
    assert result.returncode == 0, result.stderr
    # What asyncio's debug mode says of a slow machine is nobody's fault.
    told = [line for line in result.stderr.splitlines() if not line.startswith("Executing <")]
    assert not told
    assert result.stdout
    assert seen["requests_begun"] > 0


def test_every_make_target_it_names_exists() -> None:
    targets = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = re.findall(r"^make ([a-z-]+)", README, re.MULTILINE)
    assert named
    assert set(named) <= set(targets)


def test_links_to_files_lead_somewhere() -> None:
    paths = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert paths
    for path in paths:
        assert (ROOT / path).exists(), path
