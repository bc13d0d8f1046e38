"""What one part of the machine shows when it is opened: a list of sections, one kind of view each.

Every section is plain data under its "view", the name of the JavaScript that draws it. Rows are
patches or steps (`of`); what can be computed from a head's queries and keys, such as its weights,
is left to the browser, where it follows whatever is pointed at.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from ...explain.activations import AttentionTrace, MLPTrace, Trace
from ...reading import Reading
from .machine import crop, frame, off_names
from .packing import pack, pack_numbers
from .parts import Part, machine_parts

SOURCES = (
    "follow.js",
    "ink.js",
    "maps.js",
    "paint.js",
    "inside.js",
    "heads.js",
    "attention.js",
    "numbers.js",
    "pictures.js",
    "detail.js",
)
Section = dict[str, Any]


def part_data(
    name: str,
    reading: Reading,
    trace: Trace,
    lens: Tensor | None = None,
    used: Mapping[str, Tensor] | None = None,
    early: Iterable[str] = (),
    source: Iterable[Any] = (),
    off: Collection[str] = (),
) -> dict:
    """All that is shown of one part, as JSON takes it.

    Args:
        name: of the part, as in `machine_parts`.
        reading: of anything that is not blank.
        trace: what passed through the model that made the reading.
        lens: (parts of the decoder's stream, steps, 11) probabilities, as in `machine_data`.
        used: for the answer, title -> (steps, patches), at least 0: what decided, by several means.
        early: for the encoder and its memory, what the decoder reads if it is given the patches as
            they are before the first layer and after each, as `memory_lens` has it.
        source: the functions that compute the part, as `part_source` gives them.
        off: names of heads, layers and parts that add nothing.

    Raises:
        ValueError: if there is no such part, or nothing is drawn.
    """
    reading.check_step()
    parts = machine_parts(trace)
    part = next((part for part in parts if part.name == name), None)
    if part is None:
        raise ValueError(f"there is no part {name!r}: choose one of {[p.name for p in parts]}")
    sections = _SECTIONS[part.kind](part, trace, reading, lens)
    if used and part.kind == "answer":
        sections.append(_used(used))
    if early and part.kind in ("encoder", "memory"):
        sections.append(_early(part, list(early)))
    if functions := [asdict(function) for function in source]:
        sections.append({"view": "source", "functions": functions})
    return frame(reading, trace) | {
        "part": asdict(part),
        "sections": sections,
        "off": off_names(trace, off),
    }


def _drawing(part: Part, trace: Trace, reading: Reading, lens: Tensor | None) -> list[Section]:
    return [{"view": "pixels"}]


def _stem(part: Part, trace: Trace, reading: Reading, lens: Tensor | None) -> list[Section]:
    columns = trace.grid[1]
    first, end = crop(trace.canvas, columns)
    stages = []
    for stage in trace.stages:
        width = stage.shape[2] // columns  # of a patch, in this stage's pixels
        shown = stage[:, :, first * width : end * width]
        stages.append({"maps": pack(shown.flatten(1)), "size": list(shown.shape[1:])})
    rows = {
        "what the filters made of the patch": trace.patches,
        "its place: row and column": trace.patch_places,
        "together: what goes into encoder 1": trace.encoder[0].attention.before,
    }
    return [{"view": "filters", "stages": stages}, _vectors(rows, "patch")]


def _encoder(part: Part, trace: Trace, reading: Reading, lens: Tensor | None) -> list[Section]:
    layer = trace.encoder[part.layer - 1]
    return [
        _attention(part, layer.attention, "patch", "patch"),
        _neurons(layer.mlp, "patch"),
        _stream({"attention": layer.attention, "MLP": layer.mlp}, "patch"),
    ]


def _memory(part: Part, trace: Trace, reading: Reading, lens: Tensor | None) -> list[Section]:
    return [
        {"view": "likeness", "vectors": pack_numbers(trace.memory)},
        _vectors({"what the memory keeps of the patch": trace.memory}, "patch"),
    ]


def _token(part: Part, trace: Trace, reading: Reading, lens: Tensor | None) -> list[Section]:
    rows = {
        "the token that was read last": trace.token_vectors,
        "its place in the line": trace.token_places,
        "together: where the step begins": trace.decoder[0].self_attention.before,
    }
    return [_vectors(rows, "step"), *_lens(part, trace, lens)]


def _self(part: Part, trace: Trace, reading: Reading, lens: Tensor | None) -> list[Section]:
    attention = trace.decoder[part.layer - 1].self_attention
    return [
        _attention(part, attention, "step", "token"),
        _stream({part.label: attention}, "step"),
        *_lens(part, trace, lens),
    ]


def _cross(part: Part, trace: Trace, reading: Reading, lens: Tensor | None) -> list[Section]:
    attention = trace.decoder[part.layer - 1].cross_attention
    return [
        _attention(part, attention, "step", "patch"),
        _stream({part.label: attention}, "step"),
        *_lens(part, trace, lens),
    ]


def _mlp(part: Part, trace: Trace, reading: Reading, lens: Tensor | None) -> list[Section]:
    mlp = trace.decoder[part.layer - 1].mlp
    return [_neurons(mlp, "step"), _stream({part.label: mlp}, "step"), *_lens(part, trace, lens)]


def _answer(part: Part, trace: Trace, reading: Reading, lens: Tensor | None) -> list[Section]:
    rows = {
        "the stream after the last part": trace.final,
        "the same, normalised": trace.normalised,
    }
    return [
        {"view": "outcomes", "logits": trace.logits.tolist()},
        _vectors(rows, "step"),
        *_lens(part, trace, lens),
    ]


_Sections = Callable[[Part, Trace, Reading, Tensor | None], list[Section]]
_SECTIONS: dict[str, _Sections] = {
    "drawing": _drawing,
    "patches": _drawing,
    "stem": _stem,
    "encoder": _encoder,
    "memory": _memory,
    "token": _token,
    "self": _self,
    "cross": _cross,
    "mlp": _mlp,
    "answer": _answer,
}


def _attention(part: Part, attention: AttentionTrace, query: str, key: str) -> Section:
    """Queries, keys and values of all heads: from these follow scores, weights and outcome."""
    return {
        "view": "attention",
        "heads": part.heads(len(attention.query)),
        "of": query,
        "over": key,
        "query": pack_numbers(attention.query),
        "key": pack_numbers(attention.key),
        "value": pack_numbers(attention.value),
    }


def _neurons(mlp: MLPTrace, of: str) -> Section:
    return {"view": "neurons", "of": of, "hidden": pack_numbers(mlp.hidden)}


def _stream(steps: Mapping[str, AttentionTrace | MLPTrace], of: str) -> Section:
    """The residual stream before, and after each of one or two additions."""
    first = next(iter(steps.values()))
    rows = [("before", first.before)]
    for name, addition in steps.items():
        rows += [(f"{name} adds", addition.added), (f"after {name}", addition.after)]
    return _vectors(dict(rows), of) | {"view": "stream"}


def _vectors(rows: Mapping[str, Tensor], of: str) -> Section:
    """Lists of numbers to be laid one under another: of each patch or step, its own."""
    return {
        "view": "vectors",
        "of": of,
        "names": list(rows),
        "sizes": [[round(size, 4) for size in row.norm(dim=1).tolist()] for row in rows.values()],
        "vectors": [pack_numbers(row, bits=8) for row in rows.values()],
    }


def _lens(part: Part, trace: Trace, lens: Tensor | None) -> list[Section]:
    """What would be answered at each point of the stream, this part's own marked."""
    if lens is None:
        return []
    names = [p.label for p in machine_parts(trace) if p.kind in ("token", "self", "cross", "mlp")]
    rounded = [[[round(p, 5) for p in step] for step in row] for row in lens.tolist()]
    return [{"view": "lens", "names": names, "answers": rounded, "here": part.label}]


def _early(part: Part, digits: list[str]) -> Section:
    names = ["patches", *(f"encoder {n}" for n in range(1, len(digits)))]
    here = names[-1] if part.kind == "memory" else part.name
    return {"view": "early", "names": names, "digits": digits, "here": here}


def _used(used: Mapping[str, Tensor]) -> Section:
    maps = torch.stack(list(used.values()))
    return {"view": "decided", "names": list(used), "maps": pack(maps)}
