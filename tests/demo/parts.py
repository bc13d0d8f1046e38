"""What the live parts of the page are given, without a browser."""

import json
from contextlib import contextmanager

from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

from demo import link
from mnist_transformer.ink.brush import BRUSH, SHEET
from tests.pen import strokes


def part(page, name):
    """The data of a live part of an AppTest's page."""
    parts = {part.proto.component_name: part.proto for part in page.get("bidi_component")}
    return json.loads(parts[name].json)


def stage(page):
    return part(page, "stage")


@contextmanager
def sent():
    """The elements that a page is sent, in their order: what each is, or which part."""
    names = []

    def note(message):
        if message.delta.WhichOneof("type") == "new_element":
            element = message.delta.new_element
            names.append(element.bidi_component.component_name or element.WhichOneof("type"))

    ForwardMsgQueue.on_before_enqueue_msg(note)
    try:
        yield names
    finally:
        ForwardMsgQueue.on_before_enqueue_msg(None)


def drawn(text):
    """Digits as the canvas gives them, on the largest sheet that links once knew."""
    made = []
    for stroke in strokes(text, 50, 35, 115):
        xs, ys = zip(*stroke, strict=True)
        path = [["M", *stroke[0]], *(["L", *point] for point in stroke[1:])]
        middle = {"left": (min(xs) + max(xs)) / 2, "top": (min(ys) + max(ys)) / 2}
        turn = {"scaleX": 1, "scaleY": 1, "angle": 0, "strokeWidth": BRUSH}
        made.append({"type": "Path", "path": path} | middle | turn)
    return made


DRAWN_ON_A_DESKTOP = link.encode(drawn("27"), SHEET)
