"""Where the time of a training step goes, and what would make it faster on this machine.

`python -m mnist_transformer profile` measures; the training loop itself stays free of switches.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ..dataset import DigitSet, make_lines
from ..training.loop import GRADIENT_CLIP
from ..training.objectives import TransformerObjective
from ..training.optimizers import make_optimizers
from ..training.presets import SHIPPED_TRANSFORMER
from ..training.recipes import Recipe
from ..transformer import Transformer

# What is changed -> batch size, memory format, dtype of autocast, torch.compile.
VARIANTS: dict[str, dict[str, Any]] = {
    "as shipped": {},
    "batch 32": {"batch_size": 32},
    "batch 128": {"batch_size": 128},
    "channels first": {"memory_format": torch.contiguous_format},
    "bf16 autocast": {"dtype": torch.bfloat16},
    "torch.compile": {"compiled": True},
}


@dataclass(frozen=True)
class StepTime:
    """Median milliseconds of a step's parts, whole lines of 1-8 digits on whole canvases."""

    variant: str
    data: float
    forward: float
    backward: float
    optimizer: float
    lines_per_second: float


def profile(
    digits: DigitSet,
    steps: int = 12,
    recipe: Recipe = SHIPPED_TRANSFORMER,
    variants: list[str] | None = None,
) -> Iterator[StepTime]:
    """Time every variant of a step.

    Args:
        digits: what lines are written from.
        steps: measured steps of each variant, after three that are not counted.
        recipe: what a step does, of lines of digits.
        variants: names out of `VARIANTS`; None means all.
    """
    for name in variants or VARIANTS:
        yield _profile(name, digits, steps, recipe, **VARIANTS[name])


def _profile(
    name: str,
    digits: DigitSet,
    steps: int,
    recipe: Recipe,
    batch_size: int | None = None,
    memory_format: torch.memory_format = torch.channels_last,
    dtype: torch.dtype = torch.float32,
    compiled: bool = False,
) -> StepTime:
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    batch_size = batch_size or recipe.batch_size
    model = Transformer(recipe.config)
    objective = TransformerObjective(model, recipe.label_smoothing, recipe.ctc_weight)
    objective.train().to(memory_format=memory_format)  # type: ignore[call-overload]
    optimizers = make_optimizers(objective, recipe.lr, recipe.optimizer)
    forward: Callable = torch.compile(objective) if compiled else objective
    times: list[list[float]] = []
    for _ in range(steps + 3):
        marks = [time.perf_counter()]
        batch = make_lines(digits, batch_size, recipe.config, generator=generator)
        marks.append(time.perf_counter())
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            loss = forward(*batch)[0]
        marks.append(time.perf_counter())
        objective.zero_grad()
        loss.backward()
        marks.append(time.perf_counter())
        nn.utils.clip_grad_norm_(objective.parameters(), GRADIENT_CLIP)
        for optimizer in optimizers:
            optimizer.step()
        marks.append(time.perf_counter())
        times.append([1000 * (b - a) for a, b in zip(marks, marks[1:], strict=False)])
    data, forward_pass, backward, step = (
        statistics.median(part) for part in zip(*times[3:], strict=True)
    )
    speed = 1000 * batch_size / (data + forward_pass + backward + step)
    return StepTime(name, data, forward_pass, backward, step, speed)
