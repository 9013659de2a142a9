"""Digest authentication (RFC 7616) as a client middleware."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from typing import Any, Final

from yarl import URL

from . import hdrs
from .client_exceptions import ClientError
from .client_middlewares import ClientHandlerType
from .client_reqrep import ClientRequest, ClientResponse

__all__ = ["DigestAuthMiddleware"]

_HASHES: Final[dict[str, Callable[[bytes], Any]]] = {
    "MD5": hashlib.md5,
    "SHA": hashlib.sha1,
    "SHA256": hashlib.sha256,
    "SHA-256": hashlib.sha256,
    "SHA512": hashlib.sha512,
    "SHA-512": hashlib.sha512,
}
# What of a challenge matters, and what of an answer is in quotes.
_CHALLENGE: Final = ("realm", "nonce", "qop", "algorithm", "opaque", "domain", "stale")
_QUOTED: Final = frozenset({"username", "realm", "nonce", "uri", "response", "opaque", "cnonce"})
# A parameter, or without its `=` the name of a scheme.
_PARAMETER: Final = re.compile(r'(?:^|\s|,\s*)((?>[\w-]+))(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+)))?')


class DigestAuthMiddleware:
    """Proves that it knows a password, without sending it.

    A request is answered 401 and sent again with the proof; later ones have it at once. The credentials are
    for the origin of the first request, and what that names by ``domain``: requests to others pass untouched.

    Args:
        login: The user's name.
        password: The password.
        preemptive: Whether later requests have a proof at once.

    Raises:
        ValueError: A colon in the login, or None.
    """

    def __init__(self, login: str, password: str, preemptive: bool = True) -> None:
        if login is None or password is None:
            raise ValueError("None is not allowed as the login or the password")
        if ":" in login:
            raise ValueError('a ":" is not allowed in the login (RFC 7616, section 3.4.2)')
        self._login = login
        self._password = password
        self._preemptive = preemptive
        self._challenge: dict[str, str] = {}
        self._space: list[str] = []
        self._origin: URL | None = None
        self._last_nonce = ""
        self._count = 0

    def __repr__(self) -> str:
        return f"<{type(self).__name__} login={self._login!r}>"

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Send the request, and once more if it is challenged."""
        origin = request.url.origin()
        if self._origin is None:
            self._origin = origin
        elif origin != self._origin and not self._is_in_space(request.url):
            return await handler(request)
        if self._preemptive and self._challenge and self._is_in_space(request.url):
            request.headers[hdrs.AUTHORIZATION] = await self._answer(request)
        response = await handler(request)
        if self._is_challenged_by(response):
            request.headers[hdrs.AUTHORIZATION] = await self._answer(request)
            # Its connection is wanted for the next.
            response.release()
            response = await handler(request)
            self._is_challenged_by(response)
        return response

    def _is_in_space(self, url: URL) -> bool:
        """Whether the credentials are for this URL (RFC 7616, section 3.3, domain)."""
        text = str(url)
        return any(
            text.startswith(space) and (space.endswith("/") or text[len(space) :][:1] in ("", "/"))
            for space in self._space
        )

    def _is_challenged_by(self, response: ClientResponse) -> bool:
        if response.status != 401:
            return False
        scheme, _, rest = response.headers.get(hdrs.WWW_AUTHENTICATE, "").partition(" ")
        if scheme.lower() != "digest":
            return False
        given = _parameters(rest)
        challenge: dict[str, str] = {name: given[name] for name in _CHALLENGE if name in given}
        if not challenge:
            return False
        self._challenge = challenge
        origin = response.url.origin()
        uris = challenge.get("domain", "").replace('"', " ").split()
        self._space = [str(origin.join(URL(uri))) for uri in uris] or [str(origin)]
        return True

    async def _answer(self, request: ClientRequest) -> str:
        """Give the value of the ``Authorization`` header (RFC 7616, section 3.4).

        Raises:
            ClientError: The challenge lacks something, or asks what is not known.
        """
        challenge = self._challenge
        for name in ("realm", "nonce"):
            if name not in challenge:
                raise ClientError(f"Malformed Digest auth challenge: Missing '{name}' parameter")
        realm, nonce = challenge["realm"], challenge["nonce"]
        if not nonce:
            raise ClientError("Security issue: Digest auth challenge contains empty 'nonce' value")
        algorithm = challenge.get("algorithm", "MD5")
        is_session = algorithm.upper().endswith("-SESS")
        hashed = _HASHES.get(algorithm.upper().removesuffix("-SESS"))
        if hashed is None:
            raise ClientError(
                f"Digest auth error: Unsupported hash algorithm: {algorithm}. "
                f"Supported algorithms: {', '.join(_HASHES)}, and these with -SESS"
            )

        def digest(*parts: str | bytes) -> str:
            whole = b":".join(part.encode() if isinstance(part, str) else part for part in parts)
            return str(hashed(whole).hexdigest())

        self._count = self._count + 1 if nonce == self._last_nonce else 1
        self._last_nonce = nonce
        count, own_nonce = f"{self._count:08x}", secrets.token_hex(8)
        uri = request.url.raw_path_qs
        qop, body = await _protection(challenge.get("qop", ""), request.body)
        user = digest(self._login, realm, self._password)
        if is_session:
            user = digest(user, nonce, own_nonce)
        asked = digest(request.method, uri, *([digest(body)] if qop == "auth-int" else []))
        answer = {
            "username": self._login,
            "realm": realm,
            "nonce": nonce,
            "uri": uri,
            "response": digest(user, nonce, *([count, own_nonce, qop] if qop else []), asked),
            "algorithm": algorithm,
        }
        if challenge.get("opaque"):
            answer["opaque"] = challenge["opaque"]
        if qop:
            answer |= {"qop": qop, "nc": count, "cnonce": own_nonce}
        return "Digest " + ", ".join(f"{name}={_written(name, value)}" for name, value in answer.items())


async def _protection(offered: str, body: Any) -> tuple[str, bytes]:
    """Choose what the proof covers, and give the body for it: all, if that is offered and it is in memory."""
    known = {one.strip() for one in offered.split(",")} & {"auth", "auth-int"}
    if offered and not known:
        raise ClientError(f"Digest auth error: Unsupported Quality of Protection (qop) value(s): {offered}")
    if "auth-int" in known:
        if hasattr(body, "as_bytes"):
            return "auth-int", await body.as_bytes()
        if body is None or isinstance(body, (bytes, bytearray, memoryview, str)):
            return "auth-int", body.encode() if isinstance(body, str) else bytes(body or b"")
        if "auth" not in known:
            raise ClientError(
                "Digest auth error: the server wants auth-int, for which the body must be bytes"
            )
    return ("auth" if known else ""), b""


def _parameters(text: str) -> dict[str, str]:
    """Read the parameters of the first challenge: those of another begin with the name of its scheme."""
    found: dict[str, str] = {}
    for match in _PARAMETER.finditer(text):
        name, quoted, bare = match.groups()
        if quoted is None and bare is None:
            if found:
                break
            continue
        found[name.lower()] = bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
    return found


def _written(name: str, value: str) -> str:
    if name not in _QUOTED:
        return value
    escaped = value if name == "uri" else value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
