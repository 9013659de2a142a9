"""``aioxide fetch``: URLs in, a JSON object a line out."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from aioxide.cli.urls import count_urls, feed_urls
from aioxide.fetching import source

MANY = 20_000


def records(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_urls_of_a_file_come_back_as_lines_each_once(aioxide_command, served, tmp_path: Path) -> None:
    urls = [f"{served.url}/bytes/{number % 100}?n={number}" for number in range(MANY)]
    (tmp_path / "urls.txt").write_text("\n".join(urls))
    done = aioxide_command.run("fetch", "-i", str(tmp_path / "urls.txt"), "-o", str(tmp_path / "out.jsonl"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    lines = records((tmp_path / "out.jsonl").read_text())
    assert len(lines) == MANY
    assert Counter(line["url"] for line in lines) == Counter(urls)
    assert all(line["status"] == 200 for line in lines)
    lengths = {line["url"]: line["length"] for line in lines}
    assert all(lengths[url] == number % 100 for number, url in enumerate(urls))


def test_a_line_says_what_came(aioxide_command, served) -> None:
    done = aioxide_command.run("fetch", f"{served.url}/bytes/7")
    assert done.returncode == 0
    [line] = records(done.stdout)
    assert 0 < line.pop("elapsed") < 60
    assert line == {
        "url": f"{served.url}/bytes/7",
        "status": 200,
        "length": 7,
        "attempts": 1,
        "http_version": "HTTP/1.1",
        "content_type": "application/octet-stream",
    }


def test_a_redirected_url_tells_where_it_ended(aioxide_command, served) -> None:
    done = aioxide_command.run("fetch", f"{served.url}/redirect/2", served.url, f"{served.url}/bytes/1")
    ends = {line["url"]: line.get("final_url") for line in records(done.stdout)}
    assert ends == {
        f"{served.url}/redirect/2": f"{served.url}/redirect/0",
        served.url: None,
        f"{served.url}/bytes/1": None,
    }


def test_any_status_is_fetched(aioxide_command, served) -> None:
    done = aioxide_command.run("fetch", f"{served.url}/status/404", f"{served.url}/status/500")
    assert done.returncode == 0
    assert sorted(line["status"] for line in records(done.stdout)) == [404, 500]


def test_urls_that_fail_are_lines_and_the_others_go_on(aioxide_command, served) -> None:
    good = f"{served.url}/bytes/1"
    bad = {
        "no-scheme": "InvalidURL",
        "ftp://127.0.0.1/": "UnsupportedProtocol",
        "http://": "InvalidURL",
        f"{served.url}/truncated/100": "RemoteProtocolError",
        f"{served.url}/redirect/loop": "TooManyRedirects",
        f"{served.url}/broken/gzip": "DecodingError",
    }
    done = aioxide_command.run("fetch", *bad, good)
    assert (done.returncode, done.stderr) == (1, "")
    lines = {line["url"]: line for line in records(done.stdout)}
    assert {url: line.get("error") for url, line in lines.items()} == {**bad, good: None}
    for url in bad:
        assert set(lines[url]) == {"url", "error", "message", "elapsed", "attempts"}
        assert lines[url]["message"]


def test_a_refused_connection_is_a_line(aioxide_command, site) -> None:
    url = f"{site.url}/bytes/1"
    site.stop()
    done = aioxide_command.run("fetch", url)
    assert done.returncode == 1
    assert [line["error"] for line in records(done.stdout)] == ["ConnectError"]


def test_timeout_gives_up_on_a_url(aioxide_command, served) -> None:
    done = aioxide_command.run("fetch", "--timeout", "0.2", f"{served.url}/hang", f"{served.url}/bytes/1")
    assert done.returncode == 1
    lines = {line["url"].removeprefix(served.url): line for line in records(done.stdout)}
    assert lines["/hang"]["error"] == "TimeoutException"
    assert lines["/hang"]["elapsed"] >= 0.2
    assert lines["/bytes/1"]["status"] == 200


@pytest.mark.parametrize("arguments", [["-i", "-"], ["-i", "-", "-o", "-"]])
def test_urls_come_from_stdin(aioxide_command, served, arguments: list[str]) -> None:
    urls = "".join(f"{served.url}/bytes/{n}\n" for n in range(10))
    done = aioxide_command.run("fetch", *arguments, input=urls)
    assert done.returncode == 0
    assert sorted(line["length"] for line in records(done.stdout)) == list(range(10))


def test_urls_come_from_arguments_and_a_file(aioxide_command, served) -> None:
    done = aioxide_command.run("fetch", f"{served.url}/bytes/1", "-i", "-", input=f"{served.url}/bytes/2")
    assert sorted(line["length"] for line in records(done.stdout)) == [1, 2]


def test_blank_lines_and_comments_are_skipped(aioxide_command, served, tmp_path: Path) -> None:
    text = f"\ufeff{served.url}/bytes/1\r\n\n   \n# {served.url}/bytes/2\n  #\n\t{served.url}/bytes/3  "
    (tmp_path / "urls.txt").write_bytes(text.encode())
    done = aioxide_command.run("fetch", "-i", str(tmp_path / "urls.txt"))
    assert done.returncode == 0
    assert sorted(line["url"] for line in records(done.stdout)) == [
        f"{served.url}/bytes/1",
        f"{served.url}/bytes/3",
    ]


LINES = (
    b"\xef\xbb\xbf# said by Windows\r\nhttp://a/\r\n\xef\xbb\xbfhttp://b/\n \t\n\xc2\xa0http://c/\xe2\x80\xa9\n"
    b"  # a comment\nhttp://d/#e\n\xff\n\r\n\nhttp://f/"
)


def test_a_file_has_the_same_urls_for_all(tmp_path: Path) -> None:
    """For the command, for its bar, and for `fetch_all`."""
    (tmp_path / "urls").write_bytes(LINES)
    with open(tmp_path / "urls", "rb") as file:
        urls = list(feed_urls((), file.fileno()))
        file.seek(0)
        assert count_urls(file) == len(urls)
    assert urls == ["http://a/", "http://b/", "http://c/", "http://d/#e", "\udcff", "http://f/"]
    assert list(source(tmp_path / "urls")) == urls


def test_a_line_that_is_no_text_fails_by_itself(aioxide_command, served) -> None:
    lines = b"http://127.0.0.1/\xff\n" + f"{served.url}/bytes/1\n".encode()
    done = aioxide_command.run("fetch", "-i", "-", input=lines, text=False)
    assert done.returncode == 1
    outcomes = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted("error" in outcome for outcome in outcomes) == [False, True]


def test_a_file_without_urls_is_all_fetched(aioxide_command) -> None:
    done = aioxide_command.run("fetch", "-i", "/dev/null")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_headers_arrive(aioxide_command, site) -> None:
    done = aioxide_command.run(
        "fetch", "--header", "X-Fruit: apple", "--header", "x-time:12:30", f"{site.url}/echo"
    )
    assert done.returncode == 0
    [seen] = site.requests()
    assert ("x-fruit", "apple") in seen.headers
    assert ("x-time", "12:30") in seen.headers


def test_concurrency_is_how_many_run_at_once(aioxide_command, site) -> None:
    urls = [f"{site.url}/delay/20?n={n}" for n in range(12)]
    done = aioxide_command.run("fetch", "--concurrency", "3", *urls)
    assert done.returncode == 0
    assert len(records(done.stdout)) == len(urls)
    # Each worker has one connection.
    assert site.statistics()["connections_opened"] <= 3
