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

import torch
from torch import Tensor

from ..attention import record_attention
from ..reading import Reading
from ..transformer import Transformer
from .heads import ATTENTIONS, Head, HeadStep
from .interventions import decoder_tokens


def mean_cross_attention(reading: Reading) -> Tensor:
    """Where each step looked, all heads and layers averaged: (steps, patches), rows sum to 1."""
    return reading.attention.cross.mean((0, 1))


def rollout(reading: Reading) -> Tensor:
    """The same, carried back through the encoder's layers to the patches as they came in.

    Returns:
        (steps, patches), rows sum to 1.
    """
    flow = torch.eye(reading.attention.encoder.shape[-1])
    for layer in reading.attention.encoder:
        # Half of what a layer hands on is what it was given.
        flow = (0.5 * layer.mean(0) + 0.5 * torch.eye(len(flow))) @ flow
    return mean_cross_attention(reading) @ flow


def relevance(model: Transformer, reading: Reading) -> Tensor:
    """How much every patch spoke for each step's choice.

    Args:
        model: what made the reading.
        reading: of anything that is not blank.

    Returns:
        (steps, patches), at least 0; only the proportions within a row mean something.
    """
    tokens, chosen = decoder_tokens(reading)
    with torch.enable_grad(), record_attention(model, keep_graph=True) as record:
        logits = model(reading.canvas[None], tokens)[0]
    names = [
        (stack, f"{stack}.layers.{layer}.{module}")
        for stack in ("encoder", "decoder")
        for layer in range(len(getattr(model, stack).layers))
        for s, module in ATTENTIONS.values()
        if s == stack
    ]
    weights = [record[name][0] for _, name in names]
    rows = []
    for step, token in enumerate(chosen):
        gradients = torch.autograd.grad(logits[step, token], weights, retain_graph=True)
        between_patches = torch.eye(weights[0].shape[-1])
        between_tokens = torch.eye(len(chosen))
        to_patches = torch.zeros(len(chosen), len(between_patches))
        for (stack, name), weight, gradient in zip(names, weights, gradients, strict=True):
            spoke_for = (weight * gradient).clamp(min=0)[0].mean(0).detach()
            if stack == "encoder":
                between_patches = between_patches + spoke_for @ between_patches
            elif name.endswith("self_attention"):
                to_patches = to_patches + spoke_for @ to_patches
                between_tokens = between_tokens + spoke_for @ between_tokens
            else:
                through = _normalised(between_tokens).T @ spoke_for @ _normalised(between_patches)
                to_patches = to_patches + through
        rows.append(to_patches[step])
    return torch.stack(rows)


def _normalised(relevance: Tensor) -> Tensor:
    """Chefer et al. 2021, equations 8 and 9: what came by attention sums to 1, plus oneself."""
    own = torch.eye(len(relevance))
    came = relevance - own
    return came / came.sum(-1, keepdim=True).clamp(min=1e-9) + own


@torch.inference_mode()
def inside_head(model: Transformer, reading: Reading, head: Head, query: int, key: int) -> HeadStep:
    """Work out one head for one query (a step or a patch) and one key (a token or a patch).

    Raises:
        ValueError: if there is no such head, query or key, or the key is masked.
    """
    stack, name = ATTENTIONS.get(head.attention, ("", ""))
    layers = getattr(model, stack).layers if stack else []
    if not (0 <= head.layer < len(layers) and 0 <= head.head < model.config.num_heads):
        raise ValueError(f"this model has no {head}")
    tokens, _ = decoder_tokens(reading)
    encoder = model.encoder.hidden_states(reading.canvas[None])
    memory = model.encoder.norm(encoder[-1])
    layer = layers[head.layer]
    module = getattr(layer, name)
    if head.attention == "encoder":
        asking = offering = layer.attention_norm(encoder[head.layer])
    else:
        x = model.decoder.hidden_states(tokens, memory)[head.layer]
        asking = offering = layer.self_attention_norm(x)
        if head.attention == "cross":
            length = x.shape[1]
            mask = torch.ones(length, length, dtype=torch.bool).tril()
            asking = layer.cross_attention_norm(x + layer.self_attention(asking, mask=mask))
            offering = memory
    seen = query + 1 if head.attention == "decoder" else offering.shape[1]
    if not (0 <= query < asking.shape[1] and 0 <= key < seen):
        raise ValueError(f"query {query} does not see a key {key}")
    own = head.dimensions(model.config)
    q = module.query(asking)[0, query, own]
    keys, values = (m(offering)[0, :seen, own] for m in (module.key, module.value))
    scores = keys @ q / len(q) ** 0.5
    return HeadStep(
        query=q,
        key=keys[key],
        value=values[key],
        products=q * keys[key],
        score=float(scores[key]),
        scores=scores,
        weight=float(scores.softmax(0)[key]),
    )
