"""aiohttp's tools for tests, as they are: aiohttp's own module, and nothing of ours."""

import sys
from typing import TYPE_CHECKING, Any

from ._installed import required

sys.modules[__name__] = required("aiohttp.test_utils")

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
