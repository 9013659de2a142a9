"""Peers that break off, lie about lengths, say too much or speak nonsense; and what becomes of each."""

import gzip
import struct
from dataclasses import dataclass, field
from typing import Any

import aioxide
from tests.servers.http2 import data, field_line, frame, goaway, head, http2, rst_stream
from tests.servers.raw import Connection, Script, hang_up, reply, reply_and_reset, reset

OK = b"HTTP/1.1 200 OK\r\n"
TEN = OK + b"content-length: 10\r\n\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"
INCOMPLETE = "the server closed the connection before the response was complete"
CUT_SHORT = "the server ended the response before it was complete"
BIG = 300_000


@dataclass(frozen=True)
class Case:
    """A peer, and the class, the phase and the words of the error that comes of it."""

    name: str
    script: Script
    error: type[aioxide.RequestError]
    phase: str
    words: str
    scheme: str = "http"
    http2: bool = False
    #: Of the client.
    settings: dict[str, Any] = field(default_factory=dict)
    #: The body of the request, if it has one.
    content: bytes | None = None


def remote(name: str, answer: bytes, words: str, phase: str = "headers") -> Case:
    return Case(name, reply(answer), aioxide.RemoteProtocolError, phase, words)


def remote_body(name: str, answer: bytes, words: str) -> Case:
    return remote(name, answer, words, "body")


def over_http2(name: str, *frames: bytes, words: str, phase: str = "headers", end: bool = True) -> Case:
    script = http2(*frames) if end else ending(http2(*frames, end=False))
    return Case(f"HTTP/2: {name}", script, aioxide.RemoteProtocolError, phase, words, http2=True)


def late(name: str, script: Script, error: type[aioxide.RequestError], phase: str, words: str) -> Case:
    """The same peer, met by the limit on reading or by the limit on all of it."""
    limit = aioxide.Timeout(read=0.1) if error is aioxide.ReadTimeout else aioxide.Timeout(0.1)
    return Case(f"{name}, {error.__name__}", script, error, phase, words, settings={"timeout": limit})


# ---- scripts ----


def close_in_handshake(connection: Connection) -> None:
    connection.read(1)
    connection.end()


def reset_in_handshake(connection: Connection) -> None:
    connection.read(1)
    connection.reset()


def silent_in_handshake(connection: Connection) -> None:
    connection.read(1)
    connection.hang()


def half_a_record(connection: Connection) -> None:
    """A handshake record of 512 bytes, of which two come."""
    connection.read(1)
    connection.send(b"\x16\x03\x03\x02\x00\x02\x00")
    connection.hang()


def plain_at_once(connection: Connection) -> None:
    connection.send(TEN)
    connection.hang()


def reset_while_uploading(connection: Connection) -> None:
    connection.read_head()
    connection.read(100_000)
    connection.reset()


def ending(script: Script) -> Script:
    """To close with something unread would be an RST."""

    def end(connection: Connection) -> None:
        script(connection)
        connection.end()

    return end


def endless(begin: bytes, more: bytes) -> Script:
    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(begin)
        while True:
            connection.send(more)

    return script


def pausing(begin: bytes) -> Script:
    """Says so much, and then nothing."""

    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(begin)
        connection.hang()

    return script


def coded(coding: bytes, body: bytes) -> bytes:
    return OK + b"content-encoding: %s\r\ncontent-length: %d\r\n\r\n%s" % (coding, len(body), body)


def headers(count: int) -> bytes:
    return b"".join(b"x-%d: y\r\n" % number for number in range(count))


def setting(name: int, value: int) -> bytes:
    return frame(4, 0, 0, struct.pack(">HI", name, value))


# ---- the table ----

