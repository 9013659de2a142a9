"""Few requests at a time are polled where they are waited for; what would keep a loop busy is not."""

import asyncio
import os
import threading
from pathlib import Path
from typing import Any

import pytest

import aioxide
from aioxide.testing import LocalSite
from tests.servers.raw import Connection, RawServer

on_linux = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts in /proc")

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"

SWITCHES = """
import asyncio, os, sys
import aioxide

def switches():
    "How often the threads of tokio have gone to sleep."
    count = 0
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{task}/status") as status:
            fields = dict(line.split(":", 1) for line in status)
        if int(task) != os.getpid():
            count += int(fields["voluntary_ctxt_switches"])
    return count

async def main():
    async with aioxide.Client() as client:
        for _ in range(20):
            await client.get(sys.argv[1])
        counts = []
        for _ in range(20):
            before = switches()
            for _ in range(50):
                await client.get(sys.argv[1])
            counts.append((switches() - before) / 50)
        # What else runs on the machine comes between now and then.
        print(min(counts))

asyncio.run(main())
"""


@on_linux
def test_one_at_a_time_wakes_one_thread_once_a_request(script: Any, fresh_site: LocalSite) -> None:
    """By the answer. As a task of tokio's it would be nearly three times."""
    assert float(script.works(SWITCHES, f"{fresh_site.url}/bytes/100")) < 1.8


async def test_the_request_is_on_the_wire_before_the_task_suspends(client: aioxide.Client) -> None:
    """The loop does not run between the call and the server's having it all."""
    heard = threading.Event()

    def serve(connection: Connection) -> None:
        while connection.read_head():
            heard.set()
            connection.send(ANSWER)

    with RawServer(serve) as server:
        await client.get(server.url)
        heard.clear()
        asking = client.get(server.url)
        iterator = asking.__await__()
        iterator.send(None)
        assert heard.wait(30)
        iterator.close()


@pytest.mark.parametrize("path", ["/bytes/100", "/bytes/100000", "/gzip/100", "/gzip/100000"])
@pytest.mark.parametrize("at_a_time", [1, 8, 40])
async def test_all_come_however_many_at_a_time(
    client: aioxide.Client, site: LocalSite, path: str, at_a_time: int
) -> None:
    """Through the bounds up and down: each task makes a few requests, one after another."""

    async def ask() -> list[int]:
        return [len((await client.get(f"{site.url}{path}")).content) for _ in range(3)]

    length = int(path.rpartition("/")[2])
    assert await asyncio.gather(*(ask() for _ in range(at_a_time))) == [[length] * 3] * at_a_time


async def test_one_that_is_cancelled_is_off_the_connection(client: aioxide.Client) -> None:
    ended: asyncio.Queue[bool] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def serve(connection: Connection) -> None:
        connection.read_head()
        connection.send(ANSWER)
        connection.read_head()
        try:
            over = connection.socket.recv(1) == b""
        except ConnectionError:
            over = True
        loop.call_soon_threadsafe(ended.put_nowait, over)

    with RawServer(serve) as server:
        await client.get(server.url)
        asking = asyncio.ensure_future(client.get(server.url))
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await ended.get()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_one_that_was_begun_before_a_fork_stays_with_the_parent(script: Any, fork_source: str) -> None:
    script.works(
        fork_source
        + """
import asyncio
import aioxide
from tests.servers.raw import RawServer

ANSWER = b"HTTP/1.1 200 OK\\r\\ncontent-length: 5\\r\\n\\r\\nhello"

def serve(connection):
    while connection.read_head():
        connection.send(ANSWER)

async def main(url):
    async with aioxide.Client() as client:
        await client.get(url)
        iterator = client.get(url).__await__()
        iterator.send(None)

        fork(iterator.close)
        iterator.close()
        assert (await client.get(url)).text == "hello"

with RawServer(serve) as server:
    asyncio.run(main(server.url))
""",
        flags=("-W", "ignore::DeprecationWarning"),
    )
