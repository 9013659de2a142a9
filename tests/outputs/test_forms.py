"""What is written of results, in each of the forms, and what is gone on with."""

import gzip
import json
import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.ipc
import pyarrow.parquet
import pytest

import aioxide
from aioxide import Request, Result
from aioxide.journal import Done, key_of
from aioxide.outputs import output_at
from aioxide.outputs.directory import suffix_of
from aioxide.outputs.lines import encode_line
from aioxide.records import RecordFile
from tests.outputs.reading import read

OUTPUTS = ["out.jsonl", "out/", "out.parquet", "out.arrow"]
TABLES = ["out.parquet", "out.arrow"]

each_output = pytest.mark.parametrize("name", OUTPUTS)
one_loop = pytest.mark.asyncio(loop_factories=["asyncio"])


async def save(
    items: list[Any], path: str, *, resume: bool = True, **options: Any
) -> aioxide.FetchStatistics:
    fetching = aioxide.fetch_all(items, **options)
    return await fetching.save(path, resume=resume)


def failed(item: Any, index: int = 0) -> Result:
    return Result(index, item, error=ValueError("no"), attempts=2, elapsed=0.5)


def put(path: str, items: list[Any], *, finished: bool = True) -> None:
    """Write results of these items, each by itself, after those that are there."""
    output = output_at(path)
    output.begin(Done(), True, False)
    for item in items:
        output.add([failed(item)])
    output.close(finished)


def done_at(path: str) -> Done:
    output, done = output_at(path), Done()
    try:
        output.begin(done, True, False)
    finally:
        output.close(False)
    return done


@each_output
async def test_a_row_says_what_came(site, tmp_path: Path, name: str) -> None:
    url = f"{site.url}/bytes/7"
    statistics = await save([url], f"{tmp_path}/{name}")
    assert (statistics.done, statistics.failed) == (1, 0)
    [row] = read(tmp_path / name)
    assert 0 < row.pop("elapsed") < 60
    body = {} if name == "out.jsonl" else {"content": b"0123456"}
    place = {"file": "000000000.bin"} if name == "out/" else {}
    assert row == {
        "url": url,
        "status": 200,
        "length": 7,
        "attempts": 1,
        "http_version": "HTTP/1.1",
        "content_type": "application/octet-stream",
        **body,
        **place,
    }


@each_output
async def test_a_row_of_a_failure_says_why(site, tmp_path: Path, name: str) -> None:
    await save([f"{site.url}/truncated/9", "\udcff"], f"{tmp_path}/{name}")
    rows = {row["error"]: row for row in read(tmp_path / name)}
    assert set(rows) == {"RemoteProtocolError", "InvalidURL"}
    assert all(row["message"] and "status" not in row and "file" not in row for row in rows.values())
    # Also what UTF-8 has no letters for is known again.
    assert (await save(["\udcff", f"{site.url}/truncated/9"], f"{tmp_path}/{name}")).skipped == 2


@each_output
async def test_where_a_redirect_ended(site, tmp_path: Path, name: str) -> None:
    await save([f"{site.url}/redirect/1", site.url], f"{tmp_path}/{name}")
    ends = {row["url"]: row.get("final_url") for row in read(tmp_path / name)}
    assert ends == {f"{site.url}/redirect/1": f"{site.url}/redirect/0", site.url: None}


@each_output
async def test_items_of_all_kinds_are_known_again(site, tmp_path: Path, name: str) -> None:
    echo = f"{site.url}/echo"
    items = [
        echo,
        ("GET", echo),
        ("POST", echo),
        ["put", echo],
        Request("POST", echo, content=b"a"),
        Request("POST", echo, content=b"b"),
        Request("POST", echo),
        Request("GET", echo, {"X-Fruit": "apple"}),
        "no-url",
        ("GET", "no-url"),
    ]
    await save(items[::2], f"{tmp_path}/{name}")
    assert len(read(tmp_path / name)) == 5
    statistics = await save(items[::-1], f"{tmp_path}/{name}")
    # A URL and the same with GET are one, and so are both ways to say POST.
    assert (statistics.done, statistics.skipped) == (5, 5)
    rows = read(tmp_path / name)
    methods = Counter(row.get("method") for row in rows)
    assert methods == {None: 5, "POST": 4, "PUT": 1}
    assert Counter(row.get("key") for row in rows).most_common(1)[0] == (None, 7)
    assert (await save(items, f"{tmp_path}/{name}")).done == 0


