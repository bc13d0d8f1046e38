"""What moves the weights: AdamW, Muon for the layers' matrices, a schedule, a running mean."""

import math

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer
from torch.optim.swa_utils import AveragedModel

from ..classifier import Classifier
from ..transformer import Transformer
from .muon import Muon
from .objectives import ClassifierObjective, TransformerObjective
from .recipes import OptimizerName

Tensors = tuple[Tensor, ...] | list[Tensor]

MUON_LR = 3.0  # Muon's learning rate, in AdamW's: an orthogonal step bears a longer stride


def make_optimizers(
    objective: TransformerObjective | ClassifierObjective, lr: float, optimizer: OptimizerName
) -> list[Optimizer]:
    """AdamW for everything, or Muon for the layers' matrices and AdamW for the rest.

    Args:
        objective: whatever it has beside its model, AdamW trains.
        lr: AdamW's highest learning rate; Muon's is `MUON_LR` times that.
        optimizer: "adamw" or "muon".

    Raises:
        ValueError: if Muon is asked for and the model has no layers to train with it.
    """
    if optimizer == "adamw":
        return [AdamW(objective.parameters(), lr=lr, fused=True)]
    matrices = layer_matrices(objective.model)
    if not matrices:
        raise ValueError("Muon trains the matrices of a model's layers, and this model has none")
    muon = Muon(matrices, lr=MUON_LR * lr)
    taken = set(map(id, matrices))
    others = [p for p in objective.parameters() if id(p) not in taken]
    return [AdamW(others, lr=lr, fused=True), muon]


def layer_matrices(model: Transformer | Classifier) -> list[nn.Parameter]:
    """The matrices inside encoder and decoder layers: of attention and MLPs, nothing else's."""
    layers = list(model.encoder.layers)
    if isinstance(model, Transformer):
        layers += list(model.decoder.layers)
    return [p for layer in layers for p in layer.parameters() if p.dim() == 2]


def learning_rate(step: int, steps: int, warmup_steps: int) -> float:
    """What share of its highest learning rate a run's next step takes, after `step` of `steps`.

    A linear rise over `warmup_steps`, which are fewer than `steps`, then a cosine to 0.
    """
    if step < warmup_steps:
        return (1 + (warmup_steps - 1) * step / warmup_steps) / warmup_steps
    return (1 + math.cos(math.pi * (step - warmup_steps) / (steps - warmup_steps))) / 2


def running_mean(model: nn.Module, decay: float) -> AveragedModel:
    """A copy of `model` that `update_parameters(model)` moves towards it after every step.

    Args:
        model: as it is before the first step.
        decay: share of the mean that a step leaves as it was, below 1; less in the first steps.
    """

    @torch.no_grad()
    def move(means: Tensors, values: Tensors, steps: Tensor | int) -> None:
        if not means[0].is_floating_point():  # batch norm's counts of batches
            torch._foreach_copy_(means, values)
            return
        done = int(steps)
        torch._foreach_lerp_(means, values, 1 - min(decay, done / (done + 10)))

    averaged = AveragedModel(model, multi_avg_fn=move, use_buffers=True)
    averaged.update_parameters(model)  # the initial weights count as the first
    return averaged.eval()
