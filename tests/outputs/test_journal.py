"""The journal: what was done before is skipped, each as often as it was done."""

import gc
import io
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import aioxide
from aioxide import Journal, Request
from aioxide.journal import Asked, Done, key_of, open_journal
from tests.outputs.reading import read

URL = "http://127.0.0.1:1/"


def journal_of(path: Path, *items: object) -> None:
    with Journal(path) as journal:
        for item in items:
            journal.done(item)


def test_what_is_different_has_different_keys() -> None:
    items = [
        URL,
        f"{URL}a",
        ("POST", URL),
        ("PUT", URL),
        Request("POST", URL, content=b"a"),
        Request("POST", URL, content=b"b"),
        Request("POST", URL, json={"a": 1}),
        Request("GET", URL, {"Accept": "text/html"}),
        Request("GET", URL, {"Accept": "text/plain"}),
        "http://\udcff/",
        "",
        17,
        None,
    ]
    assert len({key_of(item) for item in items}) == len(items)


def test_what_is_the_same_has_one_key(script) -> None:
    assert key_of(URL) == key_of(("GET", URL)) == key_of(["get", URL]) == key_of(Request("GET", URL))
    assert key_of(("POST", URL)) == key_of(("post", URL)) == key_of(Request("POST", URL))
    request = 'Request("POST", "/", {"A": "b"}, json={"c": [1, 2.5, None]}, params={"d": "e"}, timeout=3)'
    source = f"from aioxide import Request\nfrom aioxide.journal import key_of\nprint(key_of({request}))"
    # In another process, too, where hashes of texts are others.
    assert {script.works(source), script.works(source)} == {f"{key_of(eval(request))}\n"}


