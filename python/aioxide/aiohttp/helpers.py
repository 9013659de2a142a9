"""Credentials, and how names and types are written in headers."""

from __future__ import annotations

import base64
import binascii
import functools
import re
import warnings
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from multidict import MultiDict, MultiDictProxy
from yarl import URL

from ._installed import or_theirs

__all__ = [
    "BasicAuth",
    "MimeType",
    "basic_auth",
    "content_disposition_header",
    "encode_basic_auth",
    "guess_filename",
    "is_ip_address",
    "is_no_canonical_address",
    "parse_mimetype",
    "quoted_string",
    "safe_header",
]

_or_theirs = or_theirs("aiohttp.helpers")

# RFC 9110, section 5.6.2.
_TOKEN: Final = frozenset("!#$%&'*+-.^_`|~0123456789") | {
    chr(letter) for first in "aA" for letter in range(ord(first), ord(first) + 26)
}
# RFC 9110, section 5.5: a control character in a header may end it.
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def encode_basic_auth(login: str, password: str = "", encoding: str = "utf-8") -> str:
    """Give the value of an ``Authorization`` or ``Proxy-Authorization`` header (RFC 7617).

    Raises:
        ValueError: The login has a colon.
    """
    if ":" in login:
        raise ValueError('a ":" is not allowed in the login (RFC 7617, section 2)')
    return "Basic " + base64.b64encode(f"{login}:{password}".encode(encoding)).decode("ascii")


class _BasicAuth(NamedTuple):
    login: str
    password: str
    encoding: str


@_or_theirs
class BasicAuth(_BasicAuth):
    """Credentials for Basic authentication (RFC 7617). Deprecated: `encode_basic_auth` gives a header.

    Raises:
        ValueError: A colon in the login, or None.
    """

    __slots__ = ()

    def __new__(  # noqa: D102
        cls, login: str, password: str = "", encoding: str = "latin1"
    ) -> BasicAuth:
        if login is None or password is None:
            raise ValueError("None is not allowed as the login or the password")
        if ":" in login:
            raise ValueError('a ":" is not allowed in the login (RFC 7617, section 2)')
        warnings.warn(
            "BasicAuth is deprecated; use encode_basic_auth() with headers={'Authorization': ...} instead",
            DeprecationWarning,
            stacklevel=2,
        )
        return super().__new__(cls, login, password, encoding)

    @classmethod
    def decode(cls, auth_header: str, encoding: str = "latin1") -> BasicAuth:
        """Read the value of an ``Authorization`` header.

        Raises:
            ValueError: It is not of Basic authentication.
        """
        scheme, space, coded = auth_header.partition(" ")
        if not space:
            raise ValueError("Could not parse authorization header.")
        if scheme.lower() != "basic":
            raise ValueError(f"Unknown authorization method {scheme}")
        try:
            decoded = base64.b64decode(coded.encode("ascii"), validate=True).decode(encoding)
        except binascii.Error:
            raise ValueError("Invalid base64 encoding.") from None
        login, colon, password = decoded.partition(":")
        if not colon:
            raise ValueError("Invalid credentials.")
        return basic_auth(login, password, encoding)

    @classmethod
    def from_url(cls, url: URL, *, encoding: str = "latin1") -> BasicAuth | None:
        """Take the credentials of a URL; None if it has none."""
        if not isinstance(url, URL):
            raise TypeError("url should be yarl.URL instance")
        if url.raw_user is None and url.raw_password is None:
            return None
        return basic_auth(url.user or "", url.password or "", encoding)

    def encode(self) -> str:
        """Give the value of an ``Authorization`` header."""
        return encode_basic_auth(self.login, self.password, self.encoding)

    def __repr__(self) -> str:
        return f"BasicAuth(login={self.login!r}, password='***', encoding={self.encoding!r})"


def basic_auth(login: str, password: str = "", encoding: str = "latin1") -> BasicAuth:
    """Make a BasicAuth without the warning that a program gets for its own."""
    return tuple.__new__(BasicAuth, (login, password, encoding))


