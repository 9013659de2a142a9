"""httpx's client on aioxide's connections: one argument, and the program stays as it is.

It needs httpx, which is the extra ``aioxide[httpx]``.
"""

import asyncio
from collections.abc import AsyncIterator

from aioxide.testing import LocalSite


async def main(site: LocalSite) -> None:
    """Ask for many pages, send and read a stream, and see what goes wrong."""
    try:
        import httpx
    except ImportError:
        print("httpx is not installed: pip install aioxide[httpx]")
        return

    from aioxide.httpx import AsyncTransport

    transport = AsyncTransport(limits=httpx.Limits(max_connections=20), retries=2)
    async with httpx.AsyncClient(transport=transport, timeout=httpx.Timeout(10, read=0.2)) as client:
        pages = await asyncio.gather(*(client.get(f"{site.url}/bytes/{100 * n}") for n in range(200)))
        print(f"{len(pages)} pages, {sum(len(page.content) for page in pages):,} bytes")

        async def lines() -> AsyncIterator[bytes]:
            for number in range(3):
                yield b"line %d\n" % number

        async with client.stream("POST", f"{site.url}/echo/body", content=lines()) as response:
            print(f"came back: {[line async for line in response.aiter_lines()]}")

        try:
            await client.get(f"{site.url}/hang")
        except httpx.ReadTimeout as error:
            print(f"{type(error).__name__} of {error.request.url.path}, from {type(error.__cause__)}")


if __name__ == "__main__":
    with LocalSite() as site:
        asyncio.run(main(site))
