"""Going on from a moment of a run with something changed, as a run of its own."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

from ..dataset import DigitSet, load_digits
from ..train import NUM_VALIDATION
from . import processes
from .loop import Trainer
from .moments import Moment, MomentError, Moments, Origin
from .progress import Progress, RunRefusedError, TrainingError, TrainingResult
from .recipes import Recipe
from .run_files import RunFiles, identity, run_settings
from .tasks import Model, make_task, training_digits

# What the state of training is made of, and what the batches of the steps behind it were.
FIXED = ("task", "config", "optimizer", "seed")
ON_OR_OFF = ("ema_decay", "ctc_weight")


def fork(
    parent: Moments,
    step: int,
    recipe: Recipe | None = None,
    *,
    added: DigitSet | None = None,
    digits: DigitSet | None = None,
    validation: DigitSet | None = None,
    num_validation: int = NUM_VALIDATION,
    checkpoint: str | Path | None = None,
    moments: Moments | None = None,
    report_every: int = 100,
    save_every: int = 100,
    on_progress: Callable[[Progress, Model], None] | None = None,
    on_moment: Callable[[Moment], None] | None = None,
    stop: Callable[[], bool] | None = None,
    progress_bar: bool = True,
    device: str = "cpu",
) -> TrainingResult:
    """Go on from the moment after `step` of a run, with something changed, to the recipe's end.

    A fork that changes nothing ends with the very weights that its parent ended with, on as many
    threads: it takes up the exact state of training at the moment, or the last one before it and
    first repeats the steps between. The parent stays as it is.

    Where the batch size changes, steps are counted as if all batches had been of the new size, so
    that learning rate and curriculum go on from where they were; compare by drawings, not by steps.

    Args:
        parent: the run's moments.
        step: after which of the parent's steps, one of `parent.steps`.
        recipe: what to go on by: the parent's with something changed, such as
            `dataclasses.replace(parent.recipe, lr=0.004)`; None means that nothing is. More epochs
            go on beyond the parent's end.
        added: further digits to train on from here on, beside those that the parent had added.
        digits, validation, num_validation: as the parent's; see `train`.
        moments: where the fork's own are kept; they know their parent.

    The other arguments as in `train`.

    Raises:
        RunRefusedError: if nothing is left to train, or something changes that cannot: task,
            config, optimizer or seed, running mean or CTC switched on or off, or the parent's own
            digits.
        MomentError: if there is no such moment, its run was thrown away, or no exact state is left.
        TrainingError: as `train`, and if the parent's state is damaged.
    """
    own = parent.recipe
    moment = parent.moment(step)
    assert own is not None, "a run with moments has a recipe"
    recipe = recipe or own
    if recipe.samples_per_epoch is None:
        recipe = dataclasses.replace(recipe, samples_per_epoch=own.samples_per_epoch)
    check_changes(own, recipe, step)
    digits = digits or load_digits("train")
    validation = validation or load_digits("validation")
    assert parent.settings is not None
    if identity(digits) != parent.settings["digits"]:
        raise RunRefusedError(
            f"{parent.name} was trained on {parent.settings['digits']}, not on {identity(digits)}: "
            "fork it with the same digits, and add others"
        )
    added_before = added_now = parent.added()
    if added is not None:
        added_now = added if added_before is None else added_before + added
    origin = Origin(parent.name, step)
    settings = run_settings(recipe, digits, added=added_now)
    settings["parent"] = dataclasses.asdict(origin)
    files = RunFiles(checkpoint, settings)

    def make_trainer(recipe: Recipe, added: DigitSet | None, files: RunFiles) -> Trainer:
        mixed = training_digits(recipe, digits, added, device)
        task = make_task(recipe, mixed, validation, num_validation)
        return Trainer(recipe, task, files, device)

    with files.locked():
        trainer = make_trainer(recipe, added_now, files)
        first = steps_in(recipe, own, step)
        if trainer.done == 0:
            repeated = make_trainer(own, added_before, RunFiles(None, {}))
            if not _repeat(parent, repeated, step, stop):
                raise TrainingError("stopped before the fork had begun: nothing was lost")
            trainer.take_up(repeated.state(), first, moment.seconds, moment.lr)
        if moments is not None and processes.is_main():
            moments.begin(settings, trainer.steps, added_now, origin, first)
        return trainer.run(
            report_every, save_every, on_progress, stop, progress_bar, moments, on_moment
        )


def check_changes(own: Recipe, recipe: Recipe, step: int) -> None:
    """Raise RunRefusedError, as `fork` does, if a run by `own` cannot go on by `recipe`."""
    for name in FIXED:
        before, now = getattr(own, name), getattr(recipe, name)
        if before != now:
            raise RunRefusedError(
                f"a fork cannot change {name} from {before} to {now}: train a model of its own"
            )
    for name in ON_OR_OFF:
        if bool(getattr(own, name)) != bool(getattr(recipe, name)):
            raise RunRefusedError(
                f"a fork cannot switch {name} on or off: {getattr(own, name)} was it"
            )
    if steps_in(recipe, own, step) >= _steps(recipe):
        raise RunRefusedError(
            f"step {step:,} is the end of the run: ask for more than {recipe.epochs} epochs to go "
            "on beyond it, or fork it earlier"
        )


def steps_in(recipe: Recipe, own: Recipe, step: int) -> int:
    """How many batches of `recipe` hold as many drawings as `step` batches of `own`."""
    return round(step * own.batch_size / recipe.batch_size)


def _steps(recipe: Recipe) -> int:
    assert recipe.samples_per_epoch is not None
    return recipe.epochs * max(1, recipe.samples_per_epoch // recipe.batch_size)


def _repeat(parent: Moments, trainer: Trainer, step: int, stop: Callable[[], bool] | None) -> bool:
    """Bring `trainer` to where its run was after `step`; False if it was stopped on the way."""
    done, state = parent.state_before(step)
    if state is not None:
        try:
            trainer.take_up(state, done)
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise MomentError(
                f"the state of {parent.name} after step {done:,} is of another model: fork it "
                "before, or after a later one"
            ) from error
    while trainer.done < step:
        if stop is not None and processes.any_of(stop()):
            return False
        trainer.step()
    return True
