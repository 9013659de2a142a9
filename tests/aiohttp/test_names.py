"""Every name of aiohttp's client side is here, and works where aiohttp is absent; what the small ones do."""

import ast
import asyncio
import importlib
import socket
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDict
from yarl import URL

import aioxide.aiohttp as drop_in
from aioxide.aiohttp import client_middleware_digest_auth, hdrs, helpers, http, resolver, typedefs
from tests.aiohttp.absent import without_aiohttp

ASYNCIO = pytest.mark.asyncio(loop_factories=["asyncio"])

#: What is left out of aiohttp's `__all__`, and why.
LEFT_OUT = {
    "AddrInfoType": "sockets are made natively",
    "SocketFactoryType": "sockets are made natively",
    "ChainMapProxy": "of the server's requests",
    "DataQueue": "of the protocol's inner life",
    "FlowControlDataQueue": "of the protocol's inner life",
    "ETag": "of the server's responses",
    "GunicornUVLoopWebWorker": "a server",
    "GunicornWebWorker": "a server",
    "UploadTracker": "new in 3.14, and refused as upload_tracker=",
    "set_zlib_backend": "decompression is native",
    "streamer": "deprecated by aiohttp since 3.3",
    **{
        name: "the WebSocket is in the making"
        for name in (
            "ClientWSTimeout",
            "ClientWebSocketResponse",
            "WSCloseCode",
            "WSMessage",
            "WSMsgType",
            "WebSocketError",
        )
        if not hasattr(drop_in, name)
    },
}


def test_every_name_of_aiohttp_is_here_or_left_out_for_a_reason() -> None:
    missing = {name for name in aiohttp.__all__ if not hasattr(drop_in, name)}
    assert missing == set(LEFT_OUT)
    assert set(aiohttp.__all__) - set(LEFT_OUT) <= set(drop_in.__all__)
    assert drop_in.__version__ == aiohttp.__version__


def test_the_modules_have_aiohttps_names() -> None:
    folder = Path(drop_in.__file__).parent
    own = {path.stem for path in folder.glob("*.py") if not path.stem.startswith("_")}
    for name in ("abc", "client", "client_exceptions", "client_middlewares", "client_reqrep", "connector"):
        assert name in own
    for name in ("cookiejar", "formdata", "hdrs", "helpers", "http", "multipart", "payload", "resolver"):
        assert name in own
    for name in own - {"client_reqrep_types", "client_timeout", "header_names", "trust"}:
        importlib.import_module(f"aiohttp.{name}")


def test_all_of_it_is_there_where_aiohttp_is_absent() -> None:
    names = sorted(set(aiohttp.__all__) - set(LEFT_OUT))
    without_aiohttp(f"""
        from aioxide import aiohttp

        for name in {names!r}:
            getattr(aiohttp, name)
        assert aiohttp.HttpVersion11 == (1, 1)
        assert issubclass(aiohttp.ConnectionTimeoutError, TimeoutError)
    """)


def test_aiohttp_is_never_imported_for_aioxide() -> None:
    without_aiohttp("import aioxide\nassert 'yarl' not in sys.modules and 'multidict' not in sys.modules")


def test_nothing_imports_aiohttp_by_a_statement() -> None:
    folder = Path(drop_in.__file__).parent
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names.append(node.module or "")
            assert not any(name.partition(".")[0] == "aiohttp" for name in names), path


# ---- constants ----


def test_headers_and_methods() -> None:
    theirs = {name: value for name, value in vars(aiohttp.hdrs).items() if name.isupper()}
    ours = {name: value for name, value in vars(hdrs).items() if name.isupper()}
    theirs.pop("HOST_ALL", None)
    assert ours == {name: value for name, value in theirs.items() if name in ours}
    assert set(theirs) - set(ours) == set()


def test_versions() -> None:
    assert http.HttpVersion is aiohttp.HttpVersion
    assert (http.HttpVersion10, http.HttpVersion11) == (aiohttp.HttpVersion10, aiohttp.HttpVersion11)


def test_types() -> None:
    for name in typedefs.__all__:
        assert hasattr(aiohttp.typedefs, name)


# ---- credentials ----

