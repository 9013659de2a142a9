"""A program for aiohttp is checked on ours as it was on the original."""

from collections.abc import Awaitable
from typing import assert_type

from multidict import CIMultiDictProxy
from yarl import URL

from aioxide import aiohttp


async def fetch(session: aiohttp.ClientSession, url: str | URL) -> str:
    timeout = aiohttp.ClientTimeout(total=10)
    async with session.get(url, params={"a": "b"}, timeout=timeout) as response:
        assert_type(response, aiohttp.ClientResponse)
        assert_type(response.status, int)
        assert_type(response.headers, CIMultiDictProxy[str])
        assert_type(response.url, URL)
        assert_type(await response.read(), bytes)
        return await response.text()


async def post(session: aiohttp.ClientSession) -> aiohttp.ClientResponse:
    try:
        response = await session.post("https://example.org/", json={"a": 1})
    except aiohttp.ClientResponseError as error:
        assert_type(error.status, int)
        raise
    return response


async def chat(session: aiohttp.ClientSession) -> None:
    async with session.ws_connect("wss://example.org/") as socket:
        assert_type(socket, aiohttp.ClientWebSocketResponse)
        await socket.send_str("hello")


def awaited(session: aiohttp.ClientSession) -> Awaitable[aiohttp.ClientResponse]:
    return session.get("https://example.org/")
