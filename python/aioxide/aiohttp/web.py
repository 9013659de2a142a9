"""aiohttp's server, as it is: aiohttp's own module, and nothing of ours."""

import sys
from typing import TYPE_CHECKING, Any

from ._installed import required

sys.modules[__name__] = required("aiohttp.web")

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
