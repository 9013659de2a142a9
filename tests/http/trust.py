"""Whom a client of a local site has to trust."""

from aioxide.testing import LocalSite


def authority(site: LocalSite) -> str:
    """The path of the certificate to trust."""
    path = site.certificate_path
    assert path is not None
    return path
