"""Take it apart: receipt, painted gaze, swapped thought, pen time; drawn and painted by mouse."""

import json

import pytest
import torch

from mnist_transformer.explain.attribution import attribute, follow
from mnist_transformer.explain.gaze import (
    Gaze,
    blank_paper,
    read_painted,
    spread,
    where_it_looked,
)
from mnist_transformer.explain.heads import Head
from mnist_transformer.explain.patching import Swap, read_swapped, swap_map
from mnist_transformer.figures.live.ledger import ledger_data
from tests.chromium import wait_for_digits, write
from tests.demo.browser.seen import EXAMPLE, open_example, settled, wait_for, wait_for_figure

OTHER = EXAMPLE.with_name("1704.png")


def open_way(page, way):
    page.get_by_role("radio", name="Take it apart", exact=True).click()
    page.get_by_role("radio", name=way).click()


def choose_step(page, step):
    """A tile of the stage, counted from 0."""
    page.locator(f'.mnist-stage button[data-step="{step}"]').click()


def numbers(page):
    """The numbers on the ledger's drawing."""
    return json.loads(page.locator(".mnist-ledger canvas:visible").get_attribute("data-numbers"))


def bars(page):
    return page.locator(".mnist-bars:visible").evaluate(
        "bars => [...bars.children].map(bar => [bar.dataset.name, Number(bar.dataset.amount)])"
    )


def wait_for_ledger(page, patches, lines):
    page.locator(".mnist-ledger canvas[data-numbers]:visible").wait_for()
    close = pytest.approx(patches.tolist(), abs=1e-5)
    wait_for(page, lambda: numbers(page), close)
    wait_for(page, lambda: dict(bars(page)), pytest.approx(dict(lines), abs=1e-5))
    return dict(bars(page))


@pytest.mark.looks
def test_the_receipt_is_the_librarys_follows_the_stage_and_leads_down(page, model, reading):
    open_way(page, "The receipt")
    receipt = attribute(model, reading)
    best, second = receipt.logits[0].topk(2).indices.tolist()
    bill = receipt.bill(0, best, second)
    shown = wait_for_ledger(page, bill.per_patch, [*bill.lines, ("total", bill.total)])
    parts = [amount for name, amount in shown.items() if name != "total"]
    assert sum(parts) == pytest.approx(shown["total"], abs=1e-5)
    names = [*(line.name for line in bill.lines), "total"]
    wait_for(page, lambda: [name for name, _ in bars(page)], names)

    choose_step(page, 2)
    best, second = receipt.logits[2].topk(2).indices.tolist()
    bill = receipt.bill(2, best, second)
    wait_for_ledger(page, bill.per_patch, [*bill.lines, ("total", bill.total)])

    page.locator('.mnist-bars [data-name="cross 2, head 3"]').click()
    patches = bill.patches[1, 2]
    wait_for(page, lambda: numbers(page), pytest.approx(patches.tolist(), abs=1e-5))
    patch = int(patches.abs().argmax())
    line = follow(model, reading, Head("cross", 1, 2), 2, patch, best, second)
    page.get_by_text(f"{line.amount:+.4f}").wait_for()
    first = page.locator(".numbers tr").first.locator("td")
    values = [f"{number:+.3f}" for number in line.value]
    wait_for(page, first.all_text_contents, values)
    assert page.complaints == []


@pytest.mark.looks
def test_where_one_paints_by_mouse_the_model_looks(page, model, reading):
    open_way(page, "Paint the gaze")
    canvas = page.locator(".mnist-gaze canvas")
    canvas.wait_for()
    settled(page)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    rows, columns = reading.maps.grid
    looked = reading.maps.cross[:, :, 3].mean((0, 1)).unflatten(0, reading.maps.grid).sum(0)
    middle = float((looked * (torch.arange(columns) + 0.5)).sum())
    x = box["x"] + box["width"] * middle / columns
    page.mouse.move(x, box["y"] + 3)
    page.mouse.down()
    page.mouse.move(x, box["y"] + box["height"] - 3, steps=12)
    page.mouse.up()
    # By hand: what the round pen covered.
    row, column = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    covered = (column + 0.5 - middle).abs() < 1.2
    expected = read_painted(
        model, reading.canvas, [Gaze(0, spread(covered.float(), reading.maps.grid))]
    )
    assert expected.digits[0] == "6" != reading.digits[0]
    painted = page.locator("[data-painted]")
    wait_for(page, lambda: painted.get_attribute("data-painted")[:1], "6")
    assert page.complaints == []


