"""Change one thing."""

from mnist_transformer import load_transformer
from mnist_transformer.explain.perturb import perturb
from tests.chromium import wait_for_digits, write
from tests.demo.browser.seen import open_example, read_example, settled, wait_for_certainties


def test_turn_thickness_and_noise_do_as_the_library_says(page):
    open_example(page)
    page.get_by_role("radio", name="Change one thing", exact=True).click()
    model = load_transformer()
    canvas = read_example(model).canvas
    change = dict(rotation=0, thickness=0.0, noise=0.0)
    for slider, presses, (name, value) in (
        ("Turn, in degrees", 4, ("rotation", 4)),
        ("Thickness", 5, ("thickness", 0.5)),
        ("Noise", 4, ("noise", 0.2)),
    ):
        page.get_by_role("slider", name=slider).focus()
        for _ in range(presses):
            page.keyboard.press("ArrowRight")
        change[name] = value
        wait_for_certainties(page, model.read_canvases(perturb(canvas, **change)[None])[0])
    assert page.complaints == []


def test_the_drawing_is_erased_stroke_by_stroke(page):
    write(page, "405")
    wait_for_digits(page, "405")
    page.get_by_role("radio", name="Change one thing", exact=True).click()
    settled(page)  # the canvas may answer once more after the last stroke
    page.get_by_role("slider", name="Strokes kept").focus()
    page.keyboard.press("ArrowLeft")
    wait_for_digits(page, "40")
    page.keyboard.press("ArrowLeft")
    wait_for_digits(page, "4")
    page.get_by_role("slider", name="Temperature of the samples").focus()
    page.keyboard.press("End")
    page.get_by_text("100 samples at temperature 5").wait_for()
    assert page.complaints == []
