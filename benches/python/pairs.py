"""What is measured: the bars P1 to P7 of all subjects, in their order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from measure import Pair

import bridge
import sync
import tasks
import timeouts


def pairs(usual_bridge: Callable[[], Awaitable[object]] | None) -> list[Pair]:
    found = [*bridge.pairs(usual_bridge), *tasks.pairs(), *sync.pairs(), *timeouts.pairs()]
    return sorted(found, key=lambda pair: pair.bar)