def test_places_that_are_named_and_single_layers_give_the_librarys_reading(page, model, reading):
    open_example(page)
    open_way(page, "Paint the gaze")
    painted = page.locator("[data-painted]")

    def wait_for_painted(gazes):
        expected = read_painted(model, reading.canvas, gazes)
        sure = [f"{p:.0%}" for p in expected.probabilities]
        wait_for(page, lambda: painted.get_attribute("data-painted"), expected.digits)
        tiles = painted.locator(".sure")
        wait_for(page, tiles.all_text_contents, sure)

    wait_for_painted([])
    page.locator('.mnist-places [data-place="digit 3"]').click()
    wait_for_painted([Gaze(0, where_it_looked(reading, 3))])
    page.get_by_role("button", name="cross 2", exact=True).click()  # leaves the first layer alone
    first = frozenset(Head("cross", 0, n) for n in range(4))
    wait_for_painted([Gaze(0, where_it_looked(reading, 3), first)])
    page.get_by_text("Single heads as well").click()
    page.get_by_role("button", name="cross 2, head 3", exact=True).click()  # and one head
    wait_for_painted([Gaze(0, where_it_looked(reading, 3), first | {Head("cross", 1, 2)})])
    page.get_by_role("button", name="cross 2", exact=True).click()
    page.locator('.mnist-places [data-place="paper"]').click()
    wait_for_painted([Gaze(0, blank_paper(reading))])
    choose_step(page, 1)
    wait_for_painted([Gaze(1, blank_paper(reading))])
    page.locator('.mnist-places [data-place="own"]').click()
    wait_for_painted([])
    assert page.complaints == []


@pytest.mark.looks
def test_a_thought_is_carried_over_and_put_back(page, model, reading):
    open_way(page, "Swap a thought")
    donor = model.read(OTHER)
    page.locator("[data-swapped]").wait_for()  # until then the receipt may be still in sight
    found = swap_map(model, reading, donor, 0)
    lines = {f"all of {stack} {n + 1}": share for (stack, n), share in found.layers.items()}
    lines |= {head.name: share for head, share in found.heads.items()}
    wait_for_ledger(page, found.patches, lines.items())
    swapped = page.locator("[data-swapped]")
    wait_for(page, lambda: swapped.get_attribute("data-swapped"), "2026")
    page.locator('.mnist-bars [data-name="all of encoder 4"]').click()
    wait_for(page, lambda: swapped.get_attribute("data-swapped"), "1704")
    page.locator('.mnist-bars [data-name="all of encoder 4"][aria-pressed="true"]').click()
    wait_for(page, lambda: swapped.get_attribute("data-swapped"), "2026")

    best = int(found.patches.argmax())
    canvas = page.locator(".mnist-ledger canvas:visible")
    settled(page)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    row, column = divmod(best, 28)
    first, end = ledger_data(reading, found.patches, [], "")["shown"]  # the paper that is seen
    across, down = (column + 0.5 - first) / (end - first), (row + 0.5) / 4
    canvas.click(position={"x": box["width"] * across, "y": box["height"] * down})
    page.get_by_text(f"the square in row {row + 1}, column {column + 1}").wait_for()
    alone = read_swapped(model, reading, donor, Swap(patches=frozenset({best})))
    wait_for(page, lambda: swapped.get_attribute("data-swapped"), alone.digits)
    sure = [f"{p:.0%}" for p in alone.probabilities]
    wait_for(page, swapped.locator(".sure").all_text_contents, sure)
    assert page.complaints == []


def test_pen_time_reads_along_as_one_writes(page):
    write(page, "27")
    wait_for_digits(page, "27")
    open_way(page, "Pen time")
    page.locator("[data-moments]").wait_for()
    settled(page)
    moments = int(page.locator("[data-moments]").get_attribute("data-moments"))
    assert moments >= 6
    plot = wait_for_figure(page, "pen-time", 2)
    names = plot.evaluate("plot => plot.data.filter(t => t.mode !== 'lines').map(t => t.name)")
    assert {"2", "7"} <= set(names)
    curve = "plot => [...plot.data.find(t => t.name === '7').y]"
    wait_for(page, lambda: len(plot.evaluate(curve)), moments)
    assert plot.evaluate(curve)[-1] > 0.9
    # What was written by hand has a receipt, too, and it adds up.
    page.get_by_role("radio", name="The receipt").click()
    page.locator(".mnist-ledger canvas[data-numbers]:visible").wait_for()
    settled(page)
    lines = dict(bars(page))
    total = lines.pop("total")
    assert sum(lines.values()) == pytest.approx(total, abs=1e-5)
    heads = sum(amount for name, amount in lines.items() if name.startswith("cross"))
    assert sum(numbers(page)) == pytest.approx(heads, abs=1e-5)
    assert page.complaints == []


@pytest.mark.looks
def test_a_picture_has_no_pen_time(page):
    open_way(page, "Pen time")
    page.get_by_text("Write one line on an empty sheet above").wait_for()
    assert page.complaints == []
