"""Teaching a trained model digits of one's own hand, without its forgetting the others."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from ..checkpoint import read_metadata, save_model
from ..dataset import DigitSet, load_digits
from ..evals import centred_canvases, evaluation_lines, line_text, score_sequences
from ..hands.own import OwnDigit, own_digit_set
from ..train import NUM_VALIDATION, train
from ..transformer import Transformer
from . import processes
from .averaging import between
from .moments import Moment, Moments, Origin
from .objectives import TransformerObjective
from .presets import TEACHING
from .progress import Progress, RunRefusedError, TrainingResult
from .recipes import Recipe
from .tasks import CHECKED, Model

OWN_SHARE = 0.15  # of the digits that lines are written with
KEPT = 0.1  # share of the weights before in those after: see `averaging.between`
VARIATIONS = 2000  # of the examples; each is written many times, on lines of many hands


@dataclass(frozen=True)
class Score:
    """How a model reads what it should have kept, and what it should have learned.

    Attributes:
        lines: share of validation lines of MNIST's digits read exactly right.
        digits: 1 - edit distance / number of digits, on those lines.
        per_digit: of each digit 0-9, the share that was read as what it is.
        own: share of one's own examples read right.
    """

    lines: float
    digits: float
    per_digit: dict[int, float]
    own: float


@dataclass(frozen=True)
class Lesson:
    """What teaching left: the run's result, and how the model read before and after."""

    result: TrainingResult
    before: Score
    after: Score

    @property
    def model(self) -> Model:
        """That has learned."""
        return self.result.model


def teach(
    model: Transformer,
    own: Sequence[OwnDigit],
    recipe: Recipe = TEACHING,
    *,
    digits: DigitSet | None = None,
    validation: DigitSet | None = None,
    num_validation: int = NUM_VALIDATION,
    checkpoint: str | Path | None = None,
    moments: Moments | None = None,
    parent: Origin | None = None,
    report_every: int = 10,
    save_every: int = 100,
    on_progress: Callable[[Progress, Model], None] | None = None,
    on_moment: Callable[[Moment], None] | None = None,
    stop: Callable[[], bool] | None = None,
    progress_bar: bool = True,
    device: str = "cpu",
) -> Lesson:
    """Train a model on, with one's own digits among MNIST's in every line, so that both are read.

    Rehearsal of what was learned before, beside what is new, keeps a network from forgetting it
    (Robins 1995), and so does a step back at the end: the weights, and the newest moment, are then
    mixed with those before (Wortsman et al. 2022). A fork of that moment goes on from there; the
    rest of a lesson that was stopped, from where it was before that step.

    Args:
        model: the shipped one, that of a moment, or any other that reads lines; stays as it is.
        own: the examples, at least one.
        recipe: how; the model's own shape takes the place of the recipe's.
        num_validation: lines that are read before and after.
        parent: the moment that `model` is of, for `moments` to know.

    The other arguments, and errors, as in `train`.

    Raises:
        RunRefusedError: if there are no examples, or the model reads grids.
    """
    if not own:
        raise RunRefusedError("there is nothing to teach: give at least one digit of your own")
    if model.config.text_rows > 1:
        raise RunRefusedError("this model reads grids: teach one that reads lines")
    digits = digits or load_digits("train")
    validation = validation or load_digits("validation")
    recipe = dataclasses.replace(recipe, config=dataclasses.replace(model.config, dropout=0.0))
    before = score(model, own, validation, num_validation)
    result = train(
        recipe,
        start=model,
        digits=digits,
        added=mixed_in(own, len(digits), recipe.seed),
        validation=validation,
        num_validation=num_validation,
        checkpoint=checkpoint,
        moments=moments,
        parent=parent,
        report_every=report_every,
        save_every=save_every,
        on_progress=on_progress,
        on_moment=on_moment,
        stop=stop,
        progress_bar=progress_bar,
        device=device,
    )
    assert isinstance(result.model, Transformer)
    taught = between(model, result.model, KEPT)
    if checkpoint is not None and processes.is_main():
        save_model(taught, checkpoint, read_metadata(checkpoint))
    if moments is not None and moments.steps:  # it was not thrown away meanwhile
        _keep_last(moments, taught, validation)
    result = dataclasses.replace(result, model=taught)
    return Lesson(result, before, score(taught, own, validation, num_validation))


def _keep_last(moments: Moments, taught: Transformer, validation: DigitSet) -> None:
    """Keep what was taught as the newest moment, in place of the one before the step back, in the
    state that a fork goes on from, too."""
    canvases, tokens = next(iter(evaluation_lines(validation, taught.config, CHECKED)))
    examined = TransformerObjective(taught).examine(taught, canvases, tokens)
    last = moments.numbers[-1]
    measured = examined._asdict() | {"ctc_loss": last.ctc_loss}
    state = moments.state(last.step)
    if state is not None:
        weights = taught.state_dict()
        for part, prefix in (("objective", "model."), ("mean", "module.")):
            if part in state:
                state[part] |= {prefix + name: tensor for name, tensor in weights.items()}
    stepped_back = dataclasses.replace(last, **measured, stepped_back=True)
    moments.keep(stepped_back, taught, state)


def mixed_in(own: Sequence[OwnDigit], others: int, seed: int) -> DigitSet:
    """So many variations of one's own digits that they are `OWN_SHARE` among so many others."""
    varied = own_digit_set(own, VARIATIONS, torch.Generator().manual_seed(seed))
    count = max(1, round(others * OWN_SHARE / (1 - OWN_SHARE)))
    chosen = torch.arange(count) % len(varied)
    return DigitSet(
        varied.images[chosen], varied.labels[chosen], varied.boxes[chosen], varied.source
    )


def score(
    model: Transformer,
    own: Sequence[OwnDigit],
    validation: DigitSet,
    num_lines: int = NUM_VALIDATION,
) -> Score:
    """Read fixed lines, and every one of one's own examples alone on its canvas.

    Args:
        model: any that reads lines.
        own: the examples.
        validation: the digits that the lines are made of.
        num_lines: how many, the same for every model and every call.
    """
    true: list[str] = []
    read: list[str] = []
    for canvases, tokens in evaluation_lines(validation, model.config, num_lines):
        true += [line_text(row) for row in tokens]
        read += [reading.digits for reading in model.read_canvases(canvases)]
    lines = score_sequences(true, read)
    written = Counter("".join(true))
    missed = Counter(
        {d: sum(n for (t, _), n in lines.confusions.items() if t == d) for d in written}
    )
    return Score(
        lines=lines.line_accuracy,
        digits=lines.digit_accuracy,
        per_digit={int(d): 1 - missed[d] / written[d] for d in sorted(written)},
        own=_own_right(model, own),
    )


def _own_right(model: Transformer, own: Sequence[OwnDigit]) -> float:
    images = torch.stack([torch.from_numpy(digit.image) for digit in own])
    readings = model.read_canvases(centred_canvases(images, model.config))
    right = (r.digits == str(d.label) for r, d in zip(readings, own, strict=True))
    return sum(right) / len(own)
