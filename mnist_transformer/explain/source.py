"""The lines of source that compute a part of the machine, with the shapes they had for one drawing.

The lines are the files' own (`inspect.getsource`), and the shapes are those of the tensors that a
line really made: the model is run once while Python's own tracing (`sys.settrace`) looks on.
"""

import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import torch
from torch import Tensor, nn

from ..attention import MultiHeadAttention, attention_weights, record_attention
from ..decoder import Decoder
from ..encoder import Encoder, PatchEmbedding, ResidualLayer
from ..ink import drawing_to_canvas
from ..mlp import MLP
from ..reading import Reading
from ..transformer import Transformer
from .interventions import teacher_forcing

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Line:
    """One line of a file: its number, its text, and what it made, e.g. "x (1, 112, 64)"."""

    number: int
    text: str
    made: str


@dataclass(frozen=True)
class Source:
    """One function: its name, its file, from the project's folder on, and its lines."""

    name: str
    file: str
    lines: list[Line]


# A function, and the module whose call of it is meant; None if there is only one.
_Call = tuple[Callable[..., Any], nn.Module | None]


@torch.no_grad()
def part_source(model: Transformer, reading: Reading, part: str) -> list[Source]:
    """The functions that compute a part, in the order in which they are called.

    Args:
        model: what made the reading.
        reading: of anything that is not blank.
        part: as the strip names it, e.g. "encoder 2" or "decoder 1 cross".

    Raises:
        ValueError: if the model has no such part, the drawing is blank, or the model is in training
            mode.
    """
    calls = list(_calls(model, part))
    canvases, tokens, _ = teacher_forcing(model, reading)

    def run() -> None:
        with record_attention(model):  # so that softmax(QKᵀ)V is gone through line by line
            model(canvases, tokens)
        if part in ("token", "answer"):  # these go step by step, as when a drawing is read
            model.read_canvases(canvases)

    made = _watched(run, {_code(function): owner for function, owner in calls})
    return [_source(function, made) for function, _ in calls]


def _calls(model: Transformer, part: str) -> Iterator[_Call]:
    """What is run for a part."""
    encoder, decoder = model.encoder, model.decoder
    stack, number, *kind = (part + " ").split(" ")
    fixed: dict[str, list[_Call]] = {
        "drawing": [(drawing_to_canvas, None)],
        "patches": [(PatchEmbedding.__init__, encoder.patches)],
        "stem": [(PatchEmbedding.forward, encoder.patches)],
        "memory": [(Encoder.encode, encoder), (Encoder._layer_states, encoder)],
        "token": [(Decoder._step, decoder)],
        "answer": [(Decoder.forward, decoder), (Transformer._decode, model)],
    }
    if part in fixed:
        yield from fixed[part]
        return
    stacks: dict[str, nn.ModuleList] = {"encoder": encoder.layers, "decoder": decoder.layers}
    layers = stacks.get(stack, nn.ModuleList())
    if not number.isdigit() or not 1 <= int(number) <= len(layers):
        raise ValueError(f"this model has no part {part!r}")
    layer = layers[int(number) - 1]
    yield type(layer).forward, layer
    yield ResidualLayer.add, layer
    names = {
        "": ("attention", "mlp"),
        "self": ("self_attention",),
        "cross": ("cross_attention",),
        "mlp": ("mlp",),
    }
    for name in names.get(kind[0] if stack == "decoder" else "", ()):
        module = getattr(layer, name)
        if isinstance(module, MultiHeadAttention):
            yield MultiHeadAttention.forward, module
            yield MultiHeadAttention.project, module
            yield MultiHeadAttention.attend, module
            yield attention_weights, module
        else:
            yield MLP.forward, module
            yield MLP.hidden, module


def _watched(
    run: Callable[[], None], wanted: dict[CodeType, nn.Module | None]
) -> dict[tuple[CodeType, int], str]:
    """What the lines of some functions made, at their first call, while something ran.

    Args:
        run: what to watch.
        wanted: the functions, and of which module each one's call is meant.

    Returns:
        (code, line) -> the tensors that were new after it, with their shapes.
    """
    made: dict[tuple[CodeType, int], str] = {}
    seen: set[CodeType] = set()

    def called(frame: FrameType, event: str, argument: Any):
        code = frame.f_code
        if code not in wanted or code in seen:
            return None
        owner, caller = wanted[code], frame.f_back
        at = frame.f_locals.get("self", caller and caller.f_locals.get("self"))
        if owner is not None and at is not owner:
            return None
        seen.add(code)
        known: dict[str, Any] = {}
        line = frame.f_lineno  # the one that has run when the next event comes

        def stepped(frame: FrameType, event: str, argument: Any):
            nonlocal line
            shapes = [
                f"{name} {tuple(value.shape)}"
                for name, value in frame.f_locals.items()
                if isinstance(value, Tensor) and known.get(name) is not value
            ]
            if event == "return" and isinstance(argument, Tensor):
                shapes = [f"→ {tuple(argument.shape)}"]
            if shapes:
                made[code, line] = ", ".join(shapes)
            known.update(frame.f_locals)
            line = frame.f_lineno
            return stepped

        return stepped(frame, event, argument)

    before = sys.gettrace()
    sys.settrace(called)
    try:
        run()
    finally:
        sys.settrace(before)
    return made


def _code(function: Callable[..., Any]) -> CodeType:
    assert isinstance(function, FunctionType)  # which a Callable does not tell
    return function.__code__


def _source(function: Callable[..., Any], made: dict[tuple[CodeType, int], str]) -> Source:
    code = _code(function)
    text, first = inspect.getsourcelines(code)
    lines = [
        Line(number, line.rstrip(), made.get((code, number), ""))
        for number, line in enumerate(text, first)
    ]
    file = Path(code.co_filename).resolve()
    shown = file.relative_to(ROOT) if file.is_relative_to(ROOT) else Path(file.name)
    return Source(function.__qualname__, shown.as_posix(), lines)
