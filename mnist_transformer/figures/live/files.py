"""The files that are shown in the browser, one by one or as one page."""

import json
import uuid
from pathlib import Path

FOLDER = Path(__file__).parent


def read_source(*names: str) -> str:
    """The text of files of this folder, one after another."""
    return "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in names)


def standalone_html(draw: str, sources: tuple[str, ...], data: dict) -> str:
    """A view with all it needs, to stand in any page: nothing is loaded from anywhere.

    Args:
        draw: the view's function, e.g. "drawStage", called with an element, the data and a store
            of its own, so that several readings of one notebook do not move each other.
        sources: the files of JavaScript that the function needs; the style is added.
        data: plain data, as JSON takes it.
    """
    name = f"mnist-{uuid.uuid4().hex}"
    # Within a script, "</" could end it.
    plain = json.dumps(data, separators=(",", ":")).replace("</", "<\\/")
    return (
        f'<div id="{name}"></div><style>{read_source("live.css")}</style>'
        f"<script>(() => {{\n{read_source(*sources)}\n"
        f'{draw}(document.getElementById("{name}"), {plain}, {{ store: makeStore() }});\n'
        "})();</script>"
    )