PLAIN = [
    Case("closes without an answer", hang_up, aioxide.RemoteProtocolError, "headers", INCOMPLETE),
    Case("resets without an answer", reset, aioxide.ReadError, "headers", "reset"),
    remote("closes in the head", OK + b"content-le", INCOMPLETE),
    Case("resets in the head", reply_and_reset(OK + b"content-le"), aioxide.ReadError, "headers", "reset"),
    Case(
        "resets while it is sent a body",
        reset_while_uploading,
        aioxide.NetworkError,
        "headers",
        "",
        content=bytes(50_000_000),
    ),
    remote("closes after 100 Continue", b"HTTP/1.1 100 Continue\r\n\r\n", INCOMPLETE),
    remote("closes after a thousand hints", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000, INCOMPLETE),
    # What is no HTTP.
    remote("is no HTTP", b"SSH-2.0-x\r\n", "invalid HTTP version"),
    remote("is HTTP/0.9", b"<html>hello</html>\r\n\r\n", "invalid HTTP version"),
    remote("is HTTP/2.0 in words", b"HTTP/2.0 200 OK\r\n\r\n", "invalid HTTP version"),
    remote("status of two digits", b"HTTP/1.1 20 OK\r\n\r\n", "status"),
    remote("status of four digits", b"HTTP/1.1 2000 OK\r\n\r\n", "status"),
    remote("status below 100", b"HTTP/1.1 099 OK\r\n\r\n", "status"),
    remote("status of letters", b"HTTP/1.1 abc OK\r\n\r\n", "status"),
    remote("no status", b"HTTP/1.1 \r\n\r\n", "status"),
    remote("a fold in the first header", OK + b" x: a\r\n\r\n", "invalid HTTP header"),
    remote("space before the colon", OK + b"content-length : 2\r\n\r\nok", "invalid HTTP header"),
    remote("no colon", OK + b"content-length 2\r\n\r\nok", "invalid HTTP header"),
    remote("no name", OK + b": 2\r\n\r\n", "invalid HTTP header"),
    remote("NUL in a value", OK + b"x: a\0b\r\n\r\n", "invalid HTTP header"),
    remote("NUL in a name", OK + b"x\0: a\r\n\r\n", "invalid HTTP header"),
    remote("CR in a value", OK + b"x: a\rb\r\n\r\n", "invalid HTTP header"),
    remote("101 unasked", b"HTTP/1.1 101 No\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", "switched"),
    # What is too much.
    Case(
        "endless header",
        endless(OK + b"x: ", b"a" * 65536),
        aioxide.RemoteProtocolError,
        "headers",
        "too large",
    ),
    Case(
        "endless reason",
        endless(b"HTTP/1.1 200 ", b"a" * 65536),
        aioxide.RemoteProtocolError,
        "headers",
        "too large",
    ),
    Case("endless headers", endless(OK, b"x: y\r\n"), aioxide.RemoteProtocolError, "headers", "too large"),
    remote("257 headers", OK + headers(257) + b"\r\n", "too large"),
    Case(
        "more than max_headers",
        reply(OK + headers(9) + b"\r\n"),
        aioxide.RemoteProtocolError,
        "headers",
        "too large",
        settings={"max_headers": 8},
    ),
    Case(
        "more than max_header_size",
        reply(OK + b"x: %s\r\n\r\n" % (b"a" * 10_000)),
        aioxide.RemoteProtocolError,
        "headers",
        "too large",
        settings={"max_header_size": 8192},
    ),
    # Lengths.
    remote("two lengths", OK + b"content-length: 1\r\ncontent-length: 2\r\n\r\nab", "content-length"),
    remote("two lengths in one", OK + b"content-length: 1, 2\r\n\r\nab", "content-length"),
    remote("negative length", OK + b"content-length: -1\r\n\r\n", "content-length"),
    remote("signed length", OK + b"content-length: +1\r\n\r\na", "content-length"),
    remote("length in words", OK + b"content-length: two\r\n\r\nab", "content-length"),
    remote("length beyond numbers", OK + b"content-length: %d\r\n\r\nab" % 10**30, "content-length"),
    remote(
        "chunked HTTP/1.0",
        b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "transfer-encoding",
    ),
    remote_body("short body", TEN + b"12345", "end of file before message length reached"),
    Case("resets in the body", reply_and_reset(TEN + b"12345"), aioxide.ReadError, "body", "reset"),
    remote_body("short chunk", CHUNKED + b"a\r\n12345", "end of file before message length reached"),
    remote_body("no last chunk", CHUNKED + b"1\r\na\r\n", "unexpected EOF"),
    remote_body("bad chunk size", CHUNKED + b"x\r\n", "chunk size"),
    remote_body("negative chunk size", CHUNKED + b"-1\r\n", "chunk size"),
    remote_body("chunk size beyond numbers", CHUNKED + b"f" * 20 + b"\r\n", "overflow"),
    remote_body("chunk without its end", CHUNKED + b"2\r\nabcd", "chunk body"),
    remote_body("endless chunk extension", CHUNKED + b"2;" + b"a" * BIG, "chunk extensions over limit"),
    remote_body("endless trailers", CHUNKED + b"0\r\n" + headers(2000), "trailers"),
    remote_body("endless trailer", CHUNKED + b"0\r\nx: " + b"a" * BIG, "trailers"),
    Case("resets in a chunk", reply_and_reset(CHUNKED + b"a\r\n12"), aioxide.ReadError, "body", "reset"),
    # Codings.
    Case("no gzip", reply(coded(b"gzip", b"plain text")), aioxide.DecodingError, "body", "gzip"),
    Case(
        "half gzip",
        reply(coded(b"gzip", gzip.compress(b"x" * 1000)[:20])),
        aioxide.DecodingError,
        "body",
        "ends in the middle",
    ),
    Case("no br", reply(coded(b"br", b"\xffplain")), aioxide.DecodingError, "body", "Content-Encoding"),
    Case("no zstd", reply(coded(b"zstd", b"plain")), aioxide.DecodingError, "body", "Content-Encoding"),
    Case("no deflate", reply(coded(b"deflate", b"\xff\xff")), aioxide.DecodingError, "body", ""),
    Case("coded too often", reply(coded(b"gzip," * 6, b"x")), aioxide.DecodingError, "body", "too many"),
    Case(
        "gzip within no gzip",
        reply(coded(b"gzip, gzip", gzip.compress(b"plain"))),
        aioxide.DecodingError,
        "body",
        "gzip",
    ),
    # Time.
    late("slow head", pausing(b""), aioxide.ReadTimeout, "headers", "nothing came for 0.1 s"),
    late("slow head", pausing(OK + b"x"), aioxide.TimeoutException, "headers", "waiting for the response"),
    late("slow body", pausing(TEN + b"1"), aioxide.ReadTimeout, "body", "nothing came for 0.1 s"),
    late("slow body", pausing(TEN + b"1"), aioxide.TimeoutException, "body", "reading the body"),
    late("slow chunk", pausing(CHUNKED + b"9\r\n1"), aioxide.ReadTimeout, "body", "nothing came"),
]

