"""Training, for the shell and the page alike.

`train_transformer` and `train_single_digit_classifier` follow the plain recipes, `train` any other
(see `training.presets`); the loop itself is `training.loop`.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path

from .dataset import DigitSet, load_digits
from .training import processes
from .training.loop import Trainer
from .training.moments import Moment, Moments, Origin
from .training.presets import CLASSIFIER, TRANSFORMER
from .training.progress import Progress, RunRefusedError, TrainingError, TrainingResult
from .training.recipes import Recipe
from .training.run_files import RunFiles, run_settings
from .training.tasks import Model, make_task, training_digits
from .transformer import Transformer

__all__ = [
    "Progress",
    "Recipe",
    "RunRefusedError",
    "TrainingError",
    "TrainingResult",
    "train",
    "train_single_digit_classifier",
    "train_transformer",
]

NUM_VALIDATION = 500  # lines, grids or parts of sheets


def train_transformer(
    epochs: int = 30,
    batch_size: int = 32,
    lr: float = 0.001,
    *,
    seed: int = 0,
    digits: DigitSet | None = None,
    validation: DigitSet | None = None,
    num_validation: int = NUM_VALIDATION,
    checkpoint: str | Path | None = None,
    report_every: int = 100,
    save_every: int = 100,
    on_progress: Callable[[Progress, Model], None] | None = None,
    stop: Callable[[], bool] | None = None,
    progress_bar: bool = True,
    device: str = "cpu",
) -> TrainingResult:
    """Train a Transformer to read lines written from MNIST's training digits, plainly.

    AdamW (Loshchilov & Hutter 2019), gradients clipped to norm 1, learning rate falling along a
    cosine to 0. The shipped weights were made otherwise: by `train(SHIPPED_TRANSFORMER)` and the
    recipes that follow it in `training.presets`, each from what the one before it made.

    Args:
        epochs: passes of 12,000 lines, which hold every training digit about once; every line is
            new.
        batch_size: lines per step.
        lr: highest learning rate.
        seed: fixes the initial weights and every batch, and so the run.

    The other arguments, and errors, as in `train`.
    """
    recipe = dataclasses.replace(
        TRANSFORMER, epochs=epochs, batch_size=batch_size, lr=lr, seed=seed
    )
    return train(
        recipe,
        digits=digits,
        validation=validation,
        num_validation=num_validation,
        checkpoint=checkpoint,
        report_every=report_every,
        save_every=save_every,
        on_progress=on_progress,
        stop=stop,
        progress_bar=progress_bar,
        device=device,
    )


def train_single_digit_classifier(
    epochs: int = 10,
    batch_size: int = 32,
    lr: float = 0.001,
    *,
    seed: int = 0,
    digits: DigitSet | None = None,
    validation: DigitSet | None = None,
    checkpoint: str | Path | None = None,
    report_every: int = 100,
    save_every: int = 100,
    on_progress: Callable[[Progress, Model], None] | None = None,
    stop: Callable[[], bool] | None = None,
    progress_bar: bool = True,
    device: str = "cpu",
) -> TrainingResult:
    """Train the classifier on single digits, drawn as `make_lines` draws a line of one, plainly.

    As `train_transformer`, where an epoch has as many drawings as there are training digits.
    """
    recipe = dataclasses.replace(CLASSIFIER, epochs=epochs, batch_size=batch_size, lr=lr, seed=seed)
    return train(
        recipe,
        digits=digits,
        validation=validation,
        checkpoint=checkpoint,
        report_every=report_every,
        save_every=save_every,
        on_progress=on_progress,
        stop=stop,
        progress_bar=progress_bar,
        device=device,
    )


def train(
    recipe: Recipe,
    *,
    start: Transformer | None = None,
    digits: DigitSet | None = None,
    added: DigitSet | None = None,
    validation: DigitSet | None = None,
    num_validation: int = NUM_VALIDATION,
    checkpoint: str | Path | None = None,
    moments: Moments | None = None,
    parent: Origin | None = None,
    report_every: int = 100,
    save_every: int = 100,
    on_progress: Callable[[Progress, Model], None] | None = None,
    on_moment: Callable[[Moment], None] | None = None,
    stop: Callable[[], bool] | None = None,
    progress_bar: bool = True,
    device: str = "cpu",
) -> TrainingResult:
    """Train a model by a recipe. Under `torchrun`, several processes go through it together.

    Args:
        recipe: all that defines the run, but for the digits and the start.
        start: a trained Transformer to go on from, which grows to the recipe's shape first (see
            `training.grow`); None means weights drawn at random.
        digits, validation: where training and validation samples come from; None means
            `load_digits`.
        added: further digits to train on, as they are; a line's digits are chosen from all alike.
        num_validation: lines, grids or parts of sheets that are read at the end of every epoch; the
            classifier always names all validation digits.
        checkpoint: a `.safetensors` file for the weights. Beside it `.resume` keeps what is needed
            to go on after a kill or a stop, until the run is done; a finished model is not
            overwritten. None means that nothing is written.
        moments: where about fifty moments of the run are kept, to look at and to fork from (see
            `training.moments` and `training.forks`).
        parent: the moment that `start` is of, for `moments` to know.
        report_every: steps between reports; the end of an epoch is reported, too.
        save_every: steps between checkpoints; the last step is saved, too, whether it is the run's
            or that of a stop.
        on_progress: called at every report with the model as it is; must not change it.
        on_moment: called when a moment has been kept.
        stop: asked after every step; when it says True, the run ends and keeps what it learned.
        progress_bar: whether to draw one on stderr.
        device: where to compute: "cpu", "cuda" or "mps".

    Raises:
        ValueError: if a number is out of range, `start` cannot grow to the recipe's shape, there is
            no such device, or `checkpoint` does not end in `.safetensors`.
        TrainingError: if the loss stops being a number, or `checkpoint` belongs to another run, of
            another recipe, other digits or another start, which may be going on at this moment, or
            is damaged, or holds a finished model.
        MomentError: if `moments` are another run's, or cannot be written.
    """
    _check_run(recipe, num_validation, report_every, save_every)
    processes.check_device(device)  # before what takes long
    digits = digits or load_digits("train")
    validation = validation or load_digits("validation")
    samples_per_epoch = recipe.samples_per_epoch or len(digits)
    recipe = dataclasses.replace(recipe, samples_per_epoch=samples_per_epoch)
    settings = run_settings(recipe, digits, start, added)
    files = RunFiles(checkpoint, settings)
    mixed = training_digits(recipe, digits, added, device)
    task = make_task(recipe, mixed, validation, num_validation, start)
    with files.locked():
        trainer = Trainer(recipe, task, files, device)
        if moments is not None and processes.is_main():
            moments.begin(settings, trainer.steps, added, parent)
        return trainer.run(
            report_every, save_every, on_progress, stop, progress_bar, moments, on_moment
        )


def _check_run(recipe: Recipe, num_validation: int, report_every: int, save_every: int) -> None:
    if recipe.batch_size % processes.world_size():
        raise ValueError(
            f"a batch of {recipe.batch_size} cannot be shared equally by "
            f"{processes.world_size()} processes: choose a multiple"
        )
    numbers = dict(num_validation=num_validation, report_every=report_every, save_every=save_every)
    for name, number in numbers.items():
        if type(number) is not int or number < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, not {number!r}")
