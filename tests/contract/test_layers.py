"""The floors of the architecture, read from the sources: nothing imports from above, or from beside.

The checks are functions of a text, so that they are tested themselves on planted violations.
"""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
PACKAGE = ROOT / "python" / "aioxide"

# From the top to the bottom. Modules of one floor never import each other.
RUST_FLOORS = [
    {"lib"},
    {"info"},
    {"aiohttp", "httpx"},
    {"http", "websocket", "testing"},
    {"tasks"},
    {"timeouts", "sync", "net", "progress", "watchdog"},
    {"bridge"},
    {"runtime"},
    {"python"},
    {"error"},
]
PYTHON_FLOORS = [
    {"__init__", "__main__"},
    {"cli"},
    {"testing", "pytest_plugin"},
    {"asyncio", "aiohttp", "httpx"},
    {"outputs"},
    {"fetching", "hooks", "journal", "pool", "tasks", "timeouts", "uploads", "watching", "websocket"},
    {"connections", "records"},
    {"_core", "exceptions"},
]
LONGEST_FILE = 500


def floor_of(module, floors):
    for height, names in enumerate(reversed(floors)):
        if module in names:
            return height
    return None


def climb(module, used, floors):
    """What is wrong with `module` importing `used`; None if nothing is."""
    if module == used:
        return None
    mine, its = floor_of(module, floors), floor_of(used, floors)
    for name, height in ((module, mine), (used, its)):
        if height is None:
            return f"{name} stands on no floor"
    if its == mine:
        return f"{module} imports {used}, which is on its own floor"
    if its > mine:
        return f"{module} imports {used}, which is above it"
    return None


# ---- Rust ----


def without_comments(text):
    """The lines of a Rust source, numbered from 1, without comments and the contents of strings."""
    text = re.sub(r"/\*.*?\*/", lambda found: "\n" * found[0].count("\n"), text, flags=re.S)
    for number, line in enumerate(text.splitlines(), 1):
        line = re.sub(r'"(?:[^"\\]|\\.)*"', '""', line)
        yield number, line.split("//")[0]


def rust_module(path, root=SRC):
    """The floor module of a file: `lib`, or the first name below `src`."""
    return path.relative_to(root).parts[0].removesuffix(".rs")


def crate_uses(text):
    """The modules of the crate that a source names: `crate::name`, also within `use crate::{...}`."""
    code = "\n".join(line for _, line in without_comments(text))
    for found in re.finditer(r"\bcrate::(\w+)", code):
        yield found[1]
    for found in re.finditer(r"\bcrate::\{", code):
        depth, name, at = 1, "", found.end()
        while depth and at < len(code):
            char = code[at]
            depth += {"{": 1, "}": -1}.get(char, 0)
            if depth == 1 and (char.isalnum() or char == "_"):
                name += char
            elif name:
                yield name
                name = ""
                # The rest of this path is inside the module.
                while at < len(code) and not (depth == 1 and code[at] == ",") and depth:
                    at += 1
                    if at < len(code):
                        depth += {"{": 1, "}": -1}.get(code[at], 0)
            at += 1


def rust_climbs(module, text):
    found = (climb(module, used, RUST_FLOORS) for used in crate_uses(text))
    return [problem for problem in found if problem]


def names_outside(module, text):
    """Names that only one module may use."""
    code = "\n".join(line for _, line in without_comments(text))
    reserved = [(r"\btokio::runtime\b", "runtime"), (r"\breqwest::", "http")]
    return [
        f"{module} names {pattern}"
        for pattern, owner in reserved
        if module != owner and re.search(pattern, code)
    ]


def bad_unsafe(module, text):
    """`unsafe` where it must not be, or without a `// SAFETY:` comment that ends right above it."""
    problems = []
    lines = text.splitlines()
    for number, line in without_comments(text):
        if not re.search(r"\bunsafe\b(?!_)", line):
            continue
        if module not in {"bridge", "python"}:
            problems.append(f"line {number}: unsafe in {module}")
            continue
        above = number - 2
        while above >= 0 and lines[above].strip().startswith(("#[", "///")):
            above -= 1
        # The statement may begin on a line before, as in `let x =` and a block.
        if (
            above >= 0
            and not lines[above].strip().startswith("//")
            and not lines[above].rstrip().endswith((";", "}", "{"))
        ):
            above -= 1
        comment = []
        while above >= 0 and lines[above].strip().startswith("//"):
            comment.append(lines[above])
            above -= 1
        if not any("SAFETY:" in one for one in comment):
            problems.append(f"line {number}: unsafe without a SAFETY line")
    return problems


RUST_FILES = sorted(SRC.rglob("*.rs"))


