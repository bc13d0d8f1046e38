"""Train your own."""

from tests.chromium import open_page, wait_for_digits, write
from tests.demo.browser.seen import wait_for_figure


def start_training(page):
    page.get_by_role("tab", name="Train your own").click()
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_text("Training: step").wait_for()


def test_a_short_training_run_starts_stops_and_reads(page, browser, server, tmp_path):
    write(page, "27")
    wait_for_digits(page, "27")
    start_training(page)
    other = open_page(browser, server[0])  # a second visitor sees nothing of it
    other.get_by_role("tab", name="Train your own").click()
    assert other.get_by_text("Training: step").count() == 0
    write(other, "5")  # and the page stays usable while the first one trains
    wait_for_digits(other, "5")
    other.context.close()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_text("Stopped: step").wait_for()
    page.get_by_text("Your model reads").wait_for()
    page.get_by_text("The shipped model reads").wait_for()
    # At the top of the page, and beside what the new model reads.
    page.locator('.reading[data-digits="27"]:visible').nth(1).wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download", exact=True).click()
    weights = tmp_path / "mine.safetensors"
    download.value.save_as(weights)
    page.get_by_role("button", name="Resume").click()  # it goes on where it stopped
    page.get_by_text("Training: step").wait_for()
    page.get_by_text("Where it looks at each step").wait_for()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_text("Stopped: step").wait_for()
    page.get_by_text("Your model reads").wait_for()
    page.get_by_role("button", name="Model: shipped").click()
    chooser = page.get_by_test_id("stPopoverBody").locator('input[type="file"]')
    chooser.set_input_files(weights)
    page.get_by_role("button", name="Model: mine").wait_for()
    page.locator('.mnist-stage [data-digits]:not([data-digits="27"])').wait_for()
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(weights.read_bytes()[:5000])
    chooser.set_input_files(broken)
    page.get_by_text("broken.safetensors is damaged").wait_for()
    page.locator('.mnist-stage [data-digits="27"]').wait_for()  # the shipped one reads again
    assert page.complaints == []


def test_runs_are_compared(page):
    for _ in range(2):
        start_training(page)
        page.get_by_role("button", name="Stop", exact=True).click()
        page.get_by_text("Stopped: step").wait_for()
    curves = wait_for_figure(page, "loss-figure", traces=2)
    names = curves.evaluate("plot => plot._fullData.map(trace => trace.name)")
    assert all("30,000 drawings" in name for name in names)
    assert page.complaints == []


def test_who_comes_third_waits_in_line(page, browser, server):
    others = [open_page(browser, server[0]) for _ in range(2)]
    for visitor in others:
        start_training(visitor)
    page.get_by_role("tab", name="Train your own").click()
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_text("Queued: 1 run ahead").wait_for()
    others[0].get_by_role("button", name="Stop", exact=True).click()
    page.get_by_text("Training: step").wait_for()
    others[1].context.close()  # whoever leaves ends his run
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_text("Stopped: step").wait_for()
    others[0].context.close()
    assert page.complaints == []