def test_done_is_skipped_in_any_order_and_as_often(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal_of(path, "a", "b", "a", ("POST", "a"))
    with Journal(path) as journal:
        assert len(journal) == 4
        skipped = [journal.skip(item) for item in ["c", "a", "b", "a", "a", ("POST", "a"), "b"]]
        assert skipped == [False, True, True, True, False, True, False]
        # Neither does skipping undo it, nor is it done twice.
        journal.done("c")
    with Journal(path) as journal:
        assert len(journal) == 5


@given(done=st.lists(st.sampled_from("abcd")), given_=st.lists(st.sampled_from("abcde")))
def test_what_is_left_is_what_was_not_done(
    tmp_path_factory: pytest.TempPathFactory, done: list[str], given_: list[str]
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal"
    journal_of(path, *done)
    with Journal(path) as journal:
        left = [item for item in given_ if not journal.skip(item)]
    assert Counter(left) == Counter(given_) - Counter(done)


# Keys that begin in the same places of a table, at its end, and those that mean something there.
KEYS = st.sampled_from([0, 1, 2, 63, 64, 127, 128, 191, 2**63, 2**64 - 1, 2**64 - 65, 2**64 - 64])


@given(steps=st.lists(st.tuples(st.booleans(), KEYS), max_size=400))
def test_a_table_of_keys_counts_as_a_counter_does(steps: list[tuple[bool, int]]) -> None:
    counter, done = Counter(), Done()
    with pytest.MonkeyPatch.context() as patch:
        # The least keys have one place; of real hashes, none ever is one of them.
        patch.setattr("aioxide.journal.key_of", lambda key: key)
        for adds, key in steps:
            same = max(key, 2)
            if adds:
                done.add(key)
                counter[same] += 1
            else:
                assert done.skip(key) == (counter[same] > 0)
                counter[same] -= counter[same] > 0
            assert len(done) == counter.total()


def test_many_keys(tmp_path: Path) -> None:
    done = Done()
    for number in range(20_000):
        done.add(key_of(str(number)))
    assert sum(done.skip(str(number)) for number in range(10_000, 40_000)) == len(done) == 10_000


def test_one_that_is_cut_anywhere_does_again_what_it_lost(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with Journal(path) as journal:
        for batch in ("ab", "c", "def"):
            for item in batch:
                journal.done(item)
            journal.flush()
    whole = path.read_bytes()
    seen = set()
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        with Journal(path) as journal:
            skipped = "".join(item for item in "abcdef" if journal.skip(item))
        seen.add(skipped)
    assert seen == {"", "ab", "abc", "abcdef"}


def test_an_unflushed_one_is_written_when_it_is_dropped(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.done("a")
    del journal
    gc.collect()
    with Journal(tmp_path / "journal") as journal:
        assert journal.skip("a")


def test_many_are_written_without_being_told(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    empty = (tmp_path / "journal").stat().st_size
    for number in range(10_000):
        journal.done(str(number))
    assert (tmp_path / "journal").stat().st_size > empty + 60_000
    journal.close()


def test_a_closed_one_takes_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    assert repr(journal) == f"<Journal {str(tmp_path / 'journal')!r}>"
    journal.close()
    journal.close()
    assert repr(journal).endswith("[closed]>")
    with pytest.raises(ValueError, match="cannot be written any more"):
        journal.done("a")


def test_what_is_no_journal_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("http://127.0.0.1/\n")
    with pytest.raises(ValueError, match="is no aioxide journal"):
        Journal(tmp_path / "file")
    with pytest.raises(FileNotFoundError):
        Journal(tmp_path / "no" / "journal")
    for thing in (7, object(), [], b"journal"):
        with pytest.raises(TypeError, match="a path or a Journal"):
            open_journal(thing)
        with pytest.raises(TypeError, match="a path or a Journal"):
            aioxide.fetch_all([], journal=thing)


def test_two_cannot_have_one(tmp_path: Path, script) -> None:
    path = tmp_path / "journal"
    with Journal(path):
        for opens in (Journal, lambda path: aioxide.fetch_all([], journal=path)):
            with pytest.raises(BlockingIOError, match="somebody else"):
                opens(path)
        done = script("import sys, aioxide; aioxide.fetch_all([], journal=sys.argv[1])", str(path))
        assert "BlockingIOError" in done.stderr
    aioxide.fetch_all([], journal=path)


async def test_one_that_was_left_does_not_stand_in_the_way_of_the_next(site, tmp_path: Path) -> None:
    urls = [f"{site.url}/bytes/{number}" for number in range(5)]
    left = aiter(aioxide.fetch_all(urls, journal=tmp_path / "journal"))
    handed = [await anext(left), await anext(left)]
    again = aioxide.fetch_all(urls, journal=tmp_path / "journal")
    assert len([result async for result in again]) == len(urls) - len(handed) + 1
    with pytest.raises(ValueError, match="opened again"):
        await anext(left)


async def test_a_url_is_done_when_the_next_is_asked_for(site, tmp_path: Path) -> None:
    urls = [f"{site.url}/bytes/{number}" for number in range(20)]
    handed = []
    fetching = aioxide.fetch_all(urls, journal=tmp_path / "journal")
    async for result in fetching:
        handed.append(result.url)
        if len(handed) == 5:
            break
    await fetching.aclose()
    del fetching, result
    gc.collect()
    again = [result.url async for result in aioxide.fetch_all(urls[::-1], journal=tmp_path / "journal")]
    # The fifth was in work.
    assert Counter(handed) + Counter(again) == Counter([*urls, handed[4]])
    gc.collect()
    nothing = aioxide.fetch_all(urls, journal=tmp_path / "journal")
    assert [result async for result in nothing] == []
    assert nothing.statistics().skipped == 20


async def test_a_batch_is_done_when_the_next_is_asked_for(site, tmp_path: Path) -> None:
    urls = [f"{site.url}/bytes/{number}" for number in range(10)] * 2
    with Journal(tmp_path / "journal") as journal:
        batches = aiter(aioxide.fetch_all(urls, journal=journal, concurrency=1).batches(6))
        await anext(batches)
        await anext(batches)
    with Journal(tmp_path / "journal") as journal:
        assert len(journal) == 6
        left = [result async for result in aioxide.fetch_all(urls, journal=journal)]
        assert len(left) == 14


def length(response: aioxide.Response) -> int:
    return len(response.content)


async def test_what_an_executor_parses_ahead_is_not_done(site, tmp_path: Path) -> None:
    urls = [f"{site.url}/bytes/{number}" for number in range(12)]
    with ThreadPoolExecutor(2) as executor, Journal(tmp_path / "journal") as journal:
        fetching = aioxide.fetch_all(urls, journal=journal, parse=length, executor=executor)
        results = aiter(fetching)
        for _ in range(3):
            await anext(results)
        await fetching.aclose()
        del results
    with Journal(tmp_path / "journal") as journal:
        assert len(journal) == 2
        with ThreadPoolExecutor(2) as executor:
            fetching = aioxide.fetch_all(urls, journal=journal, parse=length, executor=executor)
            assert len([result async for result in fetching]) == 10
    with Journal(tmp_path / "journal") as journal:
        assert len(journal) == 12


async def test_what_is_done_and_given_twice_is_not_fetched_with_dedupe(site, tmp_path: Path) -> None:
    urls = [f"{site.url}/bytes/1", f"{site.url}/bytes/1", f"{site.url}/bytes/1#again"]
    for expected in (1, 0):
        with Journal(tmp_path / "journal") as journal:
            fetching = aioxide.fetch_all(urls, journal=journal, dedupe=True)
            assert len([result async for result in fetching]) == expected
            assert fetching.statistics().skipped == 3 - expected


# ---- what a request is known by ----


def test_a_method_and_a_body_for_all_make_other_requests() -> None:
    ways = [
        Asked(),
        Asked("POST"),
        Asked("POST", {"json": {"page": 1}}),
        Asked("POST", {"json": {"page": 2}}),
        Asked("GET", {"params": {"page": 1}}),
        Asked("GET", {"params": {"page": 2}}),
    ]
    assert len({way.key(URL) for way in ways}) == len(ways)
    # How it is made is no part of it.
    assert Asked("GET", {"timeout": 3, "headers": {"a": "b"}}).key(URL) == Asked().key(URL) == key_of(URL)
    assert Asked("POST").key(URL) == Asked().key(("POST", URL)) == key_of(("POST", URL))
    # One that has a method keeps it.
    assert Asked("POST").key(("PUT", URL)) == key_of(("PUT", URL))


def test_where_something_is_in_memory_is_no_part_of_it() -> None:
    keys = [Asked("POST", {"content": io.BytesIO(b"x")}).key(URL) for _ in range(2)]
    held = [io.BytesIO(b"x") for _ in range(2)]
    keys += [key_of(Request("POST", URL, files={"a": body})) for body in held]
    assert keys[0] == keys[1]
    assert keys[2] == keys[3]


async def test_a_post_is_not_done_with_the_get(own_site, tmp_path: Path) -> None:
    urls = [f"{own_site.url}/echo?n={number}" for number in range(3)]
    ways = [{}, {"method": "POST"}, {"method": "POST", "json": [1]}, {"params": {"page": 2}}]
    for _ in range(2):
        for options in ways:
            async for _result in aioxide.fetch_all(urls, journal=tmp_path / "journal", **options):
                pass
    assert Counter(seen.method for seen in own_site.requests()) == {"GET": 6, "POST": 6}


@pytest.mark.parametrize("name", ["out.jsonl", "out/", "out.parquet", "out.arrow"])
async def test_an_output_knows_the_method(own_site, tmp_path: Path, name: str) -> None:
    urls = [f"{own_site.url}/echo?n={number}" for number in range(3)]
    ways = [{}, {"method": "post"}, {"method": "POST", "json": [1]}, {"params": {"page": 2}}]
    for _ in range(2):
        for options in ways:
            await aioxide.fetch_all(urls, **options).save(f"{tmp_path}/{name}", resume=True)
    assert Counter(seen.method for seen in own_site.requests()) == {"GET": 6, "POST": 6}
    rows = read(tmp_path / name)
    assert Counter(row.get("method") for row in rows) == {None: 6, "POST": 6}
    # Where the method says it all, nothing else does.
    assert sum("key" in row for row in rows) == 6


async def test_somebody_elses_journal_is_told_of_requests(own_site) -> None:
    class Noted(list[object]):
        def skip(self, item: object) -> bool:
            return item in self

        done = list.append

        def flush(self) -> None:
            pass

    noted = Noted()
    urls = [f"{own_site.url}/bytes/1", f"{own_site.url}/status/500"]
    for method in ("GET", "HEAD", "GET"):
        async for _ in aioxide.fetch_all(urls, method=method, journal=noted, ordered=True):
            pass
    assert noted == [*urls, *[("HEAD", url) for url in urls]]
