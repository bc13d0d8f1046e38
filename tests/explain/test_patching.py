from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from mnist_transformer import load_transformer
from mnist_transformer.config import START
from mnist_transformer.explain.gaze import Gaze, painted
from mnist_transformer.explain.heads import Head, all_heads
from mnist_transformer.explain.interventions import teacher_forcing
from mnist_transformer.explain.patching import Swap, read_swapped, swap_map
from tests import ROOT

CLOSE = {"atol": 1e-5, "rtol": 1e-4}


@pytest.fixture(scope="module")
def model():
    """The shipped one: an untrained model says the same of every drawing."""
    return load_transformer()


@pytest.fixture(scope="module")
def pair(model):
    """Two drawings that are read apart at every step."""
    paths = (ROOT / "demo" / "examples" / f"{name}.png" for name in ("8675309", "314159"))
    return model.read_many(paths)


def test_all_of_a_drawing_carried_over_gives_its_reading_and_nothing_the_old_one(model, pair):
    reading, donor = pair
    whole = read_swapped(model, reading, donor, Swap.everything(model.config))
    assert whole.digits == donor.digits != reading.digits
    torch.testing.assert_close(whole.distributions, donor.distributions, **CLOSE)
    assert torch.equal(whole.canvas, reading.canvas)
    none = read_swapped(model, reading, donor, Swap())
    assert none.digits == reading.digits
    torch.testing.assert_close(none.distributions, reading.distributions, **CLOSE)
    assert none.probabilities == pytest.approx(reading.probabilities, abs=1e-5)
    assert none.end_probability == pytest.approx(reading.end_probability, abs=1e-5)


@pytest.mark.parametrize(
    "swap",
    [
        Swap(patches=frozenset(range(112))),
        Swap(layers=frozenset({("encoder", 0)})),
        Swap(layers=frozenset({("encoder", 3)})),
        Swap(layers=frozenset({("decoder", 1)})),
    ],
)
def test_each_place_that_all_must_pass_carries_the_whole_drawing(model, pair, swap):
    """The memory, the stream of an encoder's layer, the last stream of the decoder."""
    reading, donor = pair
    carried = read_swapped(model, reading, donor, swap)
    assert carried.digits == donor.digits
    torch.testing.assert_close(carried.distributions, donor.distributions, **CLOSE)


def outputs_replaced(module, head, donated):
    """Attention written by hand, where one head's output is what it was for the donor."""

    def attend(x, memory=None, mask=None):
        source = x if memory is None else memory
        found, size = [], x.shape[-1] // module.num_heads
        for n in range(module.num_heads):
            own = slice(size * n, size * n + size)
            query, key, value = (
                given @ part.weight[own].T + part.bias[own]
                for part, given in ((module.query, x), (module.key, source), (module.value, source))
            )
            scores = query @ key.mT / size**0.5
            if mask is not None:
                scores = scores.masked_fill(~mask, -torch.inf)
            found.append(donated if n == head else scores.softmax(-1) @ value)
        return module.output(torch.cat(found, -1))

    return attend


@pytest.mark.parametrize(
    "head", [Head("encoder", 0, 1), Head("decoder", 0, 2), Head("cross", 0, 0), Head("cross", 1, 3)]
)
def test_one_head_carried_over_is_the_formula_with_that_heads_output(model, pair, head):
    reading, donor = pair
    modules = {(kind, layer): module for kind, layer, module in model.attentions()}
    module, own = modules[head.attention, head.layer], head.dimensions(model.config)
    kept = []
    hook = module.output.register_forward_pre_hook(lambda _, given: kept.append(given[0]))
    with torch.no_grad():
        model(*teacher_forcing(model, donor)[:2])
    hook.remove()
    carried = read_swapped(model, reading, donor, Swap(heads=frozenset({head})))
    canvases, tokens, _ = teacher_forcing(model, carried)
    donated = kept[0][..., own]
    if head.attention != "encoder":  # as many steps as both took
        donated = donated[:, : tokens.shape[1]]
        tokens = tokens[:, : donated.shape[1]]
    module.forward = outputs_replaced(module, head.head, donated)
    with torch.no_grad():
        expected = model(canvases, tokens)[0].softmax(-1)
    del module.forward
    assert len(expected) >= 2
    torch.testing.assert_close(carried.distributions[: len(expected)], expected, **CLOSE)
    assert (carried.distributions - reading.distributions).abs().max() > 1e-6


