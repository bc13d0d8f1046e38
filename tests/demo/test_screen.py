"""What the page's address says is what stands on the screen."""

import pytest
from streamlit.testing.v1 import AppTest

from demo import screen
from mnist_transformer import load_transformer
from mnist_transformer.explain.interventions import read_changed
from mnist_transformer.explain.parts import intervention
from tests import ROOT
from tests.demo.parts import part, stage


def opened(**address):
    page = AppTest.from_file(str(ROOT / "demo" / "app.py"), default_timeout=120)
    page.query_params.update(address)
    page.run()
    assert not page.exception
    return page


def test_a_link_switches_parts_off_and_the_whole_page_shows_it():
    off, blurred = ["cross 1, head 2", "decoder 1"], ["cross 2, head 1"]
    page = opened(drawing="2026", off=";".join(off), blurred=blurred[0])
    model = load_transformer()
    reading = model.read_page(ROOT / "demo" / "examples" / "2026.png").rows[0].parts[0]
    change = intervention(model.config, off, blurred)
    changed = read_changed(model, reading.canvas, change)
    assert stage(page)["digits"] == changed.digits != "2026"
    assert any("decoder 1 off" in hint for hint in stage(page)["hints"])
    assert {*off, "cross 1, head 4"} <= set(part(page, "strip")["off"])  # with its layer
    assert page.session_state.changes == {"off": off, "blurred": blurred}


def test_a_lesson_s_address_opens_it_and_what_is_done_is_noticed():
    page = opened(lesson="6", drawing="314159")
    lesson = part(page, "lesson")
    assert (lesson["number"], lesson["done"]) == (6, False)
    assert lesson["lesson"]["section"] == "Intervene" and "done" not in lesson["lesson"]
    for off, done in (("decoder 2", False), ("decoder 1", True)):
        page.session_state.changes = {"off": [off], "blurred": []}
        page.run()
        assert part(page, "lesson")["done"] is done
    page.query_params["lesson"] = "7"  # another lesson begins anew
    page.run()
    assert (part(page, "lesson")["number"], part(page, "lesson")["done"]) == (7, False)
    page.query_params["lesson"] = "x"
    page.run()
    assert part(page, "lesson")["number"] == 0


def test_what_was_chosen_in_the_browser_is_told_to_it_again():
    chosen = {"part": "encoder 2", "head": "cross 2, head 1", "section": "Intervene"}
    page = opened(step="3", patch="17", **chosen)
    assert part(page, "lesson")["screen"] == chosen | {"step": 2, "patch": 16}
    earlier = part(opened(tab="Intervene"), "lesson")  # a link made when sections were tabs
    assert earlier["screen"] == {"section": "Intervene"}
    assert part(opened(step="x", patch="-1"), "lesson")["screen"] == {}
    much = "9" * 5_000  # more than Python makes a number of
    nothing = part(opened(step="0", patch=much, lesson=much), "lesson")
    assert nothing["screen"] == {} and nothing["number"] == 0


@pytest.mark.parametrize(
    ("only", "titles"),
    [
        ("stage,machine", []),
        ("sheet,train,change", ["Change one thing", "Train your own"]),
        (
            "nothing of the kind",
            ["Change one thing", "Intervene", "Take it apart", "Train your own"],
        ),
    ],
)
def test_only_what_a_lesson_needs_is_shown(only, titles):
    page = opened(only=only)
    groups = [group for group in page.button_group if (group.key or "").startswith("section-of-")]
    sections = [group.options for group in groups]
    assert sections == ([titles] if titles else [])
    parts = {part.proto.component_name for part in page.get("bidi_component")}
    assert {"stage", "lesson"} <= parts
    assert ("strip" in parts) == ("machine" in only or "nothing" in only)
    styles = "".join(html.proto.body for html in page.get("html"))
    assert (".st-key-sheet" in styles.split("<style>")[-1]) == (only == "stage,machine")


def test_every_section_has_a_name():
    sections = {"change", "intervene", "apart", "train"}
    assert set(screen.SECTIONS) == {"sheet", "stage", "machine"} | sections
