"""A training run in the background, watched and stopped from the page."""

import threading
from collections.abc import Callable

from mnist_transformer import train_single_digit_classifier, train_transformer
from mnist_transformer.dataset import load_digits
from mnist_transformer.train import (
    SHIPPED_CLASSIFIER,
    SHIPPED_TRANSFORMER,
    Progress,
    TrainingResult,
)

TRAINERS = {
    "transformer": (train_transformer, SHIPPED_TRANSFORMER, "lines_per_epoch"),
    "classifier": (train_single_digit_classifier, SHIPPED_CLASSIFIER, "digits_per_epoch"),
}
# A short run spends less on warming up and more of itself on growing, and starts at once: it takes
# MNIST's digits as they are.
SHORT = {
    "transformer": dict(warmup_steps=50, growth=0.15, redrawn=0.0, drawn=0.0, scribbled=0.0),
    "classifier": dict(warmup_steps=50),
}
EPOCHS = 10  # a run is validated this many times


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
        self.history: list[Progress] = []
        self.result: TrainingResult | None = None
        self.error: str | None = None
        self._abandoned = abandoned
        self._stop = threading.Event()
        self._settings = {"epochs": EPOCHS, "batch_size": batch_size, "lr": lr}
        self._samples_per_epoch = max(batch_size, samples // EPOCHS)
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"train-{kind}")

    def start(self) -> None:
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

    def wait(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        train, recipe, samples_name = TRAINERS[self.kind]
        try:
            self.result = train(
                **recipe
                | SHORT[self.kind]
                | self._settings
                | {samples_name: self._samples_per_epoch},
                # A page never makes anyone wait for a download.
                digits=load_digits("train", download=False),
                validation=load_digits("validation", download=False),
                interval=5,
                on_progress=lambda progress, model: self.history.append(progress),
                stop=lambda: self._stop.is_set() or self._abandoned(),
                progress_bar=False,
            )
        except Exception as error:  # shown on the page, which must live on
            self.error = str(error)
