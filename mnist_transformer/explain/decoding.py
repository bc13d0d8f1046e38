"""Other ways to decode than the greedy one: what else could it be?"""

import math
from collections import Counter
from operator import itemgetter

import torch
from torch import Tensor

from ..config import END, START
from ..transformer import Transformer


@torch.inference_mode()
def beam_search(model: Transformer, canvas: Tensor, num_beams: int = 5) -> list[tuple[str, float]]:
    """What else could it be? The likeliest whole lines, found by beam search (Graves 2012).

    Args:
        model: in evaluation mode.
        canvas: (height, num_beams).
        num_beams: lines kept at every step, at least 1.

    Returns:
        At most `num_beams` pairs of digits and the probability of the whole line, likeliest first.

    Raises:
        ValueError: if `num_beams` is below 1.
    """
    if num_beams < 1:
        raise ValueError(f"num_beams must be at least 1, not {num_beams}")
    memory = model.encoder(canvas[None])
    open_lines, ended = [([START], 0.0)], []
    for _ in range(model.config.max_steps):
        tokens = torch.tensor([line for line, _ in open_lines])
        logits = model.decoder(tokens, memory.expand(len(tokens), -1, -1))[:, -1]
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
    return [("".join(map(str, line[1:-1])), math.exp(score)) for line, score in best]


@torch.inference_mode()
def sample_lines(
    model: Transformer, canvas: Tensor, temperature: float = 1.0, count: int = 100, seed: int = 0
) -> list[tuple[str, float]]:
    """Draw each token by its probability instead of taking the likeliest.

    Args:
        model: in evaluation mode.
        canvas: (height, num_beams).
        temperature: what the logits are divided by; near 0 is greedy, above 1 makes the unlikely
            likelier.
        count: lines drawn.
        seed: fixes the draws.

    Returns:
        (digits, share of the draws), the most frequent first.

    Raises:
        ValueError: if the temperature is not above 0 or `count` is below 1.
    """
    if not temperature > 0 or count < 1:
        raise ValueError("temperature must be above 0 and count at least 1")
    generator = torch.Generator().manual_seed(seed)
    caches = model.decoder.init_cache(model.encoder(canvas[None]).expand(count, -1, -1))
    token = torch.full((count,), START)
    drawn = []
    for position in range(model.config.max_steps):
        logits = model.decoder.step(token, position, caches) / temperature
        token = torch.multinomial(logits.softmax(-1), 1, generator=generator).squeeze(1)
        drawn.append(token)
    lines = Counter()
    for row in torch.stack(drawn, 1).tolist():
        digits = row[: row.index(END)] if END in row else row[:-1]
        lines["".join(map(str, digits))] += 1
    return [(digits, times / count) for digits, times in lines.most_common()]
