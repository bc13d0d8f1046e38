"""Training, for the shell and the page alike.

`train_transformer` and `train_single_digit_classifier` differ in what a batch is, what its loss is
and how the model is validated; `_train` is the loop they share.
"""

import copy
import dataclasses
import io
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from .checkpoint import remove_partial, save_model, write_atomically
from .classifier import Classifier
from .config import CLASSIFIER_CONFIG, END, GRID_CONFIG, PAD, TRANSFORMER_CONFIG, Config
from .dataset import DigitSet, load_digits, make_lines
from .evals import evaluate_classifier, evaluate_transformer
from .hands.grids import make_grids
from .hands.sources import mix_sources
from .training import processes
from .transformer import Transformer

GRADIENT_CLIP = 1.0
MUON_LR = 3.0  # Muon's learning rate, in AdamW's: an orthogonal step bears a longer stride
VALIDATION_LINES = 500
STRIP_PER_DIGIT = 32  # pixels of canvas that a line needs for each of its digits, amply

# The keyword arguments that made the files in weights/: `train_transformer(**SHIPPED_TRANSFORMER)`.
# Lines are new every time, so dropout has little left to do; it costs half the speed on a CPU.
SHIPPED_TRANSFORMER = dict(
    epochs=140,
    batch_size=64,
    lr=0.002,
    config=dataclasses.replace(TRANSFORMER_CONFIG, dropout=0.0),
    label_smoothing=0.0,
    ctc_weight=0.3,
    curriculum=0.03,
    short_canvas_share=0.75,
    augmentation=0.8,
    redrawn=0.15,
    drawn=0.25,
    scribbled=0.03,
    muon=True,
    ema_decay=0.999,
    warmup_steps=300,
)
SHIPPED_GRID = dict(
    epochs=40,
    batch_size=64,
    lr=0.002,
    config=dataclasses.replace(GRID_CONFIG, dropout=0.0),
    label_smoothing=0.0,
    ctc_weight=0.5,
    muon=True,
    ema_decay=0.999,
    warmup_steps=300,
)
SHIPPED_CLASSIFIER = dict(
    epochs=24,
    batch_size=64,
    lr=0.002,
    config=dataclasses.replace(CLASSIFIER_CONFIG, dropout=0.0),
    augmentation=0.8,
    muon=True,
    ema_decay=0.999,
    warmup_steps=300,
)
# From nothing to 99 % of MNIST in two minutes or three (see `python -m benchmarks goal`).
FAST_CLASSIFIER = dict(
    epochs=1,
    batch_size=64,
    lr=0.003,
    config=dataclasses.replace(CLASSIFIER_CONFIG, dropout=0.0),
    augmentation=0.0,
    muon=True,
    ema_decay=0.99,
    warmup_steps=50,
    samples_per_epoch=160_000,
)


class TrainingError(RuntimeError):
    """Training cannot go on; the message says why, and what was saved before stays as it was."""


@dataclass(frozen=True)
class Progress:
    """The state of a run after `step` of `steps` steps.

    Attributes:
        loss, accuracy: means over the steps since the last report; accuracy is the share of tokens
            (transformer, the true ones before them given) or digits (classifier) named rightly.
        lr: the learning rate of the last step.
        seconds: time spent training so far.
        validation_accuracy: at the end of an epoch, the share of validation lines read
            exactly right (transformer) or of validation digits named rightly (classifier);
            else None.
    """

    step: int
    steps: int
    epoch: float
    loss: float
    accuracy: float
    lr: float
    seconds: float
    validation_accuracy: float | None = None


@dataclass(frozen=True)
class TrainingResult:
    """What a run leaves: the model, ready to read; its history; whether it ran to the end."""

    model: Transformer | Classifier
    history: list[Progress]
    finished: bool