CREDENTIALS = """
import warnings
from yarl import URL
warnings.simplefilter("ignore")

def seen(BasicAuth):
    one = BasicAuth("me", "p\\u00e4ss:word")
    yield tuple(one), one.encode(), BasicAuth("me", "p\\u00e4ss", "utf-8").encode()
    yield tuple(BasicAuth.decode(one.encode()))
    yield tuple(BasicAuth.from_url(URL("http://us%20er:p%40ss@h/"))), BasicAuth.from_url(URL("http://h/"))
    yield tuple(BasicAuth.from_url(URL("http://user@h/")))
    for call in (
        lambda: BasicAuth("a:b"), lambda: BasicAuth(None), lambda: BasicAuth("a", None),
        lambda: BasicAuth.decode("Basic"), lambda: BasicAuth.decode("Bearer x"),
        lambda: BasicAuth.decode("Basic %%%"), lambda: BasicAuth.decode("Basic YQ=="),
        lambda: BasicAuth.from_url("http://h/"),
    ):
        try:
            yield call()
        except Exception as error:
            yield type(error).__name__
"""


def test_credentials_are_the_same_where_aiohttp_is_absent() -> None:
    assert helpers.BasicAuth is aiohttp.BasicAuth
    scope: dict[str, Any] = {}
    import warnings

    with warnings.catch_warnings():
        exec(CREDENTIALS, scope)
        theirs = list(scope["seen"](aiohttp.BasicAuth))
    out = without_aiohttp(
        CREDENTIALS
        + "from aioxide.aiohttp.helpers import BasicAuth\n"
        + "assert 'hunter2' not in repr(BasicAuth('a', 'hunter2'))\n"
        + "print(repr(list(seen(BasicAuth))))"
    )
    assert eval(out) == theirs


def test_the_value_of_a_header() -> None:
    for arguments in [("me",), ("me", "p\u00e4ss"), ("m\u00e4", "p", "latin-1")]:
        assert helpers.encode_basic_auth(*arguments) == aiohttp.encode_basic_auth(*arguments)
    with pytest.raises(ValueError, match="not allowed"):
        helpers.encode_basic_auth("a:b")


def test_ours_is_made_without_a_warning() -> None:
    assert tuple(helpers.basic_auth("a", "b")) == ("a", "b", "latin1")
    with pytest.warns(DeprecationWarning, match="encode_basic_auth"):
        helpers.BasicAuth("a", "b")


@pytest.mark.parametrize(
    "text",
    ["", "text/html", "text/html; charset=utf-8", 'Application/LD+json; a="b c"; B=d', "*", ";;x=y", "a; b"],
)
def test_media_types(text: str) -> None:
    ours, theirs = helpers.parse_mimetype(text), aiohttp.helpers.parse_mimetype(text)
    assert (ours.type, ours.subtype, ours.suffix) == (theirs.type, theirs.subtype, theirs.suffix)
    assert ours.parameters == theirs.parameters


@pytest.mark.parametrize("host", [None, "", "h", "1.2.3.4", "::1", "1", "1.2.3.x"])
def test_addresses(host: str | None) -> None:
    assert helpers.is_ip_address(host) is bool(aiohttp.helpers.is_ip_address(host))


# ---- resolvers ----


@ASYNCIO
async def test_resolvers_resolve() -> None:
    for kind in (resolver.ThreadedResolver, resolver.AsyncResolver, resolver.DefaultResolver):
        ours = await kind().resolve("localhost", 80, socket.AF_INET)
        theirs = await aiohttp.ThreadedResolver().resolve("localhost", 80, socket.AF_INET)
        assert ours == theirs
        await kind().close()
    with pytest.raises(OSError, match=r"."):
        await resolver.ThreadedResolver().resolve("nothing.invalid")


@ASYNCIO
async def test_which_resolvers_a_connector_takes() -> None:
    class Own(resolver.ThreadedResolver):
        pass

    assert resolver.is_native(resolver.ThreadedResolver())
    assert resolver.is_native(resolver.AsyncResolver(loop=asyncio.get_running_loop()))
    assert resolver.is_native(aiohttp.ThreadedResolver())
    assert not resolver.is_native(Own())
    assert not resolver.is_native(object())
    with pytest.raises(NotImplementedError, match="name servers"):
        resolver.AsyncResolver(nameservers=["8.8.8.8"])
    assert isinstance(resolver.ThreadedResolver(), aiohttp.abc.AbstractResolver)


# ---- Digest ----


