"""Activation patching: carry a thought from one drawing into the reading of another.

While the model reads one drawing, a head's output, a layer's stream or a patch of the memory is
taken from its reading of a second one (Meng et al. 2022, "Locating and Editing Factual Associations
in GPT"; Heimersheim & Nanda 2024, "How to use and interpret activation patching"). Where the answer
becomes the other drawing's, that is where the difference between the two is kept. Unlike a head
that is off, everything that is carried is something the model does say.

A patch is here always a square of the drawing; what is carried is a `Swap`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..attention import MultiHeadAttention, record_attention
from ..config import END, START, Config
from ..decoder import DecoderLayer
from ..encoder import EncoderLayer
from ..reading import Reading, require_eval
from ..transformer import Transformer
from .activations import AttentionTrace, Trace
from .heads import Head, all_heads
from .interventions import teacher_forcing
from .trace import trace


@dataclass(frozen=True)
class Swap:
    """What is carried over. Of the decoder, every step that the donor took, too.

    Attributes:
        heads: heads whose outputs are the donor's.
        layers: (stack, layer) of layers after which the residual stream is the donor's; stack is
            "encoder" or "decoder".
        patches: patches of the memory, numbered row by row.
    """

    heads: frozenset[Head] = frozenset()
    layers: frozenset[tuple[str, int]] = frozenset()
    patches: frozenset[int] = frozenset()

    @classmethod
    def everything(cls, config: Config) -> "Swap":
        """All heads, layers and patches of a model."""
        return cls(
            frozenset(all_heads(config)),
            frozenset(_all_layers(config)),
            frozenset(range(config.num_patches)),
        )

    @property
    def in_encoder(self) -> bool:
        """Whether something is carried before the memory is made."""
        return any(head.attention == "encoder" for head in self.heads) or any(
            stack == "encoder" for stack, _ in self.layers
        )


@dataclass(frozen=True, eq=False)
class SwapMap:
    """What each patch, head and layer alone would carry over at one step.

    All numbers are shares of the way: 0 leaves the logits of the two answers as far apart as the
    drawing itself has them, at 1 they are as far apart as the donor has them. Below 0 or above 1 is
    possible: parts may work against one another.

    Attributes:
        step: from 0.
        answer, donated: what the drawing and the donor say at this step, 0 to 9 or 10 for the end.
        gap, donor_gap: logit of `donated` less that of `answer`, in the drawing and in the donor.
        patches: (patches,).
        heads: of every head.
        layers: of every layer's stream, by (stack, layer).
        said: what would be said with each of these, by the same names, patches by their number.
    """

    step: int
    answer: int
    donated: int
    gap: float
    donor_gap: float
    patches: Tensor
    heads: dict[Head, float]
    layers: dict[tuple[str, int], float]
    said: dict[int | Head | tuple[str, int], int]

    @property
    def parts(self) -> list[tuple[str, float]]:
        """Every layer, as "all of encoder 1", and every head by its name, with its share, the
        largest first, whatever the sign."""
        shares = [(layer_title(*layer), share) for layer, share in self.layers.items()]
        shares += [(head.name, share) for head, share in self.heads.items()]
        return sorted(shares, key=lambda part: -abs(part[1]))


@torch.no_grad()
def read_swapped(model: Transformer, reading: Reading, donor: Reading, swap: Swap) -> Reading:
    """Read a drawing again, with something carried over from another: a reading without maps.

    Args:
        model: in evaluation mode; what made both readings.
        reading: of the drawing that is read; of anything that is not blank.
        donor: of the drawing from which something is carried.
        swap: what.

    Raises:
        ValueError: if a drawing is blank, the model has no such head, layer or patch, or it is in
            training mode.
    """
    canvases, _, _ = teacher_forcing(model, reading)
    _check(swap, model.config)
    given = trace(model, donor)
    memory = _memories(model, canvases, [swap], given)
    tokens = torch.full((1, 1), START, device=canvases.device)
    for _ in range(model.config.max_steps):
        logits = _logits(model, tokens, memory, [swap], given)[0]  # (steps, 11)
        newest = logits[-1:].argmax(-1)
        tokens = torch.cat([tokens, newest[None]], 1)
        if newest == END:
            break
    distributions = logits.softmax(-1).float().cpu()
    digits = tokens[0, 1 : len(distributions)].tolist()  # the last step's choice is the end
    return Reading(
        digits="".join(map(str, digits)),
        probabilities=distributions[:-1].amax(-1).tolist(),
        end_probability=float(distributions[-1, END]),
        distributions=distributions,
        canvas=reading.canvas,
    )


@torch.no_grad()
def swap_map(model: Transformer, reading: Reading, donor: Reading, step: int) -> SwapMap:
    """How far each patch, head and layer alone would carry the answer over at one step.

    The tokens before the step stay those that each drawing's own reading has.

    Args:
        model, reading, donor: as in `read_swapped`.
        step: from 0; both readings must have it.

    Raises:
        ValueError: if a drawing is blank, one of the readings has no such step, both say the same
            at it, or the model is in training mode.
    """
    require_eval(model)
    for one in (reading, donor):
        one.check_step(step)
    answer, donated = (int(one.distributions[step].argmax()) for one in (reading, donor))
    if answer == donated:
        said = "the end" if answer == END else str(answer)
        raise ValueError(f"both drawings say {said} at step {step}: there is nothing to carry over")
    canvases, tokens, _ = teacher_forcing(model, reading)
    given, config = trace(model, donor), model.config
    names = [*range(config.num_patches), *all_heads(config), *_all_layers(config)]
    swaps = [_alone(name) for name in names]
    memories = _memories(model, canvases, [*swaps, Swap()], given)
    logits = _logits(model, tokens[:, : step + 1], memories, [*swaps, Swap()], given)[:, -1]
    *gaps, gap = (logits[:, donated] - logits[:, answer]).tolist()
    donor_gap = float(given.logits[step, donated] - given.logits[step, answer])
    shares = {
        name: (carried - gap) / (donor_gap - gap) for name, carried in zip(names, gaps, strict=True)
    }
    return SwapMap(
        step=step,
        answer=answer,
        donated=donated,
        gap=gap,
        donor_gap=donor_gap,
        patches=torch.tensor([shares[patch] for patch in range(config.num_patches)]),
        heads={head: shares[head] for head in all_heads(config)},
        layers={layer: shares[layer] for layer in _all_layers(config)},
        said=dict(zip(names, logits[:-1].argmax(-1).tolist(), strict=True)),
    )


def layer_title(stack: str, layer: int) -> str:
    """What people call a layer's whole stream, e.g. "all of encoder 1"; `layer` counts from 0."""
    return f"all of {stack} {layer + 1}"


