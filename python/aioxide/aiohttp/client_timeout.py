"""How long a request may take: ``ClientTimeout``, and what a session and a call say of it."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import Any

from ._installed import or_theirs

__all__ = ["DEFAULT_TIMEOUT", "UNSET", "ClientTimeout", "Times", "call_timeout", "session_timeout"]

#: The classes of what aiohttp has for that.
_UNSAID = ("_SENTINEL", "sentinel")

#: What stands for an argument that was not given.
UNSET: Any = object()


@or_theirs("aiohttp.client")
@dataclass(frozen=True)
class ClientTimeout:
    """Limits on the time of a request, in seconds; None, and 0, are no limit.

    Attributes:
        total: From the call to the last byte of the body.
        connect: For a connection: the wait for leave to make one, and making it.
        sock_read: For each wait for something from the server.
        sock_connect: For making a connection.
        ceil_threshold: Without effect: timeouts are not rounded up.
    """

    total: float | None = None
    connect: float | None = None
    sock_read: float | None = None
    sock_connect: float | None = None
    ceil_threshold: float = 5


DEFAULT_TIMEOUT = ClientTimeout(total=5 * 60, sock_connect=30)


class Times:
    """A ClientTimeout of which some time is gone."""

    __slots__ = ("connect", "sock_connect", "sock_read", "total")

    def __init__(self, timeout: ClientTimeout, begin: float) -> None:
        total = timeout.total
        if total and total > 0:
            # A hop that begins too late fails at once.
            total = max(total - (time.monotonic() - begin), 1e-9)
        self.total = total
        self.connect = timeout.connect
        self.sock_connect = timeout.sock_connect
        self.sock_read = timeout.sock_read


def session_timeout(timeout: Any, read: Any, connect: float | None) -> ClientTimeout:
    """Make the limits of a session of its ``timeout``, or of the two older arguments.

    Raises:
        ValueError: ``timeout`` is none, or it is given beside an older one.
    """
    if timeout is not UNSET and timeout is not None and type(timeout).__name__ not in _UNSAID:
        if not hasattr(timeout, "sock_read"):
            raise ValueError(
                f"timeout parameter cannot be of {type(timeout)} type, "
                "please use 'timeout=ClientTimeout(...)'"
            )
        for given, name in ((read is not UNSET, "read"), (connect is not None, "conn")):
            if given:
                raise ValueError(f"{name}_timeout and timeout parameters conflict, please setup timeout")
        chosen: ClientTimeout = timeout
        return chosen
    total, for_connect = DEFAULT_TIMEOUT.total, None
    if read is not UNSET:
        warnings.warn(
            "read_timeout is deprecated, use timeout argument instead", DeprecationWarning, stacklevel=3
        )
        total = read
    if connect is not None:
        warnings.warn(
            "conn_timeout is deprecated, use timeout argument instead", DeprecationWarning, stacklevel=3
        )
        for_connect = connect
    return ClientTimeout(total=total, connect=for_connect, sock_connect=DEFAULT_TIMEOUT.sock_connect)


def call_timeout(given: Any, session: ClientTimeout) -> ClientTimeout:
    """Give the limits that ``timeout=`` of a request says; the session's where it says nothing.

    Raises:
        TypeError: It is neither a ClientTimeout nor a number nor None.
    """
    if given is UNSET or type(given).__name__ in _UNSAID:
        return session
    if given is None or isinstance(given, (int, float)):
        return ClientTimeout(total=given)
    if hasattr(given, "sock_read"):
        chosen: ClientTimeout = given
        return chosen
    raise TypeError(f"timeout must be a ClientTimeout, a number or None, not {type(given).__name__}")
