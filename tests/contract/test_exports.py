"""The public names: all there, nothing more, each with a docstring and known by where it is imported from."""

import importlib
import importlib.resources
import inspect
import pkgutil
import types

import pytest

import aioxide

MODULES = [
    module
    for info in pkgutil.walk_packages(aioxide.__path__, "aioxide.")
    if not info.name.endswith("__main__")
    for module in [importlib.import_module(info.name)]
    if hasattr(module, "__all__")
]


def public(module):
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }


def test_all_is_sorted_and_complete():
    for name in aioxide.__all__:
        # Some are imported when they are asked for.
        getattr(aioxide, name)
    assert aioxide.__all__ == sorted(aioxide.__all__)
    assert len(set(aioxide.__all__)) == len(aioxide.__all__)
    assert set(aioxide.__all__) - {"__version__"} == public(aioxide)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_name_of_all_is_there(module):
    for name in module.__all__:
        assert hasattr(module, name), name


@pytest.mark.parametrize("name", [name for name in aioxide.__all__ if name != "__version__"])
def test_what_is_public_says_what_it_is(name):
    value = getattr(aioxide, name)
    assert (inspect.getdoc(value) or "").strip(), "no docstring"
    assert value.__name__ == name
    if isinstance(value, type):
        assert value.__module__ in {"aioxide", "aioxide.exceptions", "aioxide.tasks"}, (
            "where it is imported from"
        )


@pytest.mark.parametrize("name", [name for name in aioxide.__all__ if name != "__version__"])
def test_public_methods_say_what_they_do(name):
    value = getattr(aioxide, name)
    if not isinstance(value, type) or issubclass(value, BaseException):
        pytest.skip("no class with methods of ours")
    silent = [
        member
        for member, function in vars(value).items()
        if not member.startswith("_") and callable(function) and not (function.__doc__ or "").strip()
    ]
    assert silent == []


def test_the_version_is_one_that_packages_have():
    assert aioxide.__version__.count(".") >= 2
    assert all(part.isdigit() for part in aioxide.__version__.split(".")[:2])


def test_the_package_is_typed():
    assert importlib.resources.files("aioxide").joinpath("py.typed").is_file()


def test_importing_is_quiet_and_light(script):
    """No loop, no client, and none of the peers is imported."""
    printed = script.works(
        "import sys, aioxide\n"
        "print([name for name in ('aiohttp', 'httpx', 'uvloop', 'anyio', 'pytest') if name in sys.modules])",
        flags=("-W", "error"),
    )
    assert printed == "[]\n"
