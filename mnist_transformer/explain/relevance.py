"""From raw attention to what the whole model used: rollout and gradient-weighted relevance.

One head's map shows where that head looked, not what came of it: a patch of the memory has already
mixed with others in the encoder, and much that is looked at changes nothing. Two known ways to
follow attention through all layers:

Rollout (Abnar & Zuidema 2020, "Quantifying Attention Flow in Transformers") multiplies the
encoder's maps, heads averaged and the skip connection added. It shows how patches mix, whatever the
digit that is chosen.

Relevance (Chefer, Gur & Wolf 2021, "Generic Attention-model Explainability for Interpreting
Bi-Modal and Encoder-Decoder Transformers") weighs every head by its gradient: what would change
this step's choice. It leaves out what attention does not carry, such as the convolutions.
"""

import math

import torch
from torch import Tensor

from ..attention import record_attention
from ..reading import Reading
from ..transformer import Transformer
from .heads import Head, HeadStep
from .interventions import teacher_forcing


def mean_cross_attention(reading: Reading) -> Tensor:
    """Where each step looked, all heads and layers averaged: (steps, patches), rows sum to 1.

    Raises:
        ValueError: if the reading has no maps.
    """
    return reading.maps.cross.mean((0, 1))


def rollout(reading: Reading) -> Tensor:
    """The same, carried back through the encoder's layers to the patches as they came in.

    Returns:
        (steps, patches), rows sum to 1; no rows for a blank drawing.

    Raises:
        ValueError: if the reading has no maps.
    """
    patches = reading.maps.encoder.shape[-1]
    flow = torch.eye(patches)
    for layer in reading.maps.encoder:
        # Half of what a layer hands on is what it was given.
        flow = (0.5 * layer.mean(0) + 0.5 * torch.eye(patches)) @ flow
    return mean_cross_attention(reading) @ flow


def relevance(model: Transformer, reading: Reading) -> Tensor:
    """How much every patch spoke for each step's choice.

    Args:
        model: what made the reading.
        reading: of anything that is not blank.

    Returns:
        (steps, patches), at least 0; only the proportions within a row mean something.

    Raises:
        ValueError: if the drawing is blank, or the model is in training mode.
    """
    canvases, tokens, chosen = teacher_forcing(model, reading)
    with torch.enable_grad(), record_attention(model, keep_graph=True) as record:
        logits = model(canvases, tokens)[0]  # (steps, 11)
    attentions = list(model.attentions())
    weights = [record[module][0].weights for _, _, module in attentions]
    rows = []
    for step, token in enumerate(chosen):
        gradients = torch.autograd.grad(logits[step, token], weights, retain_graph=True)
        between_patches = torch.eye(model.config.num_patches).to(canvases)
        between_tokens = torch.eye(len(chosen)).to(canvases)
        to_patches = torch.zeros(len(chosen), len(between_patches)).to(canvases)
        for (kind, _, _), weight, gradient in zip(attentions, weights, gradients, strict=True):
            spoke_for = (weight * gradient).clamp(min=0)[0].mean(0).detach()  # (queries, keys)
            if kind == "encoder":
                between_patches = between_patches + spoke_for @ between_patches
            elif kind == "decoder":
                to_patches = to_patches + spoke_for @ to_patches
                between_tokens = between_tokens + spoke_for @ between_tokens
            else:
                through = _normalised(between_tokens).T @ spoke_for @ _normalised(between_patches)
                to_patches = to_patches + through
        rows.append(to_patches[step])
    return torch.stack(rows).float().cpu()


def _normalised(relevance: Tensor) -> Tensor:
    """Chefer et al. 2021, equations 8 and 9: what came by attention sums to 1, plus oneself."""
    own = torch.eye(len(relevance)).to(relevance)
    came = relevance - own
    return came / came.sum(-1, keepdim=True).clamp(min=1e-9) + own


@torch.no_grad()
def inside_head(model: Transformer, reading: Reading, head: Head, query: int, key: int) -> HeadStep:
    """The numbers of one head for one query and one key.

    Args:
        model: in evaluation mode; what made the reading.
        reading: with maps.
        head: any.
        query: a step, or a patch for a head of the encoder; from 0.
        key: a patch, or a token for the decoder's own heads; from 0.

    Raises:
        ValueError: if there is no such head, query or key, the key is masked, the drawing is
            blank, or the model is in training mode.
    """
    modules = {(kind, layer): module for kind, layer, module in model.attentions()}
    module = modules.get((head.attention, head.layer))
    if module is None or not 0 <= head.head < model.config.num_heads:
        raise ValueError(f"this model has no {head}")
    canvases, tokens, _ = teacher_forcing(model, reading)
    with record_attention(module) as record:
        model(canvases, tokens)
    # Of the one drawing and the one head: (queries or keys, head_dim), and (queries, keys).
    queries, keys, values, weights = (
        part[0, head.head].float().cpu() for part in record[module][0]
    )
    seen = query + 1 if head.attention == "decoder" else len(keys)
    if not (0 <= query < len(queries) and 0 <= key < seen):
        raise ValueError(f"query {query} does not see a key {key}")
    scores = keys[:seen] @ queries[query] / math.sqrt(keys.shape[-1])
    return HeadStep(
        query=queries[query],
        key=keys[key],
        value=values[key],
        products=queries[query] * keys[key],
        score=float(scores[key]),
        scores=scores,
        weights=weights[query, :seen],
        weight=float(weights[query, key]),
        output=weights[query, :seen] @ values[:seen],
    )
