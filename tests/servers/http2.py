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


def _number(value: int) -> bytes:
    """RFC 7541, section 5.1, with a prefix of seven bits."""
    if value < 127:
        return bytes([value])
    rest = bytearray([127])
    value -= 127
    while value >= 128:
        rest.append(value % 128 + 128)
        value //= 128
    return bytes([*rest, value])


def field_line(name: bytes, *values: bytes) -> bytes:
    """A header as often as it has values, as RFC 7541, section 6.2.2, has it: in no table, uncompressed."""
    return b"".join(b"\0" + _number(len(name)) + name + _number(len(value)) + value for value in values)


def head(stream: int, fields: bytes = b"", *, end: bool = False) -> bytes:
    """The head of an answer of status 200."""
    return frame(1, 5 if end else 4, stream, b"\x88" + fields)


def data(stream: int, body: bytes, *, end: bool = False) -> bytes:
    return frame(0, 1 if end else 0, stream, body)


def no_content(stream: int) -> bytes:
    """A whole answer: HEADERS with the indexed field ``:status: 204``, which also end the stream."""
    return frame(1, 0x5, stream, b"\x89")
