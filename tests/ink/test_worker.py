"""What a worker makes of files is about each of them alone."""

import io

from PIL import Image

from mnist_transformer.config import Config
from mnist_transformer.ink.worker import prepare_files
from tests import ROOT

EXAMPLE = ROOT / "demo" / "examples" / "2026.png"


def test_what_is_to_be_said_of_a_file_is_not_said_of_the_next():
    moving = io.BytesIO()
    frame = Image.open(EXAMPLE)
    frame.save(moving, "GIF", save_all=True, append_images=[Image.new("L", frame.size)])
    files = [moving.getvalue(), EXAMPLE.read_bytes(), b"no picture", moving.getvalue()]
    (first,), (still,), (broken,), (last,) = prepare_files(files, Config())
    assert first.notes == last.notes == ("only the first of 2 frames is read",)
    assert still.notes == broken.notes == ()
    assert still.prepared is not None and not still.problem
    assert broken.prepared is None and "not a readable image" in broken.problem
