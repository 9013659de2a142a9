"""What one client is made to do once, as it goes from the process that compares to the client's own."""

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Turn:
    """The requests of one client, and what it needs to know to make them."""

    #: The site's, without a slash at its end.
    url: str
    #: Bytes of every body; 0 for the pages of ``/mixed``, each from one of so many ``hosts``.
    size: int
    hosts: int
    #: Requests in flight.
    limit: int
    #: How many requests; 0: as many as take so many ``seconds``.
    requests: int
    seconds: float
    #: Whether it is to be HTTP/2.
    http2: bool
    #: A file in PEM with the authority to trust, where the site speaks TLS.
    authority: str | None
    #: Threads of tokio, where they can be chosen.
    workers: int

    def urls(self, count: int, start: int = 0) -> list[str]:
        """So many URLs, from the number ``start`` on where they have numbers."""
        if self.size:
            return [f"{self.url}/bytes/{self.size}"] * count
        return list(self._mixed(count, start))

    def _mixed(self, count: int, start: int) -> Iterator[str]:
        scheme, _, port = self.url.rpartition(":")
        scheme = scheme.partition(":")[0]
        for number in range(start, start + count):
            yield f"{scheme}://127.0.0.{1 + number % self.hosts}:{port}/mixed/{number}"

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls(**json.loads(text))
