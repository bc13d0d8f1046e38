"""Weights on disk: one safetensors file that also says what it holds."""

import functools
import json
import os
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from .classifier import Classifier
from .config import Config
from .transformer import Transformer

_INSTALLED = Path(__file__).parent / "weights"  # a wheel carries them inside the package
WEIGHTS = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parent.parent / "weights"
TRANSFORMER_WEIGHTS = WEIGHTS / "transformer_model.safetensors"
CLASSIFIER_WEIGHTS = WEIGHTS / "classifier_single_digit_model.safetensors"
GRID_WEIGHTS = WEIGHTS / "grid_model.safetensors"
PAIRS_WEIGHTS = WEIGHTS / "pairs_model.safetensors"

_KINDS: dict[str, type[Transformer | Classifier]] = {
    model.kind: model for model in (Transformer, Classifier)
}
# What files of the first version call some tensors -> what they are called now.
_OLD_NAMES = {
    ".mlp.layers.0.": ".mlp.expand.",
    ".mlp.layers.3.": ".mlp.contract.",
    "decoder.outcome.": "decoder.to_logits.",
}


class CheckpointError(ValueError):
    """A file that does not hold the model asked for; the message says what is wrong with it."""


def save_model(
    model: Transformer | Classifier, path: str | Path, metadata: dict | None = None
) -> None:
    """Write a model, its config and `metadata` about it in one step: wholly or not at all.

    Args:
        model: what to save.
        path: a `.safetensors` file; its folder is made if need be, an older file is replaced.
        metadata: anything JSON can hold, such as the training settings and the accuracy reached.
    """
    header = {
        "kind": model.kind,
        "config": json.dumps(model.config.to_dict()),
        "metadata": json.dumps(metadata or {}),
    }
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    write_atomically(path, save(tensors, header))


def write_atomically(path: str | Path, data: bytes) -> None:
    """Replace the file at `path` by `data`; a crash leaves the old file, never half a new one."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with open(partial, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def remove_partial(path: Path) -> None:
    """Remove what is left where a process was killed while it wrote `path`."""
    for partial in path.parent.glob(f"{path.name}.*.partial"):
        partial.unlink(missing_ok=True)


def load_transformer(path: str | Path = TRANSFORMER_WEIGHTS) -> Transformer:
    """The transformer in `path`, ready to read; by default the one that ships with the project.

    Raises:
        FileNotFoundError: if there is no such file.
        CheckpointError: if the file is damaged, foreign, or holds another model.
    """
    return _load_as(Transformer, path)


def load_classifier(path: str | Path = CLASSIFIER_WEIGHTS) -> Classifier:
    """As `load_transformer`, for the single-digit classifier."""
    return _load_as(Classifier, path)


def load_model(path: str | Path) -> Transformer | Classifier:
    """Whichever model of this project is in `path`, ready to read.

    Raises:
        FileNotFoundError, CheckpointError: as `load_transformer`.
    """
    tensors, header = _read(path)
    if header.get("kind") not in _KINDS:
        raise CheckpointError(f"{path} holds {_contents(header)}, not a model of this project")
    return _build(path, tensors, header)


def read_metadata(path: str | Path) -> dict:
    """What `save_model` was told about the model in `path`; raises as `load_transformer` does."""
    _, header = _read(path)
    # Files of the first version call it "facts".
    return json.loads(header.get("metadata", header.get("facts", "{}")))


_Model = TypeVar("_Model", Transformer, Classifier)


def _load_as(expected: type[_Model], path: str | Path) -> _Model:
    tensors, header = _read(path)
    if header.get("kind") != expected.kind:
        raise CheckpointError(
            f"{path} holds {_contents(header)}, not a {expected.kind} of this project"
        )
    model = _build(path, tensors, header)
    assert isinstance(model, expected)
    return model


def _contents(header: dict) -> str:
    return header.get("kind") or "weights of another program"


def _build(path: str | Path, tensors: dict[str, Tensor], header: dict) -> Transformer | Classifier:
    try:
        config = Config(**json.loads(header["config"]))
        convolutions = len(config.stem_channels) * config.stem_depth
        if config.encoder_layers + config.decoder_layers + convolutions > len(tensors):
            raise ValueError(f"more layers than its {len(tensors)} tensors can fill")
        # Positions are worked out, so they must be there; the rest, on the "meta" device, has no
        # memory and costs nothing, whatever the config claims.
        places = config.patch_rows + config.patch_columns + config.max_steps
        if places * config.model_dim > sum(tensor.numel() for tensor in tensors.values()):
            raise ValueError(f"more positions ({places:,}) than its tensors can fill")
        model = _bare(header["kind"], config)
    except (KeyError, TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise CheckpointError(
            f"{path} describes no model this version can build: {error}"
        ) from error
    tensors = {name: _as_computed_with(tensor) for name, tensor in tensors.items()}
    try:
        model.load_state_dict(tensors, assign=True)
    except RuntimeError as error:
        raise CheckpointError(
            f"the weights in {path} do not match the config beside them: {error}"
        ) from error
    if not torch.cat([tensor.flatten() for tensor in tensors.values()]).isfinite().all():
        bad = [name for name, tensor in tensors.items() if not tensor.isfinite().all()]
        raise CheckpointError(f"{path} holds NaN or infinite weights, first in {bad[0]}")
    return model


def _as_computed_with(tensor: Tensor) -> Tensor:
    """Half the precision halves a file; models compute in float32. Convolutions are faster on a CPU
    where the channels of a pixel lie side by side."""
    tensor = tensor.float() if tensor.is_floating_point() else tensor
    return tensor.contiguous(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor


def _bare(kind: str, config: Config) -> Transformer | Classifier:
    """A model without weights, in evaluation mode. A copy is made sooner than another one."""
    copied = _copied(_first_bare(kind, config))
    assert isinstance(copied, Transformer | Classifier)
    return copied


def _copied(module: nn.Module) -> nn.Module:
    """A module with parts, tensors' places and hooks of its own, many times sooner than `deepcopy`
    makes it. The tensors, which are replaced anyway, and plain values are the same."""
    made = module.__class__.__new__(module.__class__)
    made.__dict__ = {
        name: value.copy() if isinstance(value, dict | list | set) else value
        for name, value in module.__dict__.items()
    }
    made.__dict__["_modules"] = {name: _copied(part) for name, part in module._modules.items()}  # type: ignore[arg-type]
    return made


@functools.lru_cache(maxsize=8)
def _first_bare(kind: str, config: Config) -> Transformer | Classifier:
    with torch.device("meta"), _Undrawn():
        return _KINDS[kind](config).eval()


class _Undrawn(TorchFunctionMode):
    """Leaves out the drawing of initial weights that are replaced anyway.

    On the "meta" device PyTorch draws normal numbers, of which there are none, in Python, and for
    that imports SymPy and TorchDynamo, which takes longer than all the rest of a reading.
    """

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        return kwargs["tensor"] if func is nn.init.normal_ else func(*args, **kwargs)


def _read(path: str | Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    if not Path(path).is_file():
        raise FileNotFoundError(
            f"no weights at {path}: train some with `python -m mnist_transformer train`, or name "
            "another file"
        )
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {_new_name(name): file.get_tensor(name) for name in file.offset_keys()}
            return tensors, file.metadata() or {}
    except SafetensorError as error:
        raise CheckpointError(f"{path} is damaged or no safetensors file: {error}") from error


def _new_name(name: str) -> str:
    for old, new in _OLD_NAMES.items():
        name = name.replace(old, new)
    return name
