"""What the decoder would say with its work half done: the logit lens (nostalgebraist 2020), after
every part of every layer.

The encoder writes no answers, and so has no such lens: nothing between its layers was ever read by
the map to logits. What can be asked of it is what the decoder says if it is given the memory of an
earlier layer, normalised like the last one's. The decoder was never taught to read it, so that a
wrong answer there may be the decoder's, not the layer's.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..config import END
from ..reading import Reading, require_eval
from ..transformer import Transformer
from .activations import Trace
from .interventions import teacher_forcing
from .trace import trace


@dataclass(frozen=True, eq=False)
class Lens:
    """What would be said after each part, at every step.

    Attributes:
        names: of the places where the stream is read: "token and place", "self 1", "cross 1",
            "MLP 1" and so on, in the order in which a token passes them.
        logits: (places, steps, 11); the last are the model's own.
    """

    names: list[str]
    logits: Tensor

    @property
    def distributions(self) -> Tensor:
        """(places, steps, 11) probabilities of 0-9 and the end."""
        return self.logits.softmax(-1)


@dataclass(frozen=True, eq=False)
class MemoryLens:
    """What the decoder says of the memory of each layer of the encoder.

    Attributes:
        digits: what it reads from the embedded patches, and from what each layer makes of them;
            the last is the reading's own.
        distributions: (layers + 1, steps, 11), the probabilities at the steps of the reading, with
            the tokens that were read.
    """

    digits: list[str]
    distributions: Tensor


@torch.no_grad()
def lens(model: Transformer, drawing: Reading | Trace) -> Lens:
    """Read the residual stream out after the token, and after every part of every layer.

    Args:
        model: in evaluation mode; what made the reading or the trace.
        drawing: a reading of anything that is not blank, or its trace.

    Raises:
        ValueError: if the drawing is blank, or the model is in training mode.
    """
    require_eval(model)
    traced = drawing if isinstance(drawing, Trace) else trace(model, drawing)
    streams = {"token and place": traced.token_vectors + traced.token_places}
    for number, layer in enumerate(traced.decoder, 1):
        streams[f"self {number}"] = layer.self_attention.after
        streams[f"cross {number}"] = layer.cross_attention.after
        streams[f"MLP {number}"] = layer.mlp.after
    stacked = torch.stack(list(streams.values())).to(model.decoder.position)
    logits = model.decoder.to_logits(model.decoder.norm(stacked))
    return Lens(list(streams), logits.float().cpu())


@torch.no_grad()
def memory_lens(model: Transformer, reading: Reading) -> MemoryLens:
    """Let the decoder read the memory of every layer of the encoder.

    Args:
        model: in evaluation mode; what made the reading.
        reading: of anything that is not blank.

    Raises:
        ValueError: if the drawing is blank, or the model is in training mode.
    """
    canvases, tokens, _ = teacher_forcing(model, reading)
    states = torch.cat(model.encoder.hidden_states(canvases))  # (layers + 1, patches, model_dim)
    memories = model.encoder.norm(states)
    logits = model.decoder(tokens.expand(len(memories), -1), memories)
    lines = model.decoder.greedy(memories).argmax(-1).tolist()
    ends = [line.index(END) if END in line else model.config.max_digits for line in lines]
    digits = ["".join(map(str, line[:end])) for line, end in zip(lines, ends, strict=True)]
    return MemoryLens(digits, logits.softmax(-1).float().cpu())