class Server:
    """A handler that wants a proof, as a middleware sees it."""

    def __init__(self, challenge: str) -> None:
        self.challenge = challenge
        self.seen: list[str | None] = []

    async def __call__(self, request: Any) -> Any:
        self.seen.append(request.headers.get("Authorization"))
        answered = self.seen[-1] is not None

        class Response:
            status = 200 if answered else 401
            headers = CIMultiDict({"WWW-Authenticate": self.challenge})
            url = request.url

            def release(self) -> None:
                pass

        return Response()


class Request:
    def __init__(self, url: str, body: Any = b"") -> None:
        self.method, self.url, self.body = "GET", URL(url), body
        self.headers: CIMultiDict[str] = CIMultiDict()


CHALLENGES = [
    'Digest realm="r", nonce="n", qop="auth"',
    'Digest realm="a \\"b\\"", nonce="n", qop="auth, auth-int", algorithm=SHA-256, opaque="o"',
    'Digest realm="r", nonce="n"',
    'Digest realm="r", nonce="n", algorithm=MD5-sess, qop=auth',
    'Digest realm="r", nonce="n", algorithm=SHA-512, qop="auth-int"',
]


def parsed(header: str) -> dict[str, str]:
    return aiohttp.client_middleware_digest_auth.parse_header_pairs(header.removeprefix("Digest "))


