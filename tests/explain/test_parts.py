import dataclasses

import pytest
import torch

from mnist_transformer import load_transformer
from mnist_transformer.explain.heads import Head
from mnist_transformer.explain.interventions import Intervention, edited, importance, read_changed
from mnist_transformer.explain.parts import all_changes, groups, intervention, parts
from tests import ROOT


def test_names_count_from_one(model):
    names = list(parts(model.config))
    assert names[0] == "encoder 1, head 1" and names[-1] == "places"
    assert {"self 2, head 4", "cross 1, head 3", "decoder 2", "encoder 1"} <= set(names)
    assert len(names) == len(set(names)) == (1 + 2 + 2) * 4 + (1 + 2) + 1


def test_names_become_the_change_they_say(model):
    change = intervention(
        model.config, ["cross 1, head 3", "decoder 2", "places"], ["encoder 1, head 1"]
    )
    assert change == Intervention(
        frozenset({Head("cross", 0, 2)}),
        frozenset({Head("encoder", 0, 0)}),
        frozenset({("decoder", 1)}),
        True,
    )
    assert not intervention(model.config)


@pytest.mark.parametrize(
    ("off", "blurred"),
    [(["cross 9, head 1"], []), ([], ["decoder 1"]), ([], ["places"]), (["<b>"], [])],
)
def test_a_name_that_the_model_does_not_have_is_refused(model, off, blurred):
    with pytest.raises(ValueError, match="this model cannot change"):
        intervention(model.config, off, blurred)


def test_of_a_change_it_is_known_whether_the_memory_becomes_another(model, lines):
    before = model.encoder(lines[0][:1])
    for name, change in all_changes(model.config).items():
        is_same = torch.equal(edited(model, change).encoder(lines[0][:1]), before)
        assert is_same != change.in_encoder, name


def test_a_group_costs_what_its_heads_off_together_cost(model, reading):
    changes = all_changes(model.config)
    lost = importance(model, reading, changes)
    assert set(lost) == set(parts(model.config)) | set(groups(model.config))
    together = intervention(model.config, groups(model.config)["cross 1, all heads"])
    one_by_one = importance(model, reading, {"": together})
    assert lost["cross 1, all heads"] == pytest.approx(one_by_one[""], abs=1e-6)


def test_importance_follows_a_model_that_is_changed_already(model, reading):
    change = intervention(model.config, ["cross 1, head 1"])
    changed = dataclasses.replace(read_changed(model, reading.canvas, change))
    lost = importance(edited(model, change), changed, parts(model.config))
    assert lost["cross 1, head 1"] == pytest.approx(0, abs=1e-6)  # it is off


def test_heads_of_the_shipped_model_replace_one_another():
    """One by one most cost nothing; all of cross-attention costs the reading."""
    model = load_transformer()
    reading = model.read(ROOT / "demo" / "examples" / "2026.png")
    lost = importance(model, reading, all_changes(model.config))
    alone = [lost[head] for head in groups(model.config)["all cross-attention"]]
    assert max(alone) < 0.1 and lost["all cross-attention"] > 1
