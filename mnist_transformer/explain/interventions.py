"""Change something inside the model and read again: what was it there for?

Every change is an edit of a few weights, which has exactly the effect its name says: a head whose
share of the output map is 0 adds nothing, a head whose queries are 0 looks everywhere alike, a
layer whose two output maps are 0 hands on what it was given. The model itself is left as it is.
"""

import copy
import dataclasses
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import functional_call

from ..config import START
from ..reading import AttentionMaps, Reading
from ..transformer import Transformer
from .heads import ATTENTIONS, Head, all_heads


@dataclass(frozen=True)
class Intervention:
    """What to change.

    Attributes:
        ablated_heads: heads that add nothing to the stream.
        heads_uniform: heads that look at all they may see alike.
        ablated_layers: (stack, layer) of layers that hand on what they were given.
        ablated_positions: whether patches and tokens no longer know their places.
    """

    ablated_heads: frozenset[Head] = frozenset()
    heads_uniform: frozenset[Head] = frozenset()
    ablated_layers: frozenset[tuple[str, int]] = frozenset()
    ablated_positions: bool = False

    def __bool__(self) -> bool:
        return self != Intervention()


def edited_weights(model: Transformer, change: Intervention) -> dict[str, Tensor]:
    """The weights that `change` edits, by name.

    Raises:
        ValueError: if the model has no such head or layer.
    """
    weights = model.state_dict()
    edits: dict[str, Tensor] = {}

    def edit(name: str) -> Tensor:
        if name not in weights:
            raise ValueError(f"this model has no {name.rsplit('.', 1)[0]}")
        return edits.setdefault(name, weights[name].clone())

    for head in change.ablated_heads | change.heads_uniform:
        if head.attention not in ATTENTIONS or not 0 <= head.head < model.config.num_heads:
            raise ValueError(f"this model has no {head}")
        stack, module = ATTENTIONS[head.attention]
        name = f"{stack}.layers.{head.layer}.{module}"
        own = head.dimensions(model.config)
        if head in change.ablated_heads:
            edit(f"{name}.output.weight")[:, own] = 0
        else:
            edit(f"{name}.query.weight")[own] = 0
            edit(f"{name}.query.bias")[own] = 0
    for stack, layer in change.ablated_layers:
        modules = [module for s, module in ATTENTIONS.values() if s == stack]
        for last in [f"{module}.output" for module in modules] + ["mlp.contract"]:
            for part in ("weight", "bias"):
                edit(f"{stack}.layers.{layer}.{last}.{part}").zero_()
    if change.ablated_positions:
        for name in ("patches.row_position", "patches.column_position"):
            edit(f"encoder.{name}").zero_()
        edit("decoder.position").zero_()
    return edits


def read_changed(model: Transformer, canvas: Tensor, change: Intervention) -> Reading:
    """Read one canvas, (height, width), with a copy of `model` that is changed.

    In the attention maps, heads that are off are 0 everywhere: they show nothing to anybody.
    """
    changed = copy.deepcopy(model)
    changed.load_state_dict(edited_weights(model, change), strict=False)
    reading = changed.read_canvases(canvas.unsqueeze(0), attention=True)[0]
    off = [
        head
        for head in all_heads(model.config)
        if head in change.ablated_heads
        or (ATTENTIONS[head.attention][0], head.layer) in change.ablated_layers
    ]
    maps = {name: getattr(reading.attention, name).clone() for name in ATTENTIONS}
    for head in off:
        maps[head.attention][head.layer, head.head] = 0
    return dataclasses.replace(reading, attention=AttentionMaps(**maps))


@torch.inference_mode()
def head_importance(model: Transformer, reading: Reading) -> dict[Head, float]:
    """How much worse each step's choice would be, on average, if one head were off.

    Args:
        model: what made the reading.
        reading: of anything that is not blank.

    Returns:
        For every head the mean loss in log probability (nats) of what was chosen at every step,
        the tokens before it being those that were read. Below 0, the head was in the way.
    """
    tokens, chosen = decoder_tokens(reading)
    # `functional_call` puts the edits into its module for a moment: never into a model that
    # another thread may be reading with.
    copied = copy.deepcopy(model)

    def score(edits: dict[str, Tensor]) -> Tensor:
        logits = functional_call(copied, edits, (reading.canvas[None], tokens))[0]
        return logits.log_softmax(-1).gather(1, chosen[:, None]).mean()

    whole = score({})
    return {
        head: float(whole - score(edited_weights(model, Intervention(frozenset({head})))))
        for head in all_heads(model.config)
    }


@torch.inference_mode()
def logit_lens(model: Transformer, reading: Reading) -> Tensor:
    """What the decoder would have said after each layer (nostalgebraist 2020, the logit lens).

    The stream after the embedding and after every layer goes straight to the last normalisation
    and the outcome map.

    Returns:
        (decoder layers + 1, steps, 11) probabilities; the last are the reading's own.
    """
    tokens, _ = decoder_tokens(reading)
    memory = model.encoder(reading.canvas[None])
    hidden_states = model.decoder.hidden_states(tokens, memory)
    return torch.stack(
        [model.decoder.to_logits(model.decoder.norm(x)).softmax(-1)[0] for x in hidden_states]
    )


def decoder_tokens(reading: Reading) -> tuple[Tensor, Tensor]:
    """What the decoder was given at every step, (1, steps), and what it chose, (steps,)."""
    chosen = reading.distributions.argmax(-1)
    return torch.cat([torch.tensor([START]), chosen[:-1]])[None], chosen
