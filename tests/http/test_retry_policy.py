"""What a `Retry` is told and tells. What it decides is tested in Rust, under a fixed clock and chance."""

import copy
import pickle
import weakref
from http import HTTPStatus
from typing import Any

import pytest

import aioxide
from aioxide import Retry

USUAL_ERRORS = {
    aioxide.ConnectTimeout,
    aioxide.ReadTimeout,
    aioxide.PoolTimeout,
    aioxide.ConnectError,
    aioxide.ReadError,
    aioxide.WriteError,
    aioxide.RemoteProtocolError,
}
ALL_ERRORS = USUAL_ERRORS | {aioxide.WriteTimeout, aioxide.ProxyError}
USUAL_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PUT", "TRACE")


def test_what_it_is_by_itself() -> None:
    retry = Retry()
    assert retry.total == 3
    assert (retry.backoff, retry.max_backoff, retry.jitter) == (0.5, 30.0, True)
    assert retry.statuses == (429, 502, 503, 504)
    assert retry.methods == USUAL_METHODS
    assert set(retry.errors) == USUAL_ERRORS
    assert (retry.respect_retry_after, retry.max_retry_after) == (True, 60.0)
    assert retry.budget is None
    assert repr(retry) == "Retry(3)"


DIFFERENT: list[dict[str, Any]] = [
    {"total": 0},
    {"total": 2**32 - 1},
    {"backoff": 0},
    {"backoff": 0.1},
    {"max_backoff": 5},
    {"jitter": False},
    {"statuses": ()},
    {"statuses": [500]},
    {"methods": None},
    {"methods": ()},
    {"methods": ["POST"]},
    {"errors": ()},
    {"errors": aioxide.ReadError},
    {"errors": aioxide.NetworkError},
    {"respect_retry_after": False},
    {"max_retry_after": 0},
    {"max_retry_after": 3600},
    {"budget": 0.2},
    {"budget": 1},
]


@pytest.mark.parametrize("settings", DIFFERENT, ids=str)
def test_a_retry_is_a_value(settings: dict[str, Any]) -> None:
    retry = Retry(**settings)
    assert retry == Retry(**settings)
    assert hash(retry) == hash(Retry(**settings))
    assert retry != Retry()
    for twin in [pickle.loads(pickle.dumps(retry)), copy.copy(retry), copy.deepcopy(retry)]:
        assert twin == retry
        assert twin is not retry
        assert hash(twin) == hash(retry)
    shown = repr(retry)
    assert eval(shown, vars(aioxide)) == retry
    with pytest.raises(AttributeError):
        retry.total = 5  # type: ignore[misc]


def test_its_repr_shows_what_is_not_usual() -> None:
    retry = Retry(5, backoff=1, statuses=[503], methods=None, errors=[aioxide.ReadError], budget=0.2)
    shown = "Retry(5, backoff=1.0, statuses=(503,), methods=None, errors=(ReadError,), budget=0.2)"
    assert repr(retry) == shown
    assert repr(Retry(errors=())) == "Retry(3, errors=())"


def test_it_is_nothing_else() -> None:
    retry = Retry()
    assert retry != 3
    assert retry != "Retry(3)"
    assert weakref.ref(retry)() is retry
    with pytest.raises(TypeError):
        assert retry < Retry(4)  # type: ignore[operator]


@pytest.mark.parametrize("seconds", [0.1, 0.3, 1 / 3, 30.3, 1e-9, 123456.789])
def test_seconds_come_back_as_they_were_to_a_nanosecond(seconds: float) -> None:
    retry = Retry(backoff=seconds, max_backoff=seconds, max_retry_after=seconds)
    assert retry.backoff == pytest.approx(seconds, abs=1e-9)
    twin = pickle.loads(pickle.dumps(retry))
    assert twin == retry


def test_collections_are_any_and_in_any_order() -> None:
    assert Retry(statuses={503, 500}).statuses == (500, 503)
    assert Retry(statuses=[503, 500, 503]) == Retry(statuses=iter((500, 503)))
    assert Retry(statuses=range(500, 503)).statuses == (500, 501, 502)
    assert Retry(statuses=[HTTPStatus.BAD_GATEWAY]).statuses == (502,)
    assert Retry(methods=["post", "GET", "Post"]).methods == ("GET", "POST")
    assert Retry(methods={"PURGE"}).methods == ("PURGE",)
    assert Retry(methods=list(USUAL_METHODS)[::-1]) == Retry()
    assert Retry(errors=USUAL_ERRORS) == Retry()


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (aioxide.ReadError, {aioxide.ReadError}),
        ([aioxide.ReadError, aioxide.ReadError], {aioxide.ReadError}),
        (aioxide.NetworkError, {aioxide.ConnectError, aioxide.ReadError, aioxide.WriteError}),
        (ConnectionError, {aioxide.ConnectError, aioxide.ReadError, aioxide.WriteError}),
        (
            (aioxide.TimeoutException, aioxide.ProxyError),
            {
                aioxide.ConnectTimeout,
                aioxide.ReadTimeout,
                aioxide.WriteTimeout,
                aioxide.PoolTimeout,
                aioxide.ProxyError,
            },
        ),
        (
            TimeoutError,
            {aioxide.ConnectTimeout, aioxide.ReadTimeout, aioxide.WriteTimeout, aioxide.PoolTimeout},
        ),
        (aioxide.ProtocolError, {aioxide.RemoteProtocolError}),
        (aioxide.RequestError, ALL_ERRORS),
        (aioxide.HTTPError, ALL_ERRORS),
        (Exception, ALL_ERRORS),
    ],
)
def test_a_class_of_errors_means_its_subclasses_too(given: Any, meant: set[type[Exception]]) -> None:
    retry = Retry(errors=given)
    assert set(retry.errors) == meant
    assert len(retry.errors) == len(meant)


