"""Direct logit attribution: an answer as a sum, on one's own ink (Elhage et al. 2021, "A
Mathematical Framework for Transformer Circuits").

The decoder's residual stream is a sum: the token, its place, and what every head, MLP and bias
added. The last normalisation subtracts a mean and divides by a scale; with the scale that this
stream had, both are linear, and so is the map to logits. Each logit is therefore a sum of the
parts' own amounts, and a cross-attention head's amount again a sum over the patches: weight x value
x output. Nothing is approximated, and the bill closes.

Where it ends: a patch stands for its vector in the memory, which the encoder's layers have mixed
with those of other patches, by weights and normalisations that depend on all of them. From there on
back to the ink, what came of what is no longer a sum. Rollout says how much patches mixed, whatever
for, and gradient-weighted relevance what a small change would do (`relevance`); neither adds up to
the logit. Likewise, why a head looked where it did is not on the bill: the weights are taken as
they were, and only `follow` goes on to query and key. And an amount is what a part paid directly,
not what the answer would be without it, as later parts read it, too (`interventions` asks that).
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ..attention import MultiHeadAttention
from ..decoder import DecoderLayer
from ..reading import Reading
from ..transformer import Transformer
from .activations import AttentionTrace, DecoderLayerTrace, MLPTrace, Trace
from .heads import Head
from .receipt import HeadLine, Receipt, check_answers
from .trace import trace

_ATTENTIONS = {"self": "decoder", "cross": "cross"}  # name on the receipt -> kind of `Head`


@torch.no_grad()
def attribute(model: Transformer, drawing: Reading | Trace) -> Receipt:
    """Take every step's logits apart into what each part of the decoder added to them.

    Args:
        model: in evaluation mode; what made the reading or the trace.
        drawing: a reading of anything that is not blank, or its trace.

    Raises:
        ValueError: if the drawing is blank, or the model is in training mode.
    """
    traced = drawing if isinstance(drawing, Trace) else trace(model, drawing)
    lines: dict[str, Tensor] = {}  # (steps, 11) each, from the answer back to the token
    split: dict[str, list[Tensor]] = {"mlp": [], "cross": [], "self": []}  # from the last layer
    for kind, number, direction in _walk_back(model, traced, lines):
        layer, kept = model.decoder.layers[number], traced.decoder[number]
        assert isinstance(layer, DecoderLayer)  # which a ModuleList does not tell
        if kind == "mlp":
            contract = layer.mlp.contract
            lines[f"bias of MLP {number + 1}"] = direction @ _exact(contract.bias)
            # (steps, 1, mlp_dim) * (steps, 11, mlp_dim): each activation, and what 1 of it adds.
            neurons = _exact(kept.mlp.hidden).unsqueeze(1) * (direction @ _exact(contract.weight))
            lines[f"MLP {number + 1}"] = neurons.sum(-1)
            split[kind].append(neurons)
            continue
        module, attention = _attention(layer, kept, kind)
        lines[f"bias of {kind} {number + 1}"] = direction @ _exact(module.output.bias)
        # (heads, queries, 11, keys): weight x (output . value), laid out as in the receipt.
        worth = _outputs(module, direction) @ _exact(attention.value).mT.unsqueeze(1)
        per_key = (_exact(attention.weights).unsqueeze(2) * worth).permute(1, 2, 0, 3)
        for head in reversed(range(per_key.shape[2])):
            name = Head(_ATTENTIONS[kind], number, head).name
            lines[name] = per_key[:, :, head].sum(-1)
        split[kind].append(per_key)
    mlp, cross, own = (torch.stack(layers[::-1], 2).float() for layers in split.values())
    return Receipt(
        names=list(lines)[::-1],
        amounts=torch.stack(list(lines.values())[::-1], -1).float(),
        patches=cross,
        tokens=own,
        neurons=mlp,
        logits=traced.logits,
        grid=traced.grid,
    )


@torch.no_grad()
def follow(
    model: Transformer,
    drawing: Reading | Trace,
    head: Head,
    step: int,
    key: int,
    answer: int | None = None,
    over: int | None = None,
) -> HeadLine:
    """Go down from one amount on a bill to the numbers that it was made of.

    Args:
        model, drawing: as in `attribute`.
        head: of the decoder: "cross", or "decoder" for its own.
        step: from 0.
        key: a patch, or for the decoder's own heads a token up to the step's own, from 0.
        answer, over: as in `Receipt.bill`.

    Raises:
        ValueError: if there is no such head, step, key or answer, the key is masked, the drawing is
            blank, or the model is in training mode.
    """
    traced = drawing if isinstance(drawing, Trace) else trace(model, drawing)
    traced.check_step(step)
    answer = int(traced.logits[step].argmax()) if answer is None else answer
    check_answers(answer, over)
    directions = {
        (_ATTENTIONS.get(kind), number): direction
        for kind, number, direction in _walk_back(model, traced, {})
    }
    direction = directions.get((head.attention, head.layer))
    if direction is None or not 0 <= head.head < model.config.num_heads:
        raise ValueError(f"the decoder has no {head}")
    kind = "cross" if head.attention == "cross" else "self"
    layer = model.decoder.layers[head.layer]
    assert isinstance(layer, DecoderLayer)
    module, attention = _attention(layer, traced.decoder[head.layer], kind)
    seen = step + 1 if kind == "self" else attention.key.shape[1]
    if not 0 <= key < seen:
        raise ValueError(f"step {step} does not see a key {key}: it has 0 to {seen - 1}")
    towards = direction[step, answer] - (0 if over is None else direction[step, over])
    output = _outputs(module, towards[None, None])[head.head, 0, 0].float()
    value, weight = attention.value[head.head, key], float(attention.weights[head.head, step, key])
    query, offered = attention.query[head.head, step], attention.key[head.head, key]
    return HeadLine(
        amount=weight * float((value * output).sum()),
        weight=weight,
        value=value,
        output=output,
        value_products=value * output,
        score=float((query * offered).sum()) / math.sqrt(len(query)),
        query=query,
        key=offered,
        score_products=query * offered,
        source=traced.memory[key] if kind == "cross" else attention.read[key],
    )


def _walk_back(
    model: Transformer, traced: Trace, lines: dict[str, Tensor]
) -> Iterator[tuple[str, int, Tensor]]:
    """From the answers back through the decoder, against the way of a token.

    Yields:
        Every part that adds to the stream, as its kind ("mlp", "cross", "self") and layer, with
        (steps, 11, model_dim): what a 1 in each number that it adds comes to in each logit.
        What is no such part, biases and what stood in the stream at first, goes into `lines`.
    """
    decoder = model.decoder
    direction = _exact(decoder.to_logits.weight).expand(traced.steps, -1, -1)
    lines["bias of the answer"] = _exact(decoder.to_logits.bias).expand(traced.steps, -1)
    direction, constant = _through(decoder.norm, traced.final, direction)
    lines["bias of the last normalisation"] = constant
    for number, layer in reversed(list(enumerate(decoder.layers))):
        assert isinstance(layer, DecoderLayer)
        kept = traced.decoder[number]
        parts: list[tuple[str, str, nn.LayerNorm, AttentionTrace | MLPTrace]] = [
            ("mlp", "MLP", layer.mlp_norm, kept.mlp),
            ("cross", "cross", layer.cross_attention_norm, kept.cross_attention),
            ("self", "self", layer.self_attention_norm, kept.self_attention),
        ]
        for kind, name, norm, part in parts:
            if not layer.norm_first:
                direction, constant = _through(norm, part.before + part.added, direction)
                lines[f"bias of the normalisation after {name} {number + 1}"] = constant
            yield kind, number, direction
    for name, vectors in (("place", traced.token_places), ("token", traced.token_vectors)):
        lines[name] = (direction @ _exact(vectors).unsqueeze(2)).squeeze(2)


def _through(norm: nn.LayerNorm, x: Tensor, direction: Tensor) -> tuple[Tensor, Tensor]:
    """A direction after a normalisation as one before it, the scale being that of `x`.

    Args:
        x: (steps, model_dim), what was normalised.
        direction: (steps, 11, model_dim).

    Returns:
        The direction before, and what the normalisation's bias adds: (steps, 11).
    """
    scale = (_exact(x).var(-1, correction=0) + norm.eps).sqrt()[:, None, None]
    before = direction * _exact(norm.weight) / scale
    # The mean that is subtracted from every number is made of all of them.
    return before - before.mean(-1, keepdim=True), direction @ _exact(norm.bias)


def _attention(
    layer: DecoderLayer, kept: DecoderLayerTrace, kind: str
) -> tuple[MultiHeadAttention, AttentionTrace]:
    if kind == "cross":
        return layer.cross_attention, kept.cross_attention
    return layer.self_attention, kept.self_attention


def _outputs(module: MultiHeadAttention, direction: Tensor) -> Tensor:
    """(steps, answers, model_dim) -> (heads, steps, answers, head_dim), through the output map."""
    through = direction @ _exact(module.output.weight)
    return through.unflatten(-1, (module.num_heads, -1)).permute(2, 0, 1, 3)


def _exact(tensor: Tensor) -> Tensor:
    """In double precision, so that what the bill lacks is the model's own rounding alone."""
    return tensor.detach().double().cpu()
