"""What the tests of downloads have in common."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

import aioxide
from aioxide.testing import LocalSite


def beside(path: Path) -> list[str]:
    """What there is in the directory of `path`."""
    return sorted(os.listdir(path.parent))


def part_of(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def asked(site: LocalSite, name: str = "range") -> list[str | None]:
    """That header of all requests so far."""
    return [dict(request.headers).get(name) for request in site.requests()]


class Reached:
    """A progress callable that tells when so many bytes are here."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.event = asyncio.Event()

    def __call__(self, done: int, total: int | None) -> None:
        if done >= self.count:
            self.event.set()


async def break_off(client: aioxide.Client, url: str, path: Path, count: int, **request: Any) -> None:
    """Cancels a download from which no more than `count` bytes come."""
    reached = Reached(count)
    task = asyncio.ensure_future(client.download(url, path, progress=reached, **request))
    await reached.event.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def answer(head: str, body: bytes = b"", status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\n{head}\r\n\r\n".encode() + body
