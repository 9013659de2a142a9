"""How certificates are checked: what aiohttp's ``ssl=`` says, as settings of the native client."""

from __future__ import annotations

import ssl as _ssl
from typing import Any

__all__ = ["settings_of"]


def settings_of(ssl: Any) -> dict[str, Any]:
    """Give the settings of a native client for what ``ssl=`` may be.

    Of an ``SSLContext`` its CAs, its verify mode and its least version are read. OpenSSL does not tell whether a
    context has a certificate of the client's own, and gives no key away: such a context connects without it.

    Raises:
        NotImplementedError: It asks for what the native client does not do: a Fingerprint, or a check of the
            chain without one of the host's name.
        TypeError: It is something else.
    """
    if ssl is None or ssl is True:
        return {}
    if ssl is False:
        return {"verify": False}
    if not isinstance(ssl, _ssl.SSLContext):
        if hasattr(ssl, "fingerprint"):
            raise NotImplementedError(
                "a Fingerprint is not supported: give an SSLContext whose only CA is the server's certificate"
            )
        raise TypeError(f"ssl should be SSLContext, bool, Fingerprint or None, got {ssl!r} instead.")
    if ssl.verify_mode == _ssl.CERT_NONE:
        return {"verify": False}
    if not ssl.check_hostname:
        raise NotImplementedError(
            "an SSLContext with check_hostname=False that still checks certificates is not supported"
        )
    settings: dict[str, Any] = {}
    authorities = ssl.get_ca_certs(binary_form=True)
    if authorities:
        settings["verify"] = "".join(map(_ssl.DER_cert_to_PEM_cert, authorities))
    if ssl.minimum_version == _ssl.TLSVersion.TLSv1_3:
        settings["min_tls"] = "1.3"
    return settings
