"""The encoder: a drawing becomes patches, and the patches look at each other."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .attention import MultiHeadAttention
from .config import Config
from .mlp import MLP
from .positions import sinusoids


class PatchEmbedding(nn.Module):
    """Cut the canvas into patches and describe each by one vector, with its place added.

    A short stack of convolutions instead of one linear map per patch: every patch also sees a rim
    of its neighbours, and the strokes are learned far sooner (Xiao et al. 2021, "Early Convolutions
    Help Transformers See Better"). The first of each stage has stride 2 and so halves the picture.
    The place is a learned vector for the row plus one for the column.
    """

    def __init__(self, config: Config):
        super().__init__()
        layers: list[nn.Module] = []
        channels = 1
        patch = 1 if config.stem_channels else config.patch_size
        for out_channels in config.stem_channels:
            for n in range(config.stem_depth):
                stride = 2 if n == 0 else 1
                bias = not config.stem_norm  # a norm has one of its own
                layers.append(nn.Conv2d(channels, out_channels, 3, stride, padding=1, bias=bias))
                if config.stem_norm:
                    layers.append(nn.BatchNorm2d(out_channels))
                layers.append(nn.ReLU(inplace=True))
                channels = out_channels
        last = nn.Conv2d(channels, config.model_dim, patch, stride=patch)
        self.stem = nn.Sequential(*layers, last)
        # A quarter of the dimensions starts out telling the row, the others the column.
        row_dim = config.model_dim // 4
        row = F.pad(sinusoids(config.patch_rows, row_dim), (0, config.model_dim - row_dim))
        column = F.pad(sinusoids(config.patch_columns, config.model_dim - row_dim), (row_dim, 0))
        self.row_position = nn.Parameter(row)
        self.column_position = nn.Parameter(column)

    def forward(self, canvases: Tensor, first_column: int = 0) -> Tensor:
        """(batch, height, width), 0 = paper, 1 = ink -> (batch, patches, model_dim), row by row.

        A canvas may also be a narrower strip of the whole, starting at patch `first_column`.
        """
        # Convolutions are half of training's cost; a CPU that multiplies bfloat16 matrices in
        # hardware does them three times as fast so. Reading stays exact.
        bfloat16 = self.training and canvases.is_cpu and torch.cpu._is_amx_tile_supported()
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            patches = self.stem(canvases.unsqueeze(1))
        patches = patches.to(self.row_position.dtype).permute(0, 2, 3, 1)
        columns = self.column_position[first_column : first_column + patches.shape[2]]
        return (patches + self.row_position.unsqueeze(1) + columns).flatten(1, 2)


class EncoderLayer(nn.Module):
    """Self-attention, then an MLP; each reads a normalised copy and adds to the stream.

    Normalising before rather than after (Xiong et al. 2020, "On Layer Normalization in the
    Transformer Architecture") trains without a delicate warm-up.
    """

    def __init__(self, config: Config):
        super().__init__()
        self.attention_norm = nn.LayerNorm(config.model_dim)
        self.attention = MultiHeadAttention(config.model_dim, config.num_heads, config.dropout)
        self.mlp_norm = nn.LayerNorm(config.model_dim)
        self.mlp = MLP(config.model_dim, config.mlp_dim, config.dropout)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, patches, model_dim) -> the same shape."""
        x = x + self.dropout(self.attention(self.attention_norm(x)))
        return x + self.dropout(self.mlp(self.mlp_norm(x)))


class Encoder(nn.Module):
    """Patches, then `config.encoder_layers` layers of self-attention."""

    def __init__(self, config: Config):
        super().__init__()
        self.patches = PatchEmbedding(config)
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.encoder_layers))
        self.norm = nn.LayerNorm(config.model_dim)

    def forward(self, canvases: Tensor, first_column: int = 0) -> Tensor:
        """(batch, height, width), 0 = paper, 1 = ink -> memory (batch, patches, model_dim)."""
        return self.norm(self.hidden_states(canvases, first_column)[-1])

    def hidden_states(self, canvases: Tensor, first_column: int = 0) -> list[Tensor]:
        """The embedded patches, and what each layer makes of them: (batch, patches, model_dim)."""
        hidden_states = [self.dropout(self.patches(canvases, first_column))]
        for layer in self.layers:
            hidden_states.append(layer(hidden_states[-1]))
        return hidden_states
