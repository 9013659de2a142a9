"""How certificates are checked: what aiohttp's ``ssl=`` says, as settings of the native client."""

from __future__ import annotations

import ssl as _ssl
from typing import Any

__all__ = ["settings_of"]


def settings_of(ssl: Any) -> dict[str, Any]:
    """Give the settings of a native client for what ``ssl=`` may be.

    Of an ``SSLContext`` its CAs, its verify mode, ``check_hostname`` and its least version are read. OpenSSL
    does not tell whether a context has a certificate of the client's own, and gives no key away: such a
    context connects without it.

    With a ``Fingerprint`` nothing is asked of a certificate but that it has this one, as in aiohttp.

    Raises:
        TypeError: It is something else.
    """
    if ssl is None or ssl is True:
        return {}
    if ssl is False or isinstance(ssl, _ssl.SSLContext) or hasattr(ssl, "fingerprint"):
        return {"verify": ssl}
    raise TypeError(f"ssl should be SSLContext, bool, Fingerprint or None, got {ssl!r} instead.")
