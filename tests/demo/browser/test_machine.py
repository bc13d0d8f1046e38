"""The machine: every part stands in the strip, opens, and shows the library's own numbers."""

from functools import partial

import pytest
import torch

from mnist_transformer.explain.heads import Head
from mnist_transformer.explain.interventions import edited, read_changed
from mnist_transformer.explain.lens import lens, memory_lens
from mnist_transformer.explain.parts import intervention
from mnist_transformer.explain.relevance import (
    inside_head,
    mean_cross_attention,
    relevance,
    rollout,
)
from mnist_transformer.explain.trace import trace
from mnist_transformer.figures.live.machine import crop
from mnist_transformer.figures.live.parts import machine_parts
from tests.chromium import new_page, wait_for_digits
from tests.demo.browser.seen import count_messages, open_example, settled, wait_for


@pytest.fixture(scope="module")
def passed(model, reading):
    return trace(model, reading)


def open_part(page, name):
    """Choose a part in the strip, and wait until it is open below."""
    box = page.locator(f'.mnist-strip [data-part="{name}"]')
    if box.get_attribute("aria-pressed") == "false":
        box.click()
    page.locator(f'.mnist-detail[data-part="{name}"]').wait_for()


def choose(page, **changes):
    """What a click anywhere on the page does: tell the store."""
    page.evaluate("changes => document.mnistFollow.set(changes)", changes)


def numbers(page, where, name):
    """The numbers that elements in the opened part carry, whole and not as they are rounded."""
    return page.locator(f".mnist-detail {where}").evaluate_all(
        "(elements, name) => elements.map(element => Number(element.dataset[name]))", name
    )


def peaks(page):
    """How much each head of the opened attention gives to what it looks at most."""
    return numbers(page, ".panel canvas", "peak")


def wait_for_peaks(page, weights):
    """Until the heads of the opened attention show these weights, (heads, patches)."""
    expected = pytest.approx(weights.amax(-1).tolist(), abs=1e-3)
    wait_for(page, lambda: peaks(page), expected)


def box_texts(page, piece):
    """What stands in every box of the strip: part -> text."""
    return page.locator(".mnist-strip .part").evaluate_all(
        "(boxes, piece) => Object.fromEntries(boxes.map("
        "box => [box.dataset.part, box.querySelector('.' + piece).textContent]))",
        piece,
    )


def as_percent(share):
    """How paint.js writes a share."""
    shown = 100 * share
    return f"{shown:.1f}%" if 0 < shown < 9.95 else f"{shown:.0f}%"


def as_addition(change):
    return as_percent(change) if change < 9.95 else f"{change:.0f}×"


def says_addition(said, change):
    """Whether a part is said to add so much; what lies between two numbers may go to either.

    The page has the number with three digits, and rounds it once more.
    """
    number, unit = float(said.strip("+%×")), 1 if said.endswith("×") else 100
    step = 0.1 if "." in said else 1
    is_form = said[-1] == as_addition(change)[-1] or 9.9 < change < 10
    return said[0] == "+" and is_form and abs(number - unit * change) <= 0.6 * step


def outside_of_the_crop(reading, weights):
    """What is said of attention on paper that is not shown."""
    first, end = crop(reading.canvas, reading.maps.grid[1])
    outside = 1 - float(weights.unflatten(0, reading.maps.grid)[:, first:end].sum())
    said = f" {as_percent(outside)} of its attention is on paper left or right of what is shown."
    return said if outside > 0.01 else ""


@pytest.mark.looks
def test_every_part_of_the_strip_opens(page, passed):
    for part in machine_parts(passed):
        open_part(page, part.name)
        said = page.locator(".mnist-strip .strip-says .said")
        said.get_by_text(f"{part.label}: {part.sentence}").wait_for()
        detail = page.locator(".mnist-detail")
        detail.get_by_role("heading").nth(1).wait_for()
        detail.locator(".code-line").nth(5).wait_for()
    page.locator('.mnist-strip [data-part="answer"]').click()  # once more closes it
    page.locator(".mnist-detail").wait_for(state="hidden")
    assert page.complaints == []


