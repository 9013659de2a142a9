"""Transports for httpx: its clients, on the connections of aioxide.

    client = httpx.AsyncClient(transport=aioxide.httpx.AsyncTransport())

`AsyncTransport` stands for ``httpx.AsyncHTTPTransport``, and `Transport` for ``httpx.HTTPTransport``; the
same two serve httpx2's clients. Redirects, cookies, authentication, codings, headers by default and whatever
else a client does stay httpx's own. ``docs/migrate/httpx.md`` has the differences, point by point.

Raises:
    ImportError: Neither httpx nor httpx2 is installed.
"""

from aioxide.httpx.transports import AsyncTransport, Transport

__all__ = ["AsyncTransport", "Transport"]
