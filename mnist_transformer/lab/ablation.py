"""What each choice is worth: the shipped recipe, with one thing changed at a time.

`python -m mnist_transformer ablate` trains every variant on the same short budget, from the same
seed, and prints how many validation lines each then reads exactly right.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

from ..dataset import DigitSet
from ..evals import evaluate_transformer
from ..train import train
from ..training.presets import SHIPPED_TRANSFORMER
from ..training.recipes import Recipe
from ..transformer import Transformer

LINES = 24_000
NUM_VALIDATION = 2_000

# A short budget needs a larger share of it to grow and to warm up.
SHORT = dataclasses.replace(SHIPPED_TRANSFORMER, epochs=1, curriculum=0.15, warmup_steps=200)


def _with(**changes) -> Recipe:
    return dataclasses.replace(SHORT, **changes)


def _with_config(**changes) -> Recipe:
    return _with(config=dataclasses.replace(SHORT.config, **changes))


VARIANTS: dict[str, Recipe] = {
    "the shipped recipe": SHORT,
    "AdamW alone, no Muon": _with(optimizer="adamw"),
    "no CTC loss": _with(ctc_weight=0.0),
    "no curriculum, whole canvases alone": _with(curriculum=0.0, short_canvas_share=0.0),
    "one convolution a stage of the stem": _with_config(stem_depth=1),
    "linear patches that do not overlap": _with_config(stem_channels=()),
    "patches of 16 pixels": _with_config(patch_size=16, stem_channels=(32, 64, 128, 128)),
    "2 encoder layers": _with_config(encoder_layers=2),
    "4 encoder layers": _with_config(encoder_layers=4),
    "1 decoder layer": _with_config(decoder_layers=1),
    "post-norm": _with_config(norm_first=False),
    "positions from random, not sinusoids": _with_config(position_init="random"),
    "1-D positions: columns, no rows": _with_config(row_positions=False),
}


@dataclass(frozen=True)
class AblationRow:
    """One variant: parameters, line and digit accuracy on validation, training seconds."""

    variant: str
    parameters: int
    line_accuracy: float
    digit_accuracy: float
    seconds: float


def ablate(
    digits: DigitSet,
    validation: DigitSet,
    num_lines: int = LINES,
    seed: int = 0,
    variants: list[str] | None = None,
    num_validation: int = NUM_VALIDATION,
) -> Iterator[AblationRow]:
    """Train every variant on `num_lines` lines and score it.

    Args:
        digits, validation: what to train and to score on.
        num_lines: the budget of each.
        seed: of all runs.
        variants: names out of `VARIANTS`; None means all.
        num_validation: lines to score each on.

    Raises:
        ValueError: if a variant is unknown.
    """
    names = variants or list(VARIANTS)
    for name in names:
        if name not in VARIANTS:
            raise ValueError(f"variant must be one of {', '.join(VARIANTS)}, not {name!r}")
    for name in names:
        recipe = dataclasses.replace(VARIANTS[name], samples_per_epoch=num_lines, seed=seed)
        result = train(recipe, digits=digits, validation=validation, num_validation=1)
        assert isinstance(result.model, Transformer)
        score = evaluate_transformer(result.model, validation, num_validation)
        parameters = sum(p.numel() for p in result.model.parameters())
        seconds = result.history[-1].seconds
        yield AblationRow(name, parameters, score.line_accuracy, score.digit_accuracy, seconds)
