import dataclasses

import pytest
import torch

from mnist_transformer import Transformer, load_transformer
from mnist_transformer.checkpoint import read_metadata
from mnist_transformer.config import GRID_CONFIG
from mnist_transformer.dataset import embedded_digits
from mnist_transformer.hands.own import stroke_digit
from mnist_transformer.training.forks import fork
from mnist_transformer.training.moments import MomentError, Moments, Origin
from mnist_transformer.training.presets import TEACHING
from mnist_transformer.training.progress import RunRefusedError
from mnist_transformer.training.teach import OWN_SHARE, mixed_in, score, teach

SEVEN = [[[0, 0], [90, 0], [30, 160]], [[20, 80], [80, 75]]]


@pytest.fixture
def quick():
    return dict(
        recipe=dataclasses.replace(
            TEACHING,
            samples_per_epoch=64,
            batch_size=8,
            rerendered=0.0,
            synthetic=0.0,
            non_digits=0.0,
            uci=0.0,
            fonts=0.0,
            lr=0.01,
        ),
        digits=embedded_digits("train"),
        validation=embedded_digits("validation"),
        num_validation=20,
        progress_bar=False,
    )


def test_teaching_leaves_the_model_as_it_was_and_says_what_was_learned_and_lost(model, quick):
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    moments = Moments(keep=3)
    own = [stroke_digit(7, SEVEN)]
    lesson = teach(model, own, **quick, moments=moments, parent=Origin("a run", 12))
    assert all(torch.equal(model.state_dict()[name], tensor) for name, tensor in before.items())
    assert lesson.result.finished and lesson.model.config == model.config
    assert not torch.equal(lesson.model.decoder.position, model.decoder.position)
    for scored, reader in ((lesson.before, model), (lesson.after, lesson.model)):
        assert scored == score(reader, own, quick["validation"], 20)
        assert set(scored.per_digit) <= set(range(10))
        assert all(0 <= share <= 1 for share in scored.per_digit.values())
        assert scored.own in (0.0, 1.0)
    assert moments.parent == Origin("a run", 12) and moments.steps[-1] == 8


def test_a_lesson_steps_back_towards_the_model_before_in_all_that_it_leaves(
    model, quick, tmp_path, monkeypatch
):
    own, left = [stroke_digit(7, SEVEN)], {}
    for kept in (0.0, 0.25):
        monkeypatch.setattr("mnist_transformer.training.teach.KEPT", kept)
        moments, file = Moments(keep=3), tmp_path / f"{kept}.safetensors"
        lesson = teach(model, own, **quick, moments=moments, checkpoint=file)
        left[kept] = dict(lesson.model.named_parameters())
        for name, saved in load_transformer(file).named_parameters():
            assert torch.equal(saved, left[kept][name])
        for name, newest in moments.model(8).named_parameters():
            assert torch.equal(newest, left[kept][name].half().float())
        assert moments.steps[-1] == 8 and 0 <= moments.numbers[-1].lines_right <= 1
    for name, before in model.named_parameters():
        torch.testing.assert_close(left[0.25][name], before.lerp(left[0.0][name], 0.75))
    assert read_metadata(file)["settings"]["lr"] == quick["recipe"].lr


def test_a_fork_of_a_lesson_s_end_goes_on_from_the_weights_that_are_shown(model, quick, tmp_path):
    own, file = [stroke_digit(7, SEVEN)], tmp_path / "lesson.safetensors"
    moments, asked = Moments(keep=5, exact=1), iter([False, True])
    stopped = teach(model, own, **quick, moments=moments, checkpoint=file, stop=lambda: next(asked))
    assert not stopped.result.finished and moments.steps[-1] == 2
    options = {name: quick[name] for name in ("digits", "validation", "num_validation")}
    options["progress_bar"] = False

    def begins_at(step, **changed):
        fork_moments = Moments(keep=3)
        longer = dataclasses.replace(moments.recipe, **changed)
        result = fork(moments, step, longer, moments=fork_moments, **options)
        return fork_moments.model(fork_moments.steps[0]), result.model

    assert same_weights(begins_at(2)[0], moments.model(2))
    teach(model, own, **quick, moments=moments, checkpoint=file)  # goes on from before its step
    assert same_weights(begins_at(8, epochs=2)[0], moments.model(8))
    # Nothing but a fork went on from where the stopped lesson had stepped back.
    whole = Moments(keep=5, exact=1)
    teach(model, own, **quick, moments=whole)
    assert same_weights(moments.model(8), whole.model(8))
    assert 4 not in moments.exact
    assert same_weights(begins_at(4)[0], whole.model(4))
    # No repeated step leads to what was stepped back: its exact state stays as long as it does.
    moments.thin()
    assert moments.steps == moments.exact == [0, 2, 8]
    assert same_weights(begins_at(2)[0], moments.model(2))
    (moments.folder / "00000002.state").write_bytes(b"nothing")
    with pytest.raises(MomentError, match="leads to step 2 any more: go on after step 8"):
        begins_at(2)
    moments.thin()
    assert moments.steps == moments.exact == [0, 8]


def same_weights(a, b):
    a, b = a.state_dict(), b.state_dict()
    return all(torch.equal(a[name], b[name]) for name in a)


def test_own_digits_are_a_share_of_all():
    own = mixed_in([stroke_digit(7, SEVEN)], 900, seed=0)
    assert len(own) / (900 + len(own)) == pytest.approx(OWN_SHARE, abs=0.01)
    assert set(own.labels.tolist()) == {7} and own.boxes.shape == (len(own), 4)


def test_there_must_be_something_to_teach_and_a_reader_of_lines(model, quick):
    with pytest.raises(RunRefusedError, match="give at least one digit of your own"):
        teach(model, [], **quick)
    with pytest.raises(RunRefusedError, match="reads grids"):
        teach(Transformer(GRID_CONFIG).eval(), [stroke_digit(7, SEVEN)], **quick)
