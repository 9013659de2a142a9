"""HTTP/2 by hand: a server that answers with the frames it is given (RFC 9113)."""

import struct

from tests.servers.raw import Connection, Script

REFUSED_STREAM = 7


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """RFC 9113, section 4.1."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def read_headers(connection: Connection) -> None:
    """Read frames up to the next HEADERS."""
    kind = None
    while kind != 1:
        head = connection.read(9)
        kind = head[3]
        connection.read(int.from_bytes(head[:3], "big"))


def http2(*frames: bytes, end: bool = True) -> Script:
    """A server that has got the client's HEADERS, answers with these frames, and then is silent."""

    def script(connection: Connection) -> None:
        connection.read_until(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        connection.send(frame(4, 0, 0, b""))
        read_headers(connection)
        for each in frames:
            connection.send(each)
        if end:
            connection.hang()

    return script


def goaway(last_stream: int, code: int) -> bytes:
    return frame(7, 0, 0, struct.pack(">II", last_stream, code))


def rst_stream(stream: int, code: int) -> bytes:
    return frame(3, 0, stream, struct.pack(">I", code))


def no_content(stream: int) -> bytes:
    """A whole answer: HEADERS with the indexed field ``:status: 204``, which also end the stream."""
    return frame(1, 0x5, stream, b"\x89")
