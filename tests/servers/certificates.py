"""Certificates for servers and clients, made with OpenSSL when they are needed.

authority = Authority(folder)
server = authority.issue("localhost", "127.0.0.1")
client = authority.issue("a client")
"""

import ipaddress
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")

CONFIG = """
[ca]
default_ca = it
[it]
database = {folder}/index
new_certs_dir = {folder}
certificate = {folder}/authority.pem
private_key = {folder}/authority.key
default_md = sha256
rand_serial = yes
unique_subject = no
policy = names
[names]
commonName = supplied
"""


@dataclass(frozen=True)
class Certificate:
    """Both in PEM."""

    certificate: Path
    key: Path

    @property
    def pair(self) -> tuple[Path, Path]:
        """As `cert=` takes it."""
        return self.certificate, self.key


class Authority:
    """Signs whatever it is asked to, and keeps it in ``folder``, whose name it has.

    Skips the test where OpenSSL is missing.
    """

    def __init__(self, folder: Path) -> None:
        if shutil.which("openssl") is None:
            pytest.skip("openssl is not installed")
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._count = 0
        #: Whom to trust.
        self.path = folder / "authority.pem"
        (folder / "index").touch()
        (folder / "config").write_text(CONFIG.format(folder=folder))
        self._openssl("req", "-x509", *NEW_KEY, "-keyout", "authority.key", "-out", "authority.pem",
                      "-days", "30", "-subj", f"/CN={folder.name}",
                      "-addext", "keyUsage=critical,keyCertSign,cRLSign")  # fmt: skip

    def issue(self, *names: str, ends: timedelta = timedelta(days=2)) -> Certificate:
        """A certificate for these names and addresses, good from long ago until ``ends`` from now."""
        kinds = ", ".join(f"{kind(name)}:{name}" for name in names)
        extensions = (
            "basicConstraints = critical, CA:FALSE\n"
            "extendedKeyUsage = serverAuth, clientAuth\n"
            "authorityKeyIdentifier = keyid\n"
            f"subjectAltName = {kinds}\n"
        )
        return self._issue(extensions, names[0], ends)

    def of_itself(self, name: str, ends: timedelta = timedelta(days=2)) -> Certificate:
        """A certificate for a server that is an authority, too, and has signed itself."""
        extensions = f"basicConstraints = critical, CA:TRUE\nsubjectAltName = {kind(name)}:{name}\n"
        return self._issue(extensions, name, ends, own=True)

    def _issue(self, extensions: str, name: str, ends: timedelta, *, own: bool = False) -> Certificate:
        self._count += 1
        stem = f"certificate-{self._count}"
        (self._folder / f"{stem}.ext").write_text(extensions)
        self._openssl("req", "-new", *NEW_KEY, "-keyout", f"{stem}.key", "-out", f"{stem}.csr",
                      "-subj", f"/CN={name}")  # fmt: skip
        signer = ("-selfsign", "-keyfile", f"{stem}.key") if own else ()
        now = datetime.now(UTC)
        self._openssl("ca", "-batch", "-notext", "-config", "config", "-extfile", f"{stem}.ext", *signer,
                      "-startdate", stamp(now - timedelta(days=90)), "-enddate", stamp(now + ends),
                      "-in", f"{stem}.csr", "-out", f"{stem}.pem")  # fmt: skip
        return Certificate(self._folder / f"{stem}.pem", self._folder / f"{stem}.key")

    def _openssl(self, *args: str) -> None:
        command = ["openssl", *args]
        done = subprocess.run(command, cwd=self._folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done


def stamp(moment: datetime) -> str:
    """ASN.1's UTCTime."""
    return moment.strftime("%y%m%d%H%M%SZ")


def kind(name: str) -> str:
    """What OpenSSL calls such a name."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return "DNS"
    return "IP"
