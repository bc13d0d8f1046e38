"""What the page's address says of the screen: a teacher prepares one, and a link opens it.

`?drawing=…` is the sheet's own (see `sheet`); here are `step`, `part`, `head`, `patch` and
`section`, which are chosen in the browser, `off` and `blurred`, what is changed in the machine,
`lesson`, and `only`, the sections that are shown. Steps and patches count from 1.
"""

from pathlib import Path

import streamlit as st

from demo import changes, messages, redraw
from mnist_transformer import Transformer
from mnist_transformer.figures.live import read_source

CHOSEN = ("step", "part", "head", "patch", "section")
NUMBERS = ("step", "patch")
BETWEEN = ";"  # names have commas in them
SECTIONS = ("sheet", "stage", "machine", "change", "intervene", "apart", "train")

START = """
export default ({ data, parentElement, setTriggerValue }) =>
  drawScreenButton(parentElement, data, (told) => setTriggerValue("told", told));
"""
_button = st.components.v2.component(
    "screen",
    css=""".mnist-screen { width: 100%; padding: 8px 12px; cursor: pointer; font: inherit;
    color: var(--st-text-color, inherit); background: none; border-radius: 8px;
    border: 1px solid rgba(128, 128, 128, .45); }""",
    js=read_source("follow.js")
    + Path(__file__).with_name("screen.js").read_text(encoding="utf-8")
    + START,
    isolate_styles=False,
)


def sections() -> tuple[str, ...]:
    """The sections that the address asks for with `only`; all if it asks for none."""
    asked = st.query_params.get("only", "").split(",")
    return tuple(name for name in SECTIONS if name in asked) or SECTIONS


def choose_section(titles: list[str]) -> str:
    """Draw a choice among the sections of these titles; gives the one that is open.

    These are no `st.tabs`: a tab that is touched while the server still opens another is closed
    again, as each run tells the browser which tab it has open.
    """
    with st.container(key="sections"):
        return st.segmented_control(
            "What else there is to see of it",
            titles,
            default=titles[0],
            required=True,
            key=f"section-of-{titles}",  # other titles, another choice
            on_change=lambda: redraw.note(redraw.PAGE),  # a lesson may choose it
            label_visibility="collapsed",
        )


def hidden_style() -> str:
    """The style that hides the sheet or the stage where the address does not ask for them.

    They are worked out all the same: the other sections are about what lies on the sheet.
    """
    rules = {
        "sheet": ".st-key-sheet, .st-key-tools > :not(:has(.mnist-course))",
        "stage": ".st-key-stage",
    }
    hidden = [rule for name, rule in rules.items() if name not in sections()]
    return f"<style>{' '.join(rule + ' {display: none}' for rule in hidden)}</style>"


def chosen() -> dict[str, str | int]:
    """What the address says is chosen in the browser; steps and patches count from 0."""
    said = {name: st.query_params[name] for name in CHOSEN if name in st.query_params}
    if "tab" in st.query_params:  # as links said that were made before sections had this name
        said.setdefault("section", st.query_params["tab"])
    numbers = {n: counted(said[n]) - 1 for n in NUMBERS if counted(said.get(n, ""))}
    return {name: text for name, text in said.items() if name not in NUMBERS} | numbers


def counted(text: str) -> int:
    """A number of the address that counts from 1; 0 if the text is none."""
    return int(text) if text.isdecimal() and len(text) <= 4 else 0


def open_changes(model: Transformer) -> None:
    """Make, once for a visitor, the changes to the machine that the address brought."""
    if "changes" in st.session_state:
        return
    asked = {name: st.query_params.get(name, "") for name in ("off", "blurred")}
    try:
        changes.choose({name: t.split(BETWEEN) if t else [] for name, t in asked.items()}, model)
    except ValueError:
        changes.choose({}, model)
        messages.add("This link switches off parts that the model does not have.", "infinite")


def button(label: str) -> dict | None:
    """A button; when it is pressed, what is chosen in the browser, as `put` takes it."""
    return _button(data={"label": label}, key="screen", on_told_change=lambda: None).told


def put(told: dict, drawing: str | None) -> None:
    """Let the address say what is chosen in the browser, and what is changed in the machine.

    All at once, so that Back leads to what was there before.

    Args:
        told: of `CHOSEN` what the browser told; steps and patches count from 0. None is nothing.
        drawing: what lies on the sheet, as text; None if no address can hold it.
    """
    names = {name: told[name] for name in CHOSEN if told.get(name) is not None}
    names |= {name: int(names[name]) + 1 for name in NUMBERS if name in names}
    names |= {how: BETWEEN.join(parts) for how, parts in changes.chosen().items() if parts}
    names |= {"drawing": drawing} if drawing else {}
    kept = {name: st.query_params[name] for name in ("lesson", "only") if name in st.query_params}
    st.query_params.from_dict(kept | {name: str(text) for name, text in names.items()})
