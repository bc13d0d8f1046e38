"""Other ways to decode than the greedy one: what else could it be?"""

import math
from collections import Counter
from operator import itemgetter
from typing import NamedTuple

import torch
from torch import Tensor

from ..config import END, START
from ..reading import require_eval
from ..transformer import Transformer


class DecodedLine(NamedTuple):
    """One line that a drawing could be: its digits, and how likely it is, in [0, 1]."""

    digits: str
    probability: float


@torch.no_grad()
def beam_search(model: Transformer, canvas: Tensor, num_beams: int = 5) -> list[DecodedLine]:
    """What else could it be? The likeliest whole lines, found by beam search (Graves 2012).

    Args:
        model: in evaluation mode.
        canvas: (height, width), such as `reading.canvas`.
        num_beams: lines kept at every step, at least 1.

    Returns:
        At most `num_beams` lines, likeliest first.

    Raises:
        ValueError: if `num_beams` is below 1, or the model is in training mode.
    """
    require_eval(model)
    if num_beams < 1:
        raise ValueError(f"num_beams must be at least 1, not {num_beams}")
    if not canvas.any():
        return [DecodedLine("", 1.0)]
    memory = model.encoder(canvas[None].to(model.decoder.position))  # (1, patches, model_dim)
    open_lines, ended = [([START], 0.0)], []
    for _ in range(model.config.max_steps):
        tokens = torch.tensor([line for line, _ in open_lines], device=memory.device)
        logits = model.decoder(tokens, memory.expand(len(tokens), -1, -1))[:, -1]  # (beams, 11)
        longer = [
            (line + [token], score + step)
            for (line, score), steps in zip(
                open_lines, logits.log_softmax(-1).tolist(), strict=True
            )
            for token, step in enumerate(steps)
        ]
        ended += [(line, score) for line, score in longer if line[-1] == END]
        open_lines = [(line, score) for line, score in longer if line[-1] != END]
        open_lines = sorted(open_lines, key=itemgetter(1), reverse=True)[:num_beams]
    best = sorted(ended, key=itemgetter(1), reverse=True)[:num_beams]
    return [DecodedLine("".join(map(str, line[1:-1])), math.exp(score)) for line, score in best]


@torch.no_grad()
def sample_lines(
    model: Transformer, canvas: Tensor, temperature: float = 1.0, count: int = 100, seed: int = 0
) -> list[DecodedLine]:
    """Draw each token by its probability instead of taking the likeliest.

    Args:
        model: in evaluation mode.
        canvas: (height, width), such as `reading.canvas`.
        temperature: what the logits are divided by; near 0 is greedy, above 1 makes the unlikely
            likelier.
        count: lines drawn.
        seed: fixes the draws.

    Returns:
        Each line that was drawn, with its share of the draws, the most frequent first.

    Raises:
        ValueError: if the temperature is not above 0, `count` is below 1, or the model is in
            training mode.
    """
    require_eval(model)
    if not temperature > 0 or count < 1:
        raise ValueError("temperature must be above 0 and count at least 1")
    if not canvas.any():
        return [DecodedLine("", 1.0)]
    generator = torch.Generator().manual_seed(seed)
    memory = model.encoder(canvas[None].to(model.decoder.position))  # (1, patches, model_dim)
    caches = model.decoder.init_cache(memory)
    for cache in caches:  # projected once, whatever the number of lines
        cache.memory_key = cache.memory_key.expand(count, -1, -1, -1)
        cache.memory_value = cache.memory_value.expand(count, -1, -1, -1)
    token = torch.full((count,), START)
    ended = torch.zeros(count, dtype=torch.bool)
    drawn = []
    for position in range(model.config.max_steps):
        logits = model.decoder.step(token.to(memory.device), position, caches).float().cpu()
        probabilities = (logits / temperature).softmax(-1)  # (count, 11)
        token = torch.multinomial(probabilities, 1, generator=generator).squeeze(1)
        drawn.append(token)
        ended |= token == END
        if ended.all():
            break
    lines: Counter[str] = Counter()
    for row in torch.stack(drawn, 1).tolist():
        digits = row[: row.index(END)] if END in row else row[:-1]
        lines["".join(map(str, digits))] += 1
    return [DecodedLine(digits, times / count) for digits, times in lines.most_common()]
