"""``python -m aioxide.testing``: serve the local site until stdin closes, or SIGINT or SIGTERM comes.

Prints one line of JSON when it accepts connections: ``url``, ``port`` and ``certificate``, the path of the
PEM file to trust (null without TLS). Exit status 0, or 1 and a list if anything failed in the site.
"""

import argparse
import json
import signal
import sys

from aioxide._core import LocalSite


def main() -> int:
    """Serve with the options of the command line; the exit status."""
    options = _parser().parse_args()
    site = LocalSite(
        host=options.host,
        port=options.port,
        tls=options.tls,
        http2=options.http2,
        workers=options.workers,
        pages=options.pages,
        log=options.log,
    )
    try:
        site.start()
        _serve(site)
        site.stop()
    except (OSError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _serve(site: LocalSite) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        ready = {"url": site.url, "port": site.port, "certificate": site.certificate_path}
        print(json.dumps(ready), flush=True)
        while sys.stdin.buffer.read(4096):
            pass
    except KeyboardInterrupt:
        pass


def _parser() -> argparse.ArgumentParser:
    switch = argparse.BooleanOptionalAction
    parser = argparse.ArgumentParser(prog="python -m aioxide.testing", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=0, help="0 for any that is free (%(default)s)")
    parser.add_argument("--tls", action="store_true", help="speak TLS, with a certificate of its own making")
    parser.add_argument("--http2", action=switch, default=True, help="speak HTTP/2 as well (%(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="threads that serve (%(default)s)")
    parser.add_argument("--pages", type=int, default=5000, help="books in the shop (%(default)s)")
    parser.add_argument("--log", action=switch, default=True, help="count requests by path (%(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
