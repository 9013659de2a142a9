"""Arrow and Parquet files, through pyarrow.

Such a file is none before its footer is there. So rows go to ``<path>.part`` as they come, a file of records
that only grows, and at the end from there to ``<path>``. What a record holds, its first byte says:

    V   rows, as a message of Arrow's
    R   the same as they were before they had a `value`
    B   the rows of <path> come before these; the first record, where a finished file is gone on with
    F   what failed of all rows before is not among them any more: it is fetched again
    E   all is in <path>.new, which only has to be renamed; the last record

Whatever a kill leaves, one of these can be told: no record and maybe a file; records, and the file counts
if there is a B; an E, and the new file is there, or is the file already.
"""

import contextlib
import importlib
import json
import os
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from aioxide._core import Result
from aioxide.journal import Asked, Done
from aioxide.outputs.describe import PLAIN, describe, has_failed, key_of_row
from aioxide.records import RecordFile

__all__ = ["ArrowFile"]

_KIND = b"aioxide table in the making 1\n"
_ROWS, _OLD_ROWS, _BASE, _AGAIN, _END = b"V", b"R", b"B", b"F", b"E"

# Of what is written at once, and of a row group: rows, and bytes.
_ROWS_AT_ONCE = 65_536
_BYTES_AT_ONCE = 64 << 20

# What a key is made of, and what tells whether it failed.
_KEYS = ["url", "method", "key", "status", "error"]

# A column that there was not always.
_NEW = "value"


def _arrow(path: str, *modules: str) -> list[Any]:
    try:
        return [importlib.import_module(name) for name in modules]
    except ImportError as error:
        raise ImportError(f"{path} needs pyarrow: pip install 'aioxide[arrow]'", name="pyarrow") from error


