"""Bodies of several parts, and streams that give them in pieces."""

import importlib

#: aiohttp, and ours.
BOTH = [importlib.import_module(name) for name in ("aiohttp", "aioxide.aiohttp")]


class Cut:
    """A stream that gives its data in pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = [piece for piece in pieces if piece]

    async def read(self, n: int = -1) -> bytes:
        if not self._pieces or n == 0:
            return b""
        first = self._pieces.pop(0)
        if 0 < n < len(first):
            self._pieces.insert(0, first[n:])
            first = first[:n]
        return first

    async def readline(self, *, max_line_length: int | None = None) -> bytes:
        line = b""
        while self._pieces and not line.endswith(b"\n"):
            first = self._pieces.pop(0)
            end = first.find(b"\n") + 1 or len(first)
            line += first[:end]
            if first[end:]:
                self._pieces.insert(0, first[end:])
        return line

    def at_eof(self) -> bool:
        return not self._pieces

    def unread_data(self, data: bytes) -> None:
        if data:
            self._pieces.insert(0, data)


def multipart(*parts: tuple[dict[str, str], bytes], boundary: str = "border", last: bool = True) -> bytes:
    lines = b""
    for headers, content in parts:
        said = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        lines += f"--{boundary}\r\n{said}\r\n".encode() + content + b"\r\n"
    return lines + (f"--{boundary}--\r\n".encode() if last else b"")


def headers(boundary: str = "border", subtype: str = "mixed") -> dict[str, str]:
    return {"Content-Type": f'multipart/{subtype}; boundary="{boundary}"'}
