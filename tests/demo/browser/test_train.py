"""Train your own."""

from tests.chromium import open_page, wait_for_digits, write
from tests.demo.browser.seen import settled, wait_for


def start_training(page):
    """A run of the greatest length, which is not over before it is stopped."""
    page.get_by_role("radio", name="Train your own", exact=True).click()
    page.get_by_role("slider", name="Length of the run").focus()
    page.keyboard.press("End")
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_text("Training: step").wait_for()


def stop_training(page, run=1):
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_text(f"Run {run} · Stopped: step").wait_for()


def slide(page, share):
    """Put the slider of moments where that share of it lies left."""
    track = page.locator(".mnist-timeline .track")
    track.scroll_into_view_if_needed()
    box = track.bounding_box()
    x = 1 + share * (box["width"] - 2)  # not on the rim, where it may be missed
    track.click(position={"x": x, "y": box["height"] / 2})


def test_a_run_is_started_slid_through_forked_compared_and_kept(page, browser, server, tmp_path):
    write(page, "27")
    wait_for_digits(page, "27")
    start_training(page)
    other = open_page(browser, server[0])  # a second visitor sees nothing of it
    other.get_by_role("radio", name="Train your own", exact=True).click()
    assert other.get_by_text("Training: step").count() == 0
    other.get_by_role("button", name="Model: shipped").click()
    names = other.get_by_test_id("stPopoverBody").get_by_role("radio")
    wait_for(page, names.count, 1)
    other.keyboard.press("Escape")
    write(other, "5")  # and the page stays usable while the first one trains
    wait_for_digits(other, "5")
    other.context.close()
    stop_training(page)
    page.get_by_text("Run 1 reads").wait_for()
    page.get_by_text("The shipped model reads").wait_for()
    # At the top of the page, and beside what the new model reads.
    page.locator('.reading[data-digits="27"]:visible').nth(1).wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download", exact=True).click()
    weights = tmp_path / "mine.safetensors"
    download.value.save_as(weights)
    page.get_by_role("button", name="Resume").click()  # it goes on where it stopped
    page.get_by_text("Training: step").wait_for()
    stop_training(page)

    page.get_by_role("button", name="Look into it").click()
    page.get_by_role("button", name="Model: run 1").wait_for()
    page.locator(".mnist-timeline").wait_for()
    settled(page)
    slide(page, 0.01)
    page.locator('.mnist-timeline[data-at="0"]').wait_for()
    slide(page, 0.99)
    page.locator('.mnist-timeline:not([data-at="0"])').wait_for()
    settled(page)
    curve = page.locator('.mnist-curves [data-chart="decoder_loss"] .plot')
    curve.hover(position={"x": 9, "y": 40})  # rests on the first moment
    page.locator('.mnist-timeline[data-at="0"]').wait_for()

    page.get_by_role("radio", name="Fork a run").click()
    page.get_by_text("after 0 drawings").wait_for()
    page.get_by_text("Without positions").click()
    page.get_by_role("button", name="Fork", exact=True).click()
    page.get_by_text("Run 2 · Training: step").wait_for()
    stop_training(page, 2)
    page.get_by_text("Run 2 reads").wait_for()
    names = page.locator(".mnist-curves .label")
    names.nth(0).get_by_text("drawings, batch 32").wait_for()
    wait_for(page, lambda: names.all_text_contents()[1:], ["2: without positions"])
    wait_for(page, page.locator('[data-chart="decoder_loss"] polyline').count, 2)

    page.get_by_role("button", name="Model: run 1").click()
    chooser = page.get_by_test_id("stPopoverBody").locator('input[type="file"]')
    chooser.set_input_files(weights)
    page.get_by_role("button", name="Model: mine").wait_for()
    settled(page)
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(weights.read_bytes()[:5000])
    chooser.set_input_files(broken)
    page.get_by_text("broken.safetensors is damaged").wait_for()
    page.locator('.mnist-stage [data-digits="27"]').wait_for()  # the shipped one reads again
    assert page.complaints == []


def name_digit(page, n, label):
    """Say what the nth digit of the sheet is."""
    page.locator(f".st-key-own-digit-{n} button").click()
    page.get_by_role("radiogroup", name=f"Digit {n} is a").get_by_text(label, exact=True).click()
    page.locator(f".st-key-own-digit-{n}").get_by_text(label, exact=True).wait_for()


def test_it_is_taught_digits_that_are_kept_saved_and_taken_back(page, tmp_path):
    write(page, "27")
    wait_for_digits(page, "27")
    page.get_by_role("radio", name="Train your own", exact=True).click()
    page.get_by_role("radio", name="Teach it your hand").click()
    name_digit(page, 2, "1")  # what was misread is corrected
    page.get_by_role("button", name="Keep these 2 digits").click()
    page.get_by_text("Your digits: 1 × 1, 1 × 2").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download them").click()
    digits = tmp_path / "digits.json"
    download.value.save_as(digits)
    page.get_by_role("button", name="Forget them").click()
    page.get_by_text("Your digits: none yet").wait_for()
    chooser = page.locator('.st-key-own-upload input[type="file"]')
    chooser.set_input_files(digits)
    page.get_by_text("Your digits: 1 × 1, 1 × 2").wait_for()
    nonsense = tmp_path / "nonsense.json"
    nonsense.write_text("[1, 2]")
    chooser.set_input_files(nonsense)
    page.get_by_text("nonsense.json was not taken").wait_for()
    page.get_by_text("Your digits: 1 × 1, 1 × 2").wait_for()  # nothing is lost
    page.get_by_role("button", name="Teach the shipped model these 2 digits").click()
    page.get_by_text("Training: step").wait_for()
    stop_training(page)
    page.locator(".numbers[data-own]").wait_for()
    page.get_by_text("The lesson was stopped before its end").wait_for()
    page.get_by_text("Digit by digit on these lines").wait_for()
    assert page.complaints == []


def test_who_comes_third_waits_in_line(page, browser, server):
    others = [open_page(browser, server[0]) for _ in range(2)]
    for visitor in others:
        start_training(visitor)
    page.get_by_role("radio", name="Train your own", exact=True).click()
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_text("Queued: 1 run ahead").wait_for()
    others[0].get_by_role("button", name="Stop", exact=True).click()
    page.get_by_text("Training: step").wait_for()
    others[1].context.close()  # whoever leaves ends his run
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_text("Stopped: step").wait_for()
    others[0].context.close()
    assert page.complaints == []
