"""Pitfall: cancellation that is swallowed, or leaves something behind.

``CancelledError`` comes out of whatever is awaited. Clean up and let it go on; who catches it and carries on
is deaf to every timeout. What aioxide awaits is stopped when it is cancelled: the server sees the request go
away, a permit goes back, and an item that was on its way to a consumer stays in the queue.
"""

import asyncio

import aioxide
from aioxide.testing import LocalSite


async def deaf(client: aioxide.Client) -> str:
    """Do it wrongly: what is cancelled returns as if nothing had happened."""
    try:
        await client.get("/hang")
    except asyncio.CancelledError:
        print("  never mind")
    return "half a result"


async def polite(client: aioxide.Client, slots: aioxide.Semaphore) -> str:
    """Do it rightly: ``finally`` and ``async with`` clean up, and the cancellation goes on."""
    async with slots:
        try:
            response = await client.get("/hang")
        finally:
            print("  cleaning up")
        return response.text


async def a_deadline_for_both(client: aioxide.Client) -> None:
    """Show what a caller gets from either of them."""
    slots = aioxide.Semaphore(3)
    for name, work in (("deaf", deaf(client)), ("polite", polite(client, slots))):
        print(f"{name}:")
        try:
            async with aioxide.timeout(0.03):
                print(f"  no timeout, but {await work}")
        except TimeoutError:
            print(f"  TimeoutError, and {slots.value} of 3 slots free")


async def nothing_is_lost() -> None:
    """Cancel a consumer that has just been given an item: the next consumer gets it."""
    queue: aioxide.Queue[str] = aioxide.Queue()
    first = asyncio.create_task(queue.get())
    second = asyncio.create_task(queue.get())
    await aioxide.sleep(0)
    queue.put_nowait("a letter")
    first.cancel()
    print(f"the second consumer got {await second}; the first was cancelled: {first.cancelled()}")
    try:
        await queue.get(timeout=0.01)
    except TimeoutError:
        await queue.put("another letter")
        print(f"nothing came in time; what came later is still there: {queue.qsize()} item")


async def what_must_be_finished(client: aioxide.Client) -> None:
    """Shield what must not stop half-way, and wait for it nevertheless."""
    order = asyncio.ensure_future(client.post("/delay/40"))
    try:
        async with aioxide.timeout(0.01):
            await asyncio.shield(order)
    except TimeoutError:
        print(f"not waiting any longer; the order was cancelled: {order.cancelled()}")
    print(f"the order arrived: {(await order).status_code}")


async def main(site: LocalSite) -> None:
    """Cancel in four ways."""
    async with aioxide.Client(base_url=site.url) as client:
        await a_deadline_for_both(client)
        # As many as had begun there: on a slow machine the deadline may come before that.
        await site.wait_aborted(site.statistics()["requests_begun"])
        print(f"requests that the site saw go away: {site.statistics()['requests_aborted']}")
        await nothing_is_lost()
        await what_must_be_finished(client)


if __name__ == "__main__":
    with LocalSite() as site:
        asyncio.run(main(site))
