"""One line of the receipt, taken apart: down to the numbers that it was made of."""

import streamlit as st
import torch
from torch import Tensor

from mnist_transformer import Reading, Transformer
from mnist_transformer.explain.activations import Trace
from mnist_transformer.explain.attribution import follow
from mnist_transformer.explain.heads import Head, all_heads
from mnist_transformer.explain.receipt import Bill, HeadLine

SHOWN = 8  # neurons of an MLP

# A line that is a vector of numbers which the model learnt, by how its name begins.
LEARNT = {
    "token": "the vector of the token that was read last",
    "place": "the vector of the step's place in the line",
    "bias": "a bias",
}
LEARNT_SAYS = """
**{name}** is {what}: numbers that the machine learnt, and the same for every drawing. There is
nothing further behind its **{amount:+.4f}**.
"""
MLP_SAYS = """
**{name}** adds what its {count} neurons add, each as active as it is times what 1 of it adds. These
are the {shown} largest; all others together add **{rest:+.4f}**.
"""
HEAD_SAYS = """
**{name}** at {what}: it looked there with weight **{weight:.3f}**, found a value worth
**{worth:+.3f}** and so added **{amount:+.4f}**. Its query and the key there score **{score:.2f}**,
the products' sum divided by √{size}; the weights are the softmax of all scores.
"""
ENDS = {
    "cross": """
**Here the exact sum ends.** Value and key were made from this vector in the memory, and the encoder
made it from all squares, by weights that depend on all of them. How much squares mixed there
(*rollout*) and what a small change of the ink would do (*relevance*) stand under *answer* in the
machine; neither adds up to a score.
""",
    "decoder": """
**Here the exact sum ends.** Value and key were made from this vector, what the layers before made
of the token, divided by a size that depends on all of it.
""",
}


def decoder_heads(model: Transformer) -> dict[str, Head]:
    """The heads that can stand on a receipt, by name."""
    return {head.name: head for head in all_heads(model.config) if head.attention != "encoder"}


def show(
    name: str,
    patch: int | None,
    asked: tuple[int, int, int | None],
    bill: Bill,
    reading: Reading,
    passed: Trace,
    model: Transformer,
) -> None:
    """Draw what the line of this name was made of.

    Args:
        name: of the line, as on the bill.
        patch: the square that the visitor chose; None takes the one with the largest amount.
        asked: step, answer and the answer that it is held against, as in `Receipt.bill`.
        bill: of these.
        reading: what the bill is of.
        passed: what passed through the model for it.
        model: what made the reading.
    """
    head = decoder_heads(model).get(name)
    step, answer, over = asked
    if head is None:
        amounts = dict(bill.lines)
        if name in amounts:  # the total is no line
            _show_part(name, amounts[name], bill, passed, step)
        return
    if head.attention == "cross":
        key, what = _square(bill, head, patch, reading)
    else:
        key, what = _choose_token(bill.tokens[head.layer, head.head], reading, step)
    line = follow(model, passed, head, step, key, answer, over)
    st.markdown(
        HEAD_SAYS.format(
            name=name,
            what=what,
            weight=line.weight,
            worth=float(line.value_products.sum()),
            amount=line.amount,
            score=line.score,
            size=len(line.query),
        )
    )
    is_cross = head.attention == "cross"
    is_largest = is_cross and patch == int(bill.patches[head.layer, head.head].argmax())
    square = ' data-square="largest"' if is_largest else ""  # which a lesson waits for
    st.html(f"<div{square}>{_head_tables(line)}</div>")
    st.markdown(ENDS[head.attention])
    st.html(_table({"memory of the square" if is_cross else "stream of the token": line.source}))


def _square(bill: Bill, head: Head, patch: int | None, reading: Reading) -> tuple[int, str]:
    """The square that was chosen, or the one of the head's largest amount, and what to call it."""
    amounts = bill.patches[head.layer, head.head]
    key = int(amounts.abs().argmax()) if patch is None else patch
    row, column = divmod(key, reading.maps.grid[1])
    return key, f"the square in row {row + 1}, column {column + 1}"


def _show_part(name: str, amount: float, bill: Bill, passed: Trace, step: int) -> None:
    """An MLP with its neurons, or what the model learnt once for all."""
    kind, *rest = name.split()
    if kind != "MLP":
        st.markdown(LEARNT_SAYS.format(name=name, what=LEARNT[kind], amount=amount))
        return
    layer = int(rest[0]) - 1
    amounts, active = bill.neurons[layer], passed.decoder[layer].mlp.hidden[step]
    largest = amounts.abs().topk(min(SHOWN, len(amounts))).indices
    shown = amounts[largest]
    st.markdown(
        MLP_SAYS.format(
            name=name, count=len(amounts), shown=len(largest), rest=float(amount - shown.sum())
        )
    )
    rows = {
        "neuron": torch.tensor([n + 1.0 for n in largest.tolist()]),
        "how active it is": active[largest],
        "× what 1 of it adds": (shown / active[largest]).nan_to_num(0),
        "= added": shown,
    }
    st.html(_table(rows, formats={"neuron": ".0f", "= added": "+.4f"}))


def _choose_token(amounts: Tensor, reading: Reading, step: int) -> tuple[int, str]:
    """Which of the tokens up to the step, at first the one with the largest amount."""
    names = ["start", *reading.digits][: step + 1]
    amounts = amounts[: step + 1]
    key = st.segmented_control(
        "At the token",
        range(len(names)),
        default=int(amounts.abs().argmax()),
        required=True,
        format_func=lambda n: f"{names[n]}: {float(amounts[n]):+.3f}",
        key=f"token-of-{step}",
    )
    return key, f"the token “{names[key]}”"


def _head_tables(line: HeadLine) -> str:
    return _table(
        {
            "value there": line.value,
            "× what 1 of it adds": line.output,
            "= worth": line.value_products,
            "query of the step": line.query,
            "× key there": line.key,
            "= products": line.score_products,
        }
    )


def _table(rows: dict[str, Tensor], formats: dict[str, str] | None = None) -> str:
    formats = formats or {}
    cells = "".join(
        f"<tr><th>{name}</th>"
        + "".join(f"<td>{number:{formats.get(name, '+.3f')}}</td>" for number in row.tolist())
        + "</tr>"
        for name, row in rows.items()
    )
    return f'<div class="numbers"><table>{cells}</table></div>'
