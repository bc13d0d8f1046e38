"""Training runs in the background, watched, stopped and resumed from the page."""

import functools
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from mnist_transformer import (
    Reading,
    Transformer,
    drawing_to_canvas,
    train_single_digit_classifier,
    train_transformer,
)
from mnist_transformer.config import Config
from mnist_transformer.dataset import load_digits
from mnist_transformer.train import (
    SHIPPED_CLASSIFIER,
    SHIPPED_TRANSFORMER,
    Progress,
    TrainingResult,
)

TRAINERS = {
    "transformer": (train_transformer, SHIPPED_TRANSFORMER, "samples_per_epoch"),
    "classifier": (train_single_digit_classifier, SHIPPED_CLASSIFIER, "samples_per_epoch"),
}
# A short run spends less on warming up and more of itself on growing, and starts at once: it takes
# MNIST's digits as they are.
SHORT = {
    "transformer": dict(warmup_steps=50, curriculum=0.15, redrawn=0.0, drawn=0.0, scribbled=0.0),
    "classifier": dict(warmup_steps=50),
}
EPOCHS = 10  # a run is validated this many times
INTERVAL = 10  # steps between reports
FIXED_DRAWING = Path(__file__).parent / "examples" / "314159.png"
RUNS_AT_ONCE = 2  # on one server; the others wait in line
THREADS = max(1, (os.cpu_count() or 1) // RUNS_AT_ONCE)  # of each run


class Line:
    """Who may run, first come, first served; at most `slots` at once."""

    def __init__(self, slots: int):
        self._slots = slots
        self._jobs: list = []
        self._changed = threading.Condition()

    def join(self, job) -> None:
        with self._changed:
            self._jobs.append(job)

    def wait(self, job, stopped: Callable[[], bool]) -> None:
        """Until it is the job's turn, or it is stopped."""
        with self._changed:
            while self.place(job) > 0 and not stopped():
                self._changed.wait(timeout=0.2)

    def leave(self, job) -> None:
        with self._changed:
            self._jobs.remove(job)
            self._changed.notify_all()

    def place(self, job) -> int:
        """How many must finish before the job's turn; 0 if it runs."""
        jobs = list(self._jobs)
        return max(0, jobs.index(job) - self._slots + 1) if job in jobs else 0


LINE = Line(RUNS_AT_ONCE)


class TrainingJob:
    """One run of the library's own training loop, in a thread of its own.

    Args:
        kind: "transformer" or "classifier".
        samples: lines or digits to train on.
        batch_size, lr: as in `train_transformer`.
        abandoned: asked after every step; when it says True nobody is watching any more, and the
            run stops.

    Attributes:
        history: the reports so far; grows while the run goes on.
        glimpse: how the model, as it is now, reads one fixed drawing (transformer only).
        result: what the run left, once it has ended.
        error: why it failed, if it did.
    """

    def __init__(
        self,
        kind: str,
        samples: int,
        batch_size: int,
        lr: float,
        abandoned: Callable[[], bool] = lambda: False,
    ):
        self.kind = kind
        self.name = f"{kind}, {samples:,} drawings, batch {batch_size}, rate {lr:g}"
        self.history: list[Progress] = []
        self.glimpse: Reading | None = None
        self.result: TrainingResult | None = None
        self.error: str | None = None
        self._abandoned = abandoned
        self._settings = {"epochs": EPOCHS, "batch_size": batch_size, "lr": lr}
        self._samples_per_epoch = max(batch_size, samples // EPOCHS)
        self._folder = tempfile.TemporaryDirectory(prefix="run-")
        self._stop = threading.Event()
        self._thread = threading.Thread()

    @property
    def weights(self) -> Path:
        """The run's checkpoint."""
        return Path(self._folder.name) / f"{self.kind}.safetensors"

    def start(self) -> None:
        """Begin, or go on after a stop."""
        self._stop.clear()
        self.result = None
        LINE.join(self)
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
        return not self.running and self.result is not None and not self.result.finished

    @property
    def place_in_line(self) -> int:
        """How many runs of other visitors must end before this one's turn."""
        return LINE.place(self)

    def wait(self) -> None:
        self._thread.join()

    def _stopped(self) -> bool:
        return self._stop.is_set() or self._abandoned()

    def _run(self) -> None:
        train, recipe, samples_name = TRAINERS[self.kind]
        torch.set_num_threads(THREADS)  # here, and in threads started later
        try:
            LINE.wait(self, self._stopped)
            self.result = train(
                **recipe
                | SHORT[self.kind]
                | self._settings
                | {samples_name: self._samples_per_epoch},
                # A page never makes anyone wait for a download.
                digits=load_digits("train", download=False),
                validation=load_digits("validation", download=False),
                checkpoint=self.weights,
                interval=INTERVAL,
                on_progress=self._report,
                stop=self._stopped,
                progress_bar=False,
            )
        except Exception as error:  # shown on the page, which must live on
            self.error = str(error)
        finally:
            LINE.leave(self)

    def _report(self, progress: Progress, model) -> None:
        self.history.append(progress)
        if isinstance(model, Transformer):
            canvas = _fixed_canvas(model.config)
            self.glimpse = model.read_canvases(canvas[None], attention=True)[0]


@functools.cache
def _fixed_canvas(config: Config) -> Tensor:
    return drawing_to_canvas(Image.open(FIXED_DRAWING), config)
