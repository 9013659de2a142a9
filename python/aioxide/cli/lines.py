"""JSON, an object a line, written a few lines at a time and never half a line."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

# Seconds that a line may wait for others.
_DELAY = 0.1

# Lines that are written without waiting for more.
_MANY = 500


class LineWriter:
    """Collects lines, and hands them to ``write`` some at a time.

    What ``write`` raises is raised to who caused it; those lines are lost.
    """

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._lines: list[str] = []

    def add(self, record: dict[str, Any]) -> None:
        """Add one line."""
        self._lines.append(json.dumps(record))
        if len(self._lines) >= _MANY:
            self.flush()

    def flush(self) -> None:
        """Write what was added since the last time."""
        if self._lines:
            lines, self._lines = self._lines, []
            self._write("".join(f"{line}\n" for line in lines).encode("ascii"))

    async def flush_regularly(self) -> None:
        """Write what was added, over and over, until cancelled."""
        while True:
            await asyncio.sleep(_DELAY)
            self.flush()
