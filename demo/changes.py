"""What the visitor has changed in the machine: one plain object, which every view may show.

`st.session_state.changes` is {"off": [names], "blurred": [names]}, the names being those of
`explain.parts`: "cross 1, head 4", "decoder 1", "places".
"""

from collections.abc import Mapping, Sequence

import streamlit as st

from demo import messages
from mnist_transformer import Reading, Transformer
from mnist_transformer.explain.interventions import edited, read_changed
from mnist_transformer.explain.parts import intervention, parts


def chosen() -> dict[str, list[str]]:
    """The names of the parts that are off, and of those that are blurred."""
    return st.session_state.setdefault("changes", {"off": [], "blurred": []})


def reset() -> None:
    """Put the whole machine back."""
    st.session_state.changes = {"off": [], "blurred": []}


def choose(changes: Mapping[str, Sequence[str]], model: Transformer) -> None:
    """Take these changes in place of those made so far.

    Raises:
        ValueError: if the model has no part of such a name.
    """
    off, blurred = list(changes.get("off", [])), list(changes.get("blurred", []))
    intervention(model.config, off, blurred)
    st.session_state.changes = {"off": off, "blurred": blurred}


def fit(model: Transformer) -> None:
    """Forget what is changed in parts that this model, another than before, does not have."""
    known = parts(model.config)
    now = chosen()
    kept = {how: [name for name in names if name in known] for how, names in now.items()}
    if kept != now:
        lost = sorted({name for names in now.values() for name in names} - set(known))
        messages.add(f"This model has no {', '.join(lost)}: nothing is changed there.")
        choose(kept, model)


def in_words() -> str:
    """What is changed, as the start of a sentence."""
    said = [
        f"{' and '.join(names) if len(names) <= 2 else f'{len(names)} parts'} {how}"
        for how, names in chosen().items()
        if names
    ]
    return f"With {', '.join(said)}" if said else "With nothing changed"


def apply(model: Transformer, reading: Reading) -> tuple[Transformer, Reading]:
    """The model as it is changed, and what it reads; both as they were if nothing is.

    Worked out once for a reading and what is changed, so that views know it again.
    """
    state = st.session_state
    change = intervention(model.config, **chosen())
    if not change or not reading.steps:
        return model, reading
    kept = state.get("changed")
    if kept is None or kept[0] is not reading or kept[1] != change:
        changed = edited(model, change), read_changed(model, reading.canvas, change)
        kept = state["changed"] = (reading, change, changed)
    return kept[2]


def switch(name: str, model: Transformer) -> None:
    """Switch one part off, or on again.

    Raises:
        ValueError: if the model has no part of such a name.
    """
    now = chosen()
    off = [other for other in now["off"] if other != name]
    choose(now | {"off": off if name in now["off"] else [*off, name]}, model)