def train_transformer(
    epochs: int = 30,
    batch_size: int = 32,
    lr: float = 0.001,
    *,
    config: Config = TRANSFORMER_CONFIG,
    label_smoothing: float = 0.1,
    ctc_weight: float = 0.0,
    curriculum: float = 0.0,
    short_canvas_share: float = 0.0,
    augmentation: float = 1.0,
    redrawn: float = 0.0,
    drawn: float = 0.0,
    scribbled: float = 0.0,
    muon: bool = False,
    ema_decay: float = 0.0,
    warmup_steps: int = 0,
    samples_per_epoch: int = 12_000,
    digits: DigitSet | None = None,
    validation: DigitSet | None = None,
    make_model: Callable[[Config], Transformer] = Transformer,
    **loop,
) -> TrainingResult:
    """Train a Transformer to read lines, or grids, written from MNIST's training digits.

    AdamW (Loshchilov & Hutter 2019), gradients clipped to norm 1, learning rate falling along a
    cosine to 0.

    Args:
        epochs: passes of `samples_per_epoch` lines; every line is new.
        batch_size: lines per step.
        lr: highest learning rate.
        config: the model's shape, with its dropout; one of several `text_rows` reads grids (see
            `make_grids`), where `curriculum` and `short_canvas_share` mean nothing.
        label_smoothing: share of the target spread over all outcomes.
        ctc_weight: weight of an auxiliary CTC loss on the encoder's columns, in training only
            (joint CTC-attention, Kim et al. 2017; Watanabe et al. 2017): it teaches the encoder to
            tell digits apart before the decoder knows where to look.
        curriculum: share of the run in which the longest line grows from 1 digit to all, on
            canvases just wide enough, which cost less.
        short_canvas_share: share of the batches after that which are still written on such short
            canvases; the rest, lines of all lengths together, on whole ones.
        augmentation: the most that a batch of lines may have (see `make_lines`); each has its own.
        redrawn, drawn, scribbled: shares of the digits that are MNIST's, redrawn with an even
            brush; drawn by code, in forms that MNIST lacks; no digits at all (see `strokes`).
        muon: whether Muon (Jordan et al. 2024) trains the matrices of the layers, AdamW the rest.
        ema_decay: decay, for each step, of the running mean of the weights that is validated and
            saved in their stead; 0 means the weights themselves.
        warmup_steps: steps over which the learning rate first rises.
        samples_per_epoch: 12,000 lines hold every training digit about once.
        digits, validation: where lines come from; None means `load_digits`.
        make_model: builds the model, for those who try another architecture (see `ablation`).
        **loop: what `_train` takes: `seed`, `checkpoint`, `interval`, `on_progress`, `stop`,
            `progress_bar`, `device`.

    Raises:
        ValueError: if a number is out of range.
        TrainingError: if the loss stops being a number, or `checkpoint` belongs to another run or
            holds a finished model.
    """
    if (
        not all(0 <= share <= 1 for share in (curriculum, short_canvas_share, label_smoothing))
        or ctc_weight < 0
    ):
        raise ValueError(
            "curriculum, short_canvas_share and label_smoothing lie in 0-1, and ctc_weight is at "
            "least 0"
        )
    settings = dict(
        kind="transformer",
        epochs=epochs,
        batch_size=batch_size,
        lr=lr,
        config=config.to_dict(),
        label_smoothing=label_smoothing,
        ctc_weight=ctc_weight,
        curriculum=curriculum,
        short_canvas_share=short_canvas_share,
        augmentation=augmentation,
        redrawn=redrawn,
        drawn=drawn,
        scribbled=scribbled,
        muon=muon,
        ema_decay=ema_decay,
        warmup_steps=warmup_steps,
        samples_per_epoch=samples_per_epoch,
    )
    digits = mix_sources(
        digits or load_digits("train"), rerendered=redrawn, synthetic=drawn, non_digits=scribbled
    )
    validation = validation or load_digits("validation")
    patch = config.patch_size

    def sample(generator: torch.Generator, done: float) -> tuple[Tensor, Tensor, int]:
        if config.text_rows > 1:
            return *make_grids(digits, batch_size, config, generator=generator), 0
        grown = done >= curriculum
        whole, wild = torch.rand(2, generator=generator).tolist()
        wild *= augmentation
        if grown and whole >= short_canvas_share:
            return *make_lines(
                digits, batch_size, config, generator=generator, augmentation=wild
            ), 0
        longest = config.max_digits if grown else 1 + int(config.max_digits * done / curriculum)
        length = int(torch.randint(1, longest + 1, (), generator=generator))
        width = min(config.canvas_width, math.ceil(length * STRIP_PER_DIGIT / patch) * patch)
        strip = dataclasses.replace(config, canvas_width=width)
        places = (config.canvas_width - width) // patch + 1
        first_column = int(torch.randint(places, (), generator=generator))
        lengths = (max(1, length - 1), length)
        lines = make_lines(
            digits, batch_size, strip, generator=generator, lengths=lengths, augmentation=wild
        )
        return *lines, first_column

    def build() -> nn.Module:
        return TransformerObjective(make_model(config), label_smoothing, ctc_weight)

    def validate(model: Transformer) -> float:
        return evaluate_transformer(model, validation, VALIDATION_LINES).line_accuracy

    return _train(build, sample, validate, settings, **loop)


