import dataclasses

import numpy as np
import pytest
import torch

from mnist_transformer import Transformer
from mnist_transformer.config import END, PAD, START, TRANSFORMER_CONFIG
from mnist_transformer.dataset import embedded_digits
from mnist_transformer.hands.pairs import Sheets, make_pairs, pair_canvases
from mnist_transformer.train import train
from mnist_transformer.training.presets import STREWN_PAIRS
from mnist_transformer.training.tasks import make_task


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_two_digits_lie_anywhere_as_mnist_gives_them(digits):
    sheets = make_pairs(digits, 40, seeded(1))
    assert sheets.pictures.shape == (40, 100, 100) and sheets.pictures.dtype == np.uint8
    assert sheets.pictures[:, :30].any() and sheets.pictures[:, 70:].any()
    index = torch.randint(len(digits), (40, 2), generator=seeded(1))
    assert (sheets.labels == digits.labels[index].numpy()).all()
    for n, picture in enumerate(sheets.pictures):
        for image, box, (x, y) in zip(
            digits.images[index[n]], digits.boxes[index[n]], sheets.middles[n], strict=True
        ):
            left, top = (round(v) for v in (np.array([x, y]) - (box[:2] + box[2:]).numpy() / 2))
            assert (picture[top : top + 28, left : left + 28] >= image.numpy()).all()


def test_the_seed_fixes_the_sheets(digits):
    first, again, other = (make_pairs(digits, 5, seeded(n), vary=True) for n in (3, 3, 4))
    assert (first.pictures == again.pictures).all() and (first.middles == again.middles).all()
    assert (first.pictures != other.pictures).any()


def test_training_puts_more_of_the_digits_together(digits):
    plain, varied = (make_pairs(digits, 300, seeded(5), vary=vary) for vary in (False, True))
    near = [
        (np.abs(sheets.middles[:, 0] - sheets.middles[:, 1]).max(1) < 25).mean()
        for sheets in (plain, varied)
    ]
    assert near[0] < 0.4 and near[1] > 0.6


def test_every_part_of_a_sheet_is_shown_with_what_it_says(digits):
    canvases, tokens = pair_canvases(digits, 200, TRANSFORMER_CONFIG, generator=seeded(6))
    assert canvases.shape == (200, 32, 224) and canvases.dtype == torch.float32
    assert tokens.shape == (200, 4) and (tokens[:, 0] == START).all()
    assert (tokens[0:198:3] == tokens[2:198:3]).all()  # the looks of one part
    two = tokens[:, 2] < END
    assert (tokens[two, 3] == END).all() and (tokens[~two, 2:] == torch.tensor([END, PAD])).all()
    assert 0.4 < two.float().mean() < 0.9


def lay_one_and_seven(digits, monkeypatch, corners):
    """All sheets hold a 1 and a 7, whose pictures have their corners there, (down, right)."""
    chosen = [int((digits.labels == label).nonzero()[0]) for label in (1, 7)]
    draws = iter([torch.tensor([chosen]), torch.tensor([corners])])
    monkeypatch.setattr(torch, "randint", lambda *_, **__: next(draws))
    sheets = make_pairs(digits, 1, seeded(7))
    monkeypatch.setattr("mnist_transformer.hands.pairs.make_pairs", lambda *_, **__: sheets)


def test_a_sheet_of_two_rows_is_two_parts_each_with_its_own_digit(digits, monkeypatch):
    """The upper one to the right, so that the digits' order is not that of the rows."""
    lay_one_and_seven(digits, monkeypatch, [[70, 0], [0, 70]])
    canvases, tokens = pair_canvases(digits, 6, TRANSFORMER_CONFIG, generator=seeded(7))
    assert tokens[[0, 3]].tolist() == [[START, 7, END, PAD], [START, 1, END, PAD]]
    widths = (canvases[[0, 3]] > 0.3).any(1).sum(1)
    assert widths[0] > widths[1]


