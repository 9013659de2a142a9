"""``aioxide info``: versions and features."""

import json
import os
import platform
import subprocess

import aioxide


def test_it_prints_versions_and_features(aioxide_command) -> None:
    done = aioxide_command.run("info")
    assert (done.returncode, done.stderr) == (0, "")
    facts = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert facts["aioxide"] == aioxide.__version__
    assert platform.python_version() in facts["python"]
    assert int(facts["workers"]) >= 1
    assert "rustls" in facts["tls"]


def test_nobody_has_to_read_it(aioxide_command) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = aioxide_command.run("info", stdout=writer, stderr=subprocess.PIPE, capture_output=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


def test_json_says_the_same(aioxide_command) -> None:
    facts = json.loads(aioxide_command.run("info", "--json").stdout)
    assert facts["aioxide"] == aioxide.__version__
    assert facts["http"] == ["HTTP/1.1", "HTTP/2"]
    assert set(facts["content_codings"]) == {"gzip", "deflate", "br", "zstd"}
    assert isinstance(facts["workers"], int)