def train_single_digit_classifier(
    epochs: int = 10,
    batch_size: int = 32,
    lr: float = 0.001,
    *,
    config: Config = CLASSIFIER_CONFIG,
    augmentation: float = 1.0,
    muon: bool = False,
    ema_decay: float = 0.0,
    warmup_steps: int = 0,
    samples_per_epoch: int | None = None,
    digits: DigitSet | None = None,
    validation: DigitSet | None = None,
    **loop,
) -> TrainingResult:
    """Train the classifier on single digits, drawn as `make_lines` draws a line of one.

    Cross-entropy; the rest, arguments and errors, as in `train_transformer`.

    Args:
        augmentation: as in `make_lines`.
        samples_per_epoch: None means as many as there are training digits.
    """
    digits = digits or load_digits("train")
    validation = validation or load_digits("validation")
    settings = dict(
        kind="classifier",
        epochs=epochs,
        batch_size=batch_size,
        lr=lr,
        config=config.to_dict(),
        augmentation=augmentation,
        muon=muon,
        ema_decay=ema_decay,
        warmup_steps=warmup_steps,
        samples_per_epoch=samples_per_epoch or len(digits),
    )

    def sample(generator: torch.Generator, done: float) -> tuple[Tensor, Tensor]:
        canvases, tokens = make_lines(
            digits,
            batch_size,
            config,
            generator=generator,
            lengths=(1, 1),
            augmentation=augmentation,
        )
        return canvases, tokens[:, 1]

    def build() -> nn.Module:
        return _ClassifierObjective(Classifier(config))

    def validate(model: Classifier) -> float:
        return evaluate_classifier(model, validation)

    return _train(build, sample, validate, settings, **loop)