def _all_layers(config: Config) -> list[tuple[str, int]]:
    encoder = [("encoder", layer) for layer in range(config.encoder_layers)]
    return encoder + [("decoder", layer) for layer in range(config.decoder_layers)]


def _alone(name: int | Head | tuple[str, int]) -> Swap:
    if isinstance(name, Head):
        return Swap(heads=frozenset({name}))
    if isinstance(name, tuple):
        return Swap(layers=frozenset({name}))
    return Swap(patches=frozenset({name}))


def _check(swap: Swap, config: Config) -> None:
    possible = Swap.everything(config)
    for what in ("heads", "layers", "patches"):
        for name in getattr(swap, what) - getattr(possible, what):
            raise ValueError(f"this model has nothing to carry by the name of {name!r} in {what}")


def _memories(model: Transformer, canvases: Tensor, swaps: Sequence[Swap], given: Trace) -> Tensor:
    """The memory of one drawing with each of the swaps made: (swaps, patches, model_dim)."""
    encoder = model.encoder
    patches = encoder.patches(canvases)
    changed = [n for n, swap in enumerate(swaps) if swap.in_encoder]
    memories = encoder.encode(patches).repeat(len(swaps), 1, 1)
    if changed:  # the others share what is most of the work
        x = patches.expand(len(changed), -1, -1)
        own = [swaps[n] for n in changed]
        for number, (layer, kept) in enumerate(zip(encoder.layers, given.encoder, strict=True)):
            assert isinstance(layer, EncoderLayer)  # which a ModuleList does not tell
            carried = _Carried(own, "encoder", number)
            x = carried.attention("attention", layer, x, kept.attention)
            x = carried.stream(layer.add(x, layer.mlp_norm, layer.mlp), kept.mlp.after)
        memories[changed] = encoder.norm(x)
    for memory, swap in zip(memories, swaps, strict=True):
        rows = sorted(swap.patches)
        memory[rows] = given.memory[rows].to(memory)
    return memories


def _logits(
    model: Transformer, tokens: Tensor, memories: Tensor, swaps: Sequence[Swap], given: Trace
) -> Tensor:
    """The decoder's logits of all steps, (swaps, steps, 11), for one line of tokens, (1, steps)."""
    decoder, length = model.decoder, tokens.shape[1]
    x = (decoder.token(tokens) + decoder.position[:length]).expand(len(swaps), -1, -1)
    mask = torch.ones(length, length, dtype=torch.bool, device=tokens.device).tril()
    for number, (layer, kept) in enumerate(zip(decoder.layers, given.decoder, strict=True)):
        assert isinstance(layer, DecoderLayer)
        own, cross = _Carried(swaps, "decoder", number), _Carried(swaps, "cross", number)
        x = own.attention("self_attention", layer, x, kept.self_attention, mask=mask)
        x = cross.attention("cross_attention", layer, x, kept.cross_attention, memory=memories)
        x = own.stream(layer.add(x, layer.mlp_norm, layer.mlp), kept.mlp.after)
    return decoder.to_logits(decoder.norm(x))


class _Carried:
    """What each of several swaps, one a row of a batch, carries over in one layer."""

    def __init__(self, swaps: Sequence[Swap], kind: str, layer: int):
        self.heads = [
            (row, head.head)
            for row, swap in enumerate(swaps)
            for head in swap.heads
            if (head.attention, head.layer) == (kind, layer)
        ]
        self.rows = [row for row, swap in enumerate(swaps) if (kind, layer) in swap.layers]

    def attention(
        self,
        name: str,
        layer: EncoderLayer | DecoderLayer,
        x: Tensor,
        kept: AttentionTrace,
        memory: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """Let an attention of the layer add to the stream, some heads being the donor's."""
        module: MultiHeadAttention = getattr(layer, name)

        def attend(read: Tensor) -> Tensor:
            if not self.heads:
                return module(read, memory, mask)
            with record_attention(module) as record:
                added = module(read, memory, mask)
            (call,) = record[module]
            found = call.weights @ call.value  # (batch, heads, queries, head_dim)
            steps = min(found.shape[2], kept.gathered.shape[1])  # as far as the donor went
            change = torch.zeros_like(found)
            for row, head in self.heads:
                donated = kept.gathered[head, :steps].to(found)
                change[row, head, :steps] = donated - found[row, head, :steps]
            return added + change.transpose(1, 2).flatten(2) @ module.output.weight.T

        return layer.add(x, getattr(layer, f"{name}_norm"), attend)

    def stream(self, x: Tensor, donated: Tensor) -> Tensor:
        """The stream after the layer, (batch, length, model_dim), some rows being the donor's."""
        if self.rows:
            x, donated = x.clone(), donated[: x.shape[1]].to(x)
            x[self.rows, : len(donated)] = donated
        return x
