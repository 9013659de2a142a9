"""What the clients are compared at."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scenario:
    """A load of `load.py`, and what the server is like."""

    #: Why it is measured.
    title: str
    load: str
    #: Bytes of a body.
    size: int = 1024
    #: So many times fewer requests than the others, because each takes longer.
    fewer: int = 1
    tls: bool = False
    http2: bool = False


SCENARIOS = {
    "bulk": Scenario("All requests at once, each client the way it is best at", "bulk"),
    "tasks": Scenario("A task for each request, behind `asyncio.Semaphore`", "tasks"),
    "sequential": Scenario("One request after another", "sequential", fewer=4),
    "100 KB": Scenario("In bulk, bodies of 100 KB", "bulk", size=100_000, fewer=10),
    "1 MiB": Scenario("In bulk, bodies of 1 MiB", "bulk", size=1024 * 1024, fewer=50),
    "TLS": Scenario("In bulk, HTTP/1.1 over TLS", "bulk", fewer=2, tls=True),
    "HTTP/2": Scenario("In bulk, HTTP/2 over TLS", "bulk", fewer=2, tls=True, http2=True),
}
