"""What the clients are compared at."""

from collections.abc import Iterator
from dataclasses import dataclass

from benches.compare.roster import EVERYONE, LEADING, TRANSPORTS


@dataclass(frozen=True)
class Scenario:
    """A load of `load.py`, and what the server is like."""

    #: What is measured.
    title: str
    #: Bytes of a body; 0 for pages of all sizes, from so many ``hosts``.
    size: int = 1024
    hosts: int = 1
    #: Requests in flight.
    limit: int = 100
    #: Of a turn; 0 for as many as fill its time.
    requests: int = 0
    tls: bool = False
    http2: bool = False
    #: Turns of each client, and who takes part, unless the command line says otherwise.
    rounds: int = 3
    peers: tuple[str, ...] = LEADING


SIZES = {"1KB": 1024, "100KB": 100_000, "1MiB": 1024 * 1024}
LIMITS = (1, 10, 100, 1000)
PROTOCOLS = {"plain": "HTTP/1.1", "tls": "HTTP/1.1 over TLS", "http2": "HTTP/2 over TLS"}

#: The one that every client is in.
FIRST = "1KB-100-plain"
MIXED = "mixed"

#: Requests of the mixed scrape: fixed, since each number brings another page, after another pause.
PAGES = 4000


def _matrix() -> Iterator[tuple[str, Scenario]]:
    for protocol, spoken in PROTOCOLS.items():
        for name, size in SIZES.items():
            for limit in LIMITS:
                title = (
                    f"{spoken}, bodies of {size:,} bytes, {'one' if limit == 1 else f'{limit:,}'} in flight"
                )
                tls, http2 = protocol != "plain", protocol == "http2"
                yield f"{name}-{limit}-{protocol}", Scenario(title, size, 1, limit, tls=tls, http2=http2)


SCENARIOS: dict[str, Scenario] = {
    FIRST: Scenario("HTTP/1.1, bodies of 1,024 bytes, 100 in flight", rounds=5, peers=EVERYONE),
    MIXED: Scenario(
        "a mixed scrape: 50 hosts, pauses with a heavy tail, HTML of 5 to 200 KB in gzip, 2 % errors, "
        "100 in flight",
        size=0,
        hosts=50,
        requests=PAGES,
    ),
    **{name: scenario for name, scenario in _matrix() if name != FIRST},
    "httpx": Scenario(
        "one program of httpx, on its own transport and on ours: bodies of 1,024 bytes, 100 in flight",
        rounds=5,
        peers=TRANSPORTS,
    ),
}

#: What is measured unless the command line says otherwise: about twelve minutes.
USUAL = (
    FIRST,
    MIXED,
    "1KB-1-plain",
    "1KB-10-plain",
    "1KB-1000-plain",
    "100KB-100-plain",
    "1MiB-100-plain",
    "1KB-100-tls",
    "1KB-100-http2",
    "httpx",
)
