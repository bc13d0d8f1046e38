import dataclasses

import numpy as np
import pytest
import torch

from mnist_transformer import dataset, load_digits, make_lines
from mnist_transformer.config import END, PAD, START, TRANSFORMER_CONFIG
from mnist_transformer.dataset import DigitSet, embedded_digits
from mnist_transformer.evals import line_text


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_lines_have_the_documented_form(digits):
    canvases, tokens = make_lines(digits, 200, TRANSFORMER_CONFIG, generator=generator())
    assert canvases.shape == (200, 32, 224)
    assert canvases.min() == 0 and 0.9 < canvases.max() <= 1
    assert (tokens[:, 0] == START).all()
    lengths = [len(line_text(row)) for row in tokens]
    assert set(lengths) == set(range(1, 9))
    for row, length in zip(tokens, lengths, strict=True):
        assert (row[1 : length + 1] < 10).all()
        assert row[length + 1] == END
        assert (row[length + 2 :] == PAD).all()


def test_a_seed_fixes_the_lines(digits):
    first = make_lines(digits, 10, TRANSFORMER_CONFIG, generator=generator(3))
    again = make_lines(digits, 10, TRANSFORMER_CONFIG, generator=generator(3))
    other = make_lines(digits, 10, TRANSFORMER_CONFIG, generator=generator(4))
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])


@pytest.fixture
def no_remains(monkeypatch):
    """Nothing on the canvases but digits, which can then be counted and measured."""
    monkeypatch.setattr(dataset, "add_remains", lambda canvases, *_: canvases)


def block_digits():
    """Ten "digits" that all look alike: one solid block."""
    images = torch.zeros(10, 28, 28, dtype=torch.uint8)
    for digit in range(10):
        images[digit, 4:24, 9:19] = 255
    return DigitSet.from_arrays(images, torch.arange(10), "blocks")


def test_the_label_counts_what_is_drawn(digits, no_remains):
    # Blocks are solid, so with gaps between them the runs of inked columns count the digits.
    canvases, tokens = make_lines(block_digits(), 300, TRANSFORMER_CONFIG, generator=generator())
    agreeing = 0
    for canvas, row in zip(canvases, tokens, strict=True):
        ink = (canvas.amax(0) > 0.2).int()
        runs = int((ink.diff() == 1).sum() + ink[0])
        length = len(line_text(row))
        assert runs <= length  # touching digits make one run, but nothing unlabelled is drawn
        agreeing += runs == length
    assert agreeing > 150


def test_digits_stand_in_the_order_of_the_label(digits, no_remains):
    # Digit 0 is a full block, digit 1 a thin bar: widths from left to right must follow the label.
    images = torch.zeros(2, 28, 28, dtype=torch.uint8)
    images[0, 4:24, 4:24] = 255
    images[1, 4:24, 13:16] = 255
    two = DigitSet.from_arrays(images, torch.tensor([0, 1]), "block and bar")
    canvases, tokens = make_lines(
        two, 200, TRANSFORMER_CONFIG, generator=generator(), lengths=(2, 4)
    )
    compared = 0
    for canvas, row in zip(canvases, tokens, strict=True):
        ink = (canvas.amax(0) > 0.2).numpy().astype(int)
        edges = np.flatnonzero(np.diff(np.pad(ink, 1)))
        widths = edges[1::2] - edges[::2]
        label = line_text(row)
        if len(widths) != len(label) or len(set(label)) == 1:
            continue
        compared += 1
        wide = [w for w, c in zip(widths, label, strict=True) if c == "0"]
        thin = [w for w, c in zip(widths, label, strict=True) if c == "1"]
        assert min(wide) > max(thin)
    assert compared > 50


def test_nothing_is_cut_off_at_the_edges(digits, no_remains):
    narrow = dataclasses.replace(TRANSFORMER_CONFIG, canvas_width=64)
    canvases, tokens = make_lines(block_digits(), 200, narrow, generator=generator())
    assert (tokens[:, 1] < 10).all()
    # What counts as ink when digits are placed, more than 0.2, stays off the last column.
    assert canvases[:, :, -1].max() <= 0.2
    assert canvases.flatten(1).sum(1).min() > 10


def test_lines_differ_in_height_position_and_stroke(digits, no_remains):
    canvases, _ = make_lines(digits, 300, TRANSFORMER_CONFIG, generator=generator())
    rows = canvases.amax(2) > 0.3
    heights = rows.sum(1)
    assert heights.min() <= 18 and heights.max() >= 27
    left = (canvases.amax(1) > 0.3).int().argmax(1)
    assert left.min() < 10 and left.max() > 150


@pytest.mark.parametrize(
    "change",
    [{"augmentation": 1.5}, {"augmentation": -0.1}, {"lengths": (0, 2)}, {"lengths": (2, 9)}],
)
def test_lines_that_cannot_be_written_are_refused(digits, change):
    with pytest.raises(ValueError, match=f"{next(iter(change))} must be between"):
        make_lines(digits, 1, TRANSFORMER_CONFIG, **change)


