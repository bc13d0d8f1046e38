"""Everything that passes through a model while it reads one drawing.

`trace` goes through the model once, with the model's own modules in the model's own order, and
writes down what each is given and what it makes of it. Nothing is hung on the model and nothing in
it is changed, so that several threads may trace one model at once, and a changed copy (`edited`) is
traced like any other.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..attention import AttentionRecord, MultiHeadAttention, record_attention
from ..config import START, VOCABULARY_SIZE
from ..decoder import DecoderLayer
from ..encoder import EncoderLayer, PatchEmbedding, ResidualLayer
from ..reading import Reading, require_eval
from ..transformer import Transformer
from .activations import (
    AttentionTrace,
    DecoderLayerTrace,
    EncoderLayerTrace,
    MLPTrace,
    Trace,
)
from .interventions import teacher_forcing


@torch.no_grad()
def trace(
    model: Transformer, drawing: Reading | Tensor, tokens: Sequence[int] | Tensor | None = None
) -> Trace:
    """Go through the model with one drawing and write everything down.

    Args:
        model: in evaluation mode.
        drawing: a reading, or a canvas: (height, width), 0 = paper, 1 = ink.
        tokens: the token that every step is given, START first; None takes those that were read,
            and a canvas is read for them first.

    Raises:
        ValueError: if the canvas is blank and no tokens are given, canvas or tokens do not fit the
            model, or the model is in training mode.
    """
    require_eval(model)
    canvases, given = _given(model, drawing, tokens)
    decoder = model.decoder
    with record_attention(model) as record:
        stages, patches = _stem(model.encoder.patches, canvases)
        rows = model.encoder.patches.row_position.unsqueeze(1)  # (rows, 1, model_dim)
        columns = model.encoder.patches.column_position
        x = (patches + rows + columns).flatten(1, 2)  # (1, patches, model_dim)
        encoder = []
        for layer in model.encoder.layers:
            assert isinstance(layer, EncoderLayer)  # which a ModuleList does not tell
            attention, x = _attention(record, layer, x, layer.attention_norm, layer.attention)
            mlp, x = _mlp(layer, x)
            encoder.append(EncoderLayerTrace(attention, mlp))
        memory = model.encoder.norm(x)

        length = given.shape[1]
        vectors, places = decoder.token(given), decoder.position[:length].clone()
        x = vectors + places  # (1, steps, model_dim)
        mask = torch.ones(length, length, dtype=torch.bool, device=given.device).tril()
        layers = []
        for layer in decoder.layers:
            assert isinstance(layer, DecoderLayer)
            own, x = _attention(
                record, layer, x, layer.self_attention_norm, layer.self_attention, mask=mask
            )
            cross, x = _attention(
                record, layer, x, layer.cross_attention_norm, layer.cross_attention, memory=memory
            )
            mlp, x = _mlp(layer, x)
            layers.append(DecoderLayerTrace(own, cross, mlp))
        normalised = decoder.norm(x)
        logits = decoder.to_logits(normalised)
    config = model.config
    return Trace(
        canvas=_plain(canvases),
        grid=(config.patch_rows, config.patch_columns),
        stages=[_plain(stage) for stage in stages],
        patches=_plain(patches.flatten(1, 2)),
        patch_places=_plain((rows + columns).flatten(0, 1)[None]),
        encoder=encoder,
        memory=_plain(memory),
        tokens=given[0].cpu(),
        token_vectors=_plain(vectors),
        token_places=_plain(places[None]),
        decoder=layers,
        final=_plain(x),
        normalised=_plain(normalised),
        logits=_plain(logits),
    )


def _given(
    model: Transformer, drawing: Reading | Tensor, tokens: Sequence[int] | Tensor | None
) -> tuple[Tensor, Tensor]:
    """The canvas, (1, height, width), and the tokens, (1, steps), on the model's device."""
    size = (model.config.canvas_height, model.config.canvas_width)
    canvas = drawing.canvas if isinstance(drawing, Reading) else drawing
    if canvas.shape != size:
        raise ValueError(f"the canvas must be {size[0]}x{size[1]}, not {tuple(canvas.shape)}")
    if tokens is None:
        reading = drawing if isinstance(drawing, Reading) else model.read_canvases(canvas[None])[0]
        return teacher_forcing(model, reading)[:2]
    own = model.decoder.position
    given = torch.as_tensor(tokens, device=own.device)
    if given.dim() != 1 or not 1 <= len(given) <= model.config.max_steps or given[0] != START:
        raise ValueError(
            f"tokens must be 1 to {model.config.max_steps} in a row, the first of them {START}, "
            f"not {given.tolist()}"
        )
    if not ((given >= 0) & (given < VOCABULARY_SIZE)).all():
        raise ValueError(f"tokens must be 0 to {VOCABULARY_SIZE - 1}, not {given.tolist()}")
    return canvas[None].to(own), given[None]


def _stem(embedding: PatchEmbedding, canvases: Tensor) -> tuple[list[Tensor], Tensor]:
    """The feature maps after each stage, and each patch's vector: (1, rows, columns, model_dim)."""
    *layers, last = embedding.stem
    x, maps = canvases.unsqueeze(1), []
    for number, layer in enumerate(layers):
        if number and isinstance(layer, nn.Conv2d) and layer.stride == (2, 2):
            maps.append(x)  # the next stage begins where the picture is halved again
        x = layer(x)
    if layers:
        maps.append(x)
    return maps, last(x).permute(0, 2, 3, 1)


def _attention(
    record: AttentionRecord,
    layer: ResidualLayer,
    x: Tensor,
    norm: nn.LayerNorm,
    module: MultiHeadAttention,
    memory: Tensor | None = None,
    mask: Tensor | None = None,
) -> tuple[AttentionTrace, Tensor]:
    """Let one attention add to the stream `x`; what it worked with, and the stream after."""
    seen: list[Tensor] = []

    def attend(read: Tensor) -> Tensor:
        seen[:] = read, module(read, memory, mask)
        return seen[1]

    after = layer.add(x, norm, attend)
    call = record[module][-1]
    return AttentionTrace(*map(_plain, (x, seen[0], *call, seen[1], after))), after


def _mlp(layer: EncoderLayer | DecoderLayer, x: Tensor) -> tuple[MLPTrace, Tensor]:
    """The same for the layer's MLP."""
    seen: list[Tensor] = []

    def work(read: Tensor) -> Tensor:
        hidden = layer.mlp.hidden(read)
        seen[:] = read, hidden, layer.mlp.contract(hidden)
        return seen[2]

    after = layer.add(x, layer.mlp_norm, work)
    return MLPTrace(*map(_plain, (x, *seen, after))), after


def _plain(batch: Tensor) -> Tensor:
    """The one drawing's own out of a batch of one, as float32 on the CPU."""
    return batch[0].detach().float().cpu()
