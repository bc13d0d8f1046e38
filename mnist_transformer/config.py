"""Every number that fixes the shape of a model, the tokens it reads and writes, and what all parts
take for ink."""

import dataclasses
from dataclasses import dataclass
from typing import Literal, get_args, get_type_hints

# Tokens. The digits are their own ids, so `token == digit`. The model chooses among the first
# NUM_CLASSES: a digit, or "the line ends here". START and PAD are only ever read.
END = 10
START = 11
PAD = 12
NUM_CLASSES = 11
VOCABULARY_SIZE = 13

LOOKS = 3  # in which a drawing is read, to tell how far its reading can be trusted (`ink.looks`)
INK = 0.3  # darkness of a canvas from which a pixel belongs to a mark

PositionInit = Literal["sinusoids", "random"]


@dataclass(frozen=True)
class Config:
    """The shape of a model. Saved beside the weights, so that a file says what it holds.

    The canvas is a grey picture of `canvas_height` x `canvas_width` pixels, cut into square
    patches of `patch_size` pixels: by default 4 rows x 28 columns = 112 patches. On it stand
    `text_rows` rows of digits, read from left to right and from top to bottom. The stem that makes
    a vector of each patch has a stage for each number in `stem_channels`, of `stem_depth`
    convolutions, each followed by a batch norm if `stem_norm`; without any stage, a patch becomes a
    vector by one linear map of its pixels alone.

    A layer normalises what each of its parts reads (`norm_first`), or else the sum after it.
    Learned positions start from sinusoids or at random (`position_init`); without `row_positions`
    a patch is told its column alone.

    Raises:
        ValueError: if a number is out of range or two do not fit together; the message names them.
    """

    canvas_height: int = 32
    canvas_width: int = 224
    patch_size: int = 8
    stem_channels: tuple[int, ...] = (32, 64, 128)
    stem_depth: int = 2
    stem_norm: bool = True
    model_dim: int = 64
    num_heads: int = 4
    mlp_dim: int = 256
    encoder_layers: int = 3
    decoder_layers: int = 2
    text_rows: int = 1
    max_digits: int = 8
    dropout: float = 0.1
    norm_first: bool = True
    position_init: PositionInit = "sinusoids"
    row_positions: bool = True

    def __post_init__(self):
        object.__setattr__(self, "stem_channels", tuple(self.stem_channels))
        for name, kind in get_type_hints(Config).items():
            value = getattr(self, name)
            for number in {int: (value,), tuple[int, ...]: value}.get(kind, ()):
                if type(number) is not int or number < 1:
                    raise ValueError(f"{name} must be a whole number of at least 1, not {number!r}")
            if kind is bool and type(value) is not bool:
                raise ValueError(f"{name} must be true or false, not {value!r}")
        if self.position_init not in get_args(PositionInit):
            raise ValueError(
                f"position_init must be one of {', '.join(get_args(PositionInit))}, not "
                f"{self.position_init!r}"
            )
        if self.canvas_height % self.patch_size or self.canvas_width % self.patch_size:
            raise ValueError(
                f"a canvas of {self.canvas_height}x{self.canvas_width} pixels cannot be cut into "
                f"patches of {self.patch_size}x{self.patch_size}: choose a divisor of both"
            )
        if self.stem_channels and 2 ** len(self.stem_channels) != self.patch_size:
            raise ValueError(
                f"{len(self.stem_channels)} stages of the stem, each halving the picture, make "
                f"patches of {2 ** len(self.stem_channels)} pixels, but patch_size is "
                f"{self.patch_size}"
            )
        if self.patch_rows % self.text_rows:
            raise ValueError(
                f"{self.patch_rows} rows of patches cannot be shared equally by "
                f"{self.text_rows} rows of digits"
            )
        if self.model_dim < 4:
            raise ValueError(
                f"model_dim must be at least 4, not {self.model_dim}: a quarter of it tells the row"
            )
        if self.model_dim % self.num_heads:
            raise ValueError(
                f"model_dim {self.model_dim} cannot be shared equally by {self.num_heads} heads"
            )
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be at least 0 and below 1, not {self.dropout}")

    @property
    def patch_rows(self) -> int:
        """Rows of patches."""
        return self.canvas_height // self.patch_size

    @property
    def patch_columns(self) -> int:
        """Columns of patches."""
        return self.canvas_width // self.patch_size

    @property
    def num_patches(self) -> int:
        """Patches of a whole canvas, which are numbered row by row."""
        return self.patch_rows * self.patch_columns

    @property
    def max_steps(self) -> int:
        """Decoding steps: one for each digit, and one to say that the line has ended."""
        return self.max_digits + 1

    def to_dict(self) -> dict:
        """All numbers by name, in what JSON can hold: `Config(**numbers)` is the same config."""
        return dataclasses.asdict(self)


TRANSFORMER_CONFIG = Config()
# One digit on a square canvas: the same encoder on fewer patches.
CLASSIFIER_CONFIG = Config(canvas_width=32, max_digits=1)
# Four digits in a square, 56x56 pixels with a rim of 4.
GRID_CONFIG = Config(canvas_height=64, canvas_width=64, text_rows=2, max_digits=4)
