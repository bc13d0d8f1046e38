"""The course: its tasks are done, as a learner would, and the page notices."""

import json

from demo.course import LESSONS
from tests.chromium import new_page, sheet_box, wait_for_digits, write
from tests.demo.browser.seen import a_new_canvas, open_example, settled, wait_for


def done(page):
    page.locator(".mnist-course .card.done").wait_for()
    return page.get_by_text("✓ ")


def wait_for_pointer(page, selector):
    """Until the frame stands around what the lesson speaks of, in sight above the card."""
    frames = """selector => {
        const named = ['.mnist-pointer', selector, '.mnist-course .card'];
        const [frame, box, card] = named
            .map(name => document.querySelector(name)?.getBoundingClientRect());
        return frame && box && card
            && Math.hypot(frame.left + 5 - box.left, frame.top + 5 - box.top) < 4
            && box.top >= 0 && box.bottom <= card.top;
    }"""
    page.wait_for_function(frames, arg=selector)


def stroke(page, *points):
    """A stroke through points of the sheet, in pixels."""
    box = sheet_box(page)
    page.mouse.move(box["x"] + points[0][0], box["y"] + points[0][1])
    page.mouse.down()
    for x, y in points[1:]:
        page.mouse.move(box["x"] + x, box["y"] + y, steps=8)
    page.mouse.up()


def click(page, element, across, down):
    """Somewhere on an element, from 0 to 1."""
    settled(page)
    element.evaluate("element => element.scrollIntoView({ block: 'center' })")  # clear of the card
    box = element.bounding_box()
    element.click(position={"x": across * box["width"], "y": down * box["height"]})


def write_two_digits(page):
    wait_for_pointer(page, ".st-key-sheet")
    write(page, "27")


def go_to_the_last_step(page):
    page.locator(".mnist-tiles button").nth(1).click()
    page.wait_for_timeout(500)
    assert page.locator(".card.done").count() == 0
    page.locator(".mnist-tiles .mnist-end").click()


def follow_a_head(page):
    page.locator(".mnist-stage select").first.select_option(label="cross 2, head 1")
    page.locator(".mnist-tiles button").nth(0).click()
    page.wait_for_timeout(500)
    page.locator(".mnist-tiles button").nth(1).click()


def rub_out_the_bar_of_a_7(page):
    with a_new_canvas(page):
        page.get_by_role("button", name="Clear").click()
    page.get_by_text("Write 1 to 8 digits").first.wait_for()
    stroke(page, (560, 25), (530, 80), (505, 140))
    wait_for_digits(page, "1")
    stroke(page, (470, 30), (515, 27), (560, 25))
    wait_for_digits(page, "7")
    assert page.locator(".card.done").count() == 0
    page.get_by_role("button", name="Undo").click()
    wait_for_digits(page, "1")


def let_a_patch_look_around(page):
    page.get_by_role("button", name="314159", exact=True).click()
    wait_for_digits(page, "314159")
    page.locator('.mnist-detail[data-part="encoder 2"]').wait_for()  # the lesson opens it
    wait_for_pointer(page, ".mnist-strip")
    click(page, page.locator(".mnist-detail canvas.large").first, 0.3, 0.5)


def find_the_layer_that_knows_the_place(page):
    wait_for_pointer(page, ".mnist-matrix")
    matrix = page.locator(".mnist-matrix")
    matrix.locator('[data-part="decoder 2"]').click()
    page.get_by_text("With decoder 2 off it reads").wait_for()
    matrix.locator('[data-part="decoder 2"]').click()
    page.get_by_text("With nothing changed it reads").wait_for()
    matrix.locator('[data-part="decoder 1"]').click()


def wear_out_the_heads(page):
    matrix = page.locator(".mnist-matrix")
    matrix.get_by_role("button", name="Reset").click()
    for head in range(1, 5):
        matrix.locator(f'[data-part="cross 1, head {head}"]').click()


def train(page):
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_text("Training: step").wait_for()
    page.get_by_role("button", name="Stop", exact=True).click()


def find_the_square_that_added_most(page):
    """The machine is whole again, though the heads were left off."""
    wait_for_digits(page, "314159")
    page.locator('.mnist-bars [data-name="cross 2, head 1"]').click()
    page.locator('.mnist-bars [data-name="cross 2, head 1"][aria-pressed="true"]').wait_for()
    canvas = page.locator(".mnist-ledger canvas:visible")
    settled(page)
    numbers = json.loads(canvas.get_attribute("data-numbers"))
    first, end = json.loads(canvas.get_attribute("data-shown"))
    row, column = divmod(max(range(len(numbers)), key=numbers.__getitem__), 28)
    click(page, canvas, (column + 0.5 - first) / (end - first), (row + 0.5) / 4)


def find_the_layer_that_reads(page):
    page.get_by_role("button", name="cross 1", exact=True).click()
    page.locator('[data-looking="cross 2"]').wait_for()
    page.locator(".mnist-tiles button").nth(0).click()
    canvas = page.locator(".mnist-gaze canvas")
    canvas.evaluate("element => element.scrollIntoView({ block: 'center' })")
    box = canvas.bounding_box()
    x = box["x"] + 0.37 * box["width"]  # where the 1 of 314159 stands
    page.mouse.move(x, box["y"] + 3)
    page.mouse.down()
    page.mouse.move(x, box["y"] + box["height"] - 3, steps=8)
    page.mouse.up()