class TransformerObjective(nn.Module):
    """The transformer with its loss, and the CTC head that training alone uses."""

    def __init__(self, model: Transformer, label_smoothing: float, ctc_weight: float):
        super().__init__()
        self.model = model
        self.label_smoothing = label_smoothing
        self.ctc_weight = ctc_weight
        # The ten digits and CTC's blank, which takes the place of END.
        self.ctc = nn.Linear(model.config.model_dim, END + 1) if ctc_weight else None

    def forward(self, canvases: Tensor, tokens: Tensor, first_column: int) -> tuple[Tensor, ...]:
        """Loss, number of tokens named rightly, number of tokens."""
        memory = self.model.encoder(canvases, first_column)
        logits = self.model.decoder(tokens[:, :-1], memory)
        targets = tokens[:, 1:]
        loss = F.cross_entropy(
            logits.flatten(0, 1),
            targets.flatten(),
            ignore_index=PAD,
            label_smoothing=self.label_smoothing,
        )
        if self.ctc is not None:
            loss = loss + self.ctc_weight * self._ctc_loss(memory, targets)
        counted = targets != PAD
        right = (logits.argmax(-1) == targets) & counted
        return loss, right.sum(), counted.sum()

    def _ctc_loss(self, memory: Tensor, targets: Tensor) -> Tensor:
        config = self.model.config
        shape = (config.text_rows, config.patch_rows // config.text_rows, -1)
        # One row of digits after the other, each from left to right.
        columns = memory.unflatten(1, shape).mean(dim=2).flatten(1, 2)
        scores = self.ctc(columns).log_softmax(-1).transpose(0, 1)
        return F.ctc_loss(
            scores,
            targets.clamp(max=END),
            torch.full((len(targets),), len(scores)),
            (targets < END).sum(1),
            blank=END,
            zero_infinity=True,  # touching digits may be too close for one column each
        )


class _ClassifierObjective(nn.Module):
    """The classifier with its loss."""

    def __init__(self, model: Classifier):
        super().__init__()
        self.model = model

    def forward(self, canvases: Tensor, labels: Tensor) -> tuple[Tensor, ...]:
        """Loss, number of digits named rightly, number of digits."""
        logits = self.model(canvases)
        right = (logits.argmax(-1) == labels).sum()
        return F.cross_entropy(logits, labels), right, torch.tensor(len(labels))


def _train(
    build: Callable[[], nn.Module],
    sample: Callable[[torch.Generator, float], tuple],
    validate: Callable[[nn.Module], float],
    settings: dict,
    *,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    interval: int = 100,
    on_progress: Callable[[Progress, nn.Module], None] | None = None,
    stop: Callable[[], bool] | None = None,
    progress_bar: bool = True,
    device: str = "cpu",
) -> TrainingResult:
    """The training loop. Under `torchrun`, several processes go through it together.

    Args:
        build: makes the objective, which maps a batch to (loss, right, counted).
        sample: makes a batch from a generator and the share of the run that is done.
        validate: scores the model.
        settings: all that defines the run; a checkpoint of other settings is not continued.
        seed: fixes the initial weights and every batch, and so the run.
        checkpoint: a `.safetensors` file for the weights, written every `interval` steps. Beside it
            `.resume` keeps what is needed to go on after a kill or a stop, until the run is done; a
            finished model is not overwritten. None means that nothing is written.
        interval: steps between reports and checkpoints.
        on_progress: called at every report with the model as it is; must not change it.
        stop: asked after every step; when it says True, the run ends and keeps what it learned.
        progress_bar: whether to draw one on stderr.
        device: where to compute: "cpu" or "cuda".
    """
    _check_settings(settings, interval)
    first = processes.is_main()
    settings = settings | {"seed": seed}
    steps_per_epoch = max(1, settings["samples_per_epoch"] // settings["batch_size"])
    steps = settings["epochs"] * steps_per_epoch
    torch.manual_seed(seed)
    # Convolutions are faster on a CPU where the channels of a pixel lie side by side.
    objective = build().to(device, memory_format=torch.channels_last)
    averaged = copy.deepcopy(objective.model).eval() if settings["ema_decay"] else None
    optimizers = make_optimizers(objective, settings["lr"], settings["muon"])
    warmup_steps = min(settings["warmup_steps"], steps - 1)
    schedules = [_schedule(optimizer, steps, warmup_steps) for optimizer in optimizers]
    run = _Run(checkpoint, settings, objective, averaged, optimizers, schedules)
    first_step = run.resume()
    parallel = processes.parallel(objective)
    earlier = run.history[-1].seconds if run.history else 0.0
    started = time.perf_counter()
    stopped = False
    sums = torch.zeros(3)

    progress_bar = progress_bar and first
    bar = tqdm(total=steps, initial=first_step, unit="step", disable=None if progress_bar else True)
    for step in range(first_step + 1, steps + 1):
        # Batch and dropout depend on nothing but seed and step: a resumed run repeats them.
        torch.manual_seed(seed * 1_000_003 + step)
        generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        batch = processes.shard(sample(generator, (step - 1) / steps))
        objective.train()
        loss, right, counted = parallel(*(_on(device, part) for part in batch))
        if not loss.isfinite():
            raise TrainingError(
                f"the loss became {loss.item()} at step {step}: start again with a lower learning "
                f"rate than {settings['lr']}. Weights saved before this step are kept."
            )
        objective.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(objective.parameters(), GRADIENT_CLIP)
        last_lr = schedules[0].get_last_lr()[0]
        for optimizer, schedule in zip(optimizers, schedules, strict=True):
            optimizer.step()
            schedule.step()
        if averaged is not None:
            _average(averaged, objective.model, settings["ema_decay"], step)
        sums += torch.stack([loss.detach() * counted, right, counted]).cpu()
        bar.update()

        stopped = stop is not None and stop()
        epoch_ends = step % steps_per_epoch == 0
        if stopped or epoch_ends or step % interval == 0:
            objective.eval()
            processes.all_reduce_sum(sums)
            progress = Progress(
                step=step,
                steps=steps,
                epoch=step / steps_per_epoch,
                loss=float(sums[0] / sums[2]),
                accuracy=float(sums[1] / sums[2]),
                lr=last_lr,
                seconds=earlier + time.perf_counter() - started,
                validation_accuracy=validate(run.model) if epoch_ends and first else None,
            )
            sums.zero_()
            run.history.append(progress)
            run.save(step)
            bar.set_postfix(loss=f"{progress.loss:.3f}", accuracy=f"{progress.accuracy:.3f}")
            if progress_bar and progress.validation_accuracy is not None:
                bar.write(
                    f"epoch {progress.epoch:.2f}: loss {progress.loss:.3f}, "
                    f"accuracy {progress.accuracy:.4f}, "
                    f"validation {progress.validation_accuracy:.4f}, {progress.seconds:.0f} s",
                    file=sys.stderr,  # what a command prints stays its result alone
                )
            if on_progress is not None and first:
                on_progress(progress, run.model)
        if stopped:
            break
    bar.close()
    if not stopped:
        run.finish()
    return TrainingResult(run.model.eval(), run.history, not stopped)


def _on(device: str, part):
    return part.to(device) if isinstance(part, Tensor) else part


def make_optimizers(objective: nn.Module, lr: float, muon: bool) -> list[torch.optim.Optimizer]:
    """AdamW for everything, or Muon for the layers' matrices and AdamW for the rest."""
    matrices = {
        name: parameter
        for name, parameter in objective.named_parameters()
        if muon and ".layers." in name and parameter.dim() == 2
    }
    others = [p for name, p in objective.named_parameters() if name not in matrices]
    optimizers = [torch.optim.AdamW(others, lr=lr, fused=True)]
    if matrices:
        optimizers.append(
            torch.optim.Muon(
                matrices.values(),
                lr=MUON_LR * lr,
                weight_decay=0.01,
                adjust_lr_fn="match_rms_adamw",  # whatever a matrix's shape, steps of one size
            )
        )
    return optimizers


def _schedule(optimizer: torch.optim.Optimizer, steps: int, warmup_steps: int):
    """A linear rise over `warmup_steps`, then a cosine to 0."""
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps - warmup_steps)
    if not warmup_steps:
        return cosine
    rise = torch.optim.lr_scheduler.LinearLR(optimizer, 1 / warmup_steps, 1, warmup_steps)
    return torch.optim.lr_scheduler.SequentialLR(optimizer, [rise, cosine], [warmup_steps])


@torch.no_grad()
def _average(averaged: nn.Module, model: nn.Module, decay: float, step: int) -> None:
    """Move the running mean of the weights towards `model`'s; faster in the first steps."""
    share = 1 - min(decay, step / (step + 10))
    for mean, value in zip(
        averaged.state_dict().values(), model.state_dict().values(), strict=True
    ):
        if mean.is_floating_point():
            mean.lerp_(value, share)
        else:
            mean.copy_(value)


def _check_settings(settings: dict, interval: int) -> None:
    for name in ("epochs", "batch_size", "samples_per_epoch"):
        if not isinstance(settings[name], int) or settings[name] < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, not {settings[name]!r}")
    if settings["batch_size"] % processes.world_size():
        raise ValueError(
            f"a batch of {settings['batch_size']} cannot be shared equally by "
            f"{processes.world_size()} processes: choose a multiple"
        )
    if interval < 1:
        raise ValueError(f"interval must be at least 1 step, not {interval}")
    if not (settings["lr"] > 0 and math.isfinite(settings["lr"])):
        raise ValueError(f"lr must be above 0, not {settings['lr']}")
    if not 0 <= settings["ema_decay"] < 1:
        raise ValueError(f"ema_decay must be at least 0 and below 1, not {settings['ema_decay']}")
    if not 0 <= settings["augmentation"] <= 1:
        raise ValueError(f"augmentation lies in 0-1, not at {settings['augmentation']}")
    if settings["warmup_steps"] < 0:
        raise ValueError(f"warmup_steps must be at least 0, not {settings['warmup_steps']}")


class _Run:
    """A run's history and its files: the weights, and what is needed to go on."""

    def __init__(self, checkpoint, settings, objective, averaged, optimizers, schedules):
        self.weights = Path(checkpoint) if checkpoint else None
        self.settings = settings
        # All that changes while training, by the name it is saved under.
        self.parts = {"objective": objective}
        if averaged is not None:
            self.parts["averaged"] = averaged
        for n, (optimizer, schedule) in enumerate(zip(optimizers, schedules, strict=True)):
            self.parts |= {f"optimizer {n}": optimizer, f"schedule {n}": schedule}
        self.model = objective.model if averaged is None else averaged
        self.history: list[Progress] = []

    @property
    def resume_file(self) -> Path:
        return self.weights.with_suffix(".resume")

    def resume(self) -> int:
        """Take up an interrupted run, if there is one; the number of steps it had done."""
        state = processes.broadcast(self._load() if processes.is_main() else None)
        if state is None:
            return 0
        if state["settings"] != self.settings:
            raise TrainingError(
                f"{self.resume_file} belongs to a run with other settings: delete it to start "
                "anew, or name another checkpoint"
            )
        for name, part in self.parts.items():
            part.load_state_dict(state[name])
        self.history += [Progress(**progress) for progress in state["history"]]
        return state["step"]

    def _load(self) -> dict | None:
        if self.weights is None:
            return None
        for file in (self.weights, self.resume_file):
            remove_partial(file)  # what a kill in the midst of saving left
        if self.resume_file.exists():
            return torch.load(self.resume_file, weights_only=True, map_location="cpu")
        if self.weights.exists():
            raise TrainingError(
                f"{self.weights} already holds a finished model: name another checkpoint, or "
                "move it away"
            )
        return None

    def save(self, step: int) -> None:
        if self.weights is None or not processes.is_main():
            return
        state = dict(
            settings=self.settings,
            step=step,
            **{name: part.state_dict() for name, part in self.parts.items()},
            history=[dataclasses.asdict(progress) for progress in self.history],
        )
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_atomically(self.resume_file, buffer.getvalue())
        self._save_weights()

    def finish(self) -> None:
        """The run is done: nothing is left to resume."""
        if self.weights is not None and processes.is_main():
            self.resume_file.unlink(missing_ok=True)

    def _save_weights(self) -> None:
        epochs = [p for p in self.history if p.validation_accuracy is not None]
        metadata = {"settings": self.settings, "log": [dataclasses.asdict(p) for p in epochs]}
        save_model(self.model, self.weights, metadata)