class MimeType(NamedTuple):
    """A media type in its parts: ``text/html; charset=utf-8``."""

    type: str
    subtype: str
    suffix: str
    parameters: MultiDictProxy[str]


@functools.lru_cache(maxsize=64)
def parse_mimetype(mimetype: str) -> MimeType:
    """Take a media type apart; what is none has empty parts."""
    whole, *given = mimetype.split(";")
    parameters: MultiDict[str] = MultiDict()
    for item in given:
        if item.strip():
            name, _, value = item.partition("=")
            parameters.add(name.lower().strip(), value.strip(' "'))
    whole = whole.strip().lower()
    kind, _, subtype = ("*/*" if whole == "*" else whole).partition("/")
    subtype, _, suffix = subtype.partition("+")
    return MimeType(kind, subtype, suffix, MultiDictProxy(parameters))


def guess_filename(obj: Any, default: str | None = None) -> str | None:
    """Give the file name in ``obj.name``, without its folders; ``default`` if it has none."""
    name = getattr(obj, "name", None)
    if name and isinstance(name, str) and name[0] != "<" and name[-1] != ">":
        return Path(name).name
    return default


def safe_header(text: str) -> str:
    """Give ``text`` back.

    Raises:
        ValueError: It has a control character, with which it could be another header.
    """
    if _CONTROLS.search(text):
        raise ValueError(
            "Forbidden control character detected in headers. Potential header injection attack."
        )
    return text


def quoted_string(content: str) -> str:
    """Escape ``content`` for the inside of quotes (RFC 5322, section 3.2.4).

    Raises:
        ValueError: It has what is not printable ASCII.
    """
    if any(not (" " <= letter <= "~" or letter == "\t") for letter in content):
        raise ValueError(f"bad content for quoted-string {content!r}")
    # Also the blank: as aiohttp and its readers have it.
    return re.sub(r"[^\x21\x23-\x5b\x5d-\x7e]", lambda found: "\\" + found[0], content)


def content_disposition_header(
    disptype: str, quote_fields: bool = True, _charset: str = "utf-8", **params: str
) -> str:
    """Give the value of a ``Content-Disposition`` header of a part (RFC 7578, section 4.2).

    Args:
        disptype: ``"form-data"``, ``"attachment"`` or another token.
        quote_fields: Whether what is not ASCII is percent-encoded, rather than sent as it is.
        _charset: In which encoding that is done.
        **params: ``name``, ``filename`` and others.

    Raises:
        ValueError: The type or the name of a parameter is no token.
    """
    if not disptype or not _TOKEN.issuperset(disptype):
        raise ValueError(f"bad content disposition type {disptype!r}")
    parts = [disptype]
    for name, value in params.items():
        if not name or not _TOKEN.issuperset(name):
            raise ValueError(f"bad content disposition parameter {name!r}={value!r}")
        parts.append(_parameter(name, value, quote_fields, _charset))
    return "; ".join(parts)


def _parameter(name: str, value: str, quote_fields: bool, charset: str) -> str:
    if not quote_fields:
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{name}="{escaped}"'
    if name.lower() == "filename":
        return f'{name}="{quote(value, "", encoding=charset)}"'
    try:
        return f'{name}="{quoted_string(value)}"'
    except ValueError:
        # RFC 8187.
        return f"{name}*={charset}''{quote(value, '', encoding=charset)}"


def is_no_canonical_address(host: str) -> bool:
    """Whether it is an IPv4 address in a form that some take for another: ``127.1``, ``2130706433``."""
    if not host.replace(".", "").isdigit():
        return False
    try:
        return str(IPv4Address(host)) != host
    except ValueError:
        return True


def is_ip_address(host: str | None) -> bool:
    """Whether it looks like an address rather than a name."""
    return bool(host) and (":" in str(host) or str(host).replace(".", "").isdigit())
