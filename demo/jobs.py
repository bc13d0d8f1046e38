"""Training runs in the background, watched, stopped and resumed from the page."""

import dataclasses
import functools
import logging
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from mnist_transformer import Reading, Transformer, drawing_to_canvas
from mnist_transformer.config import Config
from mnist_transformer.dataset import load_digits
from mnist_transformer.train import (
    NUM_VALIDATION,
    Progress,
    TrainingError,
    TrainingResult,
    train,
)
from mnist_transformer.training.recipes import SHIPPED_CLASSIFIER, SHIPPED_TRANSFORMER

# A short run spends less on warming up and more of itself on growing, and starts at once: it takes
# MNIST's digits as they are. It is validated once an epoch.
SHORT = {
    "transformer": dataclasses.replace(
        SHIPPED_TRANSFORMER,
        epochs=10,
        warmup_steps=50,
        curriculum=0.15,
        rerendered=0.0,
        synthetic=0.0,
        non_digits=0.0,
    ),
    "classifier": dataclasses.replace(SHIPPED_CLASSIFIER, epochs=10, warmup_steps=50),
}
REPORT_EVERY = 10  # steps, for curves that live
SAVE_EVERY = 500  # steps: whoever stops a run has it saved at once, whatever this is
FIXED_DRAWING = Path(__file__).parent / "examples" / "314159.png"
RUNS_AT_ONCE = 2  # on one server; the others wait in line
THREADS = max(1, (os.cpu_count() or 1) // RUNS_AT_ONCE)  # of each run


class TrainingQueue:
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


QUEUE = TrainingQueue(RUNS_AT_ONCE)


class TrainingJob:
    """One run of the library's own training loop, in a thread of its own.

    Args:
        number: of the visitor's runs, counted from 1.
        kind: "transformer" or "classifier".
        samples: lines or digits to train on.
        batch_size, lr, num_validation: as in `train`.
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
        number: int,
        kind: str,
        samples: int,
        batch_size: int,
        lr: float,
        abandoned: Callable[[], bool] = lambda: False,
        num_validation: int = NUM_VALIDATION,
    ):
        self.id, self.title = f"run-{number}", f"run {number}"
        self.kind = kind
        self.name = f"{kind}, {samples:,} drawings, batch {batch_size}, rate {lr:g}"
        self.history: list[Progress] = []
        self.glimpse: Reading | None = None
        self.result: TrainingResult | None = None
        self.error: str | None = None
        self._abandoned = abandoned
        self._chosen: dict[str, Any] = {
            "batch_size": batch_size,
            "lr": lr,
            "samples_per_epoch": max(batch_size, samples // SHORT[kind].epochs),
        }
        self._num_validation = num_validation
        self._folder = tempfile.TemporaryDirectory(prefix="run-")
        self._stop = threading.Event()
        self._thread = threading.Thread()

    @property
    def model(self) -> Transformer | None:
        """What it has learned to read lines with; None as long as there is no such thing."""
        model = self.result.model if self.result is not None else None
        return model if isinstance(model, Transformer) else None

    @property
    def weights(self) -> Path:
        """The run's checkpoint."""
        return Path(self._folder.name) / f"{self.kind}.safetensors"

    def start(self) -> None:
        """Begin, or go on after a stop."""
        self._stop.clear()
        self.result = None
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
        return not self.running and self.result is not None and not self.result.finished

    @property
    def place_in_line(self) -> int:
        """How many runs of other visitors must end before this one's turn."""
        return QUEUE.place(self)

    def wait(self) -> None:
        self._thread.join()

    def _stopped(self) -> bool:
        return self._stop.is_set() or self._abandoned()

    def _run(self) -> None:
        torch.set_num_threads(THREADS)  # here, and in threads started later
        try:
            QUEUE.wait(self, self._stopped)
            self.result = train(
                dataclasses.replace(SHORT[self.kind], **self._chosen),
                # A page never makes anyone wait for a download.
                digits=load_digits("train", download=False),
                validation=load_digits("validation", download=False),
                num_validation=self._num_validation,
                checkpoint=self.weights,
                report_every=REPORT_EVERY,
                save_every=SAVE_EVERY,
                on_progress=self._report,
                stop=self._stopped,
                progress_bar=False,
            )
        except (TrainingError, ValueError) as error:
            self.error = str(error)
        except Exception as error:  # the page must live on, and names no files of the server
            logging.getLogger(__name__).exception("a training run failed")
            reason = getattr(error, "strerror", None) or "its log says what"
            self.error = f"Something on the server went wrong: {reason}."
        finally:
            QUEUE.leave(self)

    def _report(self, progress: Progress, model) -> None:
        self.history.append(progress)
        if isinstance(model, Transformer):
            canvas = _fixed_canvas(model.config)
            self.glimpse = model.read_canvases(canvas[None], attention=True)[0]


@functools.cache
def _fixed_canvas(config: Config) -> Tensor:
    return drawing_to_canvas(Image.open(FIXED_DRAWING), config)