class ArrowFile:
    """Such a file, of one of both forms.

    Raises:
        ImportError: pyarrow is not there.
    """

    in_thread = True

    def __init__(self, path: str, body: bool = True) -> None:
        self._path = path
        self._body = body
        self._is_parquet = path.lower().endswith(".parquet")
        self._arrow, self._ipc = _arrow(path, "pyarrow", "pyarrow.ipc")
        self._parquet = _arrow(path, "pyarrow.parquet")[0] if self._is_parquet else None
        self._schema = _schema(self._arrow)
        self._old_schema = self._schema.remove(self._schema.get_field_index(_NEW))
        self._asked = PLAIN
        self._part: RecordFile | None = None
        self._has_base = False
        # How many records come before the last that takes out what failed, and that.
        self._taken_out = 0

    def begin(self, done: Done, resume: bool, retry_failed: bool) -> None:
        """Open the part, and count what it and the file have as ``done``; or, not to be resumed, empty both.

        OSError if that cannot be done; ValueError for files that cannot be gone on with.
        """
        self._asked = done.asked
        self._part = part = RecordFile(f"{self._path}.part", _KIND)
        if not resume:
            part.clear()
            self._remove(self._path)
        kinds = [record[:1] for record in part.records()]
        if kinds and kinds[-1] == _END:
            self._end_of_before()
            kinds = []
        self._remove(f"{self._path}.new")
        if os.path.exists(self._path):
            if kinds and kinds[0] != _BASE:
                raise ValueError(
                    f"{self._path} and {part.path} are both there, and not of one run: remove one of them"
                )
            self._has_base = True
        self._taken_out = max((number for number, kind in enumerate(kinds, 1) if kind == _AGAIN), default=0)
        there = self._finished(_KEYS) if self._has_base else ()
        failed = 0
        for batch in chain(there, (batch.select(_KEYS) for batch in self._batches())):
            for row in batch.to_pylist():
                key = key_of_row(row)
                if retry_failed and has_failed(row):
                    failed += 1
                else:
                    done.add(key)
        if failed:
            self._begin_part()
            part.add(_AGAIN)
            self._taken_out = len(kinds) + 2

    def _end_of_before(self) -> None:
        """Do what was left to do of a run that was killed when all was written."""
        assert self._part is not None
        if os.path.exists(f"{self._path}.new"):
            os.replace(f"{self._path}.new", self._path)
        if os.path.exists(self._path):
            self._part.clear()

    def _remove(self, path: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)

    def _batches(self) -> Iterator[Any]:
        """Give the rows of the part."""
        assert self._part is not None
        for number, record in enumerate(self._part.records(), 1):
            if record[:1] in (_ROWS, _OLD_ROWS):
                schema = self._schema if record[:1] == _ROWS else self._old_schema
                batch = self._ipc.read_record_batch(self._arrow.py_buffer(record)[1:], schema)
                yield self._left(batch) if number < self._taken_out else self._widened(batch)

    def _left(self, batch: Any) -> Any:
        """Give the rows of a batch that did not fail."""
        status, error = (batch.column(name).to_pylist() for name in ("status", "error"))
        ok = [
            not has_failed({"status": one, "error": other}) for one, other in zip(status, error, strict=True)
        ]
        return self._widened(batch.filter(self._arrow.array(ok, self._arrow.bool_())))

    def _widened(self, batch: Any) -> Any:
        """Give a batch all columns that it may lack."""
        if not batch.schema.equals(self._old_schema):
            return batch
        columns = {field.name: batch.column(field.name) for field in self._old_schema}
        columns[_NEW] = self._arrow.nulls(batch.num_rows, self._schema.field(_NEW).type)
        return self._arrow.RecordBatch.from_arrays(
            [columns[name] for name in self._schema.names], schema=self._schema
        )

    def _finished(self, columns: list[str] | None = None) -> Iterator[Any]:
        """Give the rows of the file, maybe some of the columns. ValueError if it was not written here."""
        try:
            for batch in self._read(columns):
                yield self._left(batch) if self._taken_out else self._widened(batch)
        except self._arrow.ArrowInvalid as error:
            raise ValueError(f"{self._path} cannot be resumed: {error}") from error

    def _read(self, columns: list[str] | None) -> Iterator[Any]:
        if self._parquet is not None:
            with self._parquet.ParquetFile(self._path) as file:
                self._check(file.schema_arrow)
                for group in range(file.num_row_groups):
                    yield from file.read_row_group(group, columns=columns).to_batches()
        else:
            with self._arrow.memory_map(self._path) as mapped, self._ipc.open_file(mapped) as file:
                self._check(file.schema)
                for number in range(file.num_record_batches):
                    batch = file.get_batch(number)
                    yield batch.select(columns) if columns else batch

    def _check(self, schema: Any) -> None:
        if not schema.equals(self._schema) and not schema.equals(self._old_schema):
            raise ValueError(f"{self._path} cannot be resumed: it has other columns")

    def add(self, results: Iterable[Result]) -> None:
        """Write rows to the part; OSError if that cannot be done."""
        rows: list[dict[str, Any]] = []
        size = 0
        for result in results:
            row = _row(result, self._body, self._asked)
            rows.append(row)
            size += len(row.get("content") or b"")
            if size >= _BYTES_AT_ONCE:
                self._write(rows)
                rows, size = [], 0
        if rows:
            self._write(rows)

    def _begin_part(self) -> None:
        assert self._part is not None
        if self._part.is_empty and self._has_base:
            self._part.add(_BASE)

    def _write(self, rows: list[dict[str, Any]]) -> None:
        assert self._part is not None
        self._begin_part()
        batch = self._arrow.RecordBatch.from_pylist(rows, schema=self._schema)
        self._part.add(_ROWS + batch.serialize().to_pybytes())

    def close(self, finished: bool) -> None:
        """Close the part when it is on the disk; if the run is ``finished``, make the file of it first.

        A second time does nothing. OSError if the file cannot be written: the part remains.
        """
        part, self._part = self._part, None
        if part is None:
            return
        try:
            if finished and not (part.is_empty and self._has_base):
                self._part = part
                self._make()
            if finished or part.is_empty:
                self._remove(part.path)
        finally:
            self._part = None
            part.close(sync=not finished)

    def _make(self) -> None:
        assert self._part is not None
        new = f"{self._path}.new"
        try:
            with open(new, "wb") as file:
                self._write_groups(file)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            self._remove(new)
            raise
        self._part.add(_END)
        os.replace(new, self._path)

    def _write_groups(self, file: Any) -> None:
        if self._parquet is not None:
            writer = self._parquet.ParquetWriter(file, self._schema, compression="zstd")
        else:
            writer = self._ipc.new_file(file, self._schema)
        with writer:
            if self._has_base:
                for batch in self._finished():
                    if batch.num_rows:
                        writer.write_batch(batch)
            for batches in _groups(self._batches()):
                table = self._arrow.Table.from_batches(batches, self._schema).combine_chunks()
                writer.write_table(table)


def _groups(batches: Iterable[Any]) -> Iterator[list[Any]]:
    """Give batches together that make a row group."""
    group: list[Any] = []
    rows = size = 0
    for batch in batches:
        group.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
        if rows >= _ROWS_AT_ONCE or size >= _BYTES_AT_ONCE:
            yield group
            group, rows, size = [], 0, 0
    if group:
        yield group


def _schema(arrow: Any) -> Any:
    text = arrow.string()
    return arrow.schema(
        [
            ("url", text),
            ("status", arrow.int32()),
            ("length", arrow.int64()),
            ("elapsed", arrow.float64()),
            ("attempts", arrow.int32()),
            ("http_version", text),
            ("content_type", text),
            ("final_url", text),
            ("content", arrow.large_binary()),
            (_NEW, text),
            ("error", text),
            ("message", text),
            ("method", text),
            ("key", text),
        ]
    )


def _row(result: Result, body: bool, asked: Asked) -> dict[str, Any]:
    row = {
        name: _text(value) if isinstance(value, str) else value
        for name, value in describe(result, asked).items()
    }
    if body and result.response is not None:
        row["content"] = result.response.content
    if row["url"] != result.url and "key" not in row:
        row["key"] = f"{asked.key(result.item):016x}"
    if result.value is not None:
        # Of any type, and one column has one: JSON, which data frames and databases can take apart.
        try:
            row[_NEW] = json.dumps(result.value)
        except (TypeError, ValueError, RecursionError) as error:
            row |= {"error": type(error).__name__, "message": f"value: {error}"}
    return row


def _text(text: str) -> str:
    """Make a text that UTF-8 has: a URL may have been bytes that are none."""
    return text.encode("utf-8", "replace").decode()
