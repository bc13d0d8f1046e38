"""The Transformer: an encoder that sees the drawing, a decoder that reads it aloud."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .attention import AttentionRecord, MultiHeadAttention, record_attention
from .config import END, LOOKS, TRANSFORMER_CONFIG, Config
from .decoder import Decoder, DecoderLayer
from .encoder import Encoder, EncoderLayer
from .ink import (
    BlankDrawing,
    Drawing,
    InkError,
    drawing_to_canvas,
    looks,
    open_drawing,
    unread_marks,
)
from .page import Page, read_page
from .reading import SURE, AttentionMaps, Reading, require_eval, trust_in

ENCODED = 32  # canvases that a core encodes at once: its cache holds what becomes of no more


class Transformer(nn.Module):
    """Reads a line of 1 to `config.max_digits` handwritten digits, one token at a time."""

    kind = "transformer"  # what its files say they hold

    def __init__(self, config: Config = TRANSFORMER_CONFIG):
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)

    def forward(self, canvases: Tensor, tokens: Tensor) -> Tensor:
        """Teacher forcing: all next-token logits at once, given the true tokens before them.

        Args:
            canvases: (batch, height, width) float, 0 = paper, 1 = ink.
            tokens: (batch, length) ids, START first, at most `config.max_steps` long.

        Returns:
            (batch, length, 11) logits of 0-9 and the end.
        """
        return self.decoder(tokens, self.encoder(canvases))

    def attentions(self) -> Iterator[tuple[str, int, MultiHeadAttention]]:
        """Every attention as (kind, layer, module), in the order in which a drawing passes them.

        The kinds are "encoder", "decoder" and "cross", as in `AttentionMaps`; layers count from 0.
        """
        for number, layer in enumerate(self.encoder.layers):
            assert isinstance(layer, EncoderLayer)  # which a ModuleList does not tell
            yield "encoder", number, layer.attention
        for number, layer in enumerate(self.decoder.layers):
            assert isinstance(layer, DecoderLayer)
            yield "decoder", number, layer.self_attention
            yield "cross", number, layer.cross_attention

    def read(self, drawing: Drawing | str | Path, attention: bool = False) -> Reading:
        """Read any drawing: a picture, its file's path, an array (see `drawing_to_canvas`).

        If a first look is not nearly certain, it is read in several (`ink.looks`): the first gives
        the reading, all of them tell how far it can be trusted.

        Args:
            drawing: what was drawn; an empty drawing gives an empty reading.
            attention: whether to keep the attention maps.

        Raises:
            FileNotFoundError: if it is a path to no file.
            InkError: if the drawing cannot be understood as ink on paper.
            TypeError: if it is no picture at all.
            ValueError: if the model is in training mode.
        """
        return self.read_many([drawing], attention)[0]

    def read_many(
        self, drawings: Iterable[Drawing | str | Path], attention: bool = False
    ) -> list[Reading]:
        """As `read`, several drawings in one batch, which takes less time than one by one.

        Raises:
            FileNotFoundError, InkError, TypeError, ValueError: as `read`; the message names the
                drawing that is refused, by its path or its place among several.
        """
        drawings = list(drawings)
        canvases = []
        for number, drawing in enumerate(drawings, 1):
            try:
                canvases.append(self._canvas(drawing))
            except (InkError, TypeError) as error:
                if len(drawings) == 1:
                    raise
                named = isinstance(drawing, str | Path)
                name = str(drawing) if named else f"drawing {number} of {len(drawings)}"
                raise type(error)(f"{name}: {error}") from error
        if not canvases:
            return []
        return [
            replace(of_looks[0], trusted=trust_in(of_looks[0], of_looks))
            for of_looks in self.read_looks(torch.stack(canvases), attention)
        ]

    def read_looks(
        self, canvases: Tensor, attention: bool = False, sure: float = SURE
    ) -> list[list[Reading]]:
        """Read a batch of canvases, and once more in their other looks those that are not sure.

        Args:
            canvases, attention: as in `read_canvases`.
            sure: the certainty of a first look from which the others are not asked for; above 1,
                all are.

        Returns:
            For each canvas its reading alone, or those of all its looks (`ink.looks`).

        Raises:
            ValueError: as `read_canvases`.
        """
        is_on_cpu = self.decoder.position.device.type == "cpu"
        encoded = ENCODED * torch.get_num_threads() if is_on_cpu else None
        read = partial(self.read_canvases, attention=attention, encoded=encoded)
        found = [[reading] for reading in read(canvases)]
        unsure = [readings for readings in found if readings[0].certainty < sure]
        if unsure:
            shown = torch.cat([looks(readings[0].canvas)[1:] for readings in unsure])
            batches = shown.split(max(LOOKS, len(canvases)))  # no larger than the first
            others = (other for some in batches for other in read(some))
            for readings in unsure:
                readings += itertools.islice(others, LOOKS - 1)
        return found

    def _canvas(self, drawing: Drawing | str | Path) -> Tensor:
        """The drawing's canvas; an empty one if nothing is drawn."""
        if isinstance(drawing, str | Path):
            drawing = open_drawing(drawing)
        try:
            return drawing_to_canvas(drawing, self.config)
        except BlankDrawing:
            return torch.zeros(self.config.canvas_height, self.config.canvas_width)

    def read_page(self, picture: Drawing | str | Path, attention: bool = False) -> Page:
        """Read all rows of a picture, from top to bottom, however long they are.

        Args:
            picture: as in `read`; an empty picture gives a page without rows.
            attention: whether to keep the attention maps.

        Raises:
            FileNotFoundError, InkError, TypeError, ValueError: as `read`, but for the number of
                rows and digits.
        """
        if isinstance(picture, str | Path):
            picture = open_drawing(picture)
        return read_page(self, picture, attention)

    @torch.no_grad()
    def read_canvases(
        self, canvases: Tensor, attention: bool = False, encoded: int | None = None
    ) -> list[Reading]:
        """Read a batch of canvases; one without any ink gives an empty reading.

        Args:
            canvases: (batch, height, width), 0 = paper, 1 = ink; on any device, of any float type.
            attention: whether to keep the attention maps.
            encoded: canvases that are encoded at once, at least 1, before all are decoded together;
                None means the whole batch, as is done where maps are kept.

        Raises:
            ValueError: if the canvases have another size than this model's, `encoded` is below 1,
                or the model is in training mode.
        """
        if encoded is not None and encoded < 1:
            raise ValueError(f"encoded must be at least 1, not {encoded}")
        size = (self.config.canvas_height, self.config.canvas_width)
        if canvases.dim() != 3 or canvases.shape[1:] != size:
            raise ValueError(
                f"canvases must be (batch, {size[0]}, {size[1]}), not {tuple(canvases.shape)}"
            )
        require_eval(self)
        drawn = canvases.flatten(1).any(1)
        readings = iter(self._decode(canvases[drawn], attention, encoded) if drawn.any() else [])
        return [
            next(readings) if is_drawn else self._blank(canvas, attention)
            for canvas, is_drawn in zip(canvases, drawn.tolist(), strict=True)
        ]

    def _decode(self, canvases: Tensor, attention: bool, encoded: int | None) -> list[Reading]:
        """Read a batch of canvases with something on each, greedily."""
        # Where the digits were read from is always asked, to tell the marks that were passed over.
        cross = [module for kind, _, module in self.attentions() if kind == "cross"]
        with record_attention(*([self] if attention else cross)) as record:
            at_once = len(canvases) if attention or encoded is None else encoded
            parts = [self.encoder(part) for part in self._own(canvases).split(at_once)]
            memory = torch.cat(parts)  # (batch, patches, model_dim)
            distributions = self.decoder.greedy(memory).float().cpu()  # (batch, steps, 11)
        canvases = canvases.float().cpu()
        looked = torch.stack(
            [torch.cat([call.weights for call in record[module]], 2) for module in cross], 1
        )
        looked = looked.float().cpu().mean((1, 2))  # (batch, steps, patches)
        probability, token = (found.tolist() for found in distributions.max(-1))
        lengths = [_length(line) for line in token]
        is_digit = torch.arange(looked.shape[1]) < torch.tensor(lengths)[:, None]  # (batch, steps)
        grid = (self.config.patch_rows, self.config.patch_columns)
        unread = unread_marks(canvases.numpy(), (looked * is_digit[:, :, None]).numpy(), grid)
        return [
            Reading(
                digits="".join(map(str, token[item][:length])),
                probabilities=probability[item][:length],
                end_probability=float(distributions[item, length, END]),
                distributions=distributions[item, : length + 1],
                canvas=canvases[item],
                attention=self._maps(item, length + 1, record) if attention else None,
                unread=unread[item],
            )
            for item, length in enumerate(lengths)
        ]

    def _own(self, canvases: Tensor) -> Tensor:
        """The canvases on this model's device and in its float type."""
        return canvases.to(self.decoder.position)

    def _blank(self, canvas: Tensor, attention: bool) -> Reading:
        """The reading of an empty canvas, with the maps of no steps and of the bare paper."""
        maps = None
        if attention:
            with record_attention(self) as record:
                self.encoder(self._own(canvas[None]))
            maps = self._maps(0, 0, record)
        return Reading.blank(canvas.float().cpu(), maps)

    def _maps(self, item: int, steps: int, record: AttentionRecord) -> AttentionMaps:
        """The weights of one drawing out of a batch, from every layer's calls."""
        config = self.config
        found: dict[str, list[Tensor]] = {"encoder": [], "decoder": [], "cross": []}
        for kind, _, module in self.attentions():
            # Each (heads, queries, keys); in the decoder the one query of its step.
            calls = [call.weights[item] for call in record[module]]
            if kind == "encoder":
                found[kind].append(calls[0])
                continue
            keys = steps if kind == "decoder" else config.num_patches
            rows = [F.pad(row, (0, keys - row.shape[2])) for row in calls[:steps]]
            nothing = torch.zeros(config.num_heads, 0, keys)
            found[kind].append(torch.cat(rows, 1) if rows else nothing)
        maps = {kind: torch.stack(layers).float().cpu() for kind, layers in found.items()}
        return AttentionMaps(**maps, grid=(config.patch_rows, config.patch_columns))


def _length(tokens: list[int]) -> int:
    """How many digits a line has.

    One longer than the model can read never ends by itself: its last step, where only the end could
    follow, counts as the end.
    """
    return tokens.index(END) if END in tokens else len(tokens) - 1
