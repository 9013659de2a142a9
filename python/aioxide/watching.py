"""The thread of a watchdog: in Python from the bottom, so that a callback runs above no frame of Rust."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from aioxide._core import Stall

__all__ = ["watch_from_thread"]

_logger = logging.getLogger("aioxide.watchdog")


class _Watcher(Protocol):
    def next(self) -> Stall | None: ...
    def failed(self, error: BaseException, callback: Callable[[Stall], object]) -> None: ...


def watch_from_thread(watcher: _Watcher, callback: Callable[[Stall], object] | None) -> None:
    """Start the thread that waits for stalls and tells ``callback`` of each; None for the log.

    Raises:
        RuntimeError: No thread can be started.
    """
    # A daemon: the interpreter does not wait for a loop that nobody stops. See src/watchdog/exit.rs.
    thread = threading.Thread(
        target=_watch, args=(watcher, callback or _log), name="aioxide-watchdog", daemon=True
    )
    thread.start()


def _watch(watcher: _Watcher, callback: Callable[[Stall], object]) -> None:
    while (stall := watcher.next()) is not None:
        try:
            callback(stall)
        except BaseException as error:
            watcher.failed(error, callback)


def _log(stall: Stall) -> None:
    _logger.warning("%s", stall, extra={"stall": stall})
