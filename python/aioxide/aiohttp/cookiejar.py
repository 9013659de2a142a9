"""The cookies of a session, as aiohttp's jar has them.

They are kept by a native jar, which the tokio side asks and tells at each hop of a redirect; what is here
shows them as ``http.cookies`` has them. Each look is at that moment: changing a Morsel changes no jar.

Where aiohttp differs from RFC 6265bis, the jar does as aiohttp where programs see it, and as the RFC where
aiohttp is less safe: a public suffix gets no cookie, ``__Secure-`` and ``__Host-`` are kept to, and no
response in the clear hides a secure cookie. The RFC is also kept to in what aiohttp only reads otherwise: an
``Expires`` at the first second of 1970 has passed, a domain in capitals is a domain, one with a dot at its
end is no host's, paths are compared as they are sent, of two attributes with one name the last that is valid
counts, and nothing lasts longer than 400 days.
"""

from __future__ import annotations

import io
import json
import math
import os
import pickle
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from email.utils import formatdate
from http.cookies import BaseCookie, CookieError, Morsel, SimpleCookie
from types import MappingProxyType
from typing import Any, Final

from yarl import URL

from aioxide._core import Cookie, Cookies, cookies_as_aiohttp

from ._set_cookie import morsel, response_cookies, unquoted
from .abc import AbstractCookieJar
from .helpers import is_ip_address

__all__ = ["CookieJar", "DummyCookieJar", "native_jar", "response_cookies"]

_Path = str | os.PathLike[str]

# What a file says otherwise.
_NOT_SAVED: Final = frozenset({"max-age", "expires"})
_PICKLED: Final = frozenset(
    {
        ("builtins", "dict"),
        ("builtins", "frozenset"),
        ("builtins", "set"),
        ("builtins", "tuple"),
        ("collections", "defaultdict"),
        ("http.cookies", "Morsel"),
        ("http.cookies", "SimpleCookie"),
    }
)


