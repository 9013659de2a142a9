"""TLS for the scripts of `RawServer`.

context = accepting(authority.issue("localhost"), alpn=["http/1.1"])
with RawServer(secured := Secured(context, reply(OK))) as server:
    ...                             # https://localhost:{server.port}/
assert secured.names == ["localhost"]
"""

import ssl
from collections.abc import Iterable
from pathlib import Path

from tests.servers.certificates import Certificate
from tests.servers.raw import Connection, Script


def accepting(
    certificate: Certificate,
    *,
    alpn: Iterable[str] = (),
    newest: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED,
    clients: Path | None = None,
) -> ssl.SSLContext:
    """What a server with this certificate is made with. ``clients``: who has to have signed theirs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate.pair)
    context.maximum_version = newest
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


class Secured:
    """A script inside TLS. A handshake that fails is kept here, and fails nothing."""

    def __init__(self, context: ssl.SSLContext, script: Script) -> None:
        self._context = context
        self._script = script
        #: What each client said the server's name is, None where it did not say.
        self.names: list[str | None] = []
        #: What was settled by ALPN.
        self.protocols: list[str | None] = []
        self.versions: list[str | None] = []
        #: The connections inside TLS.
        self.connections: list[Connection] = []
        #: Why handshakes failed.
        self.errors: list[str] = []
        context.sni_callback = lambda _peer, name, _context: self.names.append(name)

    def __call__(self, connection: Connection) -> None:
        # A copy: the server wakes whoever reads by a shutdown of its own.
        with connection.socket.dup() as peer:
            try:
                peer = self._context.wrap_socket(peer, server_side=True)
            except OSError as error:
                self.errors.append(str(error))
                # What the client still sends must not turn the alert into an RST.
                connection.end()
            with peer:
                self.protocols.append(peer.selected_alpn_protocol())
                self.versions.append(peer.version())
                inside = Connection(peer)
                self.connections.append(inside)
                try:
                    self._script(inside)
                except ssl.SSLError as error:
                    # It may be only now that a client of TLS 1.3 says what it does not like.
                    self.errors.append(str(error))
