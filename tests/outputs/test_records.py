"""Files of records: what is not whole is not there, whatever ended its writer."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aioxide.records import RecordFile, open_alone
from tests.outputs.limits import no_file_beyond

KIND = b"a kind 1\n"
RECORDS = [b"one", b"\0", b"three" * 40]


def read(path: Path) -> list[bytes]:
    file = RecordFile(str(path), KIND)
    try:
        return list(file.records())
    finally:
        file.close()


def write(path: Path, records: list[bytes]) -> list[int]:
    """Where each record ends."""
    file = RecordFile(str(path), KIND)
    ends = []
    for record in records:
        file.add(record)
        ends.append(file.end)
    file.close(sync=True)
    return ends


def test_records_come_back(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write(path, RECORDS[:1])
    write(path, RECORDS[1:])
    assert read(path) == RECORDS


def test_one_that_is_cut_anywhere_has_the_whole_records_before(tmp_path: Path) -> None:
    path = tmp_path / "file"
    ends = write(path, RECORDS)
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        left = RECORDS[: sum(end <= cut for end in ends)]
        assert read(path) == left
        # What comes after is where it belongs.
        write(path, [b"next"])
        assert read(path) == [*left, b"next"]


def test_a_bit_that_turned_ends_it_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    ends = write(path, RECORDS)
    whole = path.read_bytes()
    for place in range(len(KIND), len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        assert read(path) == RECORDS[: sum(end <= place for end in ends)]


@given(rubbish=st.binary(max_size=60))
def test_rubbish_at_the_end_is_no_record(tmp_path_factory: pytest.TempPathFactory, rubbish: bytes) -> None:
    path = tmp_path_factory.mktemp("records") / "file"
    write(path, RECORDS)
    with path.open("ab") as file:
        file.write(rubbish)
    assert read(path) == RECORDS


@pytest.mark.parametrize("content", [b"a kind 2\n", b"{", b"\0" * 20])
def test_a_file_of_another_kind_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is no a kind 1"):
        RecordFile(str(path), KIND)
    assert path.read_bytes() == content


def test_a_full_disk_leaves_whole_records(tmp_path: Path) -> None:
    path = tmp_path / "file"
    file = RecordFile(str(path), KIND)
    with no_file_beyond(100):
        file.add(b"fits")
        for _ in range(2):
            with pytest.raises(OSError, match="too large"):
                file.add(b"does not fit" * 10)
        file.add(b"fits as well")
    file.close()
    assert read(path) == [b"fits", b"fits as well"]


def test_two_cannot_have_one_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    first = RecordFile(str(path), KIND)
    with pytest.raises(BlockingIOError, match="somebody else"):
        RecordFile(str(path), KIND)
    first.close()
    first.close()
    RecordFile(str(path), KIND).close()


def test_a_lock_dies_with_its_process(tmp_path: Path, script) -> None:
    path = tmp_path / "file"
    script.works(f"import os; from aioxide.records import open_alone; open_alone({str(path)!r}); os._exit(0)")
    os.close(open_alone(str(path)))
