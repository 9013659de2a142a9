import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[2]


def compare(output: Path, *arguments: str) -> dict[str, object]:
    """Run the comparison of clients with as few requests as it makes; what it found."""
    command = [sys.executable, "-m", "benches.compare", "--rounds", "1", "--seconds", "0.01", "--no-process"]
    subprocess.run([*command, "--output", str(output), *arguments], cwd=ROOT, check=True, capture_output=True)
    results = json.loads((output / "compare.json").read_text())["scenarios"]
    assert isinstance(results, dict)
    return results


def test_each_of_our_ways_is_measured_and_drawn(tmp_path: Path) -> None:
    ours = ["aioxide", "aioxide_gather", "aioxide_async_for", "aioxide_list"]
    results = compare(tmp_path, "--scenarios", "1KB-100-plain", "--peers", *ours)
    found = results["1KB-100-plain"]
    assert (set(found["peers"]), found["absent"]) == (set(ours), {})  # type: ignore[index]
    bars = ElementTree.parse(tmp_path / "compare.svg").iter("{http://www.w3.org/2000/svg}rect")
    assert len(list(bars)) == 4


def test_who_lacks_what_is_measured_is_a_line_that_says_so(tmp_path: Path) -> None:
    # Neither with nor without aiohttp installed can it be measured.
    results = compare(tmp_path, "--scenarios", "1KB-10-http2", "--peers", "aioxide", "aiohttp")
    found = results["1KB-10-http2"]
    assert (set(found["peers"]), set(found["absent"])) == ({"aioxide"}, {"aiohttp"})  # type: ignore[index]
    assert "| aiohttp | absent: " in (tmp_path / "compare.md").read_text()


def test_the_program_of_httpx_on_each_transport(tmp_path: Path) -> None:
    peers = ["aioxide_httpx", "httpx", "httpx_from_memory"]
    found = compare(tmp_path, "--scenarios", "httpx", "--peers", *peers)["httpx"]
    assert (set(found["peers"]), found["absent"]) == (set(peers), {})  # type: ignore[index]