def where(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", RUST_FILES, ids=where)
def test_rust_keeps_the_floors(path):
    module, text = rust_module(path), path.read_text()
    assert rust_climbs(module, text) == []
    assert names_outside(module, text) == []
    assert bad_unsafe(module, text) == []


@pytest.mark.parametrize("path", RUST_FILES, ids=where)
def test_a_file_is_short(path):
    assert len(path.read_text().splitlines()) <= LONGEST_FILE


def test_every_module_stands_on_a_floor():
    modules = {rust_module(path) for path in RUST_FILES}
    assert {module for module in modules if floor_of(module, RUST_FLOORS) is None} == set()


# ---- Python ----


def python_module(path, root=PACKAGE):
    return path.relative_to(root).parts[0].removesuffix(".py").removesuffix(".pyi")


def package_imports(path, text, root=PACKAGE):
    """The modules of the package that a file imports, relative imports resolved; `__init__` for the root.

    What only a type checker imports is no dependency.
    """
    package = ["aioxide", *path.relative_to(root).parts[:-1]]
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}:
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            targets = [(alias.name.split("."), ()) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            targets = [(base + (node.module or "").split(".") if node.module else base, node.names)]
        else:
            continue
        for target, names in targets:
            if target[:1] != ["aioxide"]:
                continue
            if len(target) > 1:
                yield target[1]
                continue
            for alias in names or [None]:
                known = alias is not None and floor_of(alias.name, PYTHON_FLOORS) is not None
                yield alias.name if known else "__init__"


def python_climbs(path, text, root=PACKAGE):
    module = python_module(path, root)
    found = (climb(module, used, PYTHON_FLOORS) for used in package_imports(path, text, root))
    return [problem for problem in found if problem]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=where)
def test_python_keeps_the_floors(path):
    assert python_climbs(path, path.read_text()) == []
    assert len(path.read_text().splitlines()) <= LONGEST_FILE


# ---- the checks are checked ----


@pytest.mark.parametrize(
    ("module", "text", "problems"),
    [
        ("bridge", "use crate::tasks::gather;", ["bridge imports tasks, which is above it"]),
        (
            "bridge",
            "use crate::{\n    error::Error,\n    http::client::{Client, Pool},\n    python,\n};",
            ["bridge imports http, which is above it"],
        ),
        ("timeouts", "fn f() { crate::net::go(); }", ["timeouts imports net, which is on its own floor"]),
        ("tasks", "use crate::nowhere;", ["nowhere stands on no floor"]),
        ("tasks", "use crate::bridge::{Hub, Turn};\nuse crate::tasks::child;\n", []),
        ("error", '// use crate::http;\n/* crate::http */ let x = "crate::http";', []),
    ],
)
def test_the_check_finds_rust_that_climbs(module, text, problems):
    assert rust_climbs(module, text) == problems


def test_the_check_finds_names_in_the_wrong_place():
    assert names_outside("bridge", "use tokio::runtime::Handle;\nuse reqwest::Client;") != []
    assert len(names_outside("tasks", "use tokio::runtime::Handle;\nlet x = reqwest::get();")) == 2
    assert names_outside("runtime", "use tokio::runtime::Handle; // reqwest::") == []
    assert names_outside("http", "use reqwest::Client; use tokio::sync::Mutex;") == []


@pytest.mark.parametrize(
    ("module", "text", "count"),
    [
        ("tasks", "// SAFETY: no\nunsafe { f() };", 1),
        ("bridge", "let x = 1;\nunsafe { f() };", 1),
        ("bridge", "// SAFETY: attached.\nunsafe { f() };", 0),
        ("bridge", "// SAFETY: attached,\n// and more.\nif unsafe { f() } < 0 {", 0),
        ("bridge", "// SAFETY: attached.\nlet code =\n    unsafe { f() };", 0),
        ("bridge", "// SAFETY: for the first.\nunsafe { f() };\nunsafe { g() };", 1),
        ("bridge", '// unsafe\nlet unsafe_code = 1;\nlet text = "unsafe";', 0),
    ],
)
def test_the_check_finds_bare_unsafe(module, text, count):
    assert len(bad_unsafe(module, text)) == count


@pytest.mark.parametrize(
    ("name", "text", "problems"),
    [
        ("exceptions.py", "import aioxide", ["exceptions imports __init__, which is above it"]),
        ("cli/fetch.py", "from aioxide import Client", ["cli imports __init__, which is above it"]),
        ("cli/fetch.py", "from aioxide import exceptions", []),
        (
            "cli/fetch.py",
            "from aioxide._core import noop\nfrom .options import parse\nfrom . import options",
            [],
        ),
        ("cli/fetch.py", "from ..testing import serve", []),
        ("testing/site.py", "from ..cli import main", ["testing imports cli, which is above it"]),
        ("httpx.py", "from .aiohttp import x", ["httpx imports aiohttp, which is on its own floor"]),
        ("exceptions.py", "if TYPE_CHECKING:\n    from aioxide._core import Client", []),
        (
            "exceptions.py",
            "if not TYPE_CHECKING:\n    from aioxide import cli",
            ["exceptions imports cli, which is above it"],
        ),
        ("tasks.py", "from .cli import main", ["tasks imports cli, which is above it"]),
        ("__init__.py", "from aioxide._core import noop", []),
        ("_core.py", "def f():\n    import aioxide.asyncio", ["_core imports asyncio, which is above it"]),
    ],
)
def test_the_check_finds_python_that_climbs(name, text, problems):
    assert python_climbs(PACKAGE / name, text) == problems


def test_the_check_reads_something():
    uses = [used for path in RUST_FILES for used in crate_uses(path.read_text())]
    assert {"bridge", "runtime", "python", "error"} <= set(uses)
    imports = [used for path in PACKAGE.rglob("*.py") for used in package_imports(path, path.read_text())]
    assert "_core" in imports
