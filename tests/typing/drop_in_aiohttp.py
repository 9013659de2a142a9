"""What a type checker infers of the aiohttp drop-in. Checked by mypy, never run.

A program that type-checked with aiohttp does so with the drop-in: what a request gives is known, and a name
that is not there is found.
"""

import asyncio
from typing import assert_type

from aioxide import aiohttp
from aioxide.aiohttp.client import _RequestContextManager


class Session(aiohttp.ClientSession):
    """One that a program derives."""


class Api:
    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def raw(self, url: str) -> aiohttp.ClientResponse:
        return await self._session.get(url)

    def lazy(self, url: str) -> _RequestContextManager:
        return self._session.request("GET", url)

    async def text(self, url: str) -> str:
        async with self._session.post(url, json={}) as response:
            return await response.text()


async def main() -> None:
    async with Session() as session:
        assert_type(session, Session)
        task = asyncio.create_task(session.get("http://a"))
        assert_type(await task, aiohttp.ClientResponse)
        first, second = await asyncio.gather(session.get("http://a"), session.head("http://b"))
        assert_type(first, aiohttp.ClientResponse)
        assert_type(second, aiohttp.ClientResponse)
        async with session.ws_connect("ws://a") as websocket:
            assert_type(websocket, aiohttp.ClientWebSocketResponse)
        session.get(5)  # type: ignore[arg-type]
        session.nope()  # type: ignore[attr-defined]
