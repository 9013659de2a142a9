"""Trust in one certificate, by its fingerprint."""

from __future__ import annotations

import hashlib

from ._installed import or_theirs

__all__ = ["Fingerprint"]


@or_theirs("aiohttp.client_reqrep")
class Fingerprint:
    """The SHA-256 digest of a server's certificate, 32 bytes.

    Given as ``ssl=``, it is all that is asked of the certificate: neither who has signed it matters, nor its
    name.

    Raises:
        ValueError: It is no SHA-256 digest.
    """

    def __init__(self, fingerprint: bytes) -> None:
        if len(fingerprint) in (16, 20):
            raise ValueError("md5 and sha1 are insecure and not supported. Use sha256.")
        if len(fingerprint) != hashlib.sha256().digest_size:
            raise ValueError("fingerprint has invalid length")
        self._fingerprint = fingerprint

    @property
    def fingerprint(self) -> bytes:
        """The digest."""
        return self._fingerprint
