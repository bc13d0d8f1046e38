"""What the strip shows: the whole machine in small, for one drawing and every step."""

from collections.abc import Collection
from dataclasses import asdict

from torch import Tensor

from ...config import INK
from ...explain.activations import AttentionTrace, MLPTrace, Trace
from ...reading import Reading
from ..distribution import OUTCOMES, step_names
from .packing import pack, pack_canvas
from .parts import Part, machine_parts

SOURCES = ("follow.js", "ink.js", "maps.js", "paint.js", "boxes.js", "wires.js", "strip.js")
START_NAME = "start"


def machine_data(
    reading: Reading, trace: Trace, lens: Tensor | None = None, off: Collection[str] = ()
) -> dict:
    """The strip's data: plain numbers, text and packed maps, ready for JSON.

    Args:
        reading: of a drawing, or of nothing: then the parts stand there without anything in them.
        trace: what passed through the model that made the reading; of any drawing if it is blank.
        lens: (3 × decoder layers + 1, steps, 11) probabilities: what the decoder would answer
            before its first part and after each, as `explain.lens` gives them; None leaves them
            out.
        off: names of heads ("cross 1, head 4"), layers ("decoder 1") and parts ("decoder 1 mlp")
            that add nothing.
    """
    parts = machine_parts(trace)
    live = {part.name: _live(part, trace) if reading.steps else {} for part in parts}
    stream = [part.name for part in parts if part.kind in ("token", "self", "cross", "mlp")]
    answers = {} if lens is None else dict(zip(stream, lens.tolist(), strict=True))
    return frame(reading, trace) | {
        "parts": [asdict(part) | {"group": part.group} | live[part.name] for part in parts],
        "lens": {name: _rounded(rows) for name, rows in answers.items()},
        "off": off_names(trace, off),
    }


def off_names(trace: Trace, off: Collection[str]) -> list[str]:
    """The names of all heads and parts that add nothing: of a layer that is off, all its own."""
    found = set(off)
    heads = len(trace.encoder[0].attention.weights)
    for part in machine_parts(trace):
        layer = " ".join(part.name.split()[:2])  # "decoder 1" of "decoder 1 mlp"
        if part.layer and layer in off:
            found |= {part.name, *part.heads(heads)}
    return sorted(found)


def frame(reading: Reading, trace: Trace) -> dict:
    """What every view of one reading needs: the drawing, its patches and the names of its steps."""
    rows, columns = trace.grid
    return {
        "digits": reading.digits,
        "steps": step_names(reading),
        "given": [START_NAME, *reading.digits][: reading.steps],
        "outcomes": OUTCOMES,
        "probabilities": _rounded(reading.distributions.tolist()),
        "dim": trace.memory.shape[1],
        "rows": rows,
        "columns": columns,
        "crop": list(crop(reading.canvas, columns)),
        "canvas": pack_canvas(reading.canvas),
        "patch": inkiest(reading.canvas, trace.grid),
    }


def inkiest(canvas: Tensor, grid: tuple[int, int]) -> int:
    """The patch with the most ink, which stands for the drawing until another is chosen.

    Args:
        canvas: (height, width), 0 = paper, 1 = ink.
        grid: rows and columns of the patches.
    """
    rows, columns = grid
    patches = canvas.unflatten(0, (rows, -1)).unflatten(2, (columns, -1))
    return int(patches.sum((1, 3)).argmax())


def crop(canvas: Tensor, columns: int) -> tuple[int, int]:
    """The first column of patches to show and the one after the last: the ink, and one around it.

    Args:
        canvas: (height, width), 0 = paper, 1 = ink.
        columns: of patches in the canvas.
    """
    inked = (canvas.unflatten(1, (columns, -1)).amax((0, 2)) > INK).nonzero().flatten().tolist()
    if not inked:
        return 0, columns
    return max(inked[0] - 1, 0), min(inked[-1] + 2, columns)


def _live(part: Part, trace: Trace) -> dict:
    """The maps and numbers of one part that change with the drawing."""
    if part.kind == "stem":
        return {
            "maps": [pack(stage.mean(0).flatten()[None]) for stage in trace.stages],
            "shapes": [list(stage.shape[1:]) for stage in trace.stages],
            "channels": [len(stage) for stage in trace.stages],
        }
    if part.kind == "encoder":
        layer = trace.encoder[part.layer - 1]
        return {
            # Where each head looks, on average over the patches that look.
            "maps": pack(layer.attention.weights.mean(1)),
            "change": _rounded(change(layer.mlp.after - layer.attention.before, layer.attention)),
            "firing": _rounded(firing(layer.mlp)),
            "size": _rounded(layer.mlp.after.norm(dim=1).tolist()),
        }
    if part.kind == "memory":
        return {"maps": pack(trace.memory.T.abs().contiguous())}
    if part.kind in ("self", "cross"):
        own = trace.decoder[part.layer - 1]
        attention = own.self_attention if part.kind == "self" else own.cross_attention
        return {
            "maps": pack(attention.weights),
            "change": _rounded(change(attention.added, attention)),
            "size": _rounded(attention.after.norm(dim=1).tolist()),
        }
    if part.kind == "mlp":
        mlp = trace.decoder[part.layer - 1].mlp
        return {
            "maps": pack(mlp.hidden.clamp(min=0)),
            "change": _rounded(change(mlp.added, mlp)),
            "firing": _rounded(firing(mlp)),
            "size": _rounded(mlp.after.norm(dim=1).tolist()),
        }
    if part.kind == "token":
        return {"size": _rounded(trace.decoder[0].self_attention.before.norm(dim=1).tolist())}
    return {}


def change(added: Tensor, part: AttentionTrace | MLPTrace) -> list[float]:
    """How large `added`, (rows, model_dim), is beside the stream it was added to, row by row."""
    return (added.norm(dim=1) / part.before.norm(dim=1).clamp(min=1e-9)).tolist()


def firing(mlp: MLPTrace) -> list[float]:
    """The share of neurons that fire, row by row: those whose activation is above 0."""
    return (mlp.hidden > 0).float().mean(1).tolist()


def _rounded(numbers):
    """Lists of numbers, however deep, with four digits: as many as are ever shown."""
    if isinstance(numbers, list):
        return [_rounded(number) for number in numbers]
    return float(f"{numbers:.4g}")
