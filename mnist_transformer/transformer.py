"""The Transformer: an encoder that sees the drawing, a decoder that reads it aloud."""

from contextlib import nullcontext

import torch
from torch import Tensor, nn

from .attention import AttentionRecord, record_attention
from .config import END, START, TRANSFORMER_CONFIG, Config
from .decoder import Decoder
from .encoder import Encoder
from .ink import BlankDrawing, Drawing, drawing_to_canvas
from .reading import AttentionMaps, Reading


class Transformer(nn.Module):
    """Reads a line of 1 to `config.max_digits` handwritten digits, one token at a time."""

    def __init__(self, config: Config = TRANSFORMER_CONFIG):
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)

    def forward(self, canvases: Tensor, tokens: Tensor, first_column: int = 0) -> Tensor:
        """Teacher forcing: all next-token logits at once, given the true tokens before them.

        Args:
            canvases: (batch, height, width) float, 0 = paper, 1 = ink.
            tokens: (batch, length) ids, START first, at most `config.max_steps` long.
            first_column: the patch column at which a canvas narrower than the config's starts.

        Returns:
            (batch, length, 11) logits of 0-9 and the end.
        """
        return self.decoder(tokens, self.encoder(canvases, first_column))

    def read(self, drawing: Drawing, attention: bool = False) -> Reading:
        """Read any drawing: a file's picture, a canvas, an array (see `drawing_to_canvas`).

        Args:
            drawing: what was drawn; an empty drawing gives an empty reading.
            attention: whether to keep the attention maps.

        Raises:
            InkError: if the drawing cannot be understood as ink on paper.
        """
        try:
            canvas = drawing_to_canvas(drawing, self.config)
        except BlankDrawing:
            return Reading.blank(torch.zeros(self.config.canvas_height, self.config.canvas_width))
        return self.read_canvases(canvas.unsqueeze(0), attention)[0]

    @torch.inference_mode()
    def read_canvases(self, canvases: Tensor, attention: bool = False) -> list[Reading]:
        """Greedy decoding of a batch: always take the likeliest token, until the end token.

        The memory is projected once and every step adds one token's keys and values, so that a
        step costs the same however much was read before.

        Args:
            canvases: (batch, height, width) float, 0 = paper, 1 = ink.
            attention: whether to keep the attention maps.

        Raises:
            ValueError: if the canvases have another size than this model's, or the model is in
                training mode (its dropout would make the reading a game of chance).
        """
        size = (self.config.canvas_height, self.config.canvas_width)
        if canvases.dim() != 3 or canvases.shape[1:] != size:
            raise ValueError(
                f"canvases must be (batch, {size[0]}, {size[1]}), not {canvases.shape}"
            )
        if self.training:
            raise ValueError("call model.eval() before reading: dropout is on")
        with record_attention(self) if attention else nullcontext() as record:
            caches = self.decoder.init_cache(self.encoder(canvases))
            token = torch.full((len(canvases),), START, device=canvases.device)
            ended = torch.zeros_like(token, dtype=torch.bool)
            distributions = []
            for position in range(self.config.max_steps):
                distributions.append(self.decoder.step(token, position, caches).softmax(-1))
                token = distributions[-1].argmax(-1)
                ended |= token == END
                if ended.all():
                    break
        distributions = torch.stack(distributions, dim=1)
        return [
            self._reading(i, canvases[i], distributions[i], record) for i in range(len(canvases))
        ]

    def _reading(
        self, item: int, canvas: Tensor, distributions: Tensor, record: AttentionRecord | None
    ) -> Reading:
        """Cut one drawing's reading, and its maps, out of a batch's."""
        probability, token = distributions.max(-1)
        ends = (token == END).nonzero()
        # A line longer than the model can read never ends by itself: its last step, where only
        # the end could follow, counts as the end.
        length = int(ends[0]) if len(ends) else len(token) - 1
        distributions = distributions[: length + 1]
        return Reading(
            digits="".join(str(int(t)) for t in token[:length]),
            probabilities=probability[:length].tolist(),
            end_probability=float(distributions[length, END]),
            distributions=distributions,
            canvas=canvas,
            attention=None if record is None else self._maps(item, length + 1, record),
        )

    def _maps(self, item: int, steps: int, record: AttentionRecord) -> AttentionMaps:
        def layers(stack: str, kind: str) -> list[list[Tensor]]:
            """The weights of one drawing, by layer and call: each (heads, queries, keys)."""
            count = len(getattr(self, stack).layers)
            names = [f"{stack}.layers.{n}.{kind}" for n in range(count)]
            return [[weights[item] for weights in record[name]] for name in names]

        decoder = torch.zeros(self.config.decoder_layers, self.config.num_heads, steps, steps)
        for layer, calls in enumerate(layers("decoder", "self_attention")):
            for step in range(steps):
                decoder[layer, :, step, : step + 1] = calls[step][:, 0]
        return AttentionMaps(
            encoder=torch.stack([calls[0] for calls in layers("encoder", "attention")]),
            decoder=decoder,
            cross=torch.stack(
                [torch.cat(calls[:steps], 1) for calls in layers("decoder", "cross_attention")]
            ),
        )
