"""The stubs say what the extension has: mypy.stubtest compares the two."""

import subprocess
import sys

import pytest

pytest.importorskip("mypy.stubtest", reason="mypy is for development")


# What an extension made with PyO3 has beside what it means to have.
ALLOWED = """
aioxide\\._core\\.__all__
"""


def test_the_stubs_agree_with_the_extension(tmp_path):
    allowed = tmp_path / "allowed"
    allowed.write_text(ALLOWED)
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "aioxide._core", "--concise", "--allowlist", str(allowed)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
