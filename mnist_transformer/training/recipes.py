"""What a run trains and how: recipes that check themselves, and the named ones.

>>> dataclasses.replace(SHIPPED_TRANSFORMER, epochs=10)
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from ..config import CLASSIFIER_CONFIG, GRID_CONFIG, TRANSFORMER_CONFIG, Config
from ..explain.heads import Head, all_heads

TaskName = Literal["lines", "grids", "digits"]
OptimizerName = Literal["adamw", "muon"]
SOURCES = ("rerendered", "synthetic", "non_digits", "uci", "fonts")


@dataclass(frozen=True)
class Recipe:
    """All that defines how a model is trained, but for the digits that it is trained on.

    Saved beside the weights; a run of another recipe is never continued.

    Args:
        epochs: passes of `samples_per_epoch` samples; every sample is new.
        batch_size: samples a step.
        lr: highest learning rate. It falls along a cosine to 0.
        task: what a sample is: a line of digits (see `make_lines`) or a grid of them (see
            `make_grids`) for a Transformer, or a single digit for the classifier.
        config: the model's shape, with its dropout.
        samples_per_epoch: None means as many as there are training digits.
        optimizer: "adamw" (Loshchilov & Hutter 2019), or "muon" (Jordan et al. 2024) for the
            matrices of the layers and AdamW for the rest.
        warmup_steps: steps over which the learning rate first rises.
        ema_decay: decay, for each step, of the running mean of the weights that is validated and
            saved in their stead; 0 means the weights themselves.
        label_smoothing: share of the target spread over all classes.
        ctc_weight: weight of an auxiliary CTC loss on the encoder's columns, in training only
            (joint CTC-attention, Kim et al. 2017; Watanabe et al. 2017): it teaches the encoder to
            tell digits apart before the decoder knows where to look. Not for single digits.
        augmentation: the most that a sample may have (see `make_lines`); each batch of lines has
            its own, single digits have all of it. Grids have one of their own.
        curriculum: share of the run in which the longest line grows from 1 digit to all, on
            canvases just wide enough, which cost less. Lines alone.
        short_canvas_share: share of the batches after that which are still written on such short
            canvases; the rest, lines of all lengths together, on whole ones. Lines alone.
        clump_share: share of the batches that are two digits written over each other, on short
            canvases. Lines alone.
        rounds: how many times the training digits stand beside digits of the other kinds, which
            are as many times more.
        rerendered, synthetic, non_digits, uci, fonts: shares of the digits that are not the
            training digits as they are (see `mix_sources`).
        ablated_heads: heads that add nothing to the residual stream, all through the run.
            Transformers alone.
        ablated_positions: whether patches and tokens are not told their places. Transformers alone.
        seed: fixes the initial weights and every batch, and so the run.

    Raises:
        ValueError: if a value is out of range; the message names it and the range.
    """

    epochs: int = 30
    batch_size: int = 32
    lr: float = 0.001
    task: TaskName = "lines"
    config: Config = TRANSFORMER_CONFIG
    samples_per_epoch: int | None = 12_000  # lines that hold every training digit about once
    optimizer: OptimizerName = "adamw"
    warmup_steps: int = 0
    ema_decay: float = 0.0
    label_smoothing: float = 0.1
    ctc_weight: float = 0.0
    augmentation: float = 1.0
    curriculum: float = 0.0
    short_canvas_share: float = 0.0
    clump_share: float = 0.0
    rounds: int = 1
    rerendered: float = 0.0
    synthetic: float = 0.0
    non_digits: float = 0.0
    uci: float = 0.0
    fonts: float = 0.0
    ablated_heads: tuple[Head, ...] = ()
    ablated_positions: bool = False
    seed: int = 0

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> "Recipe":
        """The recipe that `dataclasses.asdict` made `settings` of; what else they hold is ignored.

        Raises:
            TypeError, ValueError: if they are those of no recipe.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        values = {name: value for name, value in settings.items() if name in known}
        values["config"] = Config(**values["config"])
        heads = values.get("ablated_heads", ())
        values["ablated_heads"] = tuple(Head(**head) for head in heads)
        return cls(**values)

    def __post_init__(self):
        object.__setattr__(self, "ablated_heads", tuple(sorted(self.ablated_heads)))
        for name in ("epochs", "batch_size", "rounds"):
            self._check_whole(name, 1)
        for name in ("warmup_steps", "seed"):
            self._check_whole(name, 0)
        if self.samples_per_epoch is not None:
            self._check_whole("samples_per_epoch", 1)
        if not (_is_number(self.lr) and 0 < self.lr < math.inf):
            raise ValueError(f"lr must be a number above 0, not {self.lr!r}")
        if not (_is_number(self.ctc_weight) and 0 <= self.ctc_weight < math.inf):
            raise ValueError(f"ctc_weight must be a number of at least 0, not {self.ctc_weight!r}")
        if not (_is_number(self.ema_decay) and 0 <= self.ema_decay < 1):
            raise ValueError(f"ema_decay must be at least 0 and below 1, not {self.ema_decay!r}")
        shares = ("label_smoothing", "augmentation", "curriculum", "short_canvas_share")
        for name in (*shares, "clump_share"):
            self._check_share(name)
        for name in SOURCES:
            self._check_share(name)
        if sum(self.shares.values()) >= 1:
            raise ValueError(
                f"{', '.join(SOURCES)} must be below 1 together, so that some training digits are "
                f"left, not {', '.join(map(str, self.shares.values()))}"
            )
        self._check_choice("task", get_args(TaskName))
        self._check_choice("optimizer", get_args(OptimizerName))
        self._check_task()

    @property
    def shares(self) -> dict[str, float]:
        """The shares of the other sources, by name."""
        return {name: getattr(self, name) for name in SOURCES}

    def _check_whole(self, name: str, least: int) -> None:
        value = getattr(self, name)
        if type(value) is not int or value < least:
            raise ValueError(f"{name} must be a whole number of at least {least}, not {value!r}")

    def _check_share(self, name: str) -> None:
        value = getattr(self, name)
        if not (_is_number(value) and 0 <= value <= 1):
            raise ValueError(f"{name} must be between 0 and 1, not {value!r}")

    def _check_choice(self, name: str, choices: tuple[str, ...]) -> None:
        value = getattr(self, name)
        if value not in choices:
            raise ValueError(f"{name} must be one of {', '.join(choices)}, not {value!r}")

    def _check_task(self) -> None:
        """What one task alone knows may not be asked of another, which would not do it."""
        if (self.config.text_rows > 1) != (self.task == "grids"):
            raise ValueError(
                f"config.text_rows must be {'2 or more' if self.task == 'grids' else '1'} for the "
                f"task {self.task!r}, not {self.config.text_rows}"
            )
        unknown = {
            "lines": (),
            "grids": ("curriculum", "short_canvas_share", "clump_share"),
            "digits": ("curriculum", "short_canvas_share", "clump_share", "ctc_weight"),
        }[self.task]
        for name in unknown:
            if getattr(self, name):
                raise ValueError(
                    f"{name} must be 0 for the task {self.task!r}, which does not know it, not "
                    f"{getattr(self, name)!r}"
                )
        if self.task == "digits" and (self.ablated_heads or self.ablated_positions):
            raise ValueError("a classifier is trained whole, with all heads and positions")
        for head in set(self.ablated_heads) - set(all_heads(self.config)):
            raise ValueError(f"a model of this shape has no {head.name} to do without")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# What `train_transformer()` and `train_single_digit_classifier()` do.
