"""What is written of a result, whatever the form of the output.

Every output is its own journal: of each row the key of what was fetched can be told, so that what is there
needs no second file to be gone on with, which could tell something else than the output itself.
"""

from collections.abc import Mapping
from typing import Any

from aioxide._core import Request, Result
from aioxide.journal import Asked, key_of

__all__ = ["PLAIN", "describe", "has_failed", "key_of_row"]

#: Of requests that are what their URLs say.
PLAIN = Asked()

_TOO_MANY = 429
_SERVERS_OWN = 500


def describe(result: Result, asked: Asked = PLAIN) -> dict[str, Any]:
    """Make the row of a result: ``url``, then what came of it.

    Always ``elapsed`` in seconds, and ``attempts``. With a response: ``status``, ``length`` of the body in
    bytes, ``http_version``, ``content_type``, and after a redirect ``final_url``. With an error, of the
    request or of ``parse``: ``error``, the name of its class, and ``message``. The ``method``, unless that is
    GET; and where these do not tell it, the ``key``, in hexadecimal.
    """
    item = result.item
    row: dict[str, Any] = {"url": result.url}
    if not (asked.is_plain and isinstance(item, str)):
        method = _method(asked.item(item))
        if method not in (None, "GET"):
            row["method"] = method
        key = asked.key(item)
        if key != key_of_row(row):
            row["key"] = f"{key:016x}"
    response = result.response
    if response is not None:
        row["status"] = response.status_code
        row["length"] = len(response.content)
    row["elapsed"] = round(result.elapsed, 6)
    row["attempts"] = result.attempts
    if response is not None:
        row["http_version"] = response.http_version
        row["content_type"] = response.headers.get("content-type")
        # A bare host is requested with the path that it lacks: no redirect.
        if response.url not in (result.url, f"{result.url}/"):
            row["final_url"] = response.url
    if result.error is not None:
        row["error"] = type(result.error).__name__
        row["message"] = str(result.error)
    return row


def _method(item: Any) -> str | None:
    if isinstance(item, Request):
        return item.method
    if isinstance(item, (tuple, list)) and len(item) == 2 and isinstance(item[0], str):
        return item[0].upper()
    return None


def has_failed(row: Mapping[str, Any]) -> bool:
    """Tell whether it is a row of what failed: an error, or the server's own fault, or its "too much"."""
    status = row.get("status")
    return row.get("error") is not None or (
        isinstance(status, int) and (status == _TOO_MANY or status >= _SERVERS_OWN)
    )


def key_of_row(row: Mapping[str, Any]) -> int:
    """Tell the key of what was fetched.

    KeyError, TypeError, ValueError for what was not written by `describe`.
    """
    key = row.get("key")
    if key is not None:
        return int(key, 16)
    url, method = row["url"], row.get("method")
    if not isinstance(url, str):
        raise TypeError("a URL is a text")
    return key_of(url if method is None else (method, url))
