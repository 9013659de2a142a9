"""Limits on time: of a block, of a request, of a client; and what they leave behind, which is nothing.

What a limit ends is stopped: the server sees the request go away.
"""

import asyncio

import aioxide
from aioxide.testing import LocalSite


async def a_block_of_code(client: aioxide.Client) -> None:
    """``timeout`` ends whatever is awaited inside it, and raises TimeoutError where it ends."""
    try:
        async with aioxide.timeout(0.05):
            await aioxide.gather(*(client.get("/hang") for _ in range(10)))
    except TimeoutError:
        print("ten requests given up after 0.05 seconds")


async def one_request(client: aioxide.Client) -> None:
    """``timeout=`` is from the first step to the last byte, in seconds."""
    try:
        await client.get("/hang", timeout=0.05)
    except aioxide.TimeoutException as error:
        print(f"{type(error).__name__}: {error}")
        print(f"also a TimeoutError: {isinstance(error, TimeoutError)}; it waited for the {error.phase}")


async def a_deadline_that_moves(client: aioxide.Client) -> None:
    """``reschedule`` gives a block more time, as long as there is something to wait for."""
    loop = asyncio.get_running_loop()
    async with aioxide.timeout(30) as deadline:
        for _ in range(3):
            response = await client.get("/delay/10")
            deadline.reschedule(loop.time() + 30)
    print(f"three answers, the last one {response.status_code}; expired: {deadline.expired()}")


async def main(site: LocalSite) -> None:
    """Run into three limits, and look at the server's side of it."""
    limits = aioxide.Timeout(total=20, connect=5)
    async with aioxide.Client(base_url=site.url, timeout=limits) as client:
        await a_block_of_code(client)
        await one_request(client)
        await a_deadline_that_moves(client)
    await site.wait_open(0)
    print(f"the site has {site.statistics()['connections_open']} connections open")


if __name__ == "__main__":
    with LocalSite() as site:
        asyncio.run(main(site))
