"""From names to addresses. Sessions resolve natively, by the system's resolver; these stand for that.

Programs give them to a connector. One that asks other name servers, or is a program's own, cannot be
honoured: names are resolved on tokio's side, where no Python runs.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import Any, Final

from .abc import AbstractResolver, ResolveResult

__all__ = ["AsyncResolver", "DefaultResolver", "ThreadedResolver", "is_native"]

_NUMERIC: Final = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


class ThreadedResolver(AbstractResolver):
    """The system's resolver, asked in a thread.

    Args:
        loop: Not used.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        pass

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Give the addresses of ``host``.

        Raises:
            socket.gaierror: It has none.
        """
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, family=family, flags=socket.AI_ADDRCONFIG
        )
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=int(address[1]),
                family=kind,
                proto=protocol,
                flags=_NUMERIC,
            )
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """Do nothing."""


class AsyncResolver(ThreadedResolver):
    """The same: natively no thread is held up by a name.

    Raises:
        NotImplementedError: It is to ask name servers of the program's choice.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None, *args: Any, **kwargs: Any) -> None:
        if args or kwargs:
            raise NotImplementedError(
                "AsyncResolver takes no name servers or other settings: names are resolved by the system"
            )
        super().__init__(loop)


DefaultResolver = ThreadedResolver


def is_native(resolver: Any) -> bool:
    """Whether a resolver asks no more than the system's, which a session does by itself."""
    if type(resolver) in (ThreadedResolver, AsyncResolver):
        return True
    theirs = sys.modules.get("aiohttp.resolver")
    if theirs is None:
        return False
    if type(resolver) is theirs.ThreadedResolver:
        return True
    # With settings of its own it has no manager.
    return type(resolver) is theirs.AsyncResolver and getattr(resolver, "_manager", None) is not None