@pytest.mark.parametrize("challenge", CHALLENGES)
@ASYNCIO
async def test_a_proof_is_aiohttps(challenge: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import hashlib

    proofs = []
    for kind in (client_middleware_digest_auth.DigestAuthMiddleware, aiohttp.DigestAuthMiddleware):
        middleware, server = kind("me", "secret"), Server(challenge)
        for path in ("/a?b=c%20d", "/e"):
            assert (await middleware(Request(f"http://h{path}"), server)).status == 200
        assert [one is None for one in server.seen] == [True, False, False]
        proofs.append([parsed(one) for one in server.seen if one])
    for ours, theirs in zip(*proofs, strict=True):
        assert ours.keys() == theirs.keys()
        for name in ours.keys() - {"cnonce", "response"}:
            assert ours[name] == theirs[name]
    # What differs by the nonce is right.
    ours, theirs = (proof[0] for proof in proofs)
    for one in (ours, theirs):
        hashed = hashlib.new(
            one["algorithm"].upper().removesuffix("-SESS").replace("-", "") if "algorithm" in one else "md5"
        )
        assert hashed is not None

    def digest(*parts: str) -> str:
        name = ours["algorithm"].upper().removesuffix("-SESS").replace("-", "").lower()
        return hashlib.new(name, ":".join(parts).encode()).hexdigest()

    user = digest("me", ours["realm"], "secret")
    if "sess" in ours["algorithm"]:
        user = digest(user, "n", ours["cnonce"])
    qop = ours.get("qop")
    asked = digest("GET", ours["uri"], *([digest("")] if qop == "auth-int" else []))
    middle = [ours["nc"], ours["cnonce"], qop] if qop else []
    assert ours["response"] == digest(user, "n", *middle, asked)


@pytest.mark.parametrize(
    "challenge",
    [
        'Digest realm="r"',
        'Digest nonce="n"',
        'Digest realm="r", nonce=""',
        'Digest realm="r", nonce="n", algorithm=MD4',
        'Digest realm="r", nonce="n", qop="other"',
    ],
)
@ASYNCIO
async def test_challenges_that_cannot_be_met(challenge: str) -> None:
    for kind in (client_middleware_digest_auth.DigestAuthMiddleware, aiohttp.DigestAuthMiddleware):
        with pytest.raises(aiohttp.ClientError):
            await kind("me", "secret")(Request("http://h/"), Server(challenge))


@pytest.mark.parametrize("challenge", ["", "Basic realm=x", "Digest", "Digest ,"])
@ASYNCIO
async def test_what_is_no_challenge_is_the_answer(challenge: str) -> None:
    for kind in (client_middleware_digest_auth.DigestAuthMiddleware, aiohttp.DigestAuthMiddleware):
        server = Server(challenge)
        assert (await kind("me", "secret")(Request("http://h/"), server)).status == 401
        assert server.seen == [None]


@ASYNCIO
async def test_credentials_stay_with_their_origin() -> None:
    for kind in (client_middleware_digest_auth.DigestAuthMiddleware, aiohttp.DigestAuthMiddleware):
        middleware = kind("me", "secret")
        server = Server('Digest realm="r", nonce="n", domain="/a http://friend/x/"')
        for url in ("http://h/a", "http://h/a/b", "http://h/ab", "http://friend/x/y", "http://other/"):
            await middleware(Request(url), server)
        assert [one is None for one in server.seen] == [
            True, False,   # /a, challenged
            False,         # /a/b, below it
            True, False,   # /ab is not, and is challenged
            False,         # a friend's
            True,          # another's
        ]  # fmt: skip


@ASYNCIO
async def test_a_body_that_is_a_stream_is_not_proved() -> None:
    middleware = client_middleware_digest_auth.DigestAuthMiddleware("me", "secret")
    server = Server('Digest realm="r", nonce="n", qop="auth,auth-int"')
    await middleware(Request("http://h/", body=iter([b"a"])), server)
    assert "qop=auth," in (server.seen[-1] or "")
    middleware = client_middleware_digest_auth.DigestAuthMiddleware("me", "secret")
    with pytest.raises(aiohttp.ClientError, match="auth-int"):
        await middleware(
            Request("http://h/", body=iter([b"a"])), Server('Digest realm="r", nonce="n", qop=auth-int')
        )
    assert "secret" not in repr(middleware)


def test_logins() -> None:
    for arguments in [("a:b", "c"), (None, "c"), ("a", None)]:
        with pytest.raises(ValueError, match="not allowed"):
            client_middleware_digest_auth.DigestAuthMiddleware(*arguments)


def test_the_periphery_works_where_aiohttp_is_absent() -> None:
    out = without_aiohttp("""
        import asyncio, io
        from multidict import CIMultiDict
        from yarl import URL
        from aioxide import aiohttp
        from aioxide.aiohttp._bodies import body_of

        async def main():
            form = aiohttp.FormData({"a": "1"})
            form.add_field("f", io.BytesIO(b"abc"), filename="x.txt")
            headers = CIMultiDict()
            body = body_of(form, headers=headers)
            assert body.count(b"form-data") == 2 and headers["Content-Length"] == str(len(body))
            writer = aiohttp.MultipartWriter()
            writer.append("text")
            writer.append_json({}, {"Content-Encoding": "gzip"})
            pieces = [piece async for piece in body_of(writer, headers=CIMultiDict())]
            assert pieces[-1].endswith(b"--\\r\\n")
            jar = aiohttp.CookieJar()
            jar.update_cookies({"a": "b c"}, URL("http://h.test/"))
            assert jar.filter_cookies(URL("http://h.test/"))["a"].coded_value == '"b c"'
            aiohttp.TCPConnector(resolver=aiohttp.ThreadedResolver())
            aiohttp.DigestAuthMiddleware("a", "b")
            try:
                async with aiohttp.ClientSession() as session:
                    await session.get("http://nothing.invalid/")
            except aiohttp.ClientConnectorDNSError as error:
                print(type(error).__module__, error.host)

        asyncio.run(main())
    """)
    assert out == "aioxide.aiohttp.client_exceptions nothing.invalid\n"


def test_the_module_of_the_client_has_the_names_of_most() -> None:
    """Programs say `aiohttp.client.ClientError` and `from aiohttp.client import ClientTimeout`."""
    theirs = importlib.import_module("aiohttp.client")
    missing = {name for name in theirs.__all__ if not hasattr(drop_in.client, name)}
    assert missing == {"UploadTracker"}
    assert {name for name in theirs.__all__ if name not in drop_in.client.__all__} == missing
    assert drop_in.client.ClientError is aiohttp.ClientError
    assert drop_in.abc.ClearCookiePredicate


@pytest.mark.parametrize("name", ["connect", "_create_connection", "_get_ssl_context"])
@ASYNCIO
async def test_a_connector_that_connects_in_its_own_way_is_refused(name: str) -> None:
    """What overrides a method that is not called here would not have its effect."""
    with pytest.raises(TypeError, match=f"Own.{name} would not be called"):
        type("Own", (drop_in.TCPConnector,), {name: lambda self: None})
    theirs = type("Guard", (aiohttp.TCPConnector,), {"_resolve_host": lambda self: None})
    with pytest.raises(TypeError, match="a Guard connects in a way of its own"):
        drop_in.ClientSession(connector=theirs())