def test_the_map_says_what_each_thing_alone_carries_over(model, pair):
    reading, donor = pair
    found = swap_map(model, reading, donor, 0)
    assert (found.answer, found.donated) == (int(reading.digits[0]), int(donor.digits[0]))
    assert found.patches.shape == (112,)
    assert set(found.heads) == set(all_heads(model.config))
    assert set(found.layers) == {
        *(("encoder", n) for n in range(4)),
        *(("decoder", n) for n in range(2)),
    }
    assert set(found.said) == {*range(112), *found.heads, *found.layers}
    assert found.gap < 0 < found.donor_gap
    for name, share, swap in (
        (34, float(found.patches[34]), Swap(patches=frozenset({34}))),
        (Head("encoder", 0, 1), None, Swap(heads=frozenset({Head("encoder", 0, 1)}))),
        (Head("cross", 1, 0), None, Swap(heads=frozenset({Head("cross", 1, 0)}))),
        (("decoder", 0), None, Swap(layers=frozenset({("decoder", 0)}))),
    ):
        if share is None:
            share = {**found.heads, **found.layers}[name]
        step = read_swapped(model, reading, donor, swap).distributions[0].log()
        gap = float(step[found.donated] - step[found.answer])
        expected = (gap - found.gap) / (found.donor_gap - found.gap)
        assert share == pytest.approx(expected, abs=1e-4), name
        assert found.said[name] == int(step.argmax())
    assert found.layers["decoder", 1] == pytest.approx(1, abs=1e-5)
    assert found.layers["encoder", 0] == pytest.approx(1, abs=1e-5)


def test_of_a_later_step_the_tokens_before_stay(model, pair):
    reading, donor = pair
    found = swap_map(model, reading, donor, 3)
    assert (found.answer, found.donated) == (5, 1)
    with torch.no_grad():
        logits = model(reading.canvas[None], torch.tensor([[START, 8, 6, 7]]))[0, 3]
    assert found.gap == pytest.approx(float(logits[1] - logits[5]), abs=1e-4)


def test_on_the_shipped_weights_the_memory_decides_and_no_head_alone(model, pair):
    found = swap_map(model, *pair, 0)
    assert (found.answer, found.donated) == (8, 3)
    assert found.layers["encoder", 3] > 0.95
    assert max(share for head, share in found.heads.items() if head.attention == "cross") < 0.5
    looked = model.read_canvases(pair[0].canvas[None], attention=True)[0].maps.cross[:, :, 0]
    assert int(found.patches.argmax()) in looked.mean((0, 1)).topk(8).indices


def test_two_threads_carry_each_their_own(model, pair):
    reading, donor = pair
    swaps = [Swap(), Swap.everything(model.config), Swap(patches=frozenset({34, 62}))]
    # Alone in a thread, too: the main one may compute on another number of cores, and so round
    # in another order.
    with ThreadPoolExecutor(1) as thread:
        alone = list(thread.map(lambda swap: read_swapped(model, reading, donor, swap), swaps))
    with ThreadPoolExecutor(3) as threads:
        together = list(
            threads.map(lambda swap: read_swapped(model, reading, donor, swap), swaps * 4)
        )
    for expected, actual in zip(alone * 4, together, strict=True):
        assert torch.equal(expected.distributions, actual.distributions)


def test_nothing_is_left_behind(model, pair):
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    swap_map(model, *pair, 0)
    read_swapped(model, *pair, Swap.everything(model.config))
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    again = model.read_canvases(pair[0].canvas[None])[0]
    torch.testing.assert_close(again.distributions, pair[0].distributions, **CLOSE)


def test_paint_and_a_swap_go_together(model, pair):
    """Made to look at one patch alone, which is the donor's, the first step says the donor's."""
    reading, donor = pair
    (mapped,) = model.read_canvases(donor.canvas[None], attention=True)
    patch = int(mapped.maps.cross[-1, :, 0].mean(0).argmax())  # in the last layer, which reads
    swap = Swap(patches=frozenset({patch}))
    with painted(model, Gaze(0, torch.eye(112)[patch])):
        both = read_swapped(model, reading, donor, swap)
        donors, own = (model.read_canvases(one.canvas[None])[0] for one in (donor, reading))
    torch.testing.assert_close(both.distributions[0], donors.distributions[0], **CLOSE)
    assert not torch.allclose(both.distributions[0], own.distributions[0], atol=0.1)
    assert both.digits[0] == "3" != own.digits[0]


@pytest.mark.parametrize(
    "swap",
    [
        Swap(heads=frozenset({Head("cross", 2, 0)})),
        Swap(layers=frozenset({("encoder", 4)})),
        Swap(layers=frozenset({("sideways", 0)})),
        Swap(patches=frozenset({112})),
    ],
)
def test_what_the_model_does_not_have_is_refused(model, pair, swap):
    with pytest.raises(ValueError, match="nothing to carry by the name of"):
        read_swapped(model, *pair, swap)


def test_steps_that_say_the_same_or_are_not_there_are_refused(model, pair):
    reading, donor = pair
    with pytest.raises(ValueError, match="both drawings say"):
        swap_map(model, reading, reading, 0)
    with pytest.raises(ValueError, match="step must be 0 to"):
        swap_map(model, reading, donor, 9)
    blank = model.read_canvases(torch.zeros(1, 32, 224))[0]
    for drawings in ((blank, donor), (reading, blank)):
        with pytest.raises(ValueError, match="nothing is drawn"):
            swap_map(model, *drawings, 0)
        with pytest.raises(ValueError, match="nothing is drawn"):
            read_swapped(model, *drawings, Swap())
