"""The parts of the machine, in the order in which a drawing passes them, and what each one does."""

from dataclasses import dataclass

from ...explain.activations import Trace


@dataclass(frozen=True)
class Part:
    """One box of the strip.

    Attributes:
        name: what it is called everywhere, e.g. "encoder 2" or "decoder 1 cross".
        kind: "drawing", "patches", "stem", "encoder", "memory", "token", "self", "cross", "mlp" or
            "answer".
        layer: which of its kind, counted from 1; 0 where there is only one.
        label: what stands over its picture; short.
        sentence: what it does, for somebody who has never seen a Transformer.
    """

    name: str
    kind: str
    layer: int
    label: str
    sentence: str

    @property
    def group(self) -> str:
        """Which of the three stretches of the strip it stands in."""
        if self.kind in ("drawing", "patches", "stem"):
            return "drawing"
        return "encoder" if self.kind in ("encoder", "memory") else "decoder"

    def heads(self, count: int) -> list[str]:
        """The names of its heads: "cross 1, head 4", as `Head.name` has them; of an MLP none."""
        if self.kind not in ("encoder", "self", "cross"):
            return []
        return [f"{self.kind} {self.layer}, head {n}" for n in range(1, count + 1)]


def machine_parts(trace: Trace) -> list[Part]:
    """The parts of the model that a trace was made with."""
    height, width = trace.canvas.shape
    rows, columns = trace.grid
    size, dim = height // rows, trace.memory.shape[1]
    heads = trace.encoder[0].attention.weights.shape[0]
    neurons = trace.encoder[0].mlp.hidden.shape[1]
    stem = (
        "Small filters look for edges, bends and ends (convolutions)."
        if trace.stages
        else "The pixels of a patch are weighed and summed."
    )
    parts = [
        Part(
            "drawing",
            "drawing",
            0,
            "drawing",
            f"Your drawing as {height} × {width} shades of grey: all that the model gets to see.",
        ),
        Part(
            "patches",
            "patches",
            0,
            "patches",
            f"The drawing is cut into {rows} × {columns} squares of {size} × {size} pixels. "
            "A patch is to the model what a word is in a sentence.",
        ),
        Part(
            "stem",
            "stem",
            0,
            "features",
            f"{stem} Each patch becomes a list of {dim} numbers, and numbers for its row and "
            "column are added, so that it knows its place.",
        ),
    ]
    for n in range(1, len(trace.encoder) + 1):
        parts.append(
            Part(
                f"encoder {n}",
                "encoder",
                n,
                f"encoder {n}",
                f"Every patch looks at all patches in {heads} different ways (heads) and adds what "
                f"it finds to its own numbers; then {neurons} neurons (the MLP) work on each patch "
                "by itself.",
            )
        )
    parts.append(
        Part(
            "memory",
            "memory",
            0,
            "memory",
            f"What the encoder made of the drawing: {dim} numbers for each patch. Made once, and "
            "looked into for every digit.",
        )
    )
    parts.append(
        Part(
            "token",
            "token",
            0,
            "token in",
            f"What was read last, at first “start”, becomes {dim} numbers, and numbers for its "
            "place in the line are added. With these the decoder begins each step.",
        )
    )
    for n in range(1, len(trace.decoder) + 1):
        parts += [
            Part(
                f"decoder {n} self",
                "self",
                n,
                f"self {n}",
                "The newest token looks back at those read before it (self-attention), to know how "
                "far the reading has come. What is not yet read is hidden from it.",
            ),
            Part(
                f"decoder {n} cross",
                "cross",
                n,
                f"cross {n}",
                "The newest token looks into the drawing (cross-attention): each head asks a "
                "question, and the patches that answer it best hand over what they know.",
            ),
            Part(
                f"decoder {n} mlp",
                "mlp",
                n,
                f"MLP {n}",
                f"{neurons} neurons look at what has been gathered; those that fire add their part "
                "to the token’s numbers.",
            ),
        ]
    parts.append(
        Part(
            "answer",
            "answer",
            0,
            "answer",
            "The token’s numbers become eleven probabilities, of 0 to 9 and of the line’s end. The "
            "likeliest is said, and goes back in as the next token.",
        )
    )
    return parts