class CookieJar(AbstractCookieJar):
    """Cookies that servers set, and that go with later requests.

    Args:
        unsafe: Whether hosts that are addresses have cookies.
        quote_cookie: Whether values are sent in quotes if they need them.
        treat_as_secure_origin: URLs to whose origins secure cookies are sent although they do not speak TLS.
        loop: Not used.
    """

    def __init__(
        self,
        *,
        unsafe: bool = False,
        quote_cookie: bool = True,
        treat_as_secure_origin: str | URL | Iterable[str | URL] | None = None,
        loop: Any = None,
    ) -> None:
        given = treat_as_secure_origin or ()
        if isinstance(given, (str, URL)):
            given = (given,)
        self._loop = loop
        self._unsafe = unsafe
        self._quote_cookie = quote_cookie
        self._trusted = frozenset(URL(url).origin() for url in given)
        self._native = self._anew()

    def _anew(self) -> Cookies:
        return cookies_as_aiohttp(self._unsafe, self._quote_cookie, [str(url) for url in self._trusted])

    @property
    def unsafe(self) -> bool:
        """Whether hosts that are addresses have cookies."""
        return self._unsafe

    @property
    def quote_cookie(self) -> bool:
        """Whether values are sent in quotes if they need them."""
        return self._quote_cookie

    @property
    def treat_as_secure_origin(self) -> frozenset[URL]:
        """Origins to which secure cookies are sent although they do not speak TLS."""
        return self._trusted

    @property
    def cookies(self) -> MappingProxyType[tuple[str, str], SimpleCookie]:
        """The cookies by domain and path, as they are now."""
        return MappingProxyType(self._cookies)

    @property
    def _cookies(self) -> dict[tuple[str, str], SimpleCookie]:
        found: dict[tuple[str, str], SimpleCookie] = {}
        for cookie in self._native.all():
            shown = _shown(cookie)
            if shown is not None:
                place = found.setdefault(_place(cookie), SimpleCookie())
                dict.__setitem__(place, cookie.name, shown)
        return found

    @property
    def host_only_cookies(self) -> frozenset[tuple[str, str, str]]:
        """Domain, path and name of those that are not for the hosts below theirs."""
        return frozenset((*_place(one), one.name) for one in self._native.all() if one.host_only)

    def __iter__(self) -> Iterator[Morsel[str]]:
        for cookies in self._cookies.values():
            yield from cookies.values()

    def __len__(self) -> int:
        return len(self._native.all())

    def clear(self, predicate: Callable[[Morsel[str]], bool] | None = None) -> None:
        """Remove all cookies, or those that ``predicate`` says."""
        if predicate is None:
            self._native.clear()
            return
        for cookie in self._native.all():
            shown = _shown(cookie)
            if shown is None or predicate(shown):
                self._native.delete(cookie.name, domain=cookie.domain, path=cookie.path)

    def clear_domain(self, domain: str) -> None:
        """Remove the cookies of a domain and of those below it."""
        self.clear(lambda cookie: _matches(domain, cookie["domain"]))

    def update_cookies(self, cookies: Any, response_url: URL = URL()) -> None:  # noqa: B008
        """Keep cookies as if a response from ``response_url`` had set them; without one, for every host.

        Args:
            cookies: A mapping or pairs of a name and text, a Morsel, or a SimpleCookie.
            response_url: Where they come from.
        """
        for name, cookie in cookies.items() if isinstance(cookies, Mapping) else cookies:
            self._keep(self._native, _as_morsel(name, cookie), response_url)

    def _keep(self, jar: Cookies, cookie: Morsel[str], url: URL, expires: float | None = None) -> None:
        """Keep a cookie by way of the header that it writes."""
        try:
            header = cookie.OutputString()
        except CookieError:
            # It has what no header can hold.
            return
        domain = cookie["domain"].strip(".")
        if cookie["domain"].endswith("."):
            domain = cookie["domain"] = ""
            header = cookie.OutputString()
        is_for_all = not url.raw_host and not domain
        origin = url if url.raw_host else URL.build(scheme="https", host=domain or "host.invalid")
        if not is_for_all and expires is None:
            jar.extract(_asked(origin), [header])
            return
        asked = self._anew()
        asked.extract(_asked(origin), [header])
        kept = asked.all()
        if is_for_all and not kept:
            # It has passed.
            jar.delete(cookie.key, domain="", path="/")
        for one in kept:
            jar.update([_with(one, is_for_all, expires)])

    def update_cookies_from_headers(self, headers: Sequence[str], response_url: URL) -> None:
        """Keep what the ``Set-Cookie`` headers of a response say."""
        if headers and response_url.raw_host:
            values = [header.encode("utf-8", "surrogateescape") for header in headers]
            self._native.extract(_asked(response_url), values)

    def filter_cookies(self, request_url: URL = URL()) -> BaseCookie[str]:  # noqa: B008
        """Give the cookies for a request: of each name the one of the longest domain and path."""
        if type(request_url) is not URL:
            warnings.warn(
                "filter_cookies expects yarl.URL instances only,"
                f"and will stop working in 4.x, got {type(request_url)}",
                DeprecationWarning,
                stacklevel=2,
            )
            request_url = URL(request_url)
        # A URL without a host gets the cookies that are for every host.
        url = request_url if request_url.raw_host else URL("http://host.invalid")
        filtered: BaseCookie[str] = BaseCookie()
        for pair in (self._native.header_for(_asked(url)) or "").split("; "):
            name, _, coded = pair.partition("=")
            sent = morsel(name, unquoted(coded) if self._quote_cookie else coded, coded) if name else None
            if sent is not None:
                dict.__setitem__(filtered, name, sent)
        return filtered

    def save(self, file_path: _Path) -> None:
        """Write the cookies to a file, in JSON, as aiohttp does; only its owner may read it."""
        saved: dict[str, dict[str, dict[str, Any]]] = {}
        for cookie in self._native.all():
            shown = _shown(cookie)
            if shown is None:
                continue
            said: dict[str, Any] = {
                "key": shown.key,
                "value": shown.value,
                "coded_value": shown.coded_value,
                **{name: value for name, value in shown.items() if value and name not in _NOT_SAVED},
            }
            if cookie.host_only:
                said["host_only"] = True
            if cookie.expires is not None:
                said["expires_timestamp"] = cookie.expires
            saved.setdefault("|".join(_place(cookie)), {})[shown.key] = said
        opener = _private
        with open(file_path, "w", encoding="utf-8", opener=opener) as file:
            json.dump(saved, file, indent=2)

    def load(self, file_path: _Path) -> None:
        """Read the cookies that `save` has written, in place of those there are.

        The pickles of older versions of aiohttp are read as well, with nothing in them but cookies.

        Raises:
            ValueError: The file is not one of cookies.
            pickle.UnpicklingError: It is a pickle with something else in it.
        """
        with open(file_path, "rb") as file:
            content = file.read()
        try:
            data = json.loads(content)
        except ValueError:
            pickled = _Unpickler(content).load()
            found: list[tuple[str, Morsel[str], float | None, bool]] = [
                (domain, one, None, False)
                for (domain, _), cookies in pickled.items()
                for one in cookies.values()
            ]
        else:
            found = list(_from_json(data))
        loaded = self._anew()
        for domain, one, expires, host_only in found:
            if host_only:
                one["domain"] = ""
            url = URL.build(scheme="https", host=domain) if domain else URL()
            self._keep(loaded, one, url, expires)
        self._native.clear()
        self._native.update(loaded)


