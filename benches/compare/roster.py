"""Who is compared, by the name of the module in ``peers``, and what each is called in the tables."""

#: aioxide's ways. The others are compared with the first of them that was measured; where requests follow
#: one another, with the last.
OURS = {
    "aioxide_async_for": "aioxide: `async for` over `fetch_all`",
    "aioxide_list": "aioxide: `await fetch_all`",
    "aioxide_gather": "aioxide: `gather(limit=)`",
    "aioxide": "aioxide: a task each, its `Semaphore`",
    "aioxide_httpx": "aioxide.httpx: httpx's program",
    "aioxide_aiohttp": "aioxide.aiohttp: aiohttp's program",
}

#: A program of its own, with no Python in it.
RUST = "reqwest"

THEIRS = {
    RUST: "reqwest, in Rust without Python",
    "ry": "ry",
    "wreq": "wreq",
    "pyreqwest": "pyreqwest",
    "aiosonic": "aiosonic",
    "aiohttp": "aiohttp",
    "aiohttp_uvloop": "aiohttp, on uvloop",
    "aiohttp_aiofastnet": "aiohttp, with aiofastnet",
    "pyqwest": "pyqwest",
    "primp": "primp",
    "httpr": "httpr",
    "curl_cffi": "curl_cffi",
    "niquests": "niquests",
    "httpx": "httpx",
    "httpx_from_memory": "httpx, on a transport that answers from memory",
}

TITLES = OURS | THEIRS
EVERYONE = tuple(TITLES)

#: Those that tell the story where not everyone is measured.
LEADING = (
    "aioxide_async_for",
    "aioxide_gather",
    "aioxide",
    "aioxide_aiohttp",
    RUST,
    "ry",
    "wreq",
    "pyreqwest",
    "aiohttp",
    "httpx",
)

#: httpx's program on its own transport, on ours, and on none.
TRANSPORTS = ("aioxide_httpx", "httpx", "httpx_from_memory")


def title(peer: str, limit: int) -> str:
    """What the peer is called where so many of its requests are in flight."""
    if peer == "aioxide" and limit == 1:
        return "aioxide: one `get` after another"
    return TITLES[peer]