@pytest.mark.parametrize(
    "name",
    [
        "TLSError",
        "InvalidURL",
        "BodyTooLarge",
        "RobotsDisallowed",
        "TooManyRedirects",
        "DecodingError",
        "UnsupportedProtocol",
        "LocalProtocolError",
        "CloseError",
        "HTTPStatusError",
        "QueueFull",
    ],
)
def test_what_would_end_the_same_way_again_is_refused(name: str) -> None:
    for given in [getattr(aioxide, name), (aioxide.ReadError, getattr(aioxide, name))]:
        with pytest.raises(ValueError, match=rf"errors: {name} is not raised for what another"):
            Retry(errors=given)


@pytest.mark.parametrize("cls", [ValueError, KeyError, int, type("Own", (aioxide.ReadError,), {})])
def test_what_is_never_raised_is_refused(cls: Any) -> None:
    with pytest.raises(ValueError, match=rf"errors: {cls.__name__}"):
        Retry(errors=cls)


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"total": -1}, "total must be zero or more"),
        ({"total": 2**32}, "total must be zero or more"),
        ({"total": 10**30}, "total must be zero or more"),
        *(
            ({name: value}, f"{name} must be zero or more seconds")
            for name in ["backoff", "max_backoff", "max_retry_after"]
            for value in [-1, -0.001, NAN, INF, -INF, 1e300]
        ),
        ({"backoff": 10**400}, "backoff is out of range"),
        *(({"budget": value}, "more than 0 and at most 1") for value in [0, -0.1, 1.01, 20, NAN, INF]),
        *(({"statuses": [value]}, f"{value} is not an HTTP status") for value in [0, 99, 1000, -503, 10**9]),
    ],
)
def test_what_is_out_of_range_is_a_value_error(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Retry(**settings)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        *(({"total": value}, "total must be int") for value in [None, True, False, 3.0, "3", [3]]),
        *(
            ({name: value}, f"{name} must be a number")
            for name in ["backoff", "max_backoff", "max_retry_after"]
            for value in [None, True, "1", b"1", [1]]
        ),
        *(
            ({name: value}, f"{name} must be True or False")
            for name in ["jitter", "respect_retry_after"]
            for value in [None, 0, 1, "no", 0.5]
        ),
        *(({"statuses": value}, "statuses must be a collection of int") for value in [None, 503, "503", 5.0]),
        *(({"statuses": [value]}, "statuses must have int in it") for value in [None, True, "503", 503.0]),
        *(({"methods": value}, "methods must be a collection of str") for value in ["GET", 1, True]),
        *(({"methods": [value]}, "method must be str") for value in [None, 1, b"GET"]),
        *(
            ({"errors": value}, "errors must be a collection of exception classes")
            for value in [None, 1, "ReadError", aioxide.ReadError("it")]
        ),
        *(
            ({"errors": [value]}, "errors must have exception classes")
            for value in [None, aioxide.ReadError("")]
        ),
        *(({"budget": value}, "budget must be a number") for value in [True, False, "0.2", [0.2]]),
        ({"times": 3}, "unexpected keyword argument 'times'"),
    ],
)
def test_what_is_of_the_wrong_type_is_a_type_error(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(TypeError, match=words):
        Retry(**settings)


@pytest.mark.parametrize("method", ["", "G T", "GÉT", "GET\r\n", "CONNECT"])
def test_a_method_that_is_none_is_refused(method: str) -> None:
    with pytest.raises(aioxide.LocalProtocolError):
        Retry(methods=[method])


def test_only_the_number_may_be_given_by_place() -> None:
    assert Retry(5).total == Retry(total=5).total == 5
    with pytest.raises(TypeError):
        Retry(5, 0.5)  # type: ignore[misc]


def test_what_an_iterator_raises_comes_out() -> None:
    def broken() -> Any:
        yield 503
        raise KeyError("in the middle")

    for name in ["statuses", "methods", "errors"]:
        with pytest.raises((KeyError, TypeError)):
            Retry(**{name: broken()})
    with pytest.raises(KeyError, match="in the middle"):
        Retry(statuses=broken())
