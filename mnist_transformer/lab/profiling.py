"""Where the time of a training step goes, and what would make it faster on this machine.

`python -m mnist_transformer profile` measures; the training loop itself stays free of switches.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import nn

from ..dataset import DigitSet, make_lines
from ..train import GRADIENT_CLIP, SHIPPED_TRANSFORMER, TransformerObjective, make_optimizers
from ..transformer import Transformer

# What is changed -> batch size, memory format, dtype of autocast, torch.compile.
VARIANTS = {
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


def profile(digits: DigitSet, steps: int = 12) -> Iterator[StepTime]:
    """Time every variant of a step of the shipped recipe.

    Args:
        digits: what lines are written from.
        steps: measured steps of each variant, after three that are not counted.
    """
    for name, change in VARIANTS.items():
        yield _profile(name, digits, steps, **change)


def _profile(
    name: str,
    digits: DigitSet,
    steps: int,
    batch_size: int = SHIPPED_TRANSFORMER["batch_size"],
    memory_format: torch.memory_format = torch.channels_last,
    dtype: torch.dtype = torch.float32,
    compiled: bool = False,
) -> StepTime:
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    config = SHIPPED_TRANSFORMER["config"]
    objective = TransformerObjective(Transformer(config), 0.0, SHIPPED_TRANSFORMER["ctc_weight"])
    objective = objective.to(memory_format=memory_format).train()
    optimizers = make_optimizers(objective, SHIPPED_TRANSFORMER["lr"], SHIPPED_TRANSFORMER["muon"])
    forward: Callable = torch.compile(objective) if compiled else objective
    times: list[list[float]] = []
    for _ in range(steps + 3):
        marks = [time.perf_counter()]
        batch = make_lines(digits, batch_size, config, generator=generator)
        marks.append(time.perf_counter())
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            loss, _, _ = forward(*batch, 0)
        marks.append(time.perf_counter())
        objective.zero_grad()
        loss.backward()
        marks.append(time.perf_counter())
        nn.utils.clip_grad_norm_(objective.parameters(), GRADIENT_CLIP)
        for optimizer in optimizers:
            optimizer.step()
        marks.append(time.perf_counter())
        times.append([1000 * (b - a) for a, b in zip(marks, marks[1:], strict=False)])
    parts = [statistics.median(part) for part in zip(*times[3:], strict=True)]
    return StepTime(name, *parts, lines_per_second=1000 * batch_size / sum(parts))
