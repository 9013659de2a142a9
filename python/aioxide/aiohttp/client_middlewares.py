"""The types of client middlewares: functions around the sending of each request.

::

    async def tell_time(request, handler):
        began = time.monotonic()
        response = await handler(request)
        print(request.url, time.monotonic() - began)
        return response

    session = aiohttp.ClientSession(middlewares=[tell_time])
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from .client_reqrep import ClientRequest, ClientResponse

__all__ = ["ClientHandlerType", "ClientMiddlewareType"]

ClientHandlerType = Callable[[ClientRequest], Awaitable[ClientResponse]]
ClientMiddlewareType = Callable[[ClientRequest, ClientHandlerType], Awaitable[ClientResponse]]
