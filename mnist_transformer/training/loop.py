"""The training loop, as steps that can be read one at a time."""

import dataclasses
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import nn
from tqdm import tqdm

from . import processes
from .ablated import Ablated
from .moments import Moment, Moments
from .optimizers import learning_rate, make_optimizers, running_mean
from .progress import Progress, TrainingError, TrainingResult
from .recipes import Recipe
from .run_files import RunFiles
from .tasks import Batch, Model, Task

GRADIENT_CLIP = 1.0  # the largest norm of a step's gradients


class Trainer:
    """One run: `step` learns from a batch, `report` says how it goes, `save` writes it down.

    Initial weights, every batch and every dropout depend on nothing but the recipe's seed and the
    number of the step, so that a run that was interrupted ends with the weights that it would have
    had. PyTorch's global random numbers, which callers may use, stay as they were; runs in several
    threads of one process take turns where they need them.

    Args:
        recipe: what to do; `samples_per_epoch` is a number here.
        task: makes the model and the batches, and validates.
        files: where the run is kept, and continued from if it is there already.
        device: where to compute: "cpu", "cuda" or "mps".

    Attributes:
        done, steps: how many steps are done, and how many there are.
        model: what is validated, saved and given back: the running mean, if the recipe has one.
        history: the reports so far.

    Raises:
        ValueError: if there is no such device.
        TrainingError: if `files` belong to another run, are damaged, or hold a finished model.
    """

    def __init__(self, recipe: Recipe, task: Task, files: RunFiles, device: str = "cpu"):
        if recipe.samples_per_epoch is None:
            raise ValueError(
                "samples_per_epoch must be a number by now: nothing else tells it here"
            )
        self.recipe, self.task, self.files, self.device = recipe, task, files, device
        self.steps_per_epoch = max(1, recipe.samples_per_epoch // recipe.batch_size)
        self.steps = recipe.epochs * self.steps_per_epoch
        self._sampled_on = torch.device(processes.sampled_on(device))
        with _random_numbers(recipe.seed, device), self._sampled_on:
            objective = task.build()
        # Convolutions are faster on a CPU where the channels of a pixel lie side by side.
        objective.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.objective = objective
        self.mean = running_mean(objective.model, recipe.ema_decay) if recipe.ema_decay else None
        self.optimizers = make_optimizers(objective, recipe.lr, recipe.optimizer)
        self._highest_lr = [[group["lr"] for group in o.param_groups] for o in self.optimizers]
        self._warmup_steps = min(recipe.warmup_steps, self.steps - 1)
        self._ablated = [Ablated(model, recipe) for model in {objective.model, self.model}]
        self.done = 0
        self.history: list[Progress] = []
        self._sums = torch.zeros(4)  # since the last report: loss, correct, all tokens, CTC's loss
        self._last_lr = 0.0
        self._checked: Batch | None = None
        self._resume()
        self._hold_ablated()
        self._parallel = processes.parallel(self.objective)
        self._started = time.perf_counter()
        self._earlier = self.history[-1].seconds if self.history else 0.0

    @property
    def model(self) -> Model:
        """What a reader would be given now: the mean of the weights, if one is kept."""
        if self.mean is None:
            return self.objective.model
        return self.mean.module  # type: ignore[return-value]

    @property
    def seconds(self) -> float:
        """Spent training so far, before an interruption and a fork, too."""
        return self._earlier + time.perf_counter() - self._started

    @property
    def epoch_ends(self) -> bool:
        """Whether the last step was an epoch's last."""
        return self.done % self.steps_per_epoch == 0

    def step(self) -> None:
        """Learn from one new batch.

        Raises:
            TrainingError: if the loss stops being a number; the weights are left as they were.
        """
        step = self.done + 1
        seed = self.recipe.seed * 1_000_003 + step
        generator = torch.Generator(self._sampled_on).manual_seed(seed)
        with self._sampling():
            batch = self.task.sample(generator, self.done / self.steps)
        canvases = processes.shard(batch.canvases).to(self.device)
        targets = processes.shard(batch.targets).to(self.device)
        self.objective.train()
        dropout = self.recipe.config.dropout > 0
        with _random_numbers(seed, self.device) if dropout else nullcontext():
            outcome = self._parallel(canvases, targets, batch.first_column)
        loss, correct, counted, ctc_loss = outcome
        if not loss.isfinite():
            raise TrainingError(
                f"the loss became {loss.item()} at step {step}: start again with a lower learning "
                f"rate than {self.recipe.lr}. Weights saved before this step are kept."
            )
        self.objective.zero_grad()
        loss.backward()
        for ablated in self._ablated:
            ablated.hold_gradients()
        nn.utils.clip_grad_norm_(self.objective.parameters(), GRADIENT_CLIP)
        self._set_learning_rates()
        for optimizer in self.optimizers:
            optimizer.step()
        if self.mean is not None:
            self.mean.update_parameters(self.objective.model)
        self._hold_ablated()
        sums = [loss.detach() * counted, correct, counted, ctc_loss * counted]
        self._sums += torch.stack(sums).cpu()
        self.done = step

    def _sampling(self) -> AbstractContextManager:
        """New tensors stand where batches are made; on a CPU they do anyway, at less cost."""
        return nullcontext() if self._sampled_on.type == "cpu" else self._sampled_on

    def _set_learning_rates(self) -> None:
        share = learning_rate(self.done, self.steps, self._warmup_steps)
        for optimizer, highest in zip(self.optimizers, self._highest_lr, strict=True):
            for group, lr in zip(optimizer.param_groups, highest, strict=True):
                group["lr"] = lr * share
        self._last_lr = self._highest_lr[0][0] * share

    def _hold_ablated(self) -> None:
        for ablated in self._ablated:
            ablated.hold()

    def report(self) -> Progress:
        """How the steps since the last report went; at the end of an epoch, how it validates."""
        self.objective.eval()
        loss, correct, counted, ctc_loss = processes.all_reduce_sum(self._sums).tolist()
        loss, ctc_loss = loss / counted, ctc_loss / counted
        self._sums = torch.zeros(4)
        ctc_weight = self.recipe.ctc_weight
        validate = self.epoch_ends and processes.is_main()
        progress = Progress(
            step=self.done,
            steps=self.steps,
            epoch=self.done / self.steps_per_epoch,
            loss=loss,
            accuracy=correct / counted,
            lr=self._last_lr,
            seconds=self.seconds,
            validation_accuracy=self.task.validate(self.model) if validate else None,
            decoder_loss=loss - ctc_weight * ctc_loss,
            ctc_loss=ctc_loss if ctc_weight else None,
        )
        self.history.append(progress)
        return progress

    def save(self) -> None:
        """Write the weights, and all that is needed to go on from here."""
        sums = processes.all_reduce_sum(self._sums.clone())
        if not processes.is_main():
            return
        state = self.state() | {"sums": sums}
        log = [entry for entry in state["history"] if entry["validation_accuracy"] is not None]
        self.files.save(state, self.model, log)

    def state(self) -> dict:
        """All that is needed to go on from here: plain values and state dicts, not copied."""
        history = [dataclasses.asdict(progress) for progress in self.history]
        state = {name: part.state_dict() for name, part in self._parts().items()}
        return state | {"done": self.done, "history": history, "sums": self._sums}

    def take_up(self, state: dict, done: int, seconds: float = 0.0, lr: float = 0.0) -> None:
        """Go on from the state of another run of the same shape, as if it were step `done` of this.

        Args:
            state: as `state` gave it.
            done: a step of this run.
            seconds: of training behind it.
            lr: the learning rate of the last step behind it.

        Raises:
            KeyError, RuntimeError, ValueError: if the state is of another shape.
        """
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self._hold_ablated()
        self.done, self._last_lr = done, lr
        self._earlier, self._started = seconds, time.perf_counter()

    def _resume(self) -> None:
        """Take up an interrupted run, if there is one."""
        state = processes.broadcast(self.files.load() if processes.is_main() else None)
        if state is None:
            return
        try:
            for name, part in self._parts().items():
                part.load_state_dict(state[name])
            self.done = state["done"]
            self.history = [Progress(**progress) for progress in state["history"]]
            self._last_lr = self.history[-1].lr if self.history else 0.0
            if processes.is_main():
                self._sums = state["sums"]
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
            raise self.files.damaged(error) from error

    def _parts(self) -> dict[str, Any]:
        """All that changes while training, by the name it is saved under."""
        parts: dict[str, Any] = {"objective": self.objective}
        if self.mean is not None:
            parts["mean"] = self.mean
        return parts | {f"optimizer {n}": part for n, part in enumerate(self.optimizers)}

    def moment(self) -> Moment:
        """What the model can do now."""
        if self._checked is None:
            self._checked = self.task.checked()
        self.objective.eval()
        canvases, targets = (part.to(self.device) for part in self._checked[:2])
        examined = self.objective.examine(self.model, canvases, targets)  # type: ignore[arg-type]
        return Moment(
            step=self.done,
            drawings=self.done * self.recipe.batch_size,
            seconds=self.seconds,
            lr=self._last_lr,
            **examined._asdict(),
        )

    def _keep_moment(
        self, moments: Moments, ends: bool, on_moment: Callable[[Moment], None] | None
    ) -> None:
        """Keep this moment if it is due, or the run ends here: its newest is always kept."""
        if not processes.is_main() or not (ends or moments.is_due(self.done)):
            return
        exactly = ends or moments.is_due_exactly(self.done)
        moment = self.moment()
        moments.keep(moment, self.model, self.state() if exactly else None)
        if on_moment is not None:
            on_moment(moment)

    def run(
        self,
        report_every: int,
        save_every: int,
        on_progress: Callable[[Progress, Model], None] | None = None,
        stop: Callable[[], bool] | None = None,
        progress_bar: bool = True,
        moments: Moments | None = None,
        on_moment: Callable[[Moment], None] | None = None,
    ) -> TrainingResult:
        """Go through all steps that are left, or until `stop` says True; as in `train`."""
        main = processes.is_main()
        stopped = False
        if moments is not None:
            self._keep_moment(moments, False, on_moment)
        with _Bar(self, progress_bar and main) as bar:
            while self.done < self.steps and not stopped:
                self.step()
                bar.update()
                stopped = stop is not None and processes.any_of(stop())
                ends = stopped or self.done == self.steps
                progress = None
                if ends or self.epoch_ends or self.done % report_every == 0:
                    progress = self.report()
                    bar.show(progress)
                if ends or self.done % save_every == 0:
                    self.save()
                if moments is not None:
                    self._keep_moment(moments, ends, on_moment)
                if progress is not None and on_progress is not None and main:
                    on_progress(progress, self.model)
        if not stopped and main:
            self.files.finish()
        return TrainingResult(self.model.eval(), self.history, not stopped)


class _Bar(tqdm):
    """The progress of a run on stderr, so that what a command prints stays its result alone."""

    def __init__(self, trainer: Trainer, shown: bool):
        super().__init__(
            total=trainer.steps,
            initial=trainer.done,
            unit="step",
            disable=None if shown else True,  # None: shown in a terminal alone
        )
        self.shown = shown

    def show(self, progress: Progress) -> None:
        self.set_postfix(loss=f"{progress.loss:.3f}", accuracy=f"{progress.accuracy:.3f}")
        if self.shown and progress.validation_accuracy is not None:
            self.write(
                f"epoch {progress.epoch:.2f}: loss {progress.loss:.3f}, "
                f"accuracy {progress.accuracy:.4f}, "
                f"validation {progress.validation_accuracy:.4f}, {progress.seconds:.0f} s",
                file=sys.stderr,
            )


_taking_turns = threading.Lock()


@contextmanager
def _random_numbers(seed: int, device: str) -> Iterator[None]:
    """PyTorch's global random numbers from `seed` on, for one thread at a time.

    Afterwards they go on as if nothing had been.
    """
    kind = torch.device(device).type
    others: dict[str, Any] = {"devices": []} if kind == "cpu" else {"device_type": kind}
    with _taking_turns, torch.random.fork_rng(**others):
        torch.manual_seed(seed)
        yield
