"""What a run was at about fifty moments: weights, numbers, and where a fork can begin.

Moments lie in a folder, so that a run that is killed keeps them and memory holds only the few that
are being looked at.
"""

import itertools
import json
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..checkpoint import CheckpointError, load_model
from ..classifier import Classifier
from ..dataset import DigitSet
from ..transformer import Transformer
from .keeping import EXACT, KEPT, exact_steps, least_missed, moment_steps
from .moment_files import Moment, MomentError, MomentFiles, Origin, Run, first_line, remove
from .opened import OpenedModels
from .recipes import Recipe
from .run_files import differences

__all__ = ["Moment", "MomentError", "Moments", "Origin", "thin_to"]

MOST_BYTES = 100_000_000  # of a run on disk: beyond it exact states are thinned, then moments
OPENED = 12  # models that are kept ready to read, of all runs together
_opened = OpenedModels(OPENED)
_numbers = itertools.count()  # of all runs, by which their models are told apart


class Moments:
    """The moments of one run, in a folder.

    Args:
        folder: a new one, or that of an earlier run, whose moments are there again; None means one
            that is gone with this object.
        keep: about how many, at least 3.
        exact: how many of them keep the exact state of training, at least 1.
        most_bytes: what they may take on disk; beyond it they are thinned (see `thin`).
        name: of a new run, as people are to see it; None means the folder's.

    Attributes:
        name: of the run.
        settings: all that defines the run; None before it has begun.
        parent: where the run was forked from; None if it was not.
        problem: why the last moment could not be kept; None if it was.
        damaged: why moments that lie in the folder cannot be read, by step.

    Raises:
        MomentError: if the folder's description of its run cannot be understood.
        ValueError: if a number is out of range.
    """

    def __init__(
        self,
        folder: str | Path | None = None,
        *,
        keep: int = KEPT,
        exact: int = EXACT,
        most_bytes: int = MOST_BYTES,
        name: str | None = None,
    ):
        if keep < 3 or exact < 1:
            raise ValueError(
                f"keep must be at least 3 and exact at least 1, not {keep} and {exact}"
            )
        self._temporary = None if folder else tempfile.TemporaryDirectory(prefix="moments-")
        self._files = MomentFiles(Path(folder or self._temporary.name))  # type: ignore[union-attr]
        self._keep, self._exact, self._most_bytes = keep, exact, most_bytes
        self._number = next(_numbers)
        self._due: set[int] = set()
        self._due_exactly: set[int] = set()
        self._discarded = False
        self._lock = threading.RLock()
        self.problem: str | None = None
        run = self._files.read_run()
        self.name = run.name if run else name or self.folder.name
        self.settings: dict[str, Any] | None = run.settings if run else None
        self.parent: Origin | None = run.parent if run else None
        moments, self.damaged = self._files.read_moments() if run else ([], {})
        self._moments = {moment.step: moment for moment in moments}

    @property
    def folder(self) -> Path:
        """Where they lie."""
        return self._files.folder

    @property
    def recipe(self) -> Recipe | None:
        """Of the run; None before it has begun."""
        return None if self.settings is None else Recipe.from_dict(self.settings)

    @property
    def steps(self) -> list[int]:
        """After which steps there are moments, from the first to the newest."""
        with self._lock:
            return sorted(self._moments)

    @property
    def numbers(self) -> list[Moment]:
        """One for each of `steps`."""
        with self._lock:
            return [self._moments[step] for step in sorted(self._moments)]

    @property
    def exact(self) -> list[int]:
        """The steps at which a fork begins at once; from others it first repeats the way there."""
        with self._lock:
            by_itself = {0} if self._begins_from_seed else set()
            return [s for s in self.steps if s in by_itself or self._files.state(s).exists()]

    @property
    def bytes(self) -> int:
        """What the run takes on disk."""
        return self._files.bytes

    def nearest(self, step: int) -> int:
        """Of `steps`, the one nearest to `step`.

        Raises:
            MomentError: if there are no moments.
        """
        self._check()
        if not self._moments:
            raise MomentError(f"{self.name} has no moments yet")
        return min(self.steps, key=lambda kept: abs(kept - step))

    def file(self, step: int) -> Path:
        """The moment's weights, half as precise as while training, as `load_model` reads them.

        Raises:
            MomentError: if there is no such moment.
        """
        self._check()
        if step in self.damaged:
            raise MomentError(
                f"the moment after step {step:,} of {self.name} is damaged "
                f"({self.damaged[step]}): choose another"
            )
        if step not in self._moments:
            raise MomentError(
                f"{self.name} has no moment after step {step:,}: the nearest is after step "
                f"{self.nearest(step):,}"
            )
        return self._files.weights(step)

    def moment(self, step: int) -> Moment:
        """The numbers of one moment; raises as `file`."""
        self.file(step)
        return self._moments[step]

    def model(self, step: int, keep: bool = True) -> Transformer | Classifier:
        """The model as it was, ready to read, in float32; shared with whoever asks again.

        Args:
            step: one of `steps`.
            keep: whether it stays ready for the next; who goes through all of them says no.

        Raises:
            MomentError: if there is no such moment, or its file is damaged.
        """
        with self._lock:
            file = self.file(step)
            if (model := _opened.get(self._number, step)) is not None:
                return model
            try:
                model = load_model(file)
                if self.recipe is not None and model.config != self.recipe.config:
                    raise CheckpointError("it is of a model of another shape")
            except (CheckpointError, OSError) as error:
                self.damaged[step] = first_line(error)
                del self._moments[step]
                self.file(step)  # says so
                raise
            if keep:
                _opened.put(self._number, step, model)
            return model

    def added(self) -> DigitSet | None:
        """The digits that were added to those the run was trained on; None if none were.

        Raises:
            MomentError: if they cannot be read.
        """
        self._check()
        return self._files.read_added()

    def state(self, step: int) -> dict | None:
        """The exact state of training after a step; None if there is none that can be read."""
        return self._files.read_state(step)

    def state_before(self, step: int) -> tuple[int, dict | None]:
        """The last exact state of training at or before `step`: after which step, and what.

        None stands for the state from which the recipe begins by itself. What is damaged is passed
        over, and so are moments that were stepped back, to each of which its own state alone leads.

        Raises:
            MomentError: if there is no such moment, or no such state any more.
        """
        self.file(step)
        aside = self._stepped_back
        ways = [kept for kept in self.exact if kept <= step and kept not in aside]
        for kept in [step] if step in aside else reversed(ways):
            if kept == 0 and self._begins_from_seed:
                return 0, None
            if (state := self.state(kept)) is not None:
                return kept, state
        later = [kept for kept in self.exact if kept > step]
        advice = f"after step {later[0]:,}" if later else "from the weights, as a trained model"
        raise MomentError(
            f"no exact state of {self.name} leads to step {step:,} any more: go on {advice}"
        )

    def begin(
        self,
        settings: dict,
        steps: int,
        added: DigitSet | None = None,
        parent: Origin | None = None,
        first: int = 0,
    ) -> None:
        """Get ready for a run of so many steps, or for the rest of one that was interrupted.

        Args:
            settings: all that defines the run.
            steps: how many it has.
            added: the digits that were added to those of `load_digits`.
            parent: where it was forked from.
            first: the step, of its own, at which the fork began.

        Raises:
            MomentError: if the folder holds another run's moments, or cannot be written.
        """
        self._check()
        settings = json.loads(json.dumps(settings))
        if self.settings is None:
            try:
                self._files.write_run(Run(self.name, settings, parent), added)
            except OSError as error:
                raise MomentError(
                    f"no moments can be kept in {self.folder}: {error.strerror or error}"
                ) from error
            self.settings, self.parent = settings, parent
        elif changes := differences(self.settings, settings):
            raise MomentError(
                f"{self.folder} holds the moments of another run ({'; '.join(changes)}): name "
                "another folder"
            )
        self._due = moment_steps(steps, self._keep, first)
        self._due_exactly = exact_steps(steps, self._keep, self._exact, first)
        if not self._begins_from_seed:
            self._due_exactly.add(first)

    def is_due(self, step: int) -> bool:
        """Whether a moment is to be kept after `step`."""
        return step in self._due and step not in self._moments and not self._discarded

    def is_due_exactly(self, step: int) -> bool:
        """Whether with the exact state of training."""
        return step in self._due_exactly

    def keep(
        self, moment: Moment, model: Transformer | Classifier, state: dict | None = None
    ) -> None:
        """Write a moment down. What goes wrong does not stop the run, and is told by `problem`.

        Args:
            moment: its numbers.
            model: as it is; stays so.
            state: the exact state of training, plain values and state dicts.
        """
        with self._lock:
            if self._discarded:
                return
            self.problem = None
            try:
                self._files.write(moment, model, state, self.name)
            except OSError as error:
                self.problem = (
                    f"The moment after step {moment.step:,} could not be kept whole "
                    f"({error.strerror or error}). Those before it are there, and the run goes on."
                )
            if self._files.weights(moment.step).exists():
                self._moments[moment.step] = moment
                _opened.forget(self._number, moment.step)
            while self.bytes > self._most_bytes and self.thin():
                pass

    def thin(self) -> int:
        """Drop what is missed least: bytes that are free again; 0 if there is nothing to spare.

        First exact states, without which forks take longer to begin, then moments nearest to their
        neighbours, by the root of their steps; never the first moment or the newest. Where the
        run stepped back, both go together: no fork could begin there without the state.
        """
        with self._lock:
            bound = self._stepped_back - set(self.steps[-1:])
            states = [s for s in self.steps if s not in bound and self._files.state(s).exists()]
            if (spare := least_missed(states, 1.0)) is not None:
                return remove(self._files.state(spare))
            if (spare := least_missed(self.steps, 0.5)) is None:
                return 0
            del self._moments[spare]
            _opened.forget(self._number, spare)
            return remove(self._files.weights(spare)) + remove(self._files.state(spare))

    def discard(self) -> None:
        """Throw them all away; whoever asks for one afterwards is told so."""
        with self._lock:
            self._discarded = True
            self._moments.clear()
            _opened.forget(self._number)
            self._files.remove_all()

    @property
    def _stepped_back(self) -> set[int]:
        """The steps of moments that their run did not go on from: see `Moment.stepped_back`."""
        return {moment.step for moment in self.numbers if moment.stepped_back}

    @property
    def _begins_from_seed(self) -> bool:
        """Whether the recipe alone makes the first state: not for a fork, or a trained start."""
        return self.parent is None and "start" not in (self.settings or {})

    def _check(self) -> None:
        if self._discarded:
            raise MomentError(f"{self.name} was thrown away, and its moments with it")


def thin_to(budget: int, runs: Sequence[Moments]) -> int:
    """Thin runs until they take at most `budget` bytes together, or there is nothing to spare.

    The run that takes most is thinned, of equals the one named first: name the oldest first. Each
    keeps its first moment and its newest.

    Returns:
        The bytes they take then.
    """
    sizes = {number: run.bytes for number, run in enumerate(runs)}
    thinnable = set(sizes)
    while sum(sizes.values()) > budget and thinnable:
        largest = max(sorted(thinnable), key=lambda number: sizes[number])
        if freed := runs[largest].thin():
            sizes[largest] -= freed
        else:
            thinnable.remove(largest)
    return sum(sizes.values())
