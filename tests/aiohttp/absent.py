"""To run a script where aiohttp is not installed."""

import subprocess
import sys
import textwrap

_REFUSAL = """
import sys

class Refused:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "aiohttp":
            raise ImportError(name)

sys.meta_path.insert(0, Refused())
"""


def without_aiohttp(script: str) -> str:
    """Run it in an interpreter that finds no aiohttp, and return what it prints."""
    whole = _REFUSAL + textwrap.dedent(script) + "\nassert 'aiohttp' not in sys.modules\n"
    done = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
