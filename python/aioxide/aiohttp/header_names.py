"""How the names of headers are written.

The native client knows them in lower case, as HTTP/2 does. Programs make dicts of aiohttp's headers, and look
for ``"Content-Type"`` in those.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from multidict import istr

from . import hdrs

__all__ = ["KNOWN", "as_written"]

#: The names that aiohttp knows: a response gives them as they are here, however its server wrote them.
KNOWN: Final = tuple(value for value in vars(hdrs).values() if isinstance(value, istr))

#: Those that are not simply written with capitals.
_ODD = {
    "etag": "ETag",
    "te": "TE",
    "dnt": "DNT",
    "www-authenticate": "WWW-Authenticate",
    "content-md5": "Content-MD5",
    "x-xss-protection": "X-XSS-Protection",
    "x-ua-compatible": "X-UA-Compatible",
    "x-dns-prefetch-control": "X-DNS-Prefetch-Control",
    "sec-ch-ua": "Sec-CH-UA",
    "nel": "NEL",
    "p3p": "P3P",
    "sourcemap": "SourceMap",
}


@lru_cache(maxsize=1024)
def as_written(name: str) -> str:
    """Write the name of a header as most servers write it."""
    return _ODD.get(name) or "-".join(word.capitalize() for word in name.split("-"))
