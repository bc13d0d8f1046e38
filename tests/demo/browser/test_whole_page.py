"""The whole page: on a phone, in the dark, its tour; last, the server's log of all these tests."""

from tests.chromium import wait_for_digits, write
from tests.demo.browser.seen import open_example


def test_on_a_phone_a_finger_writes(browser, server):
    context = browser.new_context(
        viewport={"width": 390, "height": 844},
        is_mobile=True,
        has_touch=True,
        user_agent="Mozilla/5.0 (Linux; Android 14) Mobile",
    )
    page = context.new_page()
    page.goto(server[0])
    canvas = page.locator("canvas").last
    canvas.wait_for()
    assert canvas.bounding_box()["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Leave").click()
    page.get_by_text("1 of 5").wait_for(state="detached")
    write(page, "7")
    wait_for_digits(page, "7")
    context.close()


def test_the_tour_leads_through_five_stops(page):
    for stop in range(2, 6):
        page.get_by_role("button", name="Next").click()
        page.get_by_text(f"{stop} of 5").wait_for()
    page.get_by_role("button", name="Done").click()
    page.get_by_text("5 of 5").wait_for(state="detached")
    assert page.complaints == []


def test_the_page_follows_a_dark_theme(browser, server):
    context = browser.new_context(color_scheme="dark", viewport={"width": 1280, "height": 1100})
    page = context.new_page()
    page.goto(server[0])
    open_example(page)
    style = "element => getComputedStyle(element).{}.match(/\\d+/g).slice(0, 3).map(Number)"
    dark = page.locator(".stApp").evaluate(style.format("backgroundColor"))
    light = page.locator(".reading .digit").first.evaluate(style.format("color"))
    assert max(dark) < 60 and min(light) > 200
    context.close()


def test_the_servers_log_is_clean(page, server):
    log = server[1].read_text()
    for word in ("Warning", "warning", "Error", "Traceback", "deprecated"):
        assert word not in log, log
