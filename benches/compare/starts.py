"""How long it takes to import a client, in processes that do nothing else."""

import sys
from statistics import median
from typing import Any

from benches.compare.clients import PeerFailedError, output

#: The module that a program imports.
MODULES = ("aioxide", "ry", "wreq", "pyreqwest.client", "aiohttp", "httpx")

#: What is imported counts, not the interpreter's own start.
PROGRAM = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def starts(rounds: int) -> dict[str, Any]:
    """Milliseconds of each import, the modules in turn."""
    took: dict[str, list[float]] = {}
    absent: dict[str, str] = {}
    # One more than is counted, which compiles what has no bytecode yet, and brings all of it into memory.
    for number in range(rounds + 1):
        for module in MODULES:
            if module in absent:
                continue
            try:
                seconds = float(output([sys.executable, "-c", PROGRAM.format(module)], {}))
            except PeerFailedError as error:
                absent[module] = str(error)
                took.pop(module, None)
                continue
            if number:
                took.setdefault(module, []).append(1e3 * seconds)
    return {
        "rounds": rounds,
        "modules": {module: {"ms": round(median(each), 1), "all": each} for module, each in took.items()},
        "absent": absent,
    }
