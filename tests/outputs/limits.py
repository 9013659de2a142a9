"""A disk that is full, for this process."""

import contextlib
import resource
import signal
from collections.abc import Iterator


@contextlib.contextmanager
def no_file_beyond(length: int) -> Iterator[None]:
    """No file of this process grows beyond so many bytes: nor does the one that pytest may write to."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (length, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