TRANSFORMER = Recipe()
GRID = Recipe(task="grids", config=GRID_CONFIG)
CLASSIFIER = Recipe(
    epochs=10,
    task="digits",
    config=CLASSIFIER_CONFIG,
    samples_per_epoch=None,
    label_smoothing=0.0,
)

# What made the files in weights/, but for the transformer, which grew on (see below). Samples are
# new every time, so dropout has little left to do; it costs half the speed on a CPU.
SHIPPED_TRANSFORMER = Recipe(
    epochs=140,
    batch_size=64,
    lr=0.002,
    config=replace(TRANSFORMER_CONFIG, dropout=0.0),
    optimizer="muon",
    warmup_steps=300,
    ema_decay=0.999,
    label_smoothing=0.0,
    ctc_weight=0.3,
    augmentation=0.8,
    curriculum=0.03,
    short_canvas_share=0.75,
    rerendered=0.15,
    synthetic=0.25,
    non_digits=0.03,
)
# On the way to weights/transformer_model.safetensors, from the model that SHIPPED_TRANSFORMER made:
# a third convolution a stage, a fourth layer, and other hands; stopped in the 49th epoch, when the
# learning rate was nearly 0. Then a run on lines more like those that people write.
GROWN_TRANSFORMER = replace(
    SHIPPED_TRANSFORMER,
    epochs=54,
    lr=0.001,
    config=replace(SHIPPED_TRANSFORMER.config, stem_depth=3, stem_norm=False, encoder_layers=4),
    curriculum=0.0,
    rerendered=0.1,
    synthetic=0.18,
    uci=0.07,
    fonts=0.05,
)
POLISHED_TRANSFORMER = replace(
    GROWN_TRANSFORMER,
    epochs=14,
    lr=0.0004,
    warmup_steps=50,
    ema_decay=0.998,
    augmentation=0.35,
    rerendered=0.05,
    synthetic=0.12,
    fonts=0.04,
)
# Then two digits written over each other as well.
OVERLAPPED_TRANSFORMER = replace(
    GROWN_TRANSFORMER,
    epochs=56,
    lr=0.0007,
    warmup_steps=100,
    augmentation=0.7,
    rerendered=0.08,
    synthetic=0.15,
)
# Then a run on a GPU: many more lines, other hands and clumps.
LONG_TRANSFORMER = replace(
    OVERLAPPED_TRANSFORMER,
    epochs=20,
    batch_size=512,
    samples_per_epoch=204_800,
    lr=0.002,
    warmup_steps=200,
    clump_share=0.15,
    rounds=6,
    rerendered=0.2,
    synthetic=0.18,
)
# The page's short run, worth watching: patches of 16 pixels, of which there are a quarter as many,
# and half the channels make a line cost a third; whole canvases and lines as people write them are
# learned sooner than short and augmented ones; it starts at once, as it takes MNIST's digits as
# they are.
SHORT_TRANSFORMER = replace(
    SHIPPED_TRANSFORMER,
    epochs=5,
    batch_size=32,
    lr=0.003,
    config=replace(SHIPPED_TRANSFORMER.config, patch_size=16, stem_channels=(16, 32, 64, 128)),
    samples_per_epoch=7600,
    warmup_steps=50,
    augmentation=0.2,
    curriculum=0.12,
    short_canvas_share=0.25,
    rerendered=0.0,
    synthetic=0.0,
    non_digits=0.0,
)
# Digits of one's own, taught to a trained model (see `training.teach`): few of the other hands, so
# that it starts at once, and so many lines that it takes well under a minute.
TEACHING = replace(
    GROWN_TRANSFORMER,
    epochs=1,
    batch_size=32,
    lr=0.0002,
    optimizer="adamw",
    samples_per_epoch=9600,
    warmup_steps=10,
    ema_decay=0.99,
    ctc_weight=0.0,
    augmentation=0.3,
    rerendered=0.03,
    synthetic=0.06,
    non_digits=0.02,
    uci=0.02,
    fonts=0.02,
)
SHIPPED_GRID = Recipe(
    epochs=40,
    batch_size=64,
    lr=0.002,
    task="grids",
    config=replace(GRID_CONFIG, dropout=0.0),
    optimizer="muon",
    warmup_steps=300,
    ema_decay=0.999,
    label_smoothing=0.0,
    ctc_weight=0.5,
)
SHIPPED_CLASSIFIER = replace(
    CLASSIFIER,
    epochs=24,
    batch_size=64,
    lr=0.002,
    config=replace(CLASSIFIER_CONFIG, dropout=0.0),
    optimizer="muon",
    warmup_steps=300,
    ema_decay=0.999,
    augmentation=0.8,
)
# From nothing to 99 % of MNIST in two minutes or three (see `python -m benchmarks goal`).
FAST_CLASSIFIER = replace(
    SHIPPED_CLASSIFIER,
    epochs=1,
    lr=0.003,
    samples_per_epoch=160_000,
    warmup_steps=50,
    ema_decay=0.99,
    augmentation=0.0,
)

# By the names of the shell: preset, then model. Some go on from a model that is trained already.
FROM_TRAINED: dict[str, dict[str, Recipe]] = {
    "grown": {"transformer": GROWN_TRANSFORMER},
    "polished": {"transformer": POLISHED_TRANSFORMER},
    "overlapped": {"transformer": OVERLAPPED_TRANSFORMER},
    "long": {"transformer": LONG_TRANSFORMER},
}
PRESETS: dict[str, dict[str, Recipe]] = {
    "documented": {"transformer": TRANSFORMER, "classifier": CLASSIFIER, "grid": GRID},
    "shipped": {
        "transformer": SHIPPED_TRANSFORMER,
        "classifier": SHIPPED_CLASSIFIER,
        "grid": SHIPPED_GRID,
    },
    **FROM_TRAINED,
    "fast": {"classifier": FAST_CLASSIFIER},
}
