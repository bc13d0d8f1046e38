"""A run's moments on the page: chosen, followed, compared and forked."""

import dataclasses
import gc
import weakref
from types import SimpleNamespace

import pytest
import torch
from streamlit.testing.v1 import AppTest

from demo import compare_view, models
from demo.fork_view import TO_ITS_END, _longer
from demo.jobs import MOST_BYTES, TrainingJob, _digits, _keep_bounds, new_fork, new_run
from demo.line import TrainingQueue
from demo.over_time import Known, _of_each_digit
from demo.train_view import in_words, status
from mnist_transformer import Transformer
from mnist_transformer.train import Progress
from mnist_transformer.training.moments import OPENED
from tests import ROOT
from tests.demo.parts import part, stage

FEW = 20


def finished():
    job = TrainingJob(1, "a test", "transformer", new_run("transformer", 320, 32, 0.002, FEW))
    job.start()
    job.wait()
    assert job.error is None
    return job


@pytest.fixture(scope="module")
def job():
    return finished()


@pytest.fixture(scope="module")
def fork(job):
    recipe = dataclasses.replace(job.moments.recipe, lr=0.004)
    step = job.moments.steps[3]
    work = new_fork(job.moments, step, recipe, FEW)
    made = TrainingJob(2, "rate 0.004", "transformer", work, parent=(job, step))
    made.start()
    made.wait()
    assert made.error is None
    return made


def opened(runs, **state):
    page = AppTest.from_file(str(ROOT / "demo" / "app.py"), default_timeout=120)
    page.query_params["only"] = "stage,machine,train"
    page.session_state["runs"] = runs
    page.session_state["runs_begun"] = len(runs)
    for name, value in state.items():
        page.session_state[name] = value
    page.run()
    assert not page.exception
    return page


