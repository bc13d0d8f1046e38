"""What a model is trained to do: which model, which batches, how it is validated."""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from ..classifier import Classifier
from ..config import Config
from ..dataset import DigitSet, make_lines
from ..evals import (
    centred_canvases,
    evaluate_classifier,
    evaluate_grids,
    evaluate_parts,
    evaluate_transformer,
    evaluation_grids,
    evaluation_lines,
    evaluation_parts,
)
from ..hands.grids import make_grids
from ..hands.pairs import pair_canvases
from ..hands.sources import mix_sources
from ..transformer import Transformer
from . import processes
from .grow import check_growth, grow
from .objectives import ClassifierObjective, TransformerObjective, fit_ctc_head
from .recipes import Recipe, TaskName

HEAD_STEPS = 200  # batches to which a new CTC head is fitted, where a trained model goes on
CHECKED = 64  # validation samples on which every moment is measured
CLUMPS = 0.9  # of the lines in a batch of clumps; the others are two digits side by side
PIXELS_PER_DIGIT = 32  # of canvas width: what a line needs for each of its digits, amply

Model = Transformer | Classifier
Objective = TransformerObjective | ClassifierObjective


class Batch(NamedTuple):
    """One step's samples.

    Attributes:
        canvases: (batch, height, width) float, 0 = paper, 1 = ink.
        targets: (batch, length) tokens as `make_lines` gives them, or (batch,) labels.
        first_column: where canvases narrower than the model's stand (see `PatchEmbedding`).
    """

    canvases: Tensor
    targets: Tensor
    first_column: int = 0


class Task(Protocol):
    """What the training loop asks of a task."""

    def build(self) -> Objective:
        """A new model with its loss."""
        ...

    def sample(self, generator: torch.Generator, done: float) -> Batch:
        """A batch that depends on nothing but `generator` and the share of the run that is done."""
        ...

    def validate(self, model: Any) -> float:
        """The share of validation samples that the model reads exactly right."""
        ...

    def checked(self) -> Batch:
        """The few fixed validation samples on which a run's moments are measured."""
        ...


def training_digits(
    recipe: Recipe, digits: DigitSet, added: DigitSet | None, device: str
) -> DigitSet:
    """What a run writes its samples with, where it makes them.

    Args:
        recipe: gives the shares of the other sources.
        digits: the main source.
        added: further digits, as they are; None if there are none.
        device: on which the run computes.

    Raises:
        ValueError: if there is no such device.
    """
    sampled_on = processes.sampled_on(device)
    mixed = mix_sources(digits, rounds=recipe.rounds, **recipe.shares)
    return (mixed if added is None else mixed + added).to(sampled_on)


def make_task(
    recipe: Recipe,
    digits: DigitSet,
    validation: DigitSet,
    num_validation: int,
    start: Transformer | None = None,
) -> Task:
    """The task that a recipe names.

    Args:
        recipe: what to train, and how.
        digits: what its samples are made from.
        validation: what it is scored on.
        num_validation: on how many lines of these.
        start: what its model is grown from; None begins with random weights.

    Raises:
        ValueError: if there is a `start` for a classifier, or one that cannot grow so.
    """
    tasks: dict[TaskName, Callable[..., Task]] = {
        "lines": LineTask,
        "grids": GridTask,
        "pairs": PairTask,
        "digits": DigitTask,
    }
    if start is None:
        return tasks[recipe.task](recipe, digits, validation, num_validation)
    if recipe.task == "digits":
        raise ValueError("a classifier is trained from nothing: there is no start for it")
    check_growth(start.config, recipe.config)
    return tasks[recipe.task](recipe, digits, validation, num_validation, start)


