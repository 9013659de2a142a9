"""nginx, with the configuration that a test needs.

    with Nginx(folder, plain=Server("location / { return 200 hello; }")) as nginx:
        ...                             # f"{nginx['plain']}/"

It is handed sockets that listen already, in the way in which a running nginx hands them to its successor: no
port can be taken by somebody else, and nobody has to wait until it is ready.
"""

import os
import re
import signal
import socket
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.certificates import Certificate
from tests.servers.programs import PATIENCE, program

CONFIG = """
{user}
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log info;
events {{ worker_connections 1000; }}
http {{
    access_log {folder}/access.log;
    default_type application/octet-stream;
    types {{ text/plain txt; text/html html; }}
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    root {folder}/www;
    {common}
    {servers}
}}
"""


@dataclass(frozen=True)
class Server:
    """One `server` block, with a port of its own; ``{name.url}`` and ``{name.port}`` in it are another's."""

    directives: str
    #: For https.
    certificate: Certificate | None = None
    http2: bool = False


class Nginx:
    """Serves ``folder / "www"`` and whatever the servers say, while its ``with`` block runs.

    Args:
        folder: Where everything of it is.
        common: What stands before the servers, in the `http` block.
        servers: Each gets a port; ``nginx["name"]`` is its URL, without a slash at the end.
    """

    def __init__(self, folder: Path, common: str = "", **servers: Server) -> None:
        self._executable = program("nginx")
        self._folder = folder
        self._servers = servers
        self._common = common
        (folder / "www").mkdir(parents=True, exist_ok=True)
        self.ports: dict[str, int] = {}

    def __getitem__(self, name: str) -> str:
        if self._servers[name].certificate:
            return f"https://localhost:{self.ports[name]}"
        return f"http://127.0.0.1:{self.ports[name]}"

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in self._servers]
            numbers = [listener.getsockname()[1] for listener in sockets]
            self.ports = dict(zip(self._servers, numbers, strict=True))
            config = self._folder / "nginx.conf"
            config.write_text(self._config())
            for listener in sockets:
                # It takes them as they are: of two workers that accept one would wait for good.
                listener.setblocking(False)
            handed = [listener.fileno() for listener in sockets]
            self._process = subprocess.Popen(
                [self._executable, "-p", self._folder, "-c", config, "-e", self._folder / "error.log"],
                env={**os.environ, "NGINX": "".join(f"{number};" for number in handed)},
                pass_fds=handed,
                stdin=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait(PATIENCE)
        if bad := re.findall(r".*\[(?:alert|emerg)\].*", self.log()):
            raise AssertionError(f"nginx has failed: {bad}")

    def log(self) -> str:
        """What it has said of itself."""
        return (self._folder / "error.log").read_text(errors="replace")

    def reload(self) -> None:
        """Have it replace its workers; the old ones finish what they are at. Only after an answer."""
        self._process.send_signal(signal.SIGHUP)

    def quit(self) -> None:
        """Have it end when it has finished what it is at. Only after an answer."""
        self._process.send_signal(signal.SIGQUIT)

    def wait(self) -> None:
        """Wait until it has ended."""
        self._process.wait(PATIENCE)

    def _config(self) -> str:
        blocks = []
        for name, server in self._servers.items():
            how = (" ssl" if server.certificate else "") + (" http2" if server.http2 else "")
            lines = [f"listen 127.0.0.1:{self.ports[name]}{how};", "server_name localhost;"]
            if server.certificate:
                certificate, key = server.certificate.pair
                lines += [f"ssl_certificate {certificate};", f"ssl_certificate_key {key};"]
            blocks.append("\n".join(["server {", *lines, self._named(server.directives), "}"]))
        # As root its workers are nobody, who may not read this folder.
        user = "user root;" if os.geteuid() == 0 else ""
        return CONFIG.format(
            user=user, folder=self._folder, common=self._named(self._common), servers="\n".join(blocks)
        )

    def _named(self, text: str) -> str:
        def of(found: re.Match[str]) -> str:
            name, what = found.groups()
            return self[name] if what == "url" else str(self.ports[name])

        return re.sub(r"\{(\w+)\.(url|port)\}", of, text)