def test_the_page_is_about_the_moment_that_is_chosen(job):
    page = opened([job], model=job.id)
    steps = part(page, "timeline")["steps"]
    assert steps == job.moments.steps and part(page, "timeline")["at"] == steps[-1]
    example = ROOT / "demo" / "examples" / "314159.png"
    for step in (steps[0], steps[len(steps) // 2]):
        page.session_state["steps_shown"] = {job.id: step}
        page.run()
        assert not page.exception
        assert part(page, "timeline")["at"] == step
        assert part(page, "curves")["at"] == {"run": job.id, "step": step}
        read = job.moments.model(step).read_page(example).rows[0].parts[0]
        assert stage(page)["digits"] == part(page, "strip")["digits"] == read.digits


def test_a_model_is_chosen_from_the_menu_and_left_again(job):
    page = opened([job])
    for now, wanted in ((models.SHIPPED, job.id), (job.id, models.SHIPPED)):
        page.radio(key=f"model-while-{now}").set_value(wanted).run()
        assert not page.exception
        assert page.session_state["model"] == wanted
        assert page.radio(key=f"model-while-{wanted}").value == wanted


def test_slider_and_drawing_are_of_one_moment_while_the_run_goes_on(job, monkeypatch):
    newest = iter(job.moments.steps)
    monkeypatch.setattr(models, "step_shown", lambda run: next(newest, run.moments.steps[-1]))
    page = opened([job], model=job.id)
    shown = page.session_state["read"].model
    then = job.moments.model(part(page, "timeline")["at"]).state_dict()
    assert all(torch.equal(now, then[name]) for name, now in shown.state_dict().items())


def test_with_the_shipped_model_there_is_no_slider(job):
    page = opened([job])
    assert "timeline" not in {each.proto.component_name for each in page.get("bidi_component")}
    assert stage(page)["digits"] == "314159"


def test_runs_stand_beside_one_another_with_their_branches(job, fork):
    page = opened([job, fork], model=fork.id)
    data = part(page, "curves")
    first, second = data["runs"]
    at = job.moments.moment(job.moments.steps[3])
    assert second["parent"] == {"id": job.id, "drawings": at.drawings}
    assert second["drawings"][-1] == first["drawings"][-1]
    assert "rate 0.004" in second["title"]
    # The drawing is read by each of them, and by the shipped one.
    said = [each.value for each in page.markdown]
    last = first["drawings"][-1]
    assert all(f"**Run {n} reads** after {last:,} drawings" in said for n in (1, 2))
    assert "**The shipped model reads**" in said


def test_runs_are_compared_after_as_many_drawings_as_the_moment_shown_where_one_says_so(job, fork):
    step = job.moments.steps[5]
    page = opened(
        [job, fork],
        model=job.id,
        steps_shown={job.id: step},
        **{"compared-at": compare_view.ALIKE},
    )
    at = job.moments.moment(step).drawings
    nearest = min(fork.drawings(fork.moments.numbers), key=lambda drawings: abs(drawings - at))
    said = [each.value for each in page.markdown]
    assert f"**Run 1 reads** after {at:,} drawings" in said
    assert f"**Run 2 reads** after {nearest:,} drawings" in said


def test_runs_are_compared_though_the_moment_shown_was_thinned_out_meanwhile(job, monkeypatch):
    gone = job.moments.steps[3] + 1
    shown = SimpleNamespace(run=(job, gone))
    monkeypatch.setattr(models, "chosen", lambda: shown)
    nearest = job.moments.moment(job.moments.nearest(gone)).drawings
    assert compare_view._drawings_alike([job]) == nearest > 0


def test_the_drawing_s_own_digits_are_followed_through_the_run(job):
    page = opened([job], model=job.id)
    for _ in range(50):
        lines = [chart for chart in part(page, "curves")["charts"] if chart["name"] == "own"]
        values = [line["values"] for line in lines[0]["lines"]]
        if all(number is not None for row in values for number in row):
            break
        page.run()
    assert "".join(line["name"] for line in lines[0]["lines"]) == "314159"
    assert all(len(row) == len(job.moments.steps) for row in values)


def test_a_run_that_is_thrown_away_is_gone_from_the_page_and_says_so_to_its_forks():
    job = finished()
    page = opened([job], model=job.id)
    work = new_fork(job.moments, job.moments.steps[1], job.moments.recipe, FEW)
    made = TrainingJob(2, "late", "transformer", work, parent=(job, job.moments.steps[1]))
    next(button for button in page.button if button.label == "Throw away").click().run()
    assert not page.exception
    assert page.session_state["runs"] == [] and page.session_state["model"] == models.SHIPPED
    assert stage(page)["digits"] == "314159"
    made.start()
    made.wait()
    assert "thrown away" in made.error and made.finished is None


def test_a_fork_is_asked_for_by_the_form_and_bad_wishes_are_refused(job):
    page = opened([job], model=job.id, **{"train-way": "Fork a run"})
    page.session_state["steps_shown"] = {job.id: job.moments.steps[2]}
    page.run()
    assert not page.exception
    labels = [box.label for box in page.selectbox]
    assert {"Highest learning rate", "Batch size", "Goes on for", "Without a head"} <= set(labels)
    shown = [each.value for each in page.markdown if "after **" in each.value]
    assert f"{job.moments.moment(job.moments.steps[2]).drawings:,} drawings" in shown[0]


def test_a_fork_goes_on_for_as_many_drawings_as_it_says(job):
    own, step = job.moments.recipe, job.moments.steps[3]
    longer = _longer(own, own, step, 2_000)
    steps = longer.epochs * (longer.samples_per_epoch // longer.batch_size)
    assert 2_000 - own.batch_size < (steps - step) * own.batch_size <= 2_000
    assert _longer(own, own, step, TO_ITS_END) == own


def models_alive():
    """How many there are with weights that take memory."""
    gc.collect()
    found = [held for held in gc.get_objects() if type(held) is Transformer]
    return sum(not next(model.parameters()).is_meta for model in found)


def test_runs_that_wait_or_have_ended_hold_no_model_but_the_few_that_were_looked_at_last():
    before = models_alive()
    waiting = [
        TrainingJob(n, "a test", "transformer", new_run("transformer", 320, 32, 0.002, FEW))
        for n in range(20)
    ]
    ended = [finished() for _ in range(2)]
    assert models_alive() == before
    for job in ended:
        for step in job.moments.steps:
            job.moments.model(step, keep=False)
    assert models_alive() == before
    for job in ended:
        assert len(job.moments.steps) > OPENED / 2
        for step in job.moments.steps:
            job.moments.model(step)
    assert before < models_alive() <= before + OPENED
    assert all(job.moments.steps == [] for job in waiting)


def test_training_digits_are_held_once_while_anyone_trains():
    first, second = _digits(), _digits()
    assert all(first[name] is second[name] for name in first)
    held = weakref.ref(first["digits"])
    del first, second
    assert held() is None


def test_a_drawing_that_a_run_s_model_cannot_take_is_not_followed_and_not_waited_for(job):
    canvas = torch.zeros(32, 64)
    model = job.moments.model(job.moments.steps[-1])
    assert _of_each_digit(model, Known(canvas=canvas, digits="2")) is None
    canvas = torch.zeros(model.config.canvas_height, model.config.canvas_width)
    assert _of_each_digit(model, Known(canvas=canvas, digits="2" * 99)) is None
    assert len(_of_each_digit(model, Known(canvas=canvas, digits="2"))) == 2


def test_without_a_run_there_is_nothing_to_fork():
    page = opened([], **{"train-way": "Fork a run"})
    assert not page.exception
    assert any("Train a model of your own first" in each.value for each in page.info)


def test_a_classifier_has_curves_but_the_page_is_never_about_it():
    job = TrainingJob(
        1, "a test", "classifier", new_run("classifier", 320, 32, 0.002), lambda: True
    )
    job.start()  # stops after its first step
    job.wait()
    page = opened([job])
    assert [chart["title"] for chart in part(page, "curves")["charts"]][1] == "digits right"
    assert page.radio(key="model-while-shipped").options == ["shipped"]


def test_moments_of_all_runs_of_a_server_stay_within_their_room(job, fork, monkeypatch):
    assert MOST_BYTES <= 200_000_000
    ends = {run: (run.moments.steps[0], run.moments.steps[-1]) for run in (job, fork)}
    before = sum(run.moments.bytes for run in (job, fork))
    monkeypatch.setattr("demo.jobs.MOST_BYTES", before // 2)
    _keep_bounds(job.moments.numbers[-1])
    assert sum(run.moments.bytes for run in (job, fork)) < before
    for run, (first, last) in ends.items():
        assert run.moments.steps[0] == first and run.moments.steps[-1] == last


def waiting(place, until=None):
    return SimpleNamespace(place_in_line=place, seconds_until_turn=until, history=[], title="run 1")


def test_who_waits_is_told_how_many_come_first_and_how_long_it_may_take():
    assert status(waiting(2)) == "Queued: 2 runs ahead"
    assert status(waiting(1, 70)) == "Queued: 1 run ahead, your turn in about 1 minute"


def test_a_run_says_how_fast_it_is():
    history = [Progress(n, 1000, 0.0, 1.0, 0.5, 0.001, n / 10) for n in range(10, 110, 10)]
    job = SimpleNamespace(
        place_in_line=0,
        history=history,
        title="run 1",
        running=True,
        stopping=False,
        drawings_a_second=320.0,
    )
    assert "320 drawings a second · about 2 minutes left" in status(job)
    assert in_words(12) == "about 10 s"


def test_a_run_that_is_stopped_before_its_turn_does_nothing_and_can_be_taken_up(monkeypatch):
    monkeypatch.setattr("demo.jobs.QUEUE", TrainingQueue(slots=0))
    work = new_run("transformer", 160, 32, 0.002, FEW)
    job = TrainingJob(1, "a test", "transformer", work, abandoned=lambda: True)
    job.start()
    job.wait()
    assert (job.history, job.finished, job.error) == ([], None, None)
    assert job.can_resume and status(job) == "Stopped before its turn came"


def test_those_who_run_are_the_first_in_line():
    line = TrainingQueue(slots=2)
    for job in "abc":
        line.join(job)
    assert line.running() == ["a", "b"]