@one_loop
@each_output
async def test_the_order_may_change_and_urls_be_given_twice(site, tmp_path: Path, name: str) -> None:
    urls = [f"{site.url}/bytes/{number % 17}?n={number % 40}" for number in range(120)]
    for count in (1, 30, 30, 77, 120, 120):
        given = urls[:count]
        random.shuffle(given)
        await save(given, f"{tmp_path}/{name}")
        assert Counter(row["url"] for row in read(tmp_path / name)) == Counter(given)


@one_loop
@each_output
async def test_a_finished_job_is_left_as_it_is(site, tmp_path: Path, name: str) -> None:
    urls = [f"{site.url}/bytes/{number}" for number in range(10)]
    await save(urls, f"{tmp_path}/{name}")
    files = [tmp_path / name] if "." in name else sorted((tmp_path / name).iterdir())
    before = [(file.name, file.read_bytes(), file.stat().st_ino) for file in files]
    statistics = await save(urls, f"{tmp_path}/{name}")
    assert (statistics.done, statistics.skipped) == (0, 10)
    assert [(file.name, file.read_bytes(), file.stat().st_ino) for file in files] == before
    assert os.listdir(tmp_path) == [name.rstrip("/")]


@one_loop
@each_output
async def test_without_resume_it_begins_anew(site, tmp_path: Path, name: str) -> None:
    for urls in ([f"{site.url}/bytes/{number}" for number in range(10)], [f"{site.url}/bytes/3"], []):
        await save(urls, f"{tmp_path}/{name}", resume=False)
        assert [row["url"] for row in read(tmp_path / name)] == urls[:1] or len(urls) == 10


@each_output
def test_what_was_cut_is_done_again(tmp_path: Path, name: str) -> None:
    """Cut the file that tells what is done at each of its bytes: it has what came whole before, once."""
    path = f"{tmp_path}/{name}"
    items = ["http://a/", "http://b/", ("POST", "http://a/"), "http://a/"]
    keys = [key_of(item) for item in items]
    put(path, items, finished=False)
    told = tmp_path / {"out.jsonl": name, "out/": "out/index.jsonl"}.get(name, f"{name}.part")
    whole = told.read_bytes()
    seen = set()
    # The records of tables have a test of their own that cuts them at each byte.
    for cut in [*range(0, len(whole), 11 if name in TABLES else 1), len(whole)]:
        told.write_bytes(whole[:cut])
        done = done_at(path)
        count = len(done)
        assert all(done.skip(item) for item in items[:count])
        seen.add(count)
        if told.exists() and cut % 97 == 0:
            put(path, items[count:])
            assert sorted(
                key_of((row.get("method", "GET"), row["url"])) for row in read(tmp_path / name)
            ) == (sorted(keys))
            for file in (tmp_path / name, tmp_path / f"{name}.part"):
                if file.is_file():
                    file.unlink()
    assert seen == {0, 1, 2, 3, 4}


def test_a_line_of_somebody_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    good = b'{"url": "http://a/"}\n'
    for bad in (
        b"http://a/\n",
        b"[1]\n",
        b'{"a": 1}\n',
        b'{"url": 1}\n',
        b'{"url": "a", "key": "xyz"}\n',
        b"\xff\n",
    ):
        path.write_bytes(good + bad + good)
        with pytest.raises(ValueError, match=r"cannot be resumed: line 2 "):
            done_at(str(path))
        assert path.read_bytes() == good + bad + good


def test_lines_of_today_have_all_that_lines_had(tmp_path: Path) -> None:
    """An output of a version that knew no resuming can be gone on with."""
    path = tmp_path / "out.jsonl"
    path.write_text(
        '{"url": "http://a/", "status": 200, "length": 1}\n\n{"url": "http://b/", "error": "X"}\n{"ur'
    )
    assert len(done_at(str(path))) == 2
    assert path.read_text().endswith('"X"}\n')


