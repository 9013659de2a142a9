"""Where and on what the figures were taken: without it they say nothing."""

import datetime
import os
import platform
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def setting() -> dict[str, Any]:
    """The machine and the versions that all clients share."""
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.release()}",
        "cpu": _processor(),
        "cores": os.cpu_count(),
        "hyper": locked("hyper"),
        "tokio": locked("tokio"),
    }


def locked(crate: str) -> str:
    """The version of a crate that Cargo.lock has."""
    packages = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    return next(str(package["version"]) for package in packages if package["name"] == crate)


def _processor() -> str:
    """The CPU's name, where the system tells."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
