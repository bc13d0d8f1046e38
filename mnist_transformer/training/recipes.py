"""What a run trains and how: recipes that check themselves (the named ones are `presets`)."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ..config import TRANSFORMER_CONFIG, Config
from ..explain.heads import Head, all_heads

TaskName = Literal["lines", "grids", "pairs", "digits"]
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
        task: what a sample is: a line of digits (see `make_lines`), a grid of them (see
            `make_grids`) or what is on a sheet with two strewn ones (see `pair_canvases`) for a
            Transformer, or a single digit for the classifier.
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
            its own, single digits have all of it. Grids and pairs have one of their own.
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
        if self.task == "pairs" and self.config.max_digits < 2:
            raise ValueError("config.max_digits must be 2 or more for the task 'pairs', not 1")
        unknown = {
            "lines": (),
            "grids": ("curriculum", "short_canvas_share", "clump_share"),
            "pairs": ("curriculum", "short_canvas_share", "clump_share"),
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
