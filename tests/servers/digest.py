"""A server that asks for digest authentication and believes nothing (RFC 7616, RFC 2069).

    with DigestServer(algorithms=["SHA-256"]) as server:
        ...                             # GET f"{server.url}/x" with server.user and server.password
    assert server.verdicts == ["challenge", "ok"]

Every response is recomputed here, with Python's own hashes, and every rule of a response's parts is checked:
a part that breaks one is the verdict, and the answer is 400. What fails in here fails the ``with`` block.
"""

import hashlib
import re
import secrets
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}


def hashed(algorithm: str, *parts: str | bytes) -> str:
    """The hash of the parts with colons between them."""
    joined = b":".join(part.encode() if isinstance(part, str) else part for part in parts)
    return hashlib.new(HASHES[algorithm.removesuffix("-sess")], joined).hexdigest()


@dataclass
class Nonce:
    algorithm: str
    used: int = 0
    #: The nonces that a session's key is made of.
    session: tuple[str, str] | None = None


@dataclass
class Digest:
    """What one request's ``Authorization`` says, taken apart."""

    parts: dict[str, str] = field(default_factory=dict)
    quoted: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, header: str) -> Self:
        scheme, _, rest = header.partition(" ")
        if scheme != "Digest":
            raise BadResponseError(f"scheme {scheme}")
        digest = cls()
        pattern = r'\s*([\w*-]+)=(?:"((?:[^"\\]|\\.)*)"|([^",\s]+))\s*(,|$)'
        at = 0
        while at < len(rest):
            found = re.compile(pattern).match(rest, at)
            if not found:
                raise BadResponseError(f"no list of parameters at {at}")
            name, text, bare = found[1], found[2], found[3]
            if name in digest.parts:
                raise BadResponseError(f"{name} twice")
            if text is not None:
                digest.quoted.add(name)
            digest.parts[name] = re.sub(r"\\(.)", r"\1", text) if text is not None else bare
            at = found.end()
        return digest

    def name(self) -> str:
        if starred := self.parts.get("username*"):
            charset, _, encoded = starred.split("'")
            return unquote(encoded, encoding=charset, errors="strict")
        # Headers come as Latin-1.
        return self.parts["username"].encode("latin-1").decode()


class BadResponseError(Exception):
    """A response that no client should send, whatever the password."""


