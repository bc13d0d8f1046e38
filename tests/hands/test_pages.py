import numpy as np
import pytest

from mnist_transformer.hands.pages import KINDS, pen_pages
from mnist_transformer.hands.pen import load_pen_digits
from tests.pen import write_ink


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return load_pen_digits(write_ink(tmp_path_factory.mktemp("ink") / "ink.jsonl"))


def test_pages_are_fixed_and_of_every_kind(digits):
    first, again = (list(pen_pages(digits, 2, seed=3)) for _ in range(2))
    assert [page.kind for page in first] == [kind for kind in KINDS for _ in range(2)]
    assert [page.rows for page in first] == [page.rows for page in again]
    assert all(np.array_equal(a.picture, b.picture) for a, b in zip(first, again, strict=True))
    other = [page.rows for page in pen_pages(digits, 2, seed=4)]
    assert other != [page.rows for page in first]


def test_every_kind_has_rows_of_its_lengths(digits):
    rows = {}
    for page in pen_pages(digits, 6, seed=5):
        rows.setdefault(page.kind, []).append([len(row) for row in page.rows])
    assert all(9 <= row[0] <= 16 and len(row) == 1 for row in rows["long"])
    assert rows["square"] == [[2, 2]] * 6
    assert all(2 <= len(row) <= 5 and max(row) <= 8 for row in rows["rows"] + rows["note"])
