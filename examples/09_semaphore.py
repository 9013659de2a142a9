"""Semaphores say how many at once, rate limiters how many a second.

A ``Semaphore`` of aioxide belongs to no loop, is taken in the order in which it was asked for, and can be
taken by several permits, taken only if it is free, and resized. asyncio has no ``RateLimiter``; this one
paces evenly, allows a burst, and can keep a pace of its own for each key.
"""

import asyncio
from dataclasses import dataclass
from time import perf_counter

import aioxide
from aioxide.testing import LocalSite


@dataclass
class Gauge:
    """How many are inside, and how many ever were at once."""

    now: int = 0
    most: int = 0

    def __enter__(self) -> None:
        self.now += 1
        self.most = max(self.most, self.now)

    def __exit__(self, *error: object) -> None:
        self.now -= 1


async def how_many_at_once(client: aioxide.Client) -> None:
    """Twenty requests, three at once; then eight at once."""
    semaphore = aioxide.Semaphore(3)
    gauge = Gauge()

    async def call(number: int) -> None:
        async with semaphore:
            with gauge:
                await client.get(f"/site/api/item/{number}")

    await aioxide.gather(*map(call, range(20)))
    print(f"20 requests, {gauge.most} at once")
    semaphore.resize(8)
    await aioxide.gather(*map(call, range(20)))
    print(f"after resize(8): {gauge.most} at once")


async def by_weight(client: aioxide.Client) -> None:
    """Take permits for megabytes: a large body waits until it gets all of its permits together."""
    memory = aioxide.BoundedSemaphore(8)
    await memory.acquire(6)
    try:
        response = await client.get("/bytes/6291456")
        print(f"{len(response.content):,} bytes")
        print(f"2 more fit: {memory.try_acquire(2)}; yet 1 more: {memory.try_acquire()}")
    finally:
        memory.release(8)


async def how_many_a_second(client: aioxide.Client) -> None:
    """Let five through at once, then one every hundredth of a second."""
    limiter = aioxide.RateLimiter(100, per=1.0, burst=5)

    async def call(number: int) -> None:
        async with limiter:
            await client.get(f"/site/api/item/{number}")

    begin = perf_counter()
    await aioxide.gather(*map(call, range(25)))
    took = perf_counter() - begin
    print(f"25 requests, at {25 / took:.0f} a second; as slow as they should be: {took > 0.19}")


async def one_pace_for_each_host() -> None:
    """Hosts do not wait for each other: each key has a pace of its own."""
    limiter = aioxide.RateLimiter(20, burst=2)
    taken = [limiter.try_acquire(key=host) for host in ("a.example", "b.example") for _ in range(3)]
    print(f"three tries at each of two hosts: {taken}; keys: {limiter.statistics()['keys']}")


async def main(site: str) -> None:
    """Limit by number, by weight, by time and by key."""
    async with aioxide.Client(base_url=site) as client:
        await how_many_at_once(client)
        await by_weight(client)
        await how_many_a_second(client)
    await one_pace_for_each_host()


if __name__ == "__main__":
    with LocalSite() as site:
        asyncio.run(main(site.url))
