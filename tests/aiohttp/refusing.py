"""A plugin of pytest, `-p tests.aiohttp.refusing`: there is no aiohttp to import."""

import sys
from typing import Any


class Refused:
    """Finds nothing, and lets nobody else find it."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.partition(".")[0] == "aiohttp":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Refused())  # type: ignore[arg-type]