@pytest.mark.looks
def test_the_strip_shows_the_librarys_numbers_at_every_step(page, model, reading, passed):
    page.locator('.mnist-strip [data-part="answer"] .state', has_text="2").wait_for()
    settled(page)
    count_messages(page)
    answers = lens(model, passed).distributions
    stream = [p.name for p in machine_parts(passed) if p.kind in ("token", "self", "cross", "mlp")]
    names = [*"0123456789", "end"]

    def differing(step):
        """What the strip does not say as the library does."""
        state, said = box_texts(page, "state"), box_texts(page, "lens")
        found = []
        for number, layer in enumerate(passed.decoder, 1):
            parts = {"self": layer.self_attention, "cross": layer.cross_attention, "mlp": layer.mlp}
            for kind, own in parts.items():
                change = float(own.added[step].norm() / own.before[step].norm())
                if not says_addition(state[f"decoder {number} {kind}"], change):
                    found.append((f"decoder {number} {kind}", state, change))
        for number, layer in enumerate(passed.encoder, 1):
            before = layer.attention.before
            change = ((layer.mlp.after - before).norm(dim=1) / before.norm(dim=1)).mean()
            if not says_addition(state[f"encoder {number}"], float(change)):
                found.append((f"encoder {number}", state, float(change)))
        for place, name in enumerate(stream):
            share, token = answers[place, step].max(-1)
            if said[name] != f"{names[int(token)]} {as_percent(float(share))}":
                found.append((name, said, float(share)))
        share, token = reading.distributions[step].max(-1)
        if state["answer"] != f"{names[int(token)]} {as_percent(float(share))}":
            found.append(("answer", state, float(share)))
        return found

    for step in range(reading.steps):
        choose(page, step=step)
        wait_for(page, partial(differing, step), [])
    choose(page, patch=52)
    change = passed.encoder[1].mlp.after - passed.encoder[1].attention.before
    change = float(change[52].norm() / passed.encoder[1].attention.before[52].norm())
    wait_for(page, lambda: box_texts(page, "state")["encoder 2"], f"+{as_addition(change)}")
    assert page.evaluate("window.sent") == 0
    assert page.complaints == []


@pytest.mark.looks
def test_every_head_is_shown_over_the_drawing(page, reading):
    maps = reading.maps
    for layer in range(len(maps.cross)):
        open_part(page, f"decoder {layer + 1} cross")
        wait_for_peaks(page, maps.cross[layer, :, 0])
        assert all(0 < peak <= 1 for peak in peaks(page))
    for layer in range(len(maps.encoder)):
        open_part(page, f"encoder {layer + 1}")
        choose(page, patch=38)
        wait_for_peaks(page, maps.encoder[layer, :, 38])
    for layer in range(len(maps.decoder)):
        open_part(page, f"decoder {layer + 1} self")
        choose(page, step=3)
        wait_for_peaks(page, maps.decoder[layer, :, 3])
    assert page.complaints == []


@pytest.mark.looks
def test_going_through_the_steps_needs_no_server(page, reading):
    open_part(page, "decoder 2 cross")
    settled(page)
    count_messages(page)
    cross = reading.maps.cross[1]
    for step in (2, 4, 0):
        choose(page, step=step)
        wait_for_peaks(page, cross[:, step])
    page.locator(".mnist-stage").get_by_role("button", name="Step 4").click()
    wait_for_peaks(page, cross[:, 3])
    page.keyboard.press("ArrowRight")
    page.mouse.move(5, 5)
    wait_for_peaks(page, cross[:, 4])
    assert page.evaluate("window.sent") == 0
    assert page.complaints == []


def test_no_map_vanishes_while_the_steps_are_played(page, reading):
    open_example(page)
    open_part(page, "decoder 2 cross")
    page.evaluate("""() => {
        const painted = (canvas) => {  // the drawing is there, and where it looks is known
            const { width, height } = canvas;
            const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
            return canvas.dataset.peak > 0 && data.some((value, n) => n % 4 === 2 && value < 60);
        };
        const maps = () => [...document.querySelectorAll('.mnist-detail .panel canvas')]
            .filter(painted).length;
        window.seen = [];
        window.watch = setInterval(() => window.seen.push(maps()), 15);
    }""")
    page.get_by_role("button", name="Play").click()
    wait_for_peaks(page, reading.maps.cross[1, :, 4])
    counts = page.evaluate("() => { clearInterval(window.watch); return window.seen; }")
    assert len(counts) > 20 and counts.count(4) >= 0.99 * len(counts)
    # Chromium would have this test read its canvases otherwise.
    assert [said for said in page.complaints if "willReadFrequently" not in said] == []