class DigestServer:
    """Serves ``hello`` to whoever proves to know the password.

    Args:
        algorithms: One challenge each, in this order; None names no algorithm.
        qop: As it stands in the challenge; None for RFC 2069.
        uses: How often a nonce may be used; after that it is stale.
        one_header: All challenges in one header, not in one each.
        proxy: Be a proxy: 407, and whole URLs as targets.
        next_nonce: Each answer has a ``nextnonce``, and the old one is stale then.
        silent: Do not call it stale, but forget nonces after their last use.
        extra: More parameters for the challenges.
        also: Challenges of other schemes, before those of digest.
    """

    user = "user"
    password = "p:ss wörd"

    def __init__(
        self,
        *,
        algorithms: list[str | None] | None = None,
        qop: str | None = "auth",
        uses: int = 1_000,
        one_header: bool = False,
        proxy: bool = False,
        next_nonce: bool = False,
        silent: bool = False,
        userhash: bool = False,
        user: str | None = None,
        extra: str = "",
        also: list[str] | None = None,
    ) -> None:
        self.algorithms = algorithms or ["MD5"]
        self.qop = qop
        self.uses = uses
        self.one_header = one_header
        self.proxy = proxy
        self.next_nonce = next_nonce
        self.silent = silent
        self.userhash = userhash
        self.user = user or DigestServer.user
        self.extra = extra
        self.also = also or []
        self.realm = 'the "realm", \\ 1'
        self.opaque = secrets.token_urlsafe()
        #: What came of each request: ``challenge``, ``stale``, ``wrong``, ``ok``, or what was bad about it.
        self.verdicts: list[str] = []
        #: The parts of each response that came.
        self.responses: list[dict[str, str]] = []
        self._nonces: dict[str, Nonce] = {}
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._failure: BaseException | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        # Clients keep connections open; their threads would wait for the next request.
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._server.server_close()
        if self._failure and not error:
            raise self._failure

    # ---- what is said ----

    def challenges(self, stale: bool) -> list[str]:
        lines = list(self.also)
        for algorithm in self.algorithms:
            realm = self.realm.replace("\\", "\\\\").replace('"', '\\"')
            line = f'Digest realm="{realm}", nonce="{self._new_nonce(algorithm)}", opaque="{self.opaque}"'
            if algorithm:
                line += f", algorithm={algorithm}"
            if self.qop:
                line += f', qop="{self.qop}"'
            if self.userhash:
                line += ", userhash=true"
            if stale:
                line += ", stale=TRUE"
            lines.append(line + self.extra)
        return [", ".join(lines)] if self.one_header else lines

    def forget_nonces(self) -> None:
        """As a restart does it."""
        with self._lock:
            self._nonces.clear()

    def _new_nonce(self, algorithm: str | None) -> str:
        nonce = secrets.token_urlsafe()
        self._nonces[nonce] = Nonce(algorithm or "MD5")
        return nonce

    # ---- what is heard ----

    def judge(self, header: str | None, method: str, target: str, body: bytes) -> tuple[str, str | None]:
        """The verdict, and what the server says to prove itself."""
        if header is None:
            return "challenge", None
        digest = Digest.read(header)
        self.responses.append(digest.parts)
        self._check_form(digest, target)
        nonce = self._nonces.get(digest.parts["nonce"])
        if nonce is None:
            return "challenge" if self.silent else "stale", None
        parts = digest.parts
        if parts.get("algorithm", "MD5") != nonce.algorithm:
            raise BadResponseError("not the algorithm of this nonce")
        expected, proof = self._expected(nonce, parts, method, body)
        if parts["response"] != expected or not self._is_user(digest, nonce.algorithm):
            return "wrong", None
        if "nc" in parts:
            count = int(parts["nc"], 16)
            if count <= nonce.used:
                return "replayed", None
            nonce.used = count
        else:
            nonce.used += 1
        if nonce.used >= self.uses or self.next_nonce:
            del self._nonces[parts["nonce"]]
        info = f'rspauth="{proof}"'
        if "qop" in parts:
            info += f', qop={parts["qop"]}, nc={parts["nc"]}, cnonce="{parts["cnonce"]}"'
        if self.next_nonce:
            following = self._new_nonce(nonce.algorithm)
            self._nonces[following].session = nonce.session
            info += f', nextnonce="{following}"'
        return "ok", info

    def _check_form(self, digest: Digest, target: str) -> None:
        parts = digest.parts
        needed = {"realm", "nonce", "uri", "response", "opaque"}
        if self.qop:
            needed |= {"qop", "nc", "cnonce"}
        if missing := needed - parts.keys():
            raise BadResponseError(f"without {sorted(missing)}")
        bare = {"algorithm", "qop", "nc", "userhash", "username*"}
        for name in parts:
            if (name in bare) == (name in digest.quoted):
                raise BadResponseError(f"{name} with the wrong quotes")
        if not self.qop and parts.keys() & {"qop", "nc"}:
            raise BadResponseError("a qop that nobody offered")
        if self.qop and parts["qop"] not in re.split(r"[,\s]+", self.qop):
            raise BadResponseError("another qop")
        if ("username" in parts) == ("username*" in parts):
            raise BadResponseError("one user name, please")
        if self.userhash != (parts.get("userhash") == "true"):
            raise BadResponseError("userhash")
        if "nc" in parts and not re.fullmatch("[0-9a-f]{8}", parts["nc"]):
            raise BadResponseError("nc")
        for name, value in (("realm", self.realm), ("opaque", self.opaque), ("uri", target)):
            if parts[name] != value:
                raise BadResponseError(f"{name} is {parts[name]}")

    def _expected(self, nonce: Nonce, parts: dict[str, str], method: str, body: bytes) -> tuple[str, str]:
        algorithm = nonce.algorithm
        key = hashed(algorithm, self.user, self.realm, self.password)
        if algorithm.endswith("-sess"):
            nonce.session = nonce.session or (parts["nonce"], parts["cnonce"])
            key = hashed(algorithm, key, *nonce.session)
        whole = [hashed(algorithm, body)] if parts.get("qop") == "auth-int" else []
        middle = [parts["nonce"]]
        if "qop" in parts:
            middle += [parts["nc"], parts["cnonce"], parts["qop"]]
        about = hashed(algorithm, method, parts["uri"], *whole)
        proof = hashed(algorithm, "", parts["uri"])
        return hashed(algorithm, key, *middle, about), hashed(algorithm, key, *middle, proof)

    def _is_user(self, digest: Digest, algorithm: str) -> bool:
        if self.userhash:
            return digest.parts["username"] == hashed(algorithm, self.user, self.realm)
        return digest.name() == self.user

    # ---- HTTP ----

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self
        status, side = (407, "Proxy-") if self.proxy else (401, "")
        ask, given = ("Proxy-Authenticate" if self.proxy else "WWW-Authenticate"), f"{side}Authorization"

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # The head and the body of an answer must not wait for each other.
            wbufsize = -1

            def setup(self) -> None:
                super().setup()
                with outer._lock:
                    outer._connections.add(self.connection)

            def finish(self) -> None:
                with outer._lock:
                    outer._connections.discard(self.connection)
                super().finish()

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with outer._lock:
                    try:
                        verdict, info = outer.judge(self.headers[given], self.command, self.path, body)
                    except BadResponseError as bad:
                        verdict, info = str(bad), None
                    except BaseException as failure:
                        outer._failure = failure
                        raise
                    outer.verdicts.append(verdict)
                    asked = outer.challenges(verdict in {"stale", "replayed"})
                if verdict == "ok":
                    self.reply(200, b"hello", [(f"{side}Authentication-Info", info or "")])
                elif verdict in {"challenge", "stale", "wrong", "replayed"}:
                    self.reply(status, verdict.encode(), [(ask, line) for line in asked])
                else:
                    self.reply(400, verdict.encode(), [])

            do_GET = do_POST = do_PUT = answer  # noqa: N815

            def reply(self, code: int, body: bytes, headers: list[tuple[str, str]]) -> None:
                self.send_response(code)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler
