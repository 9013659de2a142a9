"""What tests, benches and the demo stand on: a local web site, and operations with known ends.

    with LocalSite() as site:
        answer = urllib.request.urlopen(f"{site.url}/bytes/1024").read()
        assert site.statistics()["requests_finished"] == 1

The site runs on threads of its own, inside this process; ``site_process`` serves it from another one, and
so does ``python -m aioxide.testing``. It speaks HTTP/1.1 and, on the same port, HTTP/2.

A request's body is read to its end before a route answers, except by ``/hang``. Wherever a route answers
"n bytes" they are ``pattern(n)``. Any method does; an unknown path is a 404, a bad number a 400, and
both say why.

============================  ================================================================================
``/``                         an index of these routes
``/bytes/{n}``                n bytes
``/file/{n}``                 n bytes that can be had in parts, with an ``ETag``, or the query's ``etag``, and
                              its ``last-modified``; with ``cut=`` an answer breaks off after so many bytes,
                              with ``stall=`` no more comes after them
``/json``, ``/json/{n}``      one object, a list of n of them
``/delay/{ms}``               an answer after ms milliseconds
``/hang``                     never an answer
``/hang/body``                a head that promises two bytes, one of them, and never the other
``/chunked/{n}/{size}``       n pieces of size bytes (at most 256 KiB) without a content-length
``/stream/{n}/{size}/{ms}``   the same, with a pause of ms milliseconds between two pieces
``/truncated/{n}``            a head that promises n bytes, half of them, and the end of the connection
``/close``                    an answer on a connection that takes no further request
``/status/{code}``            that status, 200 to 999; the query's pairs are headers of the answer
``/flaky/{name}/{n}``         503, or the query's ``status``, the first n times that this name is asked for;
                              further pairs of the query are headers of the failures
``/redirect/{n}``             n hops to ``/redirect/0``, which answers
``/redirect/to?url=``         302, or the query's ``status``, to that URL
``/redirect/loop``            to itself
``/gzip/{n}``                 n bytes, compressed; so ``/br/{n}``, ``/zstd/{n}``, ``/deflate/{n}``
``/broken/{coding}``          a body that is not what its content-encoding says; so ``/gzip/broken``, ...
``/mixed/{n}``                one of many pages as the web has them: HTML of 5 to 200 KB, in gzip, after a
                              pause of mostly 4 to 20 and at most 500 ms; one in a hundred is a 503, and one
                              breaks off with its connection; the same number brings the same
``/charset/{label}``          text in the encoding of that label: the query's ``text``, or a sample
``/echo``                     the request as JSON: method, target, authority, path, query (pairs), version,
                              headers (pairs), body, body_encoding ("utf-8" or "base64"), length
``/echo/body``                the request's body, with its content-type; at most 64 MiB
``/upload``                   ``{"length": ...}`` of the request's body, however long
``/headers?name=value``       the query's pairs as headers, repeated ones repeatedly
``/cookies``                  the request's cookies, as an object
``/cookies/set?name=value``   sets the query's pairs and redirects to ``/cookies``
``/robots.txt``               what robots are asked to leave alone: ``/hang`` among others
``/statistics``               ``LocalSite.statistics()`` as JSON
``/site/``                    a bookshop to scrape: links to ``/site/page/{i}`` lead from page to page to all
                              of them; each links to its data, ``/site/api/item/{i}``
============================  ================================================================================
"""

from aioxide._core import (
    LocalSite,
    SeenRequest,
    bridge_statistics,
    echo,
    noop,
    pattern,
    pending,
    pending_count,
)
from aioxide.testing.process import SiteProcess, site_process

__all__ = [
    "LocalSite",
    "SeenRequest",
    "SiteProcess",
    "bridge_statistics",
    "echo",
    "noop",
    "pattern",
    "pending",
    "pending_count",
    "site_process",
]