async def test_the_text_and_the_value_are_in_the_line(site, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    fetching = aioxide.fetch_all([f"{site.url}/bytes/3"], parse=lambda response: {"l": len(response.content)})
    await fetching.save(path, body=True)
    [row] = read(path)
    assert (row["text"], row["value"]) == ("012", {"l": 3})


async def test_what_json_does_not_have_is_an_error_of_the_line(site, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    await aioxide.fetch_all([f"{site.url}/bytes/3"], parse=lambda response: {1, 2}).save(path)
    [row] = read(path)
    assert (row["status"], row["error"], "value" in row) == (200, "TypeError", False)
    with pytest.raises(TypeError):
        encode_line({"url": {1}})


@each_output
async def test_a_parse_that_fails_is_written_beside_the_response(site, tmp_path: Path, name: str) -> None:
    fetching = aioxide.fetch_all([f"{site.url}/bytes/3"], parse=lambda response: 1 / 0)
    assert (await fetching.save(f"{tmp_path}/{name}")).failed == 1
    [row] = read(tmp_path / name)
    assert (row["status"], row["error"], row["message"]) == (200, "ZeroDivisionError", "division by zero")


@pytest.mark.parametrize(
    ("content_type", "suffix"),
    [
        ("text/html; charset=utf-8", ".html"),
        ("TEXT/HTML", ".html"),
        ("application/json", ".json"),
        ("image/png", ".png"),
        ("image/jpeg", ".jpg"),
        ("application/pdf", ".pdf"),
        ("application/x-no-such-thing", ".bin"),
        ("../../etc/passwd", ".bin"),
        ("", ".bin"),
        (None, ".bin"),
    ],
)
def test_suffixes(content_type: str | None, suffix: str) -> None:
    assert suffix_of(content_type) == suffix


def test_a_directory_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    for resume in (False, True):
        theirs = tmp_path / "000000000.bin"
        theirs.write_text("theirs")
        with pytest.raises(FileExistsError, match=r"no index\.jsonl"):
            output_at(tmp_path).begin(Done(), resume, False)
        assert [file.name for file in tmp_path.iterdir()] == [theirs.name]


def test_files_that_no_line_names_are_removed_and_others_not(tmp_path: Path) -> None:
    put(f"{tmp_path}/out/", ["http://a/"])
    for name in ("000000000.html", "000000007.html.part", "1.html", "notes.txt"):
        (tmp_path / "out" / name).touch()
    done_at(f"{tmp_path}/out/")
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"index.jsonl", "1.html", "notes.txt"}


@one_loop
async def test_bodies_are_as_they_were_decoded(site, tmp_path: Path) -> None:
    await save([f"{site.url}/gzip/1000"], f"{tmp_path}/out/")
    [row] = read(tmp_path / "out")
    assert len(row["content"]) == row["length"] == 1000


@pytest.mark.parametrize("name", TABLES)
async def test_the_columns(site, tmp_path: Path, name: str) -> None:
    await save([f"{site.url}/bytes/1"], f"{tmp_path}/{name}")
    path = tmp_path / name
    table = pyarrow.parquet.read_table(path) if "parquet" in name else pyarrow.ipc.open_file(path).read_all()
    assert [(field.name, str(field.type)) for field in table.schema] == [
        ("url", "string"),
        ("status", "int32"),
        ("length", "int64"),
        ("elapsed", "double"),
        ("attempts", "int32"),
        ("http_version", "string"),
        ("content_type", "string"),
        ("final_url", "string"),
        ("content", "large_binary"),
        ("value", "string"),
        ("error", "string"),
        ("message", "string"),
        ("method", "string"),
        ("key", "string"),
    ]


@pytest.mark.parametrize("name", TABLES)
async def test_what_parse_returned_is_json_in_a_table(site, tmp_path: Path, name: str) -> None:
    values: dict[str, Any] = {"0": {"title": "é", "price": [1.5, None]}, "1": 7, "2": None, "3": {1, 2}}
    urls = [f"{site.url}/bytes/{number}" for number in values]
    fetching = aioxide.fetch_all(urls, parse=lambda response: values[response.url[-1]])
    await fetching.save(f"{tmp_path}/{name}")
    rows = {row["url"][-1]: row for row in read(tmp_path / name)}
    assert json.loads(rows["0"]["value"]) == values["0"]
    assert json.loads(rows["1"]["value"]) == 7
    assert "value" not in rows["2"]
    assert (rows["3"]["error"], "value" in rows["3"]) == ("TypeError", False)


def _as_before(path: Path, url: str, finished: bool) -> None:
    """A table of a version that had no values, or one in the making."""
    output = output_at(path)
    schema = output._old_schema
    rows = pyarrow.RecordBatch.from_pylist([{"url": url, "status": 200}], schema=schema)
    if not finished:
        part = RecordFile(f"{path}.part", b"aioxide table in the making 1\n")
        part.add(b"R" + rows.serialize().to_pybytes())
        part.close()
    elif path.suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_batches([rows]), path)
    else:
        with pyarrow.ipc.new_file(path, schema) as writer:
            writer.write_batch(rows)


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("finished", [True, False])
def test_a_table_that_had_no_values_is_gone_on_with(tmp_path: Path, name: str, finished: bool) -> None:
    _as_before(tmp_path / name, "http://a/", finished)
    done = done_at(f"{tmp_path}/{name}")
    assert (done.skip("http://a/"), done.skip("http://b/")) == (True, False)
    put(f"{tmp_path}/{name}", ["http://b/"])
    assert [row["url"] for row in read(tmp_path / name)] == ["http://a/", "http://b/"]


