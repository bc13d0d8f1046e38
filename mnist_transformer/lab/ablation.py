"""What each choice is worth: the shipped recipe, with one thing changed at a time.

`python -m mnist_transformer ablate` trains every variant on the same short budget, from the same
seed, and prints how many validation lines each then reads exactly right.
"""

import dataclasses
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ..config import Config
from ..dataset import DigitSet
from ..encoder import EncoderLayer
from ..evals import evaluate_transformer
from ..train import SHIPPED_TRANSFORMER, train_transformer
from ..transformer import Transformer

LINES = 24_000
VALIDATION_LINES = 2_000


class PostNormEncoderLayer(EncoderLayer):
    """An encoder layer as Vaswani et al. 2017 had it: add first, then normalise the sum."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.attention_norm(x + self.dropout(self.attention(x)))
        return self.mlp_norm(x + self.dropout(self.mlp(x)))


def _post_norm(config: Config) -> Transformer:
    model = Transformer(config)
    encoder = model.encoder
    encoder.layers = nn.ModuleList(
        PostNormEncoderLayer(config) for _ in range(config.encoder_layers)
    )
    return model


def _random_positions(config: Config) -> Transformer:
    model = Transformer(config)
    patches = model.encoder.patches
    for position in (patches.row_position, patches.column_position, model.decoder.position):
        nn.init.normal_(position, std=0.02)
    return model


@torch.no_grad()
def _columns_only(config: Config) -> Transformer:
    model = Transformer(config)
    model.encoder.patches.row_position.zero_().requires_grad_(False)
    return model


def _with(**changes) -> dict:
    return {"config": dataclasses.replace(SHIPPED_TRANSFORMER["config"], **changes)}


# What is changed -> the arguments of `train_transformer` that change it.
VARIANTS: dict[str, dict] = {
    "the shipped recipe": {},
    "AdamW alone, no Muon": {"muon": False},
    "no CTC loss": {"ctc_weight": 0.0},
    "no curriculum, whole canvases alone": {
        "curriculum": 0.0,
        "short_canvas_share": 0.0,
    },
    "one convolution a stage of the stem": _with(stem_depth=1),
    "linear patches that do not overlap": _with(stem_channels=()),
    "patches of 16 pixels": _with(patch_size=16, stem_channels=(32, 64, 128, 128)),
    "2 encoder layers": _with(encoder_layers=2),
    "4 encoder layers": _with(encoder_layers=4),
    "1 decoder layer": _with(decoder_layers=1),
    "post-norm encoder": {"make_model": _post_norm},
    "positions from random, not sinusoids": {"make_model": _random_positions},
    "1-D positions: columns, no rows": {"make_model": _columns_only},
}


@dataclasses.dataclass(frozen=True)
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
) -> Iterator[AblationRow]:
    """Train every variant on `num_lines` lines and score it.

    Args:
        digits, validation: what to train and to score on.
        num_lines: the budget of each.
        seed: of all runs.
        variants: names out of `VARIANTS`; None means all.

    Raises:
        ValueError: if a variant is unknown.
    """
    for name in variants or VARIANTS:
        if name not in VARIANTS:
            raise ValueError(f"variant must be one of {', '.join(VARIANTS)}, not {name!r}")
        # A short budget needs a larger share of it to grow and to warm up.
        short = {
            "epochs": 1,
            "samples_per_epoch": num_lines,
            "curriculum": 0.15,
            "warmup_steps": 200,
        }
        result = train_transformer(
            **SHIPPED_TRANSFORMER | short | {"epochs": 1} | VARIANTS[name],
            digits=digits,
            validation=validation,
            seed=seed,
        )
        score = evaluate_transformer(result.model, validation, VALIDATION_LINES)
        parameters = sum(p.numel() for p in result.model.parameters())
        seconds = result.history[-1].seconds
        yield AblationRow(name, parameters, score.line_accuracy, score.digit_accuracy, seconds)
