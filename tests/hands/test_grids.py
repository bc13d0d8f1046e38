import dataclasses

import pytest
import torch

from mnist_transformer import Transformer
from mnist_transformer.config import GRID_CONFIG
from mnist_transformer.dataset import embedded_digits
from mnist_transformer.evals import evaluate_grids, evaluate_transformer, evaluation_grids
from mnist_transformer.hands.grids import make_grids
from mnist_transformer.train import train
from mnist_transformer.training.presets import GRID


def test_the_four_digits_stand_row_by_row_as_mnist_gives_them(digits):
    canvases, tokens = make_grids(
        digits, 5, GRID_CONFIG, generator=torch.Generator().manual_seed(1), vary=False
    )
    assert canvases.shape == (5, 64, 64) and tokens.shape == (5, 6)
    assert canvases[:, :4].max() == 0 and canvases[:, :, -4:].max() == 0
    index = torch.randint(len(digits), (20,), generator=torch.Generator().manual_seed(1))
    for place, (x, y) in enumerate([(4, 4), (32, 4), (4, 32), (32, 32)]):
        chosen = index.view(5, 4)[:, place]
        expected = digits.images[chosen] / 255
        torch.testing.assert_close(canvases[:, y : y + 28, x : x + 28], expected)
        assert torch.equal(tokens[:, place + 1], digits.labels[chosen])


def test_varied_digits_stay_in_their_cells(digits):
    canvases, _ = make_grids(digits, 200, GRID_CONFIG, generator=torch.Generator().manual_seed(2))
    plain, _ = make_grids(
        digits, 200, GRID_CONFIG, generator=torch.Generator().manual_seed(2), vary=False
    )
    assert not torch.equal(canvases, plain)
    ink = canvases[:, 4:-4, 4:-4].sum((1, 2)) / plain.sum((1, 2))
    assert 0.8 < ink.median() < 1.2 and ink.min() > 0.5


def test_a_canvas_too_small_is_refused(digits):
    config = dataclasses.replace(GRID_CONFIG, canvas_width=48)
    with pytest.raises(ValueError, match="do not fit"):
        make_grids(digits, 1, config)


def test_rows_of_digits_must_share_the_patches():
    with pytest.raises(ValueError, match="rows of digits"):
        dataclasses.replace(GRID_CONFIG, text_rows=3)


def test_the_same_code_trains_and_scores_grids(digits):
    config = dataclasses.replace(
        GRID_CONFIG, stem_channels=(8, 8, 16), model_dim=16, mlp_dim=16, encoder_layers=1
    )
    recipe = dataclasses.replace(
        GRID, epochs=1, batch_size=16, config=config, ctc_weight=0.5, samples_per_epoch=64
    )
    result = train(
        recipe,
        digits=digits,
        validation=embedded_digits("validation"),
        num_validation=20,
        progress_bar=False,
    )
    assert result.finished and isinstance(result.model, Transformer)
    score = evaluate_grids(result.model, digits, 30)
    assert list(score.line_accuracy_by_length) == [4]
    canvases, _ = next(iter(evaluation_grids(digits, config, 30)))
    assert canvases.shape == (30, 64, 64)


def test_a_model_of_grids_is_not_scored_on_lines(digits):
    config = dataclasses.replace(GRID_CONFIG, model_dim=16, mlp_dim=16, encoder_layers=1)
    with pytest.raises(ValueError, match="evaluate_grids"):
        evaluate_transformer(Transformer(config).eval(), digits, 1)
