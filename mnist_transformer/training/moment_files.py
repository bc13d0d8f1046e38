"""The folder in which a run's moments lie, a few files for each."""

import copy
import dataclasses
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..checkpoint import CheckpointError, read_metadata, save_model, write_atomically
from ..classifier import Classifier
from ..dataset import DigitSet
from ..transformer import Transformer
from .recipes import Recipe


class MomentError(RuntimeError):
    """A moment that cannot be had; the message says why, and what is left."""


@dataclass(frozen=True)
class Origin:
    """Where a fork began: at a step, counted in its parent's own, of the run of that name."""

    name: str
    step: int


@dataclass(frozen=True)
class Moment:
    """What a model could do at one moment, on fixed validation samples, the same at each.

    Attributes:
        step: after which it was, in the run's own steps; 0 is before learning.
        drawings: trained on so far, a parent's included.
        seconds: of training so far.
        lr: the learning rate of the last step.
        decoder_loss: nats a token.
        ctc_loss: the same of the columns' CTC; None without a CTC head.
        tokens_right: share of tokens named rightly, the true ones before them given.
        lines_right: share of samples read exactly right.
        stepped_back: whether a lesson stepped back here, towards the model before it: repeating
            steps does not lead to these weights, and where the lesson went on, it did from others.
    """

    step: int
    drawings: int
    seconds: float
    lr: float
    decoder_loss: float
    ctc_loss: float | None
    tokens_right: float
    lines_right: float
    stepped_back: bool = False


@dataclass(frozen=True)
class Run:
    """Whose moments they are: its name, all that defines it, and where it was forked from."""

    name: str
    settings: dict[str, Any]
    parent: Origin | None


class MomentFiles:
    """Reads and writes the folder: `run.json`, and for every step its weights and perhaps a state.

    Every file is written wholly or not at all. The weights are half as precise as while training,
    and an ordinary file of a model.

    Args:
        folder: is made if need be; what a kill in the midst of writing left is removed.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for partial in folder.glob("*.partial"):
            remove(partial)

    def weights(self, step: int) -> Path:
        """The file of a step's weights."""
        return self.folder / f"{step:08d}.safetensors"

    def state(self, step: int) -> Path:
        """The file of a step's exact state."""
        return self.folder / f"{step:08d}.state"

    @property
    def run(self) -> Path:
        """The file that says whose moments they are."""
        return self.folder / "run.json"

    @property
    def added(self) -> Path:
        """The file of the digits that a fork was given."""
        return self.folder / "added.npz"

    @property
    def bytes(self) -> int:
        """What all files take together."""
        return sum(map(_size, self._own()))

    def remove_all(self) -> None:
        """Remove what was written here, and nothing else."""
        for file in self._own():
            remove(file)

    def _own(self) -> list[Path]:
        steps = [*self.folder.glob("*.safetensors"), *self.folder.glob("*.state")]
        return [self.run, self.added, *(file for file in steps if file.stem.isdigit())]

    def write_run(self, run: Run, added: DigitSet | None) -> None:
        """Raises OSError if the folder cannot be written."""
        if added is not None:
            buffer = io.BytesIO()
            np.savez_compressed(
                buffer,
                images=added.images.numpy(),
                labels=added.labels.numpy(),
                source=np.array(added.source),
            )
            write_atomically(self.added, buffer.getvalue())
        write_atomically(self.run, json.dumps(dataclasses.asdict(run)).encode())

    def read_run(self) -> Run | None:
        """None if no run has begun here.

        Raises:
            MomentError: if the file is damaged.
        """
        if not self.run.exists():
            return None
        try:
            run = json.loads(self.run.read_text())
            Recipe.from_dict(run["settings"])
            parent = None if run["parent"] is None else Origin(**run["parent"])
            return Run(str(run["name"]), run["settings"], parent)
        except (KeyError, TypeError, ValueError) as error:
            raise MomentError(
                f"{self.run} is damaged ({error}): the moments beside it are models that can be "
                "opened one by one, and go on as such"
            ) from error

    def read_added(self) -> DigitSet | None:
        """The digits that were added to the run's; None if none were.

        Raises:
            MomentError: if the file is damaged.
        """
        if not self.added.exists():
            return None
        try:
            with np.load(self.added, allow_pickle=False) as arrays:
                images, labels = (torch.from_numpy(arrays[name]) for name in ("images", "labels"))
                return DigitSet.from_arrays(images, labels, str(arrays["source"]))
        except Exception as error:  # NumPy raises many kinds on broken files
            raise MomentError(
                f"{self.added} is damaged ({error}): no fork can begin here"
            ) from error

    def write(
        self, moment: Moment, model: Transformer | Classifier, state: dict | None, run: str
    ) -> None:
        """Write one moment.

        Args:
            moment: what is known of it.
            model: whose weights are kept, half as precise.
            state: all that training needs to go on exactly; None keeps none.
            run: its name.

        Raises:
            OSError: if there is no room.
        """
        remove(self.state(moment.step))  # it may be of other weights
        half = copy.deepcopy(model).half()
        metadata = {"moment": dataclasses.asdict(moment), "run": run}
        save_model(half, self.weights(moment.step), metadata)
        if state is not None:
            buffer = io.BytesIO()
            torch.save(state, buffer)
            write_atomically(self.state(moment.step), buffer.getvalue())

    def read_moments(self) -> tuple[list[Moment], dict[int, str]]:
        """The numbers of every moment, and of those that cannot be read why."""
        moments, damaged = [], {}
        for file in sorted(self.folder.glob("*.safetensors")):
            if not file.stem.isdigit():
                continue
            try:
                moments.append(Moment(**read_metadata(file)["moment"]))
            except (CheckpointError, KeyError, TypeError, ValueError) as error:
                damaged[int(file.stem)] = first_line(error)
        return moments, damaged

    def read_state(self, step: int) -> dict | None:
        """The exact state of training after a step; None if it cannot be read."""
        try:
            return torch.load(self.state(step), weights_only=True, map_location="cpu")
        except Exception:  # PyTorch raises many kinds on broken files
            return None


def first_line(error: Exception) -> str:
    """What an error says, in one line."""
    return (str(error) or type(error).__name__).splitlines()[0]


def remove(file: Path) -> int:
    """Bytes that are free again."""
    size = _size(file)
    file.unlink(missing_ok=True)
    return size


def _size(file: Path) -> int:
    """Bytes; 0 if there is no such file, or no longer: other threads thin runs, too."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
