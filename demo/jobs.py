"""Training runs in the background, watched, stopped and resumed from the page."""

import dataclasses
import itertools
import logging
import os
import tempfile
import threading
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from demo import folders, memory
from demo.line import TrainingQueue
from mnist_transformer import Classifier, Transformer
from mnist_transformer.dataset import DigitSet, load_digits
from mnist_transformer.hands.own import OwnDigit
from mnist_transformer.train import (
    Progress,
    RunRefusedError,
    TrainingError,
    TrainingResult,
    train,
)
from mnist_transformer.training.forks import fork
from mnist_transformer.training.moments import Moment, MomentError, Moments, Origin, thin_to
from mnist_transformer.training.presets import SHIPPED_CLASSIFIER, SHORT_TRANSFORMER
from mnist_transformer.training.recipes import Recipe
from mnist_transformer.training.teach import Lesson, Score, teach

SHORT = {
    "transformer": SHORT_TRANSFORMER,
    "classifier": dataclasses.replace(SHIPPED_CLASSIFIER, epochs=10, warmup_steps=50),
}
NUM_VALIDATION = 300  # lines at the end of every epoch
REPORT_EVERY = 10  # steps, for a pace that lives
SAVE_EVERY = 500  # steps: whoever stops a run has it saved at once, whatever this is
RUNS_AT_ONCE = 2  # on one server; the others wait in line
# Which those that run share; whoever starts the server may tell it of fewer.
CORES = int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)
MOST_BYTES = 200_000_000  # of the moments of all runs on one server

QUEUE = TrainingQueue(RUNS_AT_ONCE)

Work = Callable[..., TrainingResult | Lesson]  # with the hooks of `train` as its arguments