@dataclass(frozen=True)
class LineTask:
    """Lines of digits, read by the Transformer."""

    recipe: Recipe
    digits: DigitSet
    validation: DigitSet
    num_validation: int
    start: Transformer | None = None

    def build(self) -> TransformerObjective:
        config = self.recipe.config
        model = Transformer(config) if self.start is None else grow(self.start, config)
        objective = TransformerObjective(model, self.recipe.label_smoothing, self.recipe.ctc_weight)
        if self.start is not None and objective.ctc is not None:
            generator = torch.Generator(self.digits.images.device).manual_seed(self.recipe.seed)
            whole = (self._whole_canvases(generator) for _ in range(HEAD_STEPS))
            fit_ctc_head(objective, whole)
        return objective

    def _whole_canvases(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Samples of all lengths, on canvases of the model's own width."""
        return self._lines(self.recipe.config, generator, None, self.recipe.augmentation / 2)

    def sample(self, generator: torch.Generator, done: float) -> Batch:
        """Lines of one length, or nearly, on canvases just wide enough; or of all, on whole ones.

        In the curriculum the longest grows from 1 digit to all.
        """
        recipe, config = self.recipe, self.recipe.config
        curriculum_over = done >= recipe.curriculum
        canvas_lot, augmentation_lot = torch.rand(2, generator=generator).tolist()
        augmentation = augmentation_lot * recipe.augmentation
        if curriculum_over and recipe.clump_share and self._chosen(recipe.clump_share, generator):
            short, first_column = self._short_canvas(2, generator)
            clumps = self._lines(short, generator, (2, 2), augmentation, CLUMPS)
            return Batch(*clumps, first_column)
        if curriculum_over and canvas_lot >= recipe.short_canvas_share:
            return Batch(*self._lines(config, generator, None, augmentation))
        if curriculum_over:
            longest = config.max_digits
        else:
            longest = 1 + int(config.max_digits * done / recipe.curriculum)
            longest = min(longest, config.max_digits)  # a quotient may round up to 1
        length = int(torch.randint(1, longest + 1, (), generator=generator))
        short, first_column = self._short_canvas(length, generator)
        lengths = (max(1, length - 1), length)
        return Batch(*self._lines(short, generator, lengths, augmentation), first_column)

    def _chosen(self, share: float, generator: torch.Generator) -> bool:
        return float(torch.rand((), generator=generator)) < share

    def _short_canvas(self, length: int, generator: torch.Generator) -> tuple[Config, int]:
        """A canvas just wide enough for so many digits, and where on the whole one it stands."""
        config = self.recipe.config
        columns = math.ceil(length * PIXELS_PER_DIGIT / config.patch_size)
        columns = min(columns, config.patch_columns)
        places = config.patch_columns - columns + 1
        first_column = int(torch.randint(places, (), generator=generator))
        short = dataclasses.replace(config, canvas_width=columns * config.patch_size)
        return short, first_column

    def _lines(
        self,
        config: Config,
        generator: torch.Generator,
        lengths: tuple[int, int] | None,
        augmentation: float,
        clump_share: float | None = None,
    ) -> tuple[Tensor, Tensor]:
        return make_lines(
            self.digits,
            self.recipe.batch_size,
            config,
            generator=generator,
            lengths=lengths,
            augmentation=augmentation,
            clump_share=clump_share,
        )

    def validate(self, model: Transformer) -> float:
        return evaluate_transformer(model, self.validation, self.num_validation).line_accuracy

    def checked(self) -> Batch:
        lines = evaluation_lines(self.validation, self.recipe.config, CHECKED)
        return Batch(*next(iter(lines)))


@dataclass(frozen=True)
class GridTask(LineTask):
    """Grids of digits, read by the Transformer."""

    def sample(self, generator: torch.Generator, done: float) -> Batch:
        return Batch(*self._whole_canvases(generator))

    def _whole_canvases(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        recipe = self.recipe
        return make_grids(self.digits, recipe.batch_size, recipe.config, generator=generator)

    def validate(self, model: Transformer) -> float:
        return evaluate_grids(model, self.validation, self.num_validation).line_accuracy

    def checked(self) -> Batch:
        grids = evaluation_grids(self.validation, self.recipe.config, CHECKED)
        return Batch(*next(iter(grids)))


@dataclass(frozen=True)
class PairTask(LineTask):
    """What is on sheets with two strewn digits, as the Transformer is shown it."""

    def sample(self, generator: torch.Generator, done: float) -> Batch:
        """Canvases cut to the columns of patches that have ink, and one more on either side."""
        canvases, tokens = self._whole_canvases(generator)
        patch = self.recipe.config.patch_size
        inked = canvases.amax((0, 1)).view(-1, patch).amax(1).nonzero().flatten().tolist()
        first, end = max(0, inked[0] - 1), inked[-1] + 2
        return Batch(canvases[..., first * patch : end * patch].contiguous(), tokens, first)

    def _whole_canvases(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        recipe = self.recipe
        return pair_canvases(self.digits, recipe.batch_size, recipe.config, generator=generator)

    def validate(self, model: Transformer) -> float:
        return evaluate_parts(model, self.validation, self.num_validation).line_accuracy

    def checked(self) -> Batch:
        parts = evaluation_parts(self.validation, self.recipe.config, CHECKED)
        return Batch(*next(iter(parts)))


@dataclass(frozen=True)
class DigitTask:
    """Single digits, drawn as `make_lines` draws a line of one, named by the classifier.

    All validation digits are named, each as MNIST gives it, however few lines may be asked for.
    """

    recipe: Recipe
    digits: DigitSet
    validation: DigitSet
    num_validation: int

    def build(self) -> ClassifierObjective:
        return ClassifierObjective(Classifier(self.recipe.config), self.recipe.label_smoothing)

    def sample(self, generator: torch.Generator, done: float) -> Batch:
        recipe = self.recipe
        canvases, tokens = make_lines(
            self.digits,
            recipe.batch_size,
            recipe.config,
            generator=generator,
            lengths=(1, 1),
            augmentation=recipe.augmentation,
        )
        return Batch(canvases, tokens[:, 1])

    def validate(self, model: Classifier) -> float:
        return evaluate_classifier(model, self.validation)

    def checked(self) -> Batch:
        images, labels = self.validation.images[:CHECKED], self.validation.labels[:CHECKED]
        return Batch(centred_canvases(images, self.recipe.config), labels)
