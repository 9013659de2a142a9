"""What an output has, read with other means than those that wrote it."""

import json
from pathlib import Path
from typing import Any

import pyarrow.ipc
import pyarrow.parquet


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The rows; fails if a line is no whole one."""
    text = path.read_bytes()
    assert not text or text.endswith(b"\n")
    return [json.loads(line) for line in text.splitlines()]


def read_directory(path: Path) -> list[dict[str, Any]]:
    """The rows of the index, with ``content``; fails if a file is missing, or there is one too many."""
    rows = read_lines(path / "index.jsonl")
    named = [row["file"] for row in rows if "file" in row]
    assert len(set(named)) == len(named)
    assert {file.name for file in path.iterdir()} == {*named, "index.jsonl"}
    for row in rows:
        if "file" in row:
            row["content"] = (path / row["file"]).read_bytes()
    return rows


def read_table(path: Path) -> list[dict[str, Any]]:
    """The rows; fails if anything else was left beside it."""
    assert not path.with_name(f"{path.name}.part").exists()
    assert not path.with_name(f"{path.name}.new").exists()
    if path.suffix == ".parquet":
        rows = pyarrow.parquet.read_table(path).to_pylist()
    else:
        rows = pyarrow.ipc.open_file(path).read_all().to_pylist()
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of an output, whatever its form."""
    if path.is_dir():
        return read_directory(path)
    return read_table(path) if path.suffix in (".parquet", ".arrow") else read_lines(path)
