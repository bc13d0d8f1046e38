"""A run's two files: the weights, and what is needed to go on after a kill or a stop."""

import dataclasses
import io
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from ..checkpoint import remove_partial, save_model, write_atomically
from ..classifier import Classifier
from ..dataset import DigitSet
from ..transformer import Transformer
from . import processes
from .progress import TrainingError
from .recipes import Recipe


class RunFiles:
    """Where a run keeps itself, and whose run it is.

    Beside the weights, a `.resume` file holds what is needed to go on; it is gone once the run is
    done, and from then on the weights are a finished model that no run overwrites.

    Args:
        weights: a `.safetensors` file; None means that nothing is written.
        settings: all that defines the run, kept in both files, of plain values and dictionaries of
            them; a run of other settings is never continued.

    Raises:
        ValueError: if `weights` has another ending: names that differ in nothing else would share
            one `.resume`.
    """

    def __init__(self, weights: str | Path | None, settings: dict):
        self.weights = Path(weights) if weights else None
        if self.weights is not None and self.weights.suffix != ".safetensors":
            raise ValueError(
                f"a run's weights go into a .safetensors file: name it {self.weights}.safetensors"
            )
        self.settings = settings

    @property
    def resume_file(self) -> Path:
        """What an interrupted run goes on from, beside its weights."""
        assert self.weights is not None, "without weights there are no files"
        return self.weights.with_suffix(".resume")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other run away from the files, until the block ends or the process dies.

        Of several processes of one run, only the main one, which writes, asks for the lock.

        Raises:
            TrainingError: if another run has them.
        """
        if self.weights is None or not processes.is_main():
            yield
            return
        self.weights.parent.mkdir(parents=True, exist_ok=True)
        file = self.weights.with_suffix(".lock")
        lock = FileLock(file, blocking=False)
        try:
            lock.acquire()
        except Timeout as error:
            raise TrainingError(
                f"another training is writing {self.weights}: wait for its end, or name another "
                "checkpoint"
            ) from error
        try:
            yield
        finally:
            with suppress(OSError):  # on Windows, where it stays and does no harm
                file.unlink()
            lock.release()

    def load(self) -> dict | None:
        """The state that the last `save` was given; None if there is no such run yet.

        Raises:
            TrainingError: if the files belong to another run, are damaged, or hold a finished
                model.
        """
        if self.weights is None:
            return None
        for file in (self.weights, self.resume_file):
            remove_partial(file)  # what a kill in the midst of saving left
        if self.resume_file.exists():
            try:
                saved = torch.load(self.resume_file, weights_only=True, map_location="cpu")
                settings, state = saved["settings"], saved["state"]
            # PyTorch raises many kinds of errors on broken files.
            except Exception as error:
                raise self.damaged(error) from error
            self._check_settings(settings)
            return state
        if self.weights.exists():
            raise TrainingError(
                f"{self.weights} already holds a finished model: name another checkpoint, or "
                "move it away"
            )
        return None

    def damaged(self, error: Exception) -> TrainingError:
        """What to say of a `.resume` file that cannot be understood."""
        reason = (str(error) or type(error).__name__).splitlines()[0]
        return TrainingError(
            f"{self.resume_file} is damaged ({reason}): delete it and {self.weights} to start "
            "anew, or name another checkpoint"
        )

    def _check_settings(self, saved: dict) -> None:
        if changes := differences(saved, self.settings):
            raise TrainingError(
                f"{self.resume_file} belongs to another run ({'; '.join(changes)}): ask for the "
                "same to go on with it, delete it to start anew, or name another checkpoint"
            )

    def save(self, state: dict, model: Transformer | Classifier, log: list[dict]) -> None:
        """Write both files, each wholly or not at all.

        Args:
            state: what `load` is to give back: plain values and state dicts.
            model: its weights.
            log: told to whoever reads the weights' metadata.
        """
        if self.weights is None:
            return
        buffer = io.BytesIO()
        torch.save({"settings": self.settings, "state": state}, buffer)
        write_atomically(self.resume_file, buffer.getvalue())
        save_model(model, self.weights, {"settings": self.settings, "log": log})

    def finish(self) -> None:
        """The run is done: nothing is left to resume."""
        if self.weights is not None:
            self.resume_file.unlink(missing_ok=True)


def run_settings(
    recipe: Recipe,
    digits: DigitSet,
    start: Transformer | None = None,
    added: DigitSet | None = None,
) -> dict:
    """All that defines a run, of plain values and dictionaries of them; arguments as in `train`."""
    settings = dataclasses.asdict(recipe) | {"digits": identity(digits)}
    if start is not None:
        settings["start"] = identity_of_weights(start)
    if added is not None:
        settings["added"] = identity(added)
    return settings


def differences(before: dict, now: dict, prefix: str = "") -> list[str]:
    """What differs between two runs' settings, in words: "lr was 0.001 and is now 0.01"."""
    changes = []
    for name in [*before, *(name for name in now if name not in before)]:
        old, new = before.get(name, "not there"), now.get(name, "not there")
        if isinstance(old, dict) and isinstance(new, dict):
            changes += differences(old, new, f"{prefix}{name}.")
        elif old != new:
            changes.append(f"{prefix}{name} was {old} and is now {new}")
    return changes


def identity(digits: DigitSet) -> str:
    """A set of digits in words, with a checksum that tells it from others of the same name."""
    checksum = _checksum((digits.images, digits.labels))
    return f"{digits.source} ({len(digits):,} digits, checksum {checksum:08x})"


def identity_of_weights(model: Transformer) -> str:
    """A trained model in words, with a checksum of its weights."""
    tensors = model.state_dict().values()
    numbers = sum(tensor.numel() for tensor in tensors)
    return f"a model of {numbers:,} numbers, checksum {_checksum(tensors):08x}"


def _checksum(tensors: Iterable[torch.Tensor]) -> int:
    checksum = 0
    for tensor in tensors:
        checksum = zlib.crc32(tensor.cpu().numpy().tobytes(), checksum)
    return checksum
