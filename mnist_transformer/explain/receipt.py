"""The receipt: what every part of the decoder paid towards an answer. Plain data, without a model.

`attribution` makes it.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from torch import Tensor

from ..config import END, NUM_CLASSES


class Line(NamedTuple):
    """One line of a bill: a part by its name, such as "cross 2, head 4", and what it added."""

    name: str
    amount: float


@dataclass(frozen=True, eq=False)
class Bill:
    """Why one logit is what it is, or why one answer is ahead of another.

    Attributes:
        lines: every part with its amount, largest first, whatever the sign; they sum to `total`.
        total: the logit, or the gap between two, as the model itself gave it.
        patches: (layers, heads, patches), the amounts of the cross-attention heads patch by patch;
            over the patches they sum to the head's line.
        tokens: (layers, heads, steps), the same of the decoder's own heads, token by token.
        neurons: (layers, mlp_dim), the same of the MLPs, neuron by neuron.
    """

    lines: list[Line]
    total: float
    patches: Tensor
    tokens: Tensor
    neurons: Tensor

    @property
    def per_patch(self) -> Tensor:
        """(patches,), what each patch added through all cross-attention heads together."""
        return self.patches.sum((0, 1))


@dataclass(frozen=True, eq=False)
class Receipt:
    """Every step's logits as sums, for each of the 11 answers. Float32, on the CPU.

    Attributes:
        names: of the parts, in the order in which a token passes them: "token", "place", then in
            every layer its heads ("self 1, head 2", "cross 1, head 2"), "MLP 1" and the bias of
            each ("bias of cross 1"); last the biases of the last normalisation and the answers. A
            model that normalises sums (`norm_first` false) has a bias of every normalisation.
        amounts: (steps, 11, parts), what each part added to each logit; they sum to `logits`.
        patches: (steps, 11, layers, heads, patches), the cross-attention heads' amounts split.
        tokens: (steps, 11, layers, heads, steps), those of the decoder's own heads.
        neurons: (steps, 11, layers, mlp_dim), those of the MLPs.
        logits: (steps, 11), the model's own.
        grid: rows and columns of the patches, which are numbered row by row.
    """

    names: list[str]
    amounts: Tensor
    patches: Tensor
    tokens: Tensor
    neurons: Tensor
    logits: Tensor
    grid: tuple[int, int]

    def bill(self, step: int, answer: int | None = None, over: int | None = None) -> Bill:
        """The sum behind one answer of one step, or behind the gap between two.

        Args:
            step: from 0.
            answer: 0 to 9, or 10 for the end; None is the step's likeliest.
            over: another answer, whose logit is subtracted: "why 8 rather than 3". What is added to
                all logits alike changes no probability, so that a gap says more than a logit.

        Raises:
            ValueError: if there is no such step or answer, or both answers are the same.
        """
        check_step(step, len(self.logits))
        answer = int(self.logits[step].argmax()) if answer is None else answer
        check_answers(answer, over)
        amounts, patches, tokens, neurons, logit = (
            tensor[step, answer] - (0 if over is None else tensor[step, over])
            for tensor in (self.amounts, self.patches, self.tokens, self.neurons, self.logits)
        )
        lines = map(Line, self.names, amounts.tolist())
        largest_first = sorted(lines, key=lambda line: -abs(line.amount))
        return Bill(largest_first, float(logit), patches, tokens, neurons)

    def arrays(self) -> dict[str, np.ndarray]:
        """All of it by names such as "receipt.amounts", to be saved with a reading."""
        named = {"names": np.array(self.names)}
        named |= {
            name: getattr(self, name).numpy()
            for name in ("amounts", "patches", "tokens", "neurons")
        }
        return {f"receipt.{name}": array for name, array in named.items()}

    def to_dict(self) -> dict:
        """The bill of every step's likeliest answer, in what JSON can hold."""
        steps = []
        for step in range(len(self.logits)):
            bill = self.bill(step)
            steps.append(
                {
                    "answer": int(self.logits[step].argmax()),
                    "logit": bill.total,
                    "lines": dict(bill.lines),
                    "patches": bill.per_patch.tolist(),
                }
            )
        return {"grid": list(self.grid), "steps": steps}


@dataclass(frozen=True, eq=False)
class HeadLine:
    """What one head of the decoder paid for one key, a patch or a token, down to the numbers.

    Attributes:
        amount: `weight` * the sum of `value_products`: this key's amount on the bill.
        weight: how much the step took from the key, 0 to 1.
        value: (head_dim,), what the key handed over.
        output: (head_dim,), what a 1 in each number of the value adds to the logit or gap: the
            head's part of the output map, seen from the answer through the last normalisation.
        value_products: (head_dim,) value * output.
        score: the sum of `score_products`, divided by sqrt(head_dim); the weights are the softmax
            of all keys' scores, unless another map was put in their place.
        query, key: (head_dim,), what the step asked, what the key offered.
        score_products: (head_dim,) query * key.
        source: (model_dim,), what key and value were made from: the patch's memory, or the token's
            stream, normalised.
    """

    amount: float
    weight: float
    value: Tensor
    output: Tensor
    value_products: Tensor
    score: float
    query: Tensor
    key: Tensor
    score_products: Tensor
    source: Tensor


def check_step(step: int, steps: int) -> None:
    """Make sure that a step was taken.

    Raises:
        ValueError: if it was not.
    """
    if not 0 <= step < steps:
        raise ValueError(f"step must be 0 to {steps - 1}, not {step}")


def check_answers(answer: int, over: int | None) -> None:
    """Make sure that there is a logit, or a gap, of these answers.

    Raises:
        ValueError: if one is no answer, or both are the same.
    """
    for one in (answer, over):
        if one is not None and one not in range(NUM_CLASSES):
            raise ValueError(f"an answer is 0 to 9, or {END} for the end, not {one!r}")
    if answer == over:
        raise ValueError(f"an answer is held against another one, not {answer} against itself")