def test_one_part_is_read_from_left_to_right_whichever_digit_was_laid_first(digits, monkeypatch):
    lay_one_and_seven(digits, monkeypatch, [[30, 50], [30, 26]])
    _, tokens = pair_canvases(digits, 3, TRANSFORMER_CONFIG, generator=seeded(7))
    assert tokens.tolist() == [[START, 7, 1, END]] * 3


def test_a_row_that_holds_neither_digit_is_not_shown(digits, monkeypatch):
    """And where no sheet can be shown, that is said."""
    sheets = make_pairs(digits, 1, seeded(8))
    pictures = np.zeros((1, 100, 100), np.uint8)
    pictures[0, 5:25, 10:14] = pictures[0, 70:90, 80:84] = 255
    middles = np.array([[[12.0, 15.0], [50.0, 50.0]]])  # the first row is the first digit's
    misplaced = dataclasses.replace(sheets, pictures=pictures, middles=middles)
    monkeypatch.setattr("mnist_transformer.hands.pairs.make_pairs", lambda *_, **__: misplaced)
    with pytest.raises(ValueError, match="nothing can be shown of 100 sheets"):
        pair_canvases(digits, 3, TRANSFORMER_CONFIG, generator=seeded(8))


def test_a_digit_that_was_taken_for_dirt_is_not_said(digits, monkeypatch):
    """A low one, which stands where no row of a tall one reaches, is left out of the canvas."""

    def lay(*tops):
        pictures = np.zeros((len(tops), 100, 100), np.uint8)
        for picture, top in zip(pictures, tops, strict=True):
            picture[10:34, 20:28] = picture[top : top + 8, 40:60] = 255
        middles = np.array([[[24.0, 22.0], [50.0, top + 4]] for top in tops])
        sheets = Sheets(pictures, np.array([[1, 7]] * len(tops)), middles)
        monkeypatch.setattr("mnist_transformer.hands.pairs.make_pairs", lambda *_, **__: sheets)

    lay(60, 26)  # far below, and beside the tall one's foot
    canvases, tokens = pair_canvases(digits, 6, TRANSFORMER_CONFIG, generator=seeded(9))
    assert tokens.tolist() == [[START, 1, 7, END]] * 6
    assert torch.equal(canvases[:3], canvases[3:])
    lay(60)
    with pytest.raises(ValueError, match="nothing can be shown of 100 sheets"):
        pair_canvases(digits, 3, TRANSFORMER_CONFIG, generator=seeded(9))


def test_a_head_for_ctc_is_fitted_to_pairs(digits, monkeypatch):
    monkeypatch.setattr("mnist_transformer.training.tasks.HEAD_STEPS", 1)
    fitted = []
    monkeypatch.setattr(
        "mnist_transformer.training.tasks.fit_ctc_head", lambda _, batches: fitted.extend(batches)
    )
    recipe = dataclasses.replace(STREWN_PAIRS, batch_size=6, ctc_weight=0.3)
    make_task(recipe, digits, digits, 1, Transformer(recipe.config)).build()
    ((canvases, tokens),) = fitted
    assert canvases.shape == (6, 32, 224) and tokens.shape == (6, 4)


def test_the_same_code_trains_on_pairs(digits):
    small = dict(stem_channels=(8, 8, 16), model_dim=16, mlp_dim=16, encoder_layers=1)
    config = dataclasses.replace(STREWN_PAIRS.config, stem_depth=1, **small)
    recipe = dataclasses.replace(
        STREWN_PAIRS, epochs=1, batch_size=14, config=config, samples_per_epoch=28, warmup_steps=0
    )
    validation = embedded_digits("validation")
    result = train(
        recipe, digits=digits, validation=validation, num_validation=20, progress_bar=False
    )
    assert result.finished and isinstance(result.model, Transformer)
    assert 0 <= result.history[-1].validation_accuracy <= 1


@pytest.mark.parametrize("name", ["curriculum", "short_canvas_share", "clump_share"])
def test_what_only_lines_know_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} must be 0 for the task 'pairs'"):
        dataclasses.replace(STREWN_PAIRS, **{name: 0.1})
