"""The encoder: a drawing becomes patches, and the patches look at each other."""

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional as F

from .attention import MultiHeadAttention
from .config import Config
from .mlp import MLP
from .positions import initial_positions


class PatchEmbedding(nn.Module):
    """Cut the canvas into patches and describe each by one vector, with its place added.

    A short stack of convolutions instead of one linear map per patch: every patch also sees a rim
    of its neighbours, and the strokes are learned far sooner (Xiao et al. 2021, "Early Convolutions
    Help Transformers See Better"). The first convolution of each stage has stride 2 and so halves
    the picture. The place is a learned vector for the row plus one for the column.
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
        column_dim = config.model_dim - row_dim
        row = initial_positions(config.patch_rows, row_dim, config.position_init)
        column = initial_positions(config.patch_columns, column_dim, config.position_init)
        row, column = F.pad(row, (0, column_dim)), F.pad(column, (row_dim, 0))
        self.row_position = nn.Parameter(row, requires_grad=config.row_positions)
        self.column_position = nn.Parameter(column)
        if not config.row_positions:
            nn.init.zeros_(self.row_position)

    def forward(self, canvases: Tensor, first_column: int = 0) -> Tensor:
        """Embed a batch of canvases.

        Args:
            canvases: (batch, height, width), 0 = paper, 1 = ink.
            first_column: the column of patches, of the whole canvas, at which narrower canvases
                stand; their patches get the positions from there on.

        Returns:
            (batch, patches, model_dim), row by row.
        """
        patches = self.stem(canvases.unsqueeze(1))  # (batch, model_dim, rows, columns)
        patches = patches.permute(0, 2, 3, 1)  # (batch, rows, columns, model_dim)
        columns = self.column_position[first_column : first_column + patches.shape[2]]
        # (rows, 1, model_dim) and (columns, model_dim), broadcast over what they do not tell.
        return (patches + self.row_position.unsqueeze(1) + columns).flatten(1, 2)


class ResidualLayer(nn.Module):
    """A layer whose parts each add to the stream what they make of it."""

    def __init__(self, config: Config):
        super().__init__()
        self.norm_first = config.norm_first
        self.dropout = nn.Dropout(config.dropout)

    def add(self, x: Tensor, norm: nn.LayerNorm, part: Callable[[Tensor], Tensor]) -> Tensor:
        """Let `part` read a normalised copy of `x`, and add to it; all (batch, length, model_dim).

        Normalising before the part (Xiong et al. 2020, "On Layer Normalization in the Transformer
        Architecture") trains without a delicate warm-up; Vaswani et al. 2017 normalised the sum.
        """
        if self.norm_first:
            return x + self.dropout(part(norm(x)))
        return norm(x + self.dropout(part(x)))


class EncoderLayer(ResidualLayer):
    """Self-attention, then an MLP."""

    def __init__(self, config: Config):
        super().__init__(config)
        self.attention_norm = nn.LayerNorm(config.model_dim)
        self.attention = MultiHeadAttention(config.model_dim, config.num_heads, config.dropout)
        self.mlp_norm = nn.LayerNorm(config.model_dim)
        self.mlp = MLP(config.model_dim, config.mlp_dim, config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, patches, model_dim) -> the same shape."""
        x = self.add(x, self.attention_norm, self.attention)
        return self.add(x, self.mlp_norm, self.mlp)


class Encoder(nn.Module):
    """Patches, then `config.encoder_layers` layers of self-attention."""

    def __init__(self, config: Config):
        super().__init__()
        self.patches = PatchEmbedding(config)
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.encoder_layers))
        self.norm = nn.LayerNorm(config.model_dim)

    def forward(self, canvases: Tensor) -> Tensor:
        """(batch, height, width), 0 = paper, 1 = ink -> memory (batch, patches, model_dim)."""
        return self.encode(self.patches(canvases))

    def encode(self, patches: Tensor) -> Tensor:
        """Embedded patches -> memory, both (batch, patches, model_dim)."""
        return self.norm(self._layer_states(patches)[-1])

    def hidden_states(self, canvases: Tensor) -> list[Tensor]:
        """The embedded patches, and what each layer makes of them: (batch, patches, model_dim)."""
        return self._layer_states(self.patches(canvases))

    def _layer_states(self, patches: Tensor) -> list[Tensor]:
        hidden_states = [self.dropout(patches)]
        for layer in self.layers:
            hidden_states.append(layer(hidden_states[-1]))
        return hidden_states