@pytest.mark.looks
def test_one_head_is_shown_large_and_the_step_stays(page, reading):
    open_part(page, "decoder 2 cross")
    choose(page, step=3)
    page.locator('.mnist-detail [data-head="cross 2, head 3"]').click()
    weights = reading.maps.cross[1, 2, 3]
    caption = page.locator(".mnist-detail .largest .caption")
    row, column = divmod(int(weights.argmax()), reading.maps.grid[1])
    said = (
        f"cross 2, head 3: Step 4 (6) gives {as_percent(float(weights.max()))} of its attention "
        f"to the patch in row {row + 1}, column {column + 1}."
        + outside_of_the_crop(reading, weights)
    )
    wait_for(page, caption.inner_text, said)
    choose(page, step=1)
    own = pytest.approx([float(reading.maps.cross[1, 2, 1].max())], abs=1e-3)
    wait_for(page, lambda: numbers(page, ".largest b[data-weight]", "weight"), own)
    assert page.complaints == []


@pytest.mark.looks
def test_what_decided_is_the_librarys_with_its_sources(page, model, reading):
    open_part(page, "answer")
    maps = torch.stack([mean_cross_attention(reading), rollout(reading), relevance(model, reading)])
    shown = page.locator(".mnist-detail .sources")
    for paper in ("Abnar & Zuidema 2020", "Chefer et al. 2021"):
        shown.get_by_role("link", name=paper).wait_for()
    for step in (0, 2):
        choose(page, step=step)
        own = pytest.approx(maps[:, step].amax(-1).tolist(), rel=1e-2)
        wait_for(page, partial(numbers, page, "canvas[data-peak].large", "peak"), own)
        shares = pytest.approx(reading.distributions[step].tolist(), abs=1e-4)
        wait_for(page, partial(numbers, page, ".share", "probability"), shares)
    assert page.complaints == []


@pytest.mark.looks
@pytest.mark.parametrize(
    "part, head",
    [
        ("decoder 2 cross", Head("cross", 1, 0)),
        ("encoder 3", Head("encoder", 2, 3)),
        ("decoder 1 self", Head("decoder", 0, 1)),
    ],
)
def test_the_numbers_inside_a_head_are_the_librarys(page, model, reading, part, head):
    open_part(page, part)
    page.locator(".mnist-detail .panel").nth(head.head).click()
    choose(page, step=2, patch=67 if head.attention == "encoder" else None)
    maps = {"cross": reading.maps.cross, "decoder": reading.maps.decoder}
    maps["encoder"] = reading.maps.encoder
    query = 67 if head.attention == "encoder" else 2
    key = int(maps[head.attention][head.layer, head.head, query].argmax())  # where it starts
    inside = inside_head(model, reading, head, query, key)
    score, weight = [[pytest.approx(n, abs=2e-3)] for n in (inside.score, inside.weight)]
    wait_for(page, lambda: numbers(page, ".formula[data-score]", "score"), score)
    wait_for(page, lambda: numbers(page, ".formula[data-weight]", "weight"), weight)
    formula = page.locator(".mnist-detail .inside .formula").inner_text()
    assert f"{len(inside.scores)} " in formula and f"{inside.score:.2f}" in formula
    rows = page.locator(".mnist-detail .table .row").evaluate_all(
        "rows => rows.map(row => JSON.parse(row.dataset.numbers))"
    )
    own = [inside.query, inside.key, inside.products, inside.value]
    for shown, expected in zip(rows, own, strict=False):
        assert shown == pytest.approx(expected.tolist(), abs=5e-3)
    assert page.complaints == []


@pytest.mark.looks
def test_numbers_can_be_read_on_their_colours(page):
    contrasts = """() => [...document.querySelectorAll('.mnist-detail .cell')].map(cell => {
        const style = getComputedStyle(cell);
        const [above, below] = [style.color, style.backgroundColor].map(colour => {
            const [r, g, b] = colour.match(/\\d+/g).slice(0, 3).map(end => end / 255)
                .map(share => share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        }).sort((one, other) => other - one);
        return (above + 0.05) / (below + 0.05);
    })"""
    for part in ("decoder 2 cross", "patches"):
        open_part(page, part)
        page.locator(".mnist-detail .cell").nth(63).wait_for()
        assert min(page.evaluate(contrasts)) >= 4.5