class DummyCookieJar(AbstractCookieJar):
    """A jar that keeps nothing."""

    def __init__(self, *, loop: Any = None) -> None:
        self._loop = loop

    def __iter__(self) -> Iterator[Morsel[str]]:
        return iter(())

    def __len__(self) -> int:
        return 0

    @property
    def unsafe(self) -> bool:
        """False."""
        return False

    @property
    def quote_cookie(self) -> bool:
        """True."""
        return True

    @property
    def cookies(self) -> MappingProxyType[tuple[str, str], SimpleCookie]:
        """Nothing."""
        return MappingProxyType({})

    @property
    def host_only_cookies(self) -> frozenset[tuple[str, str, str]]:
        """Nothing."""
        return frozenset()

    def clear(self, predicate: Callable[[Morsel[str]], bool] | None = None) -> None:
        """Do nothing."""

    def clear_domain(self, domain: str) -> None:
        """Do nothing."""

    def update_cookies(self, cookies: Any, response_url: URL = URL()) -> None:  # noqa: B008
        """Do nothing."""

    def update_cookies_from_headers(self, headers: Sequence[str], response_url: URL) -> None:
        """Do nothing."""

    def filter_cookies(self, request_url: URL) -> BaseCookie[str]:
        """Give no cookies."""
        return SimpleCookie()


_ASKED: Final = ("update_cookies", "update_cookies_from_headers", "filter_cookies")


def native_jar(jar: Any) -> Cookies | None:
    """Give the native jar behind a `CookieJar`, for a client to use in its place.

    None where the jar has to be asked itself: it is of another class, or of one derived from ours that does
    something of its own.
    """
    if not isinstance(jar, CookieJar):
        return None
    own = all(getattr(type(jar), name) is getattr(CookieJar, name) for name in _ASKED)
    return jar._native if own else None


def _asked(url: URL) -> str:
    """Give the URL in ASCII, without credentials."""
    scheme = {"ws": "http", "wss": "https"}.get(url.scheme, url.scheme)
    return str(url.with_user(None).with_scheme(scheme))


def _place(cookie: Cookie) -> tuple[str, str]:
    return cookie.domain.strip("[]"), cookie.path.rstrip("/")


def _shown(cookie: Cookie) -> Morsel[str] | None:
    shown = morsel(cookie.name, unquoted(cookie.value), cookie.value)
    if shown is not None:
        said: dict[str, Any] = {"domain": cookie.domain.strip("[]"), "path": cookie.path}
        if cookie.expires is not None:
            said["expires"] = formatdate(cookie.expires, usegmt=True)
        if cookie.secure:
            said["secure"] = True
        if cookie.http_only:
            said["httponly"] = True
        if cookie.same_site is not None:
            said["samesite"] = cookie.same_site
        dict.update(shown, said)
    return shown


def _as_morsel(name: str, cookie: Any) -> Morsel[str]:
    if isinstance(cookie, Morsel):
        return cookie.copy()
    made = SimpleCookie()
    made[name] = cookie
    return made[name]


def _with(cookie: Cookie, is_for_all: bool, expires: float | None) -> Cookie:
    """Give a copy that is for every host, or ends at another time."""
    return Cookie(
        cookie.name,
        cookie.value,
        domain="" if is_for_all else cookie.domain,
        path="/" if is_for_all else cookie.path,
        expires=cookie.expires if expires is None else expires,
        secure=cookie.secure,
        http_only=cookie.http_only,
        same_site=cookie.same_site,
        host_only=cookie.host_only and not is_for_all,
    )


def _matches(domain: str, host: str) -> bool:
    if domain == host:
        return True
    return bool(host.endswith(f".{domain}")) and not is_ip_address(host)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class _Unpickler(pickle._Unpickler):
    """Reads pickles of cookies, and nothing else."""

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content))

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _PICKLED:
            raise pickle.UnpicklingError(
                f"Forbidden class: {module}.{name}. There are only cookies in a file of them."
            )
        return super().find_class(module, name)


def _from_json(data: Any) -> Iterator[tuple[str, Morsel[str], float | None, bool]]:
    """Read what was saved: domain, cookie, end, and whether it is for that host alone."""
    for place, cookies in data.items():
        domain, _, _ = place.partition("|")
        for name, said in cookies.items():
            expires = said.get("expires_timestamp")
            if expires is not None:
                try:
                    expires = float(expires)
                except (OverflowError, TypeError, ValueError):
                    expires = math.nan
                if not math.isfinite(expires):
                    raise ValueError(
                        f"Cookie {name!r} in {place!r}: expiration timestamp must be a finite number"
                    )
            cookie = morsel(said["key"], said["value"], said["coded_value"])
            if cookie is None:
                raise ValueError(f"Cookie {name!r} in {place!r} cannot be one")
            for attribute in set(cookie) & set(said):
                cookie[attribute] = said[attribute]
            yield domain, cookie, expires, bool(said.get("host_only"))
