"""The position-wise feed-forward network of a Transformer layer."""

from torch import Tensor, nn
from torch.nn import functional as F


class MLP(nn.Module):
    """Two linear maps with a GELU between, applied to every position alone.

    Args:
        model_dim: width of a token, in and out.
        hidden_dim: width between the two maps.
        dropout: share of hidden values dropped in training, in [0, 1).
    """

    def __init__(self, model_dim: int, hidden_dim: int, dropout: float = 0.0):
        super().__init__()
        self.expand = nn.Linear(model_dim, hidden_dim)
        self.dropout = nn.Dropout(dropout)
        self.contract = nn.Linear(hidden_dim, model_dim)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, length, model_dim) -> the same shape."""
        return self.contract(self.dropout(self.hidden(x)))

    def hidden(self, x: Tensor) -> Tensor:
        """What stands between the two maps: (batch, length, model_dim) -> (..., hidden_dim)."""
        return F.gelu(self.expand(x))
