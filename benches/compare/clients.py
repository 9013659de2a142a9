"""Clients in processes of their own: one turn, and what became of it."""

import json
import os
import subprocess
import sys
from typing import Any

from benches.compare.roster import RUST
from benches.compare.setting import ROOT, locked
from benches.compare.turn import Turn

#: A target directory of its own: the extension is built with other settings, and would be built again.
TARGET = ROOT / "target" / "compare"

#: A client's turn, in seconds; beyond, it counts as failed.
PATIENCE = 120.0


class PeerFailedError(Exception):
    """A client did not do what it should; the message says why, in one line."""


def build_rust_peer() -> None:
    """Build the program that stands for reqwest; where that fails, it will be missing, and said to be."""
    command = ["cargo", "build", "--release", "--example", "reqwest_peer", "--target-dir", str(TARGET)]
    try:
        subprocess.run(command, cwd=ROOT, env=os.environ | {"PYO3_PYTHON": sys.executable}, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        print(f"the Rust peer was not built: {error}", file=sys.stderr)


def take(peer: str, turn: Turn, module: str = "load") -> dict[str, Any]:
    """One client's turn, as that module has it: what it printed."""
    if peer == RUST:
        command = [str(TARGET / "release" / "examples" / "reqwest_peer"), turn.to_json()]
    else:
        command = [sys.executable, "-m", f"benches.compare.{module}", peer, turn.to_json()]
    measured: dict[str, Any] = json.loads(output(command, {"AIOXIDE_WORKERS": str(turn.workers)}))
    measured.setdefault("version", locked("reqwest"))
    return measured


def output(command: list[str], environment: dict[str, str]) -> str:
    """What the program printed; PeerFailedError, with the last that it had to say, if it failed."""
    try:
        ended = subprocess.run(
            command,
            cwd=ROOT,
            env=_surroundings() | environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
    except FileNotFoundError:
        raise PeerFailedError("not built") from None
    except subprocess.TimeoutExpired:
        raise PeerFailedError(f"took more than {PATIENCE:.0f} s") from None
    except subprocess.CalledProcessError as error:
        raise PeerFailedError(_reason(error)) from None
    return ended.stdout


def _surroundings() -> dict[str, str]:
    """The environment, without what some clients take proxies and authorities from."""
    foreign = ("_PROXY", "_CA_BUNDLE")
    return {name: value for name, value in os.environ.items() if not name.upper().endswith(foreign)}


def _reason(error: subprocess.CalledProcessError) -> str:
    """Why it failed, in one line of a table that is committed: no paths of this machine, no ends of cells."""
    lines = error.stderr.strip().splitlines() or [f"exit status {error.returncode}"]
    # An exception may have notes, or a message of several lines; a traceback's own are indented.
    last = next((line for line in reversed(lines) if line[:1].strip()), lines[-1])
    return last.replace(f"{ROOT}/", "").replace("|", "/")[:200]
