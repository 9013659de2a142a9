"""The same data sent by aiohttp and by us, to a server that tells what came."""

import re
from collections.abc import Callable
from typing import Any

import aiohttp
from multidict import CIMultiDict

import aioxide
from aioxide.aiohttp import formdata, multipart, payload
from aioxide.aiohttp._bodies import body_of
from tests.aiohttp.reflecting import Reflecting, reflecting

NAMES = (
    b"content-type",
    b"content-length",
    b"transfer-encoding",
    b"content-encoding",
    b"content-disposition",
)


class Ours:
    """The names of one side, so that one text makes the data of both."""

    FormData = formdata.FormData
    MultipartWriter = multipart.MultipartWriter
    payload = payload


class Theirs:
    FormData = aiohttp.FormData
    MultipartWriter = aiohttp.MultipartWriter
    payload = aiohttp.payload


def seen(reflected: Reflecting) -> tuple[dict[bytes, bytes], bytes]:
    """The headers of the last body, and the body, with the same boundary in all."""
    head, body = reflected.heads.pop(), reflected.bodies.pop()
    headers = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
    headers = {name.lower(): value for name, value in headers.items() if name.lower() in NAMES}
    found = re.search(rb"boundary=([0-9a-f]{32})", headers.get(b"content-type", b""))
    if found:
        headers[b"content-type"] = headers[b"content-type"].replace(found[1], b"B" * 32)
        body = body.replace(found[1], b"B" * 32)
    return headers, body


async def sent_by_aiohttp(reflected: Reflecting, data: Any, **options: Any) -> Any:
    method = options.pop("method", "POST")
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, reflected.url, data=data, **options),
    ):
        pass
    return seen(reflected)


async def sent_by_us(
    reflected: Reflecting, data: Any, headers: Any = (), method: str = "POST", **options: Any
) -> Any:
    told = CIMultiDict(headers)
    content = body_of(data, headers=told, method=method, **options)
    async with aioxide.Client(trust_env=False) as client:
        await client.request(method, reflected.url, headers=list(told.items()), content=content)
    return seen(reflected)


async def assert_same(make: Callable[[Any], Any], **options: Any) -> tuple[dict[bytes, bytes], bytes]:
    async with reflecting() as reflected:
        theirs = await sent_by_aiohttp(reflected, make(Theirs), **options)
        ours = await sent_by_us(reflected, make(Ours), **options)
        assert ours == theirs
        # A library that does not know of us gives us aiohttp's.
        mixed = await sent_by_us(reflected, make(Theirs), **options)
        assert mixed == theirs
    return ours