@pytest.mark.parametrize("name", TABLES)
async def test_a_table_without_bodies(site, tmp_path: Path, name: str) -> None:
    await aioxide.fetch_all([f"{site.url}/bytes/9"]).save(f"{tmp_path}/{name}", body=False)
    [row] = read(tmp_path / name)
    assert (row["length"], "content" in row) == (9, False)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_somebody_else_is_refused_and_left_alone(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    theirs = pyarrow.table({"url": ["http://a/"]})
    if name == "out.parquet":
        pyarrow.parquet.write_table(theirs, path)
    else:
        with pyarrow.ipc.new_file(path, theirs.schema) as writer:
            writer.write_table(theirs)
    for content in (path.read_bytes(), b"", b"no table", gzip.compress(b"x")):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="cannot be resumed"):
            done_at(str(path))
        assert path.read_bytes() == content


@pytest.mark.parametrize("name", TABLES)
def test_rows_of_two_runs_are_not_mixed(tmp_path: Path, name: str) -> None:
    put(f"{tmp_path}/{name}", ["http://a/"])
    kept = (tmp_path / name).read_bytes()
    (tmp_path / name).unlink()
    put(f"{tmp_path}/{name}", ["http://b/"], finished=False)
    (tmp_path / name).write_bytes(kept)
    with pytest.raises(ValueError, match="not of one run"):
        done_at(f"{tmp_path}/{name}")


def test_rows_come_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aioxide.outputs.arrow._ROWS_AT_ONCE", 10)
    path = f"{tmp_path}/out.parquet"
    put(path, [f"http://{number}/" for number in range(25)])
    assert _groups(path) == [10, 10, 5]
    put(path, ["http://25/"])
    assert _groups(path) == [10, 10, 5, 1]


def _groups(path: str) -> list[int]:
    metadata = pyarrow.parquet.read_metadata(path)
    return [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]


def test_a_row_of_every_column_is_json(tmp_path: Path) -> None:
    put(f"{tmp_path}/out.jsonl", [Request("POST", "http://a/", content=b"x")])
    [line] = (tmp_path / "out.jsonl").read_text().splitlines()
    row = json.loads(line)
    assert list(row) == ["url", "method", "key", "elapsed", "attempts", "error", "message"]
    assert (row["elapsed"], row["attempts"]) == (0.5, 2)