def new_run(
    kind: str, samples: int, batch_size: int, lr: float, num_validation: int = NUM_VALIDATION
) -> Work:
    """A run from nothing.

    Args:
        kind: "transformer" or "classifier".
        samples: lines or digits to train on.
        batch_size, lr, num_validation: as in `train`.

    Raises:
        ValueError: if a number is out of range.
    """
    short = SHORT[kind]
    each_epoch = max(batch_size, samples // short.epochs)
    recipe = dataclasses.replace(short, batch_size=batch_size, lr=lr, samples_per_epoch=each_epoch)

    def work(**hooks) -> TrainingResult:
        return train(recipe, num_validation=num_validation, **_digits(), **hooks)

    return work


def new_fork(
    parent: Moments, step: int, recipe: Recipe, num_validation: int = NUM_VALIDATION
) -> Work:
    """A run that goes on from a moment of another; see `fork`."""

    def work(**hooks) -> TrainingResult:
        return fork(parent, step, recipe, num_validation=num_validation, **_digits(), **hooks)

    return work


def new_lesson(
    model: Transformer, own: Sequence[OwnDigit], of: "tuple[TrainingJob, int] | None"
) -> Work:
    """A run that teaches a model digits of one's own; `of`, the run and step that it is of."""
    parent = None if of is None else Origin(of[0].title, of[1])

    def work(**hooks) -> Lesson:
        return teach(model, own, parent=parent, **_digits(), **hooks)

    return work


_loaded: "weakref.WeakValueDictionary[str, DigitSet]" = weakref.WeakValueDictionary()
_loading = threading.Lock()


def _digits() -> dict[str, Any]:
    """What a page trains on: it never makes anyone wait for a download.

    All runs share them while there are any; the training digits alone take 42 MB.
    """
    with _loading:
        found = {"digits": "train", "validation": "validation"}
        sets = {name: _loaded.get(s) or load_digits(s, download=False) for name, s in found.items()}
        _loaded.update({split: sets[name] for name, split in found.items()})
        return sets


class TrainingJob:
    """One run of the library's own training, in a thread of its own.

    Args:
        number: of the visitor's runs, counted from 1.
        said: what it is, in words.
        kind: "transformer" or "classifier".
        work: what is done.
        abandoned: asked after every step; when it says True nobody is watching any more, and the
            run stops.
        parent: the run that this one is a fork of, and the step at which it began.

    Attributes:
        id, title, name: what it is told apart by, what people read, and the same at length.
        history: the reports so far; grows while the run goes on.
        moments: what it was and could do, as far as it has come.
        finished: whether it came to its end; None until it has ended.
        scores: how it read before and after, if it was taught one's own digits.
        error: why it failed, if it did.

    While it waits and when it has ended, it holds nothing but these and its folder; a lesson also
    the model and the digits that it began with.
    """

    def __init__(
        self,
        number: int,
        said: str,
        kind: str,
        work: Work,
        abandoned: Callable[[], bool] = lambda: False,
        parent: "tuple[TrainingJob, int] | None" = None,
    ):
        self.number, self.kind = number, kind
        self.id, self.title = f"run-{number}", f"run {number}"
        self.name = f"{number}: {said}"
        self.history: list[Progress] = []
        self._folder = tempfile.TemporaryDirectory(prefix="run-", dir=folders.of_this_server())
        self.moments = Moments(Path(self._folder.name) / "moments", name=self.title)
        self.finished: bool | None = None
        self.scores: tuple[Score, Score] | None = None
        self.error: str | None = None
        self.parent = (
            None if parent is None else (parent[0].id, parent[0].moments.moment(parent[1]))
        )
        self._work = work
        self._abandoned = abandoned
        self._stop = threading.Event()
        self._thread = threading.Thread()
        self._begun = next(_COUNT)
        with _thinning:  # which goes through all of them
            _ALL.add(self)

    @property
    def weights(self) -> Path:
        """The run's checkpoint."""
        return Path(self._folder.name) / f"{self.kind}.safetensors"

    def start(self) -> None:
        """Begin, or go on after a stop."""
        self._stop.clear()
        self.finished = self.scores = self.error = None
        QUEUE.join(self)
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"train-{self.kind}")
        self._thread.start()

    def stop(self) -> None:
        """Ask the run to end after its current step, keeping what it learned."""
        self._stop.set()

    @property
    def stopping(self) -> bool:
        return self._stop.is_set() and self.running

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    @property
    def can_resume(self) -> bool:
        if self.running or self.error:
            return False
        return not self.finished

    def drawings(self, moments: Sequence[Moment]) -> list[int]:
        """How many each of its `moments` had learned from, with those of the run it goes on from.

        They are asked for once: others come, and are thinned out, while one looks.
        """
        if self.parent is None or not moments:
            return [moment.drawings for moment in moments]
        # What was taught to a moment of a run counts its own drawings alone.
        before = max(0, self.parent[1].drawings - moments[0].drawings)
        return [before + moment.drawings for moment in moments]

    @property
    def place_in_line(self) -> int:
        """How many runs of other visitors must end before this one's turn."""
        return QUEUE.place(self)

    @property
    def drawings_a_second(self) -> float | None:
        """The pace of its last reports, as others come and go on the same cores; None before."""
        seconds = seconds_a_step(self.history)
        recipe = self.moments.recipe
        return recipe.batch_size / seconds if seconds and recipe else None

    @property
    def seconds_until_turn(self) -> float | None:
        """How long a run that is next in line waits for the first of those that run to end."""
        left = [seconds_left(job.history) for job in QUEUE.running()]
        known = [seconds for seconds in left if seconds is not None]
        return min(known) if known and self.place_in_line == 1 else None

    def wait(self) -> None:
        self._thread.join()

    def throw_away(self) -> None:
        """Stop it and let its moments go."""
        self.stop()
        self.moments.discard()

    def _stopped(self) -> bool:
        return self._stop.is_set() or self._abandoned()

    def _run(self) -> None:
        try:
            if not QUEUE.wait(self, self._stopped):
                return
            _share_cores()
            left = self._work(
                checkpoint=self.weights,
                moments=self.moments,
                report_every=REPORT_EVERY,
                save_every=SAVE_EVERY,
                on_progress=self._report,
                on_moment=_keep_bounds,
                stop=self._stopped,
                progress_bar=False,
            )
            if isinstance(left, Lesson):
                self.scores = left.before, left.after
            self.finished = (left.result if isinstance(left, Lesson) else left).finished
        except (MomentError, RunRefusedError, TrainingError) as error:
            self.error = str(error)
            for folder in (str(self.moments.folder), self._folder.name):  # the server's own
                self.error = self.error.replace(folder, "the run's folder")
        except Exception as error:  # the page must live on, and names no files of the server
            logging.getLogger(__name__).exception("%s, %s, failed", self.title, self.name)
            reason = getattr(error, "strerror", None) or "its log says what"
            self.error = (
                f"Something on the server went wrong ({reason}). What the run had learned by its "
                "last moment is kept: go on from there with a fork, or start again."
            )
        finally:
            QUEUE.leave(self)
            memory.give_back()

    def _report(self, progress: Progress, model: Transformer | Classifier) -> None:
        self.history.append(progress)
        _share_cores()


def _share_cores() -> None:
    """Take as many threads, here and in those started later, as there are cores for each run."""
    torch.set_num_threads(max(1, CORES // max(1, len(QUEUE.running()))))


PACE_OVER = 10  # reports


def seconds_a_step(history: list[Progress]) -> float | None:
    """The pace of a run's last reports; None before two of them."""
    last, earlier = history[-1:], history[-PACE_OVER:][:1]
    if not last or last[0].step == earlier[0].step:
        return None
    return (last[0].seconds - earlier[0].seconds) / (last[0].step - earlier[0].step)


def seconds_left(history: list[Progress]) -> float | None:
    """How much longer a run takes at its pace of late; None before that is known."""
    seconds = seconds_a_step(history)
    return None if seconds is None else seconds * (history[-1].steps - history[-1].step)


_ALL: "weakref.WeakSet[TrainingJob]" = weakref.WeakSet()
_COUNT = itertools.count()  # of all visitors' runs
_thinning = threading.Lock()


def _keep_bounds(moment: Moment) -> None:
    """Give back memory that is free, and thin out moments, the oldest runs' first, where all of a
    server's take too much room."""
    memory.give_back()
    with _thinning:
        jobs = sorted(_ALL, key=lambda job: job._begun)
        thin_to(MOST_BYTES, [job.moments for job in jobs])
