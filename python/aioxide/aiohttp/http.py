"""Versions of HTTP."""

from __future__ import annotations

from typing import NamedTuple

from ._installed import or_theirs

__all__ = ["HttpVersion", "HttpVersion10", "HttpVersion11"]


@or_theirs("aiohttp.http_writer")
class HttpVersion(NamedTuple):
    """A version of HTTP: ``HttpVersion(1, 1)``."""

    major: int
    minor: int


HttpVersion10 = HttpVersion(1, 0)
HttpVersion11 = HttpVersion(1, 1)
