"""Where aiohttp is not installed, ours is the same: its part of the contract tests is run once more."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent

#: Those that ask aiohttp and ours the same.
SAME = [
    "base_url",
    "both_ways",
    "cancel",
    "connector",
    "content",
    "cookies",
    "defaults",
    "errors",
    "json",
    "middlewares",
    "proxy",
    "raise_for_status",
    "redirects",
    "release",
    "request",
    "response",
    "session",
    "subclass",
    "text",
    "timeouts",
    "tls",
    "trace",
]


def test_the_same_holds_without_aiohttp() -> None:
    done = subprocess.run(
        [
            sys.executable,
            *(
                "-m",
                "pytest",
                "-q",
                "-p",
                "tests.aiohttp.refusing",
                "-p",
                "no:cacheprovider",
                "-k",
                "aioxide",
            ),
            *(str(HERE / f"test_{name}.py") for name in SAME),
        ],
        cwd=HERE.parents[1],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
