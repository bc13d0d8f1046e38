"""Where a server keeps its visitors' runs, and what killed servers left there."""

import subprocess
import sys
import tempfile
from pathlib import Path

from demo import folders

MAKES_ONE = "from demo import folders; print(folders.of_this_server(), flush=True); input()"


def started(top):
    server = subprocess.Popen(
        [sys.executable, "-c", MAKES_ONE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"TMPDIR": str(top), "PYTHONPATH": ":".join(filter(None, sys.path))},
    )
    return server, Path(server.stdout.readline().strip())


def test_a_starting_server_clears_what_a_killed_one_left_and_nothing_of_one_that_lives(
    tmp_path, monkeypatch
):
    killed, left = started(tmp_path)
    (left / "run").mkdir()
    killed.kill()
    killed.wait()
    alive, kept = started(tmp_path)
    assert not left.exists() and kept.exists()
    (tmp_path / "another-program").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    own = folders.of_this_server.__wrapped__()
    assert own.exists() and kept.exists() and own != kept
    assert (tmp_path / "another-program").exists()
    alive.communicate("\n")  # ends as it should, and takes its folder with it
    assert not kept.exists()