@pytest.mark.looks
def test_what_comes_out_of_a_head_is_the_librarys(page, passed):
    open_part(page, "decoder 1 cross")
    choose(page, step=1)
    out = page.locator(".mnist-detail .table .row").nth(4)
    wait_for(page, out.locator(".row-name").inner_text, "comes out")
    own = pytest.approx(passed.decoder[0].cross_attention.gathered[0, 1].tolist(), abs=2e-2)
    wait_for(page, lambda: out.evaluate("row => JSON.parse(row.dataset.numbers)"), own)
    assert page.complaints == []


def test_a_patch_is_touched_and_its_watchers_are_shown(page, reading):
    open_example(page)
    open_part(page, "encoder 2")
    page.get_by_label("all of the paper").check()
    large = page.locator(".mnist-detail .attention .large")
    settled(page)  # all of the paper is as wide as it will be
    large.scroll_into_view_if_needed()
    box = large.bounding_box()
    position = {"x": 14.5 / 28 * box["width"], "y": 2.5 / 4 * box["height"]}
    large.click(position=position)
    page.mouse.move(5, 5)
    patch, own = 2 * 28 + 14, reading.maps.encoder[1]
    wait_for(page, lambda: page.evaluate("document.mnistFollow.chosen.patch"), patch)
    wait_for_peaks(page, own[:, patch])
    page.get_by_label("who looks at it").check()
    wait_for_peaks(page, own[..., patch])
    large.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    patch = 1 * 28 + 15
    wait_for(page, lambda: page.evaluate("document.mnistFollow.chosen.patch"), patch)
    wait_for_peaks(page, own[..., patch])
    assert page.complaints == []


@pytest.mark.looks
def test_neurons_and_the_stream_are_the_models(page, passed):
    open_part(page, "decoder 2 mlp")
    mlp = passed.decoder[1].mlp
    for step in (0, 3):
        choose(page, step=step)
        most = float(mlp.hidden[step].max())
        sizes = [float(part[step].norm()) for part in (mlp.before, mlp.added, mlp.after)]
        for where, name, own in (
            ("b[data-firing]", "firing", [int((mlp.hidden[step] > 0).sum())]),
            ("b[data-neuron]", "neuron", [int(mlp.hidden[step].argmax())]),
            ("b[data-neuron]", "activation", pytest.approx([most], abs=1e-3)),
            ("b.size", "size", pytest.approx(sizes, abs=1e-3)),
        ):
            wait_for(page, partial(numbers, page, where, name), own)
    assert page.complaints == []


def test_the_scale_is_common_until_each_head_has_its_own(page, reading):
    open_example(page)
    open_part(page, "decoder 2 cross")
    end = page.locator(".mnist-detail .colour-bar .end")
    wait_for(page, end.inner_text, as_percent(float(reading.maps.cross[1].max())))
    page.get_by_label("each head its own scale").check()
    wait_for(page, end.inner_text, "each head’s peak")
    choose(page, step=1)  # what was set stays set
    settled(page)
    assert page.get_by_label("each head its own scale").is_checked()


@pytest.mark.looks
def test_what_is_shown_is_taken_away_as_an_svg(page):
    open_part(page, "decoder 2 cross")
    with page.expect_download() as download:
        page.locator(".mnist-detail .save").first.click()
    text = download.value.path().read_text()
    assert download.value.suggested_filename == "decoder_2_cross_All_heads_and_one_large.svg"
    assert text.startswith("<svg") and text.count("<image") >= 5
    assert "cross 2, head 4" in text
    assert page.complaints == []


def test_nothing_moves_when_another_drawing_is_read(page):
    open_example(page)
    open_part(page, "decoder 2 cross")
    tops = """() => ['.mnist-strip', '.mnist-detail']
        .map(name => document.querySelector(name).getBoundingClientRect().top)"""
    before = page.evaluate(tops)
    page.get_by_role("button", name="99", exact=True).evaluate("button => button.click()")
    wait_for_digits(page, "99")
    page.locator('.mnist-strip [data-part="answer"] .state', has_text="9").wait_for()
    settled(page)
    wait_for(page, lambda: page.evaluate(tops), pytest.approx(before, abs=1))
    page.locator('.mnist-detail[data-part="decoder 2 cross"]').wait_for()
    assert page.complaints == []


