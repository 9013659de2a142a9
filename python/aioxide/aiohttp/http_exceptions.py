"""What can be wrong with a message, as aiohttp has it; where it is installed, its very classes."""

from __future__ import annotations

from textwrap import indent

from multidict import CIMultiDict

from ._installed import or_theirs

__all__ = ["BadHttpMessage", "HttpProcessingError", "InvalidHeader", "LineTooLong"]

_or_theirs = or_theirs("aiohttp.http_exceptions")


@_or_theirs
class HttpProcessingError(Exception):
    """An error with the status that a server would answer it with."""

    code = 0
    message = ""
    headers: CIMultiDict[str] | None = None

    def __init__(
        self, *, code: int | None = None, message: str = "", headers: CIMultiDict[str] | None = None
    ) -> None:
        if code is not None:
            self.code = code
        self.message = message
        self.headers = headers

    def __str__(self) -> str:
        return f"{self.code}, message:\n{indent(self.message, '  ')}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.code}, message={self.message!r}>"


@_or_theirs
class BadHttpMessage(HttpProcessingError):
    """A message that is not as HTTP says."""

    code = 400
    message = "Bad Request"

    def __init__(self, message: str, *, headers: CIMultiDict[str] | None = None) -> None:
        super().__init__(message=message, headers=headers)
        self.args = (message,)


@_or_theirs
class InvalidHeader(BadHttpMessage):
    """A header that is none."""

    def __init__(self, hdr: bytes | str) -> None:
        super().__init__(f"Invalid HTTP header: {hdr!r}")
        self.hdr = hdr.decode(errors="backslashreplace") if isinstance(hdr, bytes) else hdr
        self.args = (hdr,)


@_or_theirs
class LineTooLong(BadHttpMessage):
    """A line, or what comes before a separator, is longer than was allowed."""

    def __init__(self, line: str | bytes, limit: str | int = "Unknown", actual_size: str = "Unknown") -> None:
        super().__init__(f"Got more than {limit} bytes when reading: {line!r}.")
        self.args = (line, limit, actual_size)