REDIRECTS = [
    Case(name, reply(answer), error, "redirect", words)
    for name, answer, error, words in [
        (
            "redirect nowhere",
            b"HTTP/1.1 302 Found\r\nlocation: http://\r\ncontent-length: 0\r\n\r\n",
            aioxide.RemoteProtocolError,
            "cannot be followed",
        ),
        (
            "redirect to a port that is none",
            b"HTTP/1.1 302 Found\r\nlocation: http://host:99999/\r\ncontent-length: 0\r\n\r\n",
            aioxide.RemoteProtocolError,
            "cannot be followed",
        ),
        (
            "redirect to a script",
            b"HTTP/1.1 302 Found\r\nlocation: javascript:alert(1)\r\ncontent-length: 0\r\n\r\n",
            aioxide.UnsupportedProtocol,
            "'javascript' is not supported",
        ),
        (
            "redirect to a file",
            b"HTTP/1.1 302 Found\r\nlocation: file:///etc/passwd\r\ncontent-length: 0\r\n\r\n",
            aioxide.UnsupportedProtocol,
            "'file' is not supported",
        ),
    ]
]

TLS = [
    Case("plain behind https", plain_at_once, aioxide.TLSError, "connect", "cannot connect to", "https"),
    Case(
        "closes in the handshake",
        close_in_handshake,
        aioxide.ConnectError,
        "connect",
        "cannot connect to",
        "https",
    ),
    Case("resets in the handshake", reset_in_handshake, aioxide.ConnectError, "connect", "reset", "https"),
    *(
        Case(
            f"{name}, {error.__name__}", script, error, "connect", words, "https", settings={"timeout": limit}
        )
        for name, script in [
            ("silent in the handshake", silent_in_handshake),
            ("half a record", half_a_record),
        ]
        for error, words, limit in [
            (aioxide.ConnectTimeout, "no connection within 0.1 s", aioxide.Timeout(connect=0.1)),
            (aioxide.TimeoutException, "still connecting", aioxide.Timeout(0.1)),
        ]
    ),
]

