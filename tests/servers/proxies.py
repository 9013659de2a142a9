"""Proxies from packages of the system, and one of our own for what those cannot do.

- `tinyproxy`: HTTP, says in ``Via`` that it was there.
- `microsocks`: SOCKS5, with a user and a password if wanted; resolves names, and logs where it connects to.
- `dante`: SOCKS4, SOCKS4a and SOCKS5.
- `tunnel`: a script that serves CONNECT, and may be put inside TLS.
"""

import os
import pwd
import socket
import threading
from contextlib import suppress
from pathlib import Path

from tests.servers.programs import Program, program
from tests.servers.raw import Connection

#: What ``Via`` has in it.
PSEUDONYM = "proxy-of-the-tests"


def tinyproxy(folder: Path, credentials: tuple[str, str] | None = None) -> Program:
    executable = program("tinyproxy")
    config = folder / "tinyproxy.conf"

    def command(port: int) -> list[str]:
        lines = [f"Port {port}", "Listen 127.0.0.1", "LogLevel Info", f'ViaProxyName "{PSEUDONYM}"']
        if credentials:
            lines.append("BasicAuth {} {}".format(*credentials))
        config.write_text("\n".join(lines) + "\n")
        return [executable, "-d", "-c", str(config)]

    return Program(command, folder / "tinyproxy.log")


def microsocks(folder: Path, credentials: tuple[str, str] | None = None) -> Program:
    executable = program("microsocks")
    who = ["-u", credentials[0], "-P", credentials[1]] if credentials else []
    return Program(
        lambda port: [executable, "-i", "127.0.0.1", "-p", str(port), *who], folder / "microsocks.log"
    )


DANTE = """
logoutput: stderr
internal: 127.0.0.1 port = {port}
external: 127.0.0.1
clientmethod: none
socksmethod: none
user.privileged: {privileged}
user.unprivileged: {unprivileged}
client pass {{ from: 127.0.0.1/32 to: 0.0.0.0/0 }}
socks pass {{ from: 127.0.0.1/32 to: 0.0.0.0/0 }}
"""


def dante(folder: Path) -> Program:
    executable = program("danted")
    config = folder / "danted.conf"
    me = pwd.getpwuid(os.geteuid()).pw_name
    somebody = "nobody" if os.geteuid() == 0 else me

    def command(port: int) -> list[str]:
        config.write_text(DANTE.format(port=port, privileged=me, unprivileged=somebody))
        return [executable, "-f", str(config)]

    return Program(command, folder / "danted.log")


def tunnel(connection: Connection) -> None:
    """Serve one CONNECT, to wherever."""
    method, target, _ = connection.read_head().split(b" ", 2)
    assert method == b"CONNECT"
    host, _, port = target.decode().rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port))) as server:
        connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        back = threading.Thread(target=_carry_back, args=(server, connection))
        back.start()
        try:
            while True:
                server.sendall(connection.take())
        finally:
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            back.join()


def _carry_back(server: socket.socket, connection: Connection) -> None:
    with suppress(OSError):
        while data := server.recv(65536):
            connection.send(data)
    with suppress(OSError):
        # That wakes who reads from the client.
        connection.socket.shutdown(socket.SHUT_RDWR)
