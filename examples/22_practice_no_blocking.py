"""Practice: what blocks goes to a thread, and the loop goes on.

``to_thread`` is asyncio's, on tokio's pool of threads: context variables come along, exceptions come back,
and the pool is bounded. Threads help with what waits (files, sockets, SQLite) and with what computes in C
without the interpreter (hashes, compression); Python that computes wants processes.
"""

import asyncio
import contextvars
import hashlib
import tempfile
from pathlib import Path

import aioxide

FILES = 8

request: contextvars.ContextVar[str] = contextvars.ContextVar("request")


def write_and_hash(path: Path, size: int) -> str:
    """Do plain blocking work on a file."""
    path.write_bytes(b"oxide" * (size // 5))
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def key_of(password: str) -> bytes:
    """Compute something that is slow on purpose."""
    return hashlib.pbkdf2_hmac("sha256", password.encode(), b"salt", 100_000)


async def meanwhile(ticks: list[float]) -> None:
    """Count the loop's turns, a hundred a second."""
    async for _ in aioxide.interval(0.01, missed="skip"):
        ticks.append(asyncio.get_running_loop().time())


async def main(folder: Path) -> None:
    """Run blocking functions, and see that the loop is alive."""
    ticks: list[float] = []
    ticking = asyncio.create_task(meanwhile(ticks))

    paths = [folder / f"{number}.bin" for number in range(FILES)]
    digests = await aioxide.gather(*(aioxide.to_thread(write_and_hash, path, 5_000_000) for path in paths))
    print(f"{len(digests)} files, all alike: {len(set(digests)) == 1}, {digests[0][:16]}...")

    keys = await aioxide.gather(*(aioxide.to_thread(key_of, word) for word in ("open", "sesame")))
    print(f"keys: {' '.join(key.hex()[:16] for key in keys)}")

    # Exceptions and context variables cross to the thread and back.
    request.set("request 7")
    print(f"in the thread: {await aioxide.to_thread(request.get)}")
    try:
        await aioxide.to_thread((folder / "nothing").read_bytes)
    except FileNotFoundError as error:
        print(f"from the thread: {type(error).__name__}")

    ticking.cancel()
    await asyncio.wait([ticking])
    print(f"the loop went on meanwhile: {len(ticks) > 1}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(Path(folder)))
