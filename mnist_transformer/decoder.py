"""The decoder: given the drawing's memory and the tokens so far, what comes next?"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .attention import MultiHeadAttention
from .config import END, NUM_CLASSES, START, VOCABULARY_SIZE, Config
from .encoder import ResidualLayer
from .mlp import MLP
from .positions import initial_positions


@dataclass
class LayerCache:
    """What one decoder layer keeps between decoding steps.

    The keys and values of the memory, made once, and those of the tokens read so far, which grow
    by one per step: each (batch, heads, length, head_dim).
    """

    memory_key: Tensor
    memory_value: Tensor
    key: Tensor | None = None
    value: Tensor | None = None

    def append(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Add the newest token's key and value, (batch, heads, 1, head_dim); return all tokens'."""
        if self.key is not None and self.value is not None:
            key = torch.cat([self.key, key], dim=2)
            value = torch.cat([self.value, value], dim=2)
        self.key, self.value = key, value
        return key, value

    def take(self, lines: Tensor) -> None:
        """Go on with these lines of the batch, (lines,), one of them perhaps several times."""
        self.memory_key, self.memory_value = self.memory_key[lines], self.memory_value[lines]
        if self.key is not None and self.value is not None:
            self.key, self.value = self.key[lines], self.value[lines]


class DecoderLayer(ResidualLayer):
    """Masked self-attention over the tokens, cross-attention to the patches, an MLP."""

    def __init__(self, config: Config):
        super().__init__(config)
        self.self_attention_norm = nn.LayerNorm(config.model_dim)
        self.self_attention = MultiHeadAttention(config.model_dim, config.num_heads, config.dropout)
        self.cross_attention_norm = nn.LayerNorm(config.model_dim)
        self.cross_attention = MultiHeadAttention(
            config.model_dim, config.num_heads, config.dropout
        )
        self.mlp_norm = nn.LayerNorm(config.model_dim)
        self.mlp = MLP(config.model_dim, config.mlp_dim, config.dropout)

    def forward(self, x: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
        """All tokens at once, as in training.

        Args:
            x: (batch, tokens, model_dim).
            memory: (batch, patches, model_dim).
            mask: (tokens, tokens), True where a token (row) may look at a token (column).

        Returns:
            (batch, tokens, model_dim).
        """
        x = self.add(x, self.self_attention_norm, lambda x: self.self_attention(x, mask=mask))
        x = self.add(x, self.cross_attention_norm, lambda x: self.cross_attention(x, memory))
        return self.add(x, self.mlp_norm, self.mlp)

    def step(self, x: Tensor, cache: LayerCache) -> Tensor:
        """The newest token, (batch, 1, model_dim) -> the same shape; those before are in `cache`.

        No mask is needed: what the newest token may see is all that exists.
        """

        def attend_tokens(x: Tensor) -> Tensor:
            return self.self_attention.attend(x, *cache.append(*self.self_attention.project(x)))

        def attend_memory(x: Tensor) -> Tensor:
            first = 0 if cache.key is None else cache.key.shape[2] - 1
            return self.cross_attention.attend(x, cache.memory_key, cache.memory_value, first=first)

        x = self.add(x, self.self_attention_norm, attend_tokens)
        x = self.add(x, self.cross_attention_norm, attend_memory)
        return self.add(x, self.mlp_norm, self.mlp)


class Decoder(nn.Module):
    """Token and position embeddings, `config.decoder_layers` layers, a linear map to logits."""

    def __init__(self, config: Config):
        super().__init__()
        self.max_steps = config.max_steps
        self.token = nn.Embedding(VOCABULARY_SIZE, config.model_dim)
        position = initial_positions(config.max_steps, config.model_dim, config.position_init)
        self.position = nn.Parameter(position)
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.decoder_layers))
        self.norm = nn.LayerNorm(config.model_dim)
        self.to_logits = nn.Linear(config.model_dim, NUM_CLASSES)
        nn.init.normal_(self.token.weight, std=0.5)

    def forward(self, tokens: Tensor, memory: Tensor) -> Tensor:
        """Logits of every next token at once, for training.

        Args:
            tokens: (batch, length) token ids, starting with START; length at most max_steps.
            memory: (batch, patches, model_dim).

        Returns:
            (batch, length, NUM_CLASSES). Padding stands at the end, where the causal mask
            already hides it from every real token; its own logits mean nothing.

        Raises:
            ValueError: if there are more tokens than positions.
        """
        return self.to_logits(self.norm(self.hidden_states(tokens, memory)[-1]))

    def hidden_states(self, tokens: Tensor, memory: Tensor) -> list[Tensor]:
        """The embedded tokens, and what each layer makes of them: (batch, length, model_dim) each.

        Arguments and errors as in `forward`.
        """
        length = tokens.shape[1]
        self._check_position(length - 1)
        # (batch, length, model_dim), the places broadcast over the batch.
        hidden_states = [self.dropout(self.token(tokens) + self.position[:length])]
        # (length, length): a token sees itself and those before it.
        mask = torch.ones(length, length, dtype=torch.bool, device=tokens.device).tril()
        for layer in self.layers:
            hidden_states.append(layer(hidden_states[-1], memory, mask))
        return hidden_states

    def greedy(self, memory: Tensor) -> Tensor:
        """Take the likeliest token at every step, until each line of the batch has its end.

        The memory is projected once and every step adds one token's keys and values, so that a
        step costs the same however much was read before.

        Args:
            memory: (batch, patches, model_dim).

        Returns:
            (batch, steps, NUM_CLASSES) probabilities; after its end a line's mean nothing.
        """
        caches = self.init_cache(memory)
        token = torch.full((len(memory),), START, device=memory.device)
        ended = torch.zeros_like(token, dtype=torch.bool)
        steps = []
        for position in range(self.max_steps):
            logits = self.step(token, position, caches)  # (batch, NUM_CLASSES)
            steps.append(logits.softmax(-1))
            token = logits.argmax(-1)
            ended |= token == END
            if ended.all():
                break
        return torch.stack(steps, dim=1)

    def init_cache(self, memory: Tensor) -> list[LayerCache]:
        """Begin cached decoding: project `memory`, (batch, patches, model_dim), for every layer."""
        caches = []
        for layer in self.layers:
            assert isinstance(layer, DecoderLayer)  # which a ModuleList does not tell
            key, value = layer.cross_attention.project(memory)
            # Laid out once as every step reads them.
            caches.append(LayerCache(key.contiguous(), value.contiguous()))
        return caches

    def step(self, token: Tensor, position: int, caches: list[LayerCache]) -> Tensor:
        """Logits (batch, NUM_CLASSES) of what follows `token`, (batch,), at `position`."""
        self._check_position(position)
        return self._step(token, position, caches)

    def _step(self, token: Tensor, position: int | Tensor, caches: list[LayerCache]) -> Tensor:
        """`step` without its check, which an exported graph has no room for."""
        x = (self.token(token) + self.position[position]).unsqueeze(1)  # (batch, 1, model_dim)
        for layer, cache in zip(self.layers, caches, strict=True):
            assert isinstance(layer, DecoderLayer)
            x = layer.step(x, cache)
        return self.to_logits(self.norm(x)).squeeze(1)  # (batch, NUM_CLASSES)

    def _check_position(self, position: int) -> None:
        if position >= self.max_steps:
            raise ValueError(f"this decoder takes {self.max_steps} tokens, not {position + 1}")
