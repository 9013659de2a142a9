"""Every example runs as it is, without a network and without a warning."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))

# Seconds; an example takes one or two.
PATIENCE = 60.0


def test_there_are_examples() -> None:
    assert EXAMPLES


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(example: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", example],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    # What could not be raised, from a destructor say, is only printed. A slow machine is not told on here.
    assert "Exception ignored" not in done.stderr, done.stderr
    assert "Warning" not in done.stderr, done.stderr