def carry_squares_over(page):
    page.locator('[data-turned="False"]').wait_for()
    page.locator('.mnist-bars [data-name="all of encoder 4"]').click()


def write_a_9(page):
    with a_new_canvas(page):
        page.get_by_role("button", name="Write your own").click()
    page.get_by_text("Write 1 to 8 digits").first.wait_for()
    write(page, "9")


def find_where_the_answer_stands(page):
    page.locator('.mnist-detail[data-part="answer"]').wait_for()  # the lesson opens it
    page.locator('.mnist-strip [data-part="decoder 1 cross"]').click()


def find_a_head_by_its_habit(page):
    page.get_by_role("radio", name="heads that look back at tokens").click()
    page.locator('[data-habits="decoder"]').wait_for()
    page.locator(".st-key-habit-of-decoder").get_by_text("self 2, head 1").click()


TASKS = [
    write_two_digits,
    go_to_the_last_step,
    follow_a_head,
    rub_out_the_bar_of_a_7,
    let_a_patch_look_around,
    find_the_layer_that_knows_the_place,
    wear_out_the_heads,
    train,
    find_the_square_that_added_most,
    find_the_layer_that_reads,
    carry_squares_over,
    write_a_9,
    find_where_the_answer_stands,
    find_a_head_by_its_habit,
]


def test_a_learner_does_the_tasks_of_all_lessons(page):
    assert len(TASKS) == len(LESSONS)
    page.get_by_role("button", name=f"Course: {len(LESSONS)} lessons").click()
    for number, task in enumerate(TASKS, 1):
        page.get_by_text(f"{number} of {len(LESSONS)}").wait_for()
        page.locator(".card:not(.done)").wait_for()
        page.wait_for_url(f"**lesson={number}*")
        task(page)
        done(page)
        page.locator(".mnist-course nav .next").click()
    page.locator(".mnist-course .card").wait_for(state="detached")
    assert page.complaints == []


def test_of_what_is_told_in_one_message_all_is_shown(page, server):
    """The strip tells that a part is opened, and the course that a task is done: Streamlit runs the
    strip's fragment alone."""
    page.goto(f"{server[0]}/?lesson=13")
    page.locator('.mnist-detail[data-part="answer"]').wait_for()
    settled(page)
    # Streamlit gathers for one turn of the browser what is told; here for longer.
    page.evaluate("""() => {
        const { setTimeout } = window;
        window.setTimeout = (act, wait, ...rest) => setTimeout(act, wait || 600, ...rest);
    }""")
    find_where_the_answer_stands(page)
    done(page)
    assert page.complaints == []


def test_the_course_is_left_and_gone_on_with(page):
    page.get_by_role("button", name=f"Course: {len(LESSONS)} lessons").click()
    page.get_by_text(f"1 of {len(LESSONS)}").wait_for()
    write(page, "27")
    done(page)
    page.get_by_role("button", name="Next", exact=True).click()
    page.get_by_text(f"2 of {len(LESSONS)}").wait_for()
    page.get_by_role("button", name="Leave the course").click()
    page.locator(".mnist-course .card").wait_for(state="detached")
    page.wait_for_url(lambda url: "lesson" not in url)
    page.reload()
    page.get_by_role("button", name="Course: go on with lesson 2").click()
    page.get_by_text(f"2 of {len(LESSONS)}").wait_for()
    assert page.complaints == []


def test_a_teacher_prepares_a_screen(page, browser):
    open_example(page)
    page.get_by_role("radio", name="Intervene", exact=True).click()
    page.locator('.mnist-matrix [data-part="cross 1, head 2"]').click()
    page.get_by_text("With cross 1, head 2 off it reads").wait_for()
    page.locator(".mnist-tiles button").nth(2).click()
    page.locator(".mnist-stage select").select_option(label="cross 2, head 3")
    page.locator('.mnist-strip [data-part="encoder 2"]').click()
    page.get_by_role("button", name="Save or share").click()
    page.get_by_role("button", name="Put this screen in the address bar").click()
    page.get_by_text("reopens this screen").wait_for()
    opened = new_page(browser, viewport={"width": 1280, "height": 800})
    opened.goto(page.url + "&lesson=7&only=stage,machine,intervene")
    wait_for_digits(opened, "2026")
    opened.locator('.mnist-detail[data-part="encoder 2"]').wait_for()
    opened.locator('[data-attention][data-step="3"][data-head="cross 2, head 3"]').wait_for()
    opened.get_by_text("With cross 1, head 2 off it reads").wait_for()
    opened.get_by_text(f"7 of {len(LESSONS)}").wait_for()
    opened.locator(".st-key-sheet").wait_for(state="hidden")
    sections = opened.locator(".st-key-sections").get_by_role("radio")
    wait_for(page, sections.all_inner_texts, ["Intervene"])
    opened.context.close()
    assert page.complaints == []


def test_a_link_that_says_nonsense_opens_the_page_all_the_same(page, server):
    page.goto(f"{server[0]}/?lesson=99&only=nothing&off=cross 9, head 9&step=x&part=<b>")
    page.locator("[data-attention]").wait_for()
    page.get_by_text("parts that the model does not have").wait_for()
    wait_for(page, page.locator(".st-key-sections").get_by_role("radio").count, 4)
    settled(page)
    assert page.locator(".mnist-course .card").count() == 0
    assert page.complaints == []