# RFC 9113, section 7, without REFUSED_STREAM, after which a request is sent again.
CODES = {
    0: "not a result of an error",
    1: "protocol error",
    2: "internal error",
    3: "flow-control",
    5: "half-closed",
    6: "invalid size",
    8: "stream no longer needed",
    11: "excessive load",
    12: "security properties",
    13: "requires HTTP/1.1",
    99: "unknown reason",
}
BEGUN = head(1) + data(1, b"abc")
HTTP2 = [
    *(over_http2(f"RST_STREAM {code}", rst_stream(1, code), words=words) for code, words in CODES.items()),
    *(
        over_http2(
            f"RST_STREAM {code} in the body",
            BEGUN,
            rst_stream(1, code),
            words=words if code else CUT_SHORT,
            phase="body",
        )
        for code, words in (CODES | {7: "refused stream"}).items()
    ),
    over_http2("GOAWAY that looked at nothing", goaway(0, 11), words="excessive load"),
    over_http2("GOAWAY after the request", goaway(1, 0), words=INCOMPLETE, end=False),
    over_http2("GOAWAY in the body", BEGUN, goaway(1, 0), words=INCOMPLETE, phase="body", end=False),
    over_http2("GOAWAY that forgets the stream", BEGUN, goaway(0, 0), words=CUT_SHORT, phase="body"),
    over_http2("GOAWAY for a reason", BEGUN, goaway(0, 2), words="internal error", phase="body"),
    over_http2("closes without an answer", words=INCOMPLETE, end=False),
    over_http2("closes in the body", BEGUN, words=INCOMPLETE, phase="body", end=False),
    over_http2("SETTINGS of five bytes", frame(4, 0, 0, b"12345"), words="protocol error"),
    over_http2("SETTINGS of a stream", frame(4, 0, 1, b""), words="protocol error"),
    over_http2("SETTINGS: window beyond limits", setting(4, 2**31), words="protocol error"),
    over_http2("SETTINGS: frames of a byte", setting(5, 1), words="protocol error"),
    over_http2("SETTINGS: push of two", setting(2, 2), words="protocol error"),
    over_http2("speaks HTTP/1.1", b"HTTP/1.1 400 Bad Request\r\n\r\n", words="invalid size"),
    over_http2("body before the head", data(1, b"abc"), words="protocol error"),
    over_http2("body of nobody", data(3, b"abc"), words="protocol error"),
    over_http2("push unasked", frame(5, 4, 1, b"\0\0\0\2\x82"), words="protocol error"),
    over_http2("head that is not compressed", frame(1, 4, 1, b"\xff" * 9), words="protocol error"),
    over_http2("no status", frame(1, 5, 1, field_line(b"x", b"y")), words="protocol error"),
    over_http2("status of letters", frame(1, 5, 1, field_line(b":status", b"abc")), words="protocol error"),
    over_http2("line break in a value", head(1, field_line(b"x", b"a\r\nb")), words="protocol error"),
    over_http2("NUL in a value", head(1, field_line(b"x", b"a\0b")), words="protocol error"),
    over_http2("name in capitals", head(1, field_line(b"X", b"y")), words="protocol error"),
    over_http2("connection header", head(1, field_line(b"connection", b"close")), words="protocol error"),
    over_http2("two lengths", head(1, field_line(b"content-length", b"3", b"4")), words="protocol error"),
    over_http2(
        "shorter than it said",
        head(1, field_line(b"content-length", b"9")),
        data(1, b"abc", end=True),
        words="protocol error",
        phase="body",
    ),
    over_http2(
        "longer than it said",
        head(1, field_line(b"content-length", b"2")),
        data(1, b"abc", end=True),
        words="protocol error",
        phase="body",
    ),
    over_http2(
        "body after 204", frame(1, 4, 1, b"\x89"), data(1, b"abc", end=True), words="has a body", phase="body"
    ),
    over_http2("frame beyond limits", b"\xff\xff\xff\0\0\0\0\0\1", words="invalid size"),
    over_http2("window update of nothing", frame(8, 0, 1, bytes(4)), words="protocol error"),
    over_http2("257 headers", head(1, field_line(b"x", *[b"y"] * 257)), words="more than 256 headers"),
    over_http2(
        "huge header",
        frame(1, 0, 1, b"\x88" + field_line(b"x", b"a" * 16000)),
        *[frame(9, 0, 1, field_line(b"x", b"a" * 16000))] * 40,
        words="excessive load",
    ),
    over_http2(
        "endless head", frame(1, 0, 1, b"\x88"), *[frame(9, 0, 1, b"")] * 10_000, words="excessive load"
    ),
]

CASES = [*PLAIN, *REDIRECTS, *TLS, *HTTP2]
