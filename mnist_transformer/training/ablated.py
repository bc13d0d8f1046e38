"""Training without some of a model's parts: what they would add is held at 0."""

from typing import Any

import torch
from torch import Tensor, nn

from ..transformer import Transformer
from .recipes import Recipe


class Ablated:
    """The weights of a model that a recipe does without.

    A head's share of the output map at 0 adds nothing to the residual stream, and positions at 0
    tell no place (as in `explain.interventions`).

    Args:
        model: any; a classifier has all its parts.
        recipe: names the parts.
    """

    def __init__(self, model: nn.Module, recipe: Recipe):
        self._parts: list[tuple[Tensor, Any]] = []
        if not isinstance(model, Transformer):
            return
        attentions = {(kind, layer): module for kind, layer, module in model.attentions()}
        for head in recipe.ablated_heads:
            output = attentions[head.attention, head.layer].output.weight
            self._parts.append((output, (slice(None), head.dimensions(recipe.config))))
        if recipe.ablated_positions:
            patches = model.encoder.patches
            whole = slice(None)
            for position in (patches.row_position, patches.column_position, model.decoder.position):
                self._parts.append((position, whole))

    @torch.no_grad()
    def hold(self) -> None:
        """Set them to 0, whatever a step has made of them."""
        for parameter, part in self._parts:
            parameter[part] = 0

    def hold_gradients(self) -> None:
        """Set their gradients to 0, so that these count for nothing where others are clipped."""
        for parameter, part in self._parts:
            if parameter.grad is not None:
                parameter.grad[part] = 0
