"""What came of the requests: each body is looked at, and nothing that failed goes unseen."""

from collections import Counter
from typing import Any


class Exact:
    """Every answer is a 200 with so many bytes; anything else ends the turn."""

    def __init__(self, size: int) -> None:
        self._expected = (200, size)

    def answered(self, status: int, body: Any) -> None:
        if (status, len(body)) != self._expected:
            raise RuntimeError(f"status {status} and {len(body)} bytes instead of {self._expected}")

    def failed(self, error: Exception | None) -> None:
        raise error or RuntimeError("neither an answer nor an error")

    def counts(self) -> dict[str, int]:
        return {}


class Mixed:
    """Pages, refusals and broken connections, of which every client has to see the same."""

    def __init__(self) -> None:
        self._counts = Counter[str]()

    def answered(self, status: int, body: Any) -> None:
        self._counts[str(status)] += 1
        if status == 200:
            self._counts["bytes"] += len(body)
            if bytes(body[-8:]) != b"</html>\n":
                raise RuntimeError(f"a page ends with {bytes(body[-8:])!r}")

    def failed(self, error: Exception | None) -> None:
        if self._counts["failed"] > 10 * (1 + self._counts["200"]):
            # Nothing works: then the reason is worth more than the count.
            raise error or RuntimeError("neither an answer nor an error")
        self._counts["failed"] += 1

    def counts(self) -> dict[str, int]:
        return dict(self._counts)


Tally = Exact | Mixed
