"""Other ways to decode than the greedy one: what else could it be?"""

import math
from collections import Counter
from operator import itemgetter
from typing import NamedTuple

import torch
from torch import Tensor

from ..config import END, START
from ..decoder import LayerCache
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
    caches = begin(model, canvas[None])
    token = torch.tensor([START])
    open_lines: list[tuple[str, float]] = [("", 0.0)]
    ended: list[tuple[str, float]] = []
    for position in range(model.config.max_steps):
        steps = next_logits(model, token, position, caches).log_softmax(-1)  # (beams, 11)
        longer = [
            (score + step, beam, next_token)
            for beam, ((_, score), row) in enumerate(zip(open_lines, steps.tolist(), strict=True))
            for next_token, step in enumerate(row)
        ]
        ended += [
            (open_lines[beam][0], score) for score, beam, next_token in longer if next_token == END
        ]
        ended = sorted(ended, key=itemgetter(1), reverse=True)[:num_beams]
        kept = sorted((each for each in longer if each[2] != END), reverse=True)[:num_beams]
        # A line only becomes less likely as it grows.
        if len(ended) == num_beams and kept[0][0] <= ended[-1][1]:
            break
        open_lines = [(open_lines[beam][0] + str(digit), score) for score, beam, digit in kept]
        for cache in caches:
            cache.take(torch.tensor([beam for _, beam, _ in kept]))
        token = torch.tensor([digit for _, _, digit in kept])
    return [DecodedLine(digits, math.exp(score)) for digits, score in ended]


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
    caches = begin(model, canvas[None])
    token = torch.tensor([START])
    beginnings = {"": count}  # those that still go on, and how many lines have each
    lines: Counter[str] = Counter()
    for position in range(model.config.max_steps):
        logits = next_logits(model, token, position, caches)  # (beginnings, 11)
        longer = []
        for row, (digits, times) in enumerate(beginnings.items()):
            probabilities = (logits[row] / temperature).softmax(-1)
            drawn = torch.multinomial(probabilities, times, replacement=True, generator=generator)
            for next_token, share in Counter(drawn.tolist()).items():
                if next_token == END or position == model.config.max_steps - 1:
                    lines[digits] += share
                else:
                    longer.append((row, digits, next_token, share))
        if not longer:
            break
        beginnings = {digits + str(digit): share for _, digits, digit, share in longer}
        for cache in caches:
            cache.take(torch.tensor([row for row, *_ in longer]))
        token = torch.tensor([digit for _, _, digit, _ in longer])
    return [DecodedLine(digits, times / count) for digits, times in lines.most_common()]


def begin(model: Transformer, canvases: Tensor) -> list[LayerCache]:
    """Begin decoding: a line of what the encoder makes of each canvas, (lines, height, width)."""
    return model.decoder.init_cache(model.encoder(canvases.to(model.decoder.position)))


def next_logits(
    model: Transformer, token: Tensor, position: int, caches: list[LayerCache]
) -> Tensor:
    """Logits, (lines, 11), of what follows each line's token, on the CPU, where lines are chosen.

    Args:
        model: in evaluation mode.
        token: (lines,), the newest of each.
        position: how many came before it.
        caches: as `begin` gave them and earlier steps left them.
    """
    device = model.decoder.position.device
    return model.decoder.step(token.to(device), position, caches).float().cpu()
