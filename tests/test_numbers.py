"""What the models compute stays what it was: digits and probabilities, to 1e-4."""

import pytest
import torch

from mnist_transformer import load_transformer
from mnist_transformer.checkpoint import TRANSFORMER_WEIGHTS, read_metadata
from tests import ROOT

# Of each example, the probabilities of its digits, and of the end after them.
EXAMPLES = {
    "1704": ([0.999580, 0.999667, 0.999892, 0.999133], 0.999961),
    "2026": ([0.999309, 0.999881, 0.999872, 0.999739], 0.999987),
    "314159": ([0.999675, 0.973447, 0.999706, 0.999521, 0.999431, 0.999644], 0.999974),
    "8675309": ([0.999846, 0.999874, 0.999705, 0.999629, 0.999578, 0.999790, 0.999589], 0.999985),
    "99": ([0.999466, 0.999648], 0.999972),
}
# The seconds that the run took whose weights gave these numbers, by which its log is known.
RUN = 456.294029583


@pytest.fixture(scope="module")
def readings():
    model = load_transformer()
    pictures = [ROOT / "demo" / "examples" / f"{name}.png" for name in EXAMPLES]
    return model.read_many(pictures)


def test_the_examples_are_read(readings):
    assert [reading.digits for reading in readings] == list(EXAMPLES)


@pytest.mark.skipif(
    read_metadata(TRANSFORMER_WEIGHTS)["log"][-1]["seconds"] != RUN,
    reason="the weights were trained anew, and give other numbers",
)
def test_the_examples_have_the_probabilities_that_they_had(readings):
    for reading, (probabilities, end) in zip(readings, EXAMPLES.values(), strict=True):
        assert reading.probabilities == pytest.approx(probabilities, abs=1e-4)
        assert reading.end_probability == pytest.approx(end, abs=1e-4)


def test_a_file_of_the_first_version_reads_as_it_did():
    """A small model with random weights, and running means and variances, saved by the first
    version under its own names of tensors; it read one pattern to its end, saw no digits in
    another, and did not come to an end with the third.
    """
    path = ROOT / "tests" / "fixtures" / "first_version.safetensors"
    pixels = torch.arange(32 * 64).view(32, 64)
    patterns = torch.stack([(pixels * step % 97 < 20).float() for step in (37, 41, 5)])
    readings = load_transformer(path).read_canvases(patterns, attention=True)
    expected = [
        ("12", [0.6551, 0.7116], 0.9875, [0.0396, 0.0958, 0.0235, 0.0722, 0.0704, 0.0275]),
        ("", [], 0.5206, [0.0234, 0.0863, 0.0090, 0.0090, 0.0620, 0.0198]),
        (
            "10444",
            [0.8826, 0.3546, 0.4767, 0.8031, 0.8924],
            0.0145,
            [0.0195, 0.1006, 0.0232, 0.0163, 0.0231, 0.0254],
        ),
    ]
    for reading, (digits, probabilities, end, looked) in zip(readings, expected, strict=True):
        assert reading.digits == digits
        assert reading.probabilities == pytest.approx(probabilities, abs=1e-4)
        assert reading.end_probability == pytest.approx(end, abs=1e-4)
        assert reading.maps.cross[1, 1, -1, :6].tolist() == pytest.approx(looked, abs=1e-4)
    assert [reading.truncated for reading in readings] == [False, False, True]
    assert read_metadata(path) == {"exact": 0.5}
