"""The mean of several models' weights, and a model between two."""

import copy
from collections.abc import Sequence

import torch

from ..transformer import Transformer


@torch.no_grad()
def average_models(models: Sequence[Transformer]) -> Transformer:
    """A model whose every weight is the mean of the models' weights.

    Models that were trained on from the same weights may be averaged so; the mean is often better
    than any of them, and costs no more to read with (Wortsman et al. 2022, "Model soups").

    Args:
        models: at least one, all of one config; they stay as they are.

    Raises:
        ValueError: if there is none, or their configs differ.
    """
    if not models or any(model.config != models[0].config for model in models):
        raise ValueError("models can be averaged if there is at least one and all have one config")
    mean = Transformer(models[0].config).eval()
    states = [model.state_dict() for model in models]
    mean.load_state_dict(
        {
            name: torch.stack([state[name].float() for state in states]).mean(0)
            for name in mean.state_dict()
        }
    )
    return mean


@torch.no_grad()
def between(before: Transformer, after: Transformer, kept: float) -> Transformer:
    """A model on the straight way from one model's weights to another's, that went on from it.

    Much of what is forgotten is forgotten on the last of this way, where little more is learned
    (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").

    Args:
        before, after: of one config; they stay as they are.
        kept: share of the first one's weights, in [0, 1].
    """
    model = copy.deepcopy(after)
    first = before.state_dict()
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point():
            tensor.lerp_(first[name].to(tensor.device), kept)
    return model.eval()