def test_a_head_is_switched_off_where_it_stands(page, model, reading):
    open_example(page)
    open_part(page, "decoder 1 cross")
    switch = page.locator('.mnist-detail [data-switch="cross 1, head 3"]')
    switch.click()
    page.locator('.mnist-detail [data-switch="cross 1, head 3"][aria-pressed="true"]').wait_for()
    change = intervention(model.config, ["cross 1, head 3"])
    changed = trace(edited(model, change), read_changed(model, reading.canvas, change))
    own = changed.decoder[0].cross_attention
    size = float(own.added[0].norm() / own.before[0].norm())
    said = f"+{as_addition(size)}"
    wait_for(page, lambda: box_texts(page, "state")["decoder 1 cross"], said)
    wait_for(page, lambda: peaks(page)[2:3], [0])
    panel = page.locator('.mnist-detail [data-head="cross 1, head 3"]')
    wait_for(page, panel.inner_text, "cross 1, head 3 · off")
    grey = """canvas => {
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return data.every((value, n) => n % 4 > 1 || value <= data[n - (n % 4) + 2] + 20);
    }"""
    wait_for(page, lambda: panel.locator("canvas").evaluate(grey), True)  # no trace of orange
    page.locator('.mnist-detail [data-switch="decoder 1"]').click()
    page.locator('.mnist-strip [data-part="decoder 1 mlp"] .state', has_text="off").wait_for()
    wait_for(page, switch.count, 0)  # of a layer that is off, no head is on
    page.locator('.mnist-detail [data-switch="decoder 1"]').click()
    switch.click()
    own = pytest.approx([float(reading.maps.cross[0, 2, 0].max())], abs=1e-3)
    wait_for(page, lambda: peaks(page)[2:3], own)
    assert page.complaints == []


@pytest.mark.looks
def test_if_the_encoder_stopped_earlier_is_the_librarys(page, model, reading):
    open_part(page, "memory")
    cells = page.locator(".mnist-detail td[data-early]")
    early = "cells => cells.map(cell => cell.dataset.early)"
    wait_for(page, lambda: cells.evaluate_all(early), memory_lens(model, reading).digits)
    assert page.complaints == []


@pytest.mark.looks
def test_the_strip_is_walked_with_the_keyboard(page):
    boxes = page.locator(".mnist-strip .part")
    boxes.first.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.locator('.mnist-detail[data-part="encoder 1"]').wait_for()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    page.locator('.mnist-detail[data-part="answer"]').wait_for()
    assert page.complaints == []


def test_on_an_empty_sheet_the_machine_stands_idle(page):
    open_example(page)
    open_part(page, "decoder 2 cross")
    page.get_by_role("button", name="Write your own").click()
    page.locator(".mnist-strip.idle").wait_for()
    wait_for(page, lambda: set(box_texts(page, "state").values()), {""})
    page.locator(".mnist-detail").wait_for(state="hidden")
    assert page.complaints == []


# Once it has its style and is mended.
HEIGHTS_OF_THE_SHEET = """
    window.heights = [];
    const look = () => {
        const sheet = document.querySelector('.st-key-sheet[data-rows]');
        if (sheet && getComputedStyle(sheet).getPropertyValue('--sheet')) {
            const height = Math.round(sheet.getBoundingClientRect().height);
            if (!heights.includes(height)) heights.push(height);
        }
        requestAnimationFrame(look);
    };
    look();
"""


def test_on_a_phone_the_strip_is_pushed_sideways_within_the_page(browser, server):
    page = new_page(browser, viewport={"width": 390, "height": 664}, has_touch=True)
    page.add_init_script(HEIGHTS_OF_THE_SHEET)
    page.goto(server[0])
    open_example(page)
    open_part(page, "decoder 2 cross")
    # It came for a desktop, as this phone does not say that it is one, and moved nothing.
    page.locator('.st-key-sheet[data-rows="1"]').wait_for()
    assert page.evaluate("heights") == [150]
    is_in_sight = """() => {
        const part = document.querySelector('.mnist-strip [data-part="decoder 2 cross"]');
        const { left, right } = part.getBoundingClientRect();
        return left >= 0 && right <= 390 && document.documentElement.scrollWidth <= 390;
    }"""
    page.wait_for_function(is_in_sight)
    page.context.close()
