import http.client
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from aioxide.testing import LocalSite


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


Get = Callable[..., Answer]


@pytest.fixture
def site() -> Iterator[LocalSite]:
    with LocalSite(pages=200) as site:
        yield site


@pytest.fixture
def get(site: LocalSite) -> Iterator[Get]:
    """Fetch a path of the site with the standard library's client, over one connection."""
    client = http.client.HTTPConnection(site.host, site.port, timeout=10)

    def get(path: str, method: str = "GET", **request: Any) -> Answer:
        client.request(method, path, **request)
        response = client.getresponse()
        return Answer(response.status, response.headers, response.read())

    yield get
    client.close()