def test_fallback_splits_are_disjoint_and_balanced():
    splits = {name: embedded_digits(name) for name in dataset.SPLITS}
    assert [len(splits[name]) for name in dataset.SPLITS] == [3500, 500, 1000]
    seen = [{image.numpy().tobytes() for image in split.images} for split in splits.values()]
    assert not (seen[0] & seen[1] or seen[0] & seen[2] or seen[1] & seen[2])
    for split in splits.values():
        assert split.labels.bincount().tolist() == [len(split) // 10] * 10


def test_an_unknown_split_is_an_error():
    with pytest.raises(ValueError, match="train, validation, test"):
        load_digits("holdout")


def test_tame_lines_are_legible_versions_of_wild_ones(digits, no_remains):
    wild, wild_tokens = make_lines(digits, 300, TRANSFORMER_CONFIG, generator=generator(6))
    tame, tokens = make_lines(
        digits, 300, TRANSFORMER_CONFIG, generator=generator(6), augmentation=0
    )
    same = (tokens == wild_tokens).all(1)  # unless a digit no longer fits
    assert same.float().mean() > 0.95
    assert not torch.equal(tame, wild)

    def fullness(canvases):
        """How much of the ink's box is ink: near 1, loops have closed to blobs."""
        boxes = canvases.amax(1).gt(0.2).sum(1) * canvases.amax(2).gt(0.2).sum(1)
        return canvases.sum((1, 2)) / boxes

    assert fullness(tame[same]).std() < fullness(wild[same]).std()


def test_some_augmented_lines_have_gaps_wider_than_a_digit_is_high(no_remains):
    def widest_gaps(augmentation):
        canvases, _ = make_lines(
            block_digits(),
            400,
            TRANSFORMER_CONFIG,
            generator=generator(8),
            lengths=(3, 5),
            augmentation=augmentation,
        )
        gaps = []
        for canvas in canvases:
            edges = np.flatnonzero(np.diff(np.pad((canvas.amax(0) > 0.5).int().numpy(), 1)))
            height = int((canvas.amax(1) > 0.5).sum())  # of the line, a little more than a digit's
            gaps.append(max(edges[2::2] - edges[1:-1:2], default=0) / height)
        return np.array(gaps)

    assert (widest_gaps(0.0) > 0.9).mean() < 0.02  # what evaluation measures stays as it was
    assert (widest_gaps(1.0) > 0.9).mean() > 0.05


def test_some_augmented_pairs_overlap_at_different_heights_and_the_left_one_comes_first(no_remains):
    # Blocks of two widths, solid enough to be told apart where one lies over the other.
    images = torch.zeros(2, 28, 28, dtype=torch.uint8)
    images[0, 4:24, 4:24] = 255
    images[1, 4:24, 13:16] = 255
    two = DigitSet.from_arrays(images, torch.tensor([0, 1]), "block and bar")

    def pairs(augmentation):
        return make_lines(
            two,
            400,
            TRANSFORMER_CONFIG,
            generator=generator(8),
            lengths=(2, 2),
            augmentation=augmentation,
        )

    def nearly_above(canvases, tokens):
        """Which hold a block and a bar, and are much higher than wide: as no line is."""
        mixed = torch.tensor([line_text(row) in ("01", "10") for row in tokens])
        ink = canvases > 0.5
        return mixed & (ink.any(2).sum(1) > 1.5 * ink.any(1).sum(1))

    assert nearly_above(*pairs(0.0)).sum() == 0
    canvases, tokens = pairs(1.0)
    above = nearly_above(canvases, tokens)
    in_order = []
    for canvas, row in zip(canvases[above], tokens[above], strict=True):
        # The block, wide and half of the height, lies left of the bar if it is named first.
        ink = (canvas > 0.5).float()
        middle = (ink.sum(0) * torch.arange(ink.shape[1])).sum() / ink.sum()
        first, last = ink.any(1).nonzero()[[0, -1], 0]
        bar = min(ink[first : first + 5].sum(0), ink[last - 4 : last + 1].sum(0), key=torch.sum)
        beyond = (bar * torch.arange(len(bar))).sum() / bar.sum() - middle
        if beyond.abs() > 3:  # pixels; less says nothing of digits that are bent and slanted
            in_order.append(bool(beyond > 0) == (line_text(row) == "01"))
    assert len(in_order) > 10 and all(in_order)


def test_seeds_go_on_giving_the_lines_that_were_measured(digits):
    canvases, tokens = make_lines(
        digits, 4, TRANSFORMER_CONFIG, generator=generator(20_000), augmentation=0
    )
    assert [line_text(row) for row in tokens] == ["1", "1", "081312", "13389503"]
    assert float(canvases.sum()) == pytest.approx(1553.361, rel=1e-4)
