"""The single-digit classifier: the transformer's encoder with nothing but a linear map on top.

If it names a digit rightly, the encoder sees.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from .config import CLASSIFIER_CONFIG, Config
from .encoder import Encoder
from .ink import BlankDrawing, Drawing, drawing_to_canvas, open_drawing
from .reading import Classification, require_eval


class Classifier(nn.Module):
    """Encoder, mean over the patches, one linear map to the ten digits."""

    kind = "classifier"  # what its files say they hold

    def __init__(self, config: Config = CLASSIFIER_CONFIG):
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.digit = nn.Linear(config.model_dim, 10)

    def forward(self, canvases: Tensor) -> Tensor:
        """(batch, height, width), 0 = paper, 1 = ink -> logits (batch, 10)."""
        return self.classify(self.encoder(canvases))

    def classify(self, memory: Tensor) -> Tensor:
        """The encoder's memory, (batch, patches, model_dim) -> logits (batch, 10)."""
        return self.digit(memory.mean(dim=1))

    @torch.no_grad()
    def read(self, drawing: Drawing | str | Path) -> Classification:
        """Name the one digit in any drawing: a picture, its file's path, an array.

        Raises:
            FileNotFoundError: if it is a path to no file.
            InkError: if the drawing cannot be understood as ink on paper.
            TypeError: if it is no picture at all.
            ValueError: if the model is in training mode.
        """
        require_eval(self)
        if isinstance(drawing, str | Path):
            drawing = open_drawing(drawing)
        try:
            canvas = drawing_to_canvas(drawing, self.config)
        except BlankDrawing:
            return Classification(None, [])
        logits = self(canvas.unsqueeze(0).to(self.digit.weight))  # (1, 10)
        probabilities = logits.float().softmax(-1)[0].tolist()
        return Classification(probabilities.index(max(probabilities)), probabilities)
