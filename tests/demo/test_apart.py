"""Take it apart, without a browser: each number shown is the library's."""

import html
import re

import pytest
import torch
from streamlit.testing.v1 import AppTest

from mnist_transformer import load_transformer, make_lines
from mnist_transformer.dataset import embedded_digits
from mnist_transformer.explain.attribution import attribute, follow
from mnist_transformer.explain.habits import head_habits
from mnist_transformer.explain.heads import Head
from mnist_transformer.explain.trace import trace
from tests import ROOT


def open_way(way):
    page = AppTest.from_file(str(ROOT / "demo" / "app.py"), default_timeout=60)
    page.session_state["way"] = way
    page.query_params["only"] = "stage,apart"
    page.run()
    assert not page.exception
    return page


def rows(page):
    """The tables shown: what stands before a row -> its cells."""
    found = {}
    for block in page.get("html"):
        for row in re.findall(r"<tr.*?>(.*?)</tr>", block.proto.body):
            name = re.search(r"<th.*?>(.*?)</th>", row).group(1)
            found[html.unescape(name)] = re.findall(r"<td.*?>(.*?)</td>", row)
    return found


def text(page):
    return " ".join(block.value for block in page.markdown).replace("*", "")


@pytest.fixture(scope="module")
def model():
    return load_transformer()


@pytest.fixture(scope="module")
def asked(model):
    """What the page's example is asked at its first step: reading, trace, bill, both answers."""
    picture = ROOT / "demo" / "examples" / "314159.png"
    reading = model.read_page(picture, attention=True).rows[0].parts[0]
    passed = trace(model, reading)
    receipt = attribute(model, passed)
    best, second = receipt.logits[0].topk(2).indices.tolist()
    return reading, passed, receipt.bill(0, best, second), best, second


@pytest.fixture(scope="module")
def receipt_page():
    return open_way("The receipt")


def choose(page, line):
    page.session_state["receipt-line"] = line
    page.run()
    assert not page.exception


@pytest.mark.parametrize("head", [Head("cross", 1, 2), Head("decoder", 0, 1)])
def test_a_head_leads_down_to_query_key_value_and_what_they_were_made_from(
    receipt_page, model, asked, head
):
    reading, passed, bill, best, second = asked
    choose(receipt_page, head.name)
    amounts = (bill.patches if head.attention == "cross" else bill.tokens)[head.layer, head.head]
    key = int(amounts.abs().argmax())
    line = follow(model, passed, head, 0, key, best, second)
    shown = rows(receipt_page)
    for name, numbers in {
        "value there": line.value,
        "× what 1 of it adds": line.output,
        "= worth": line.value_products,
        "query of the step": line.query,
        "× key there": line.key,
        "= products": line.score_products,
        "memory of the square" if head.attention == "cross" else "stream of the token": line.source,
    }.items():
        assert shown[name] == [f"{number:+.3f}" for number in numbers], name
    assert f"so added {line.amount:+.4f}" in text(receipt_page)
    assert f"score {line.score:.2f}" in text(receipt_page)
    assert line.amount == pytest.approx(float(amounts[key]), abs=1e-5)
    assert "Here the exact sum ends" in text(receipt_page)


def test_an_mlp_leads_to_its_neurons(receipt_page, asked):
    _, passed, bill, _, _ = asked
    choose(receipt_page, "MLP 2")
    shown = rows(receipt_page)
    neurons = [int(number) - 1 for number in shown["neuron"]]
    assert neurons == bill.neurons[1].abs().topk(8).indices.tolist()
    assert shown["= added"] == [f"{bill.neurons[1, n]:+.4f}" for n in neurons]
    active = passed.decoder[1].mlp.hidden[0]
    assert shown["how active it is"] == [f"{active[n]:+.3f}" for n in neurons]
    rest = dict(bill.lines)["MLP 2"] - float(bill.neurons[1, neurons].sum())
    assert f"together add {rest:+.4f}" in text(receipt_page)


def test_a_line_that_was_learnt_says_that_nothing_is_behind_it(receipt_page, asked):
    learnt = [
        line for line in asked[2].lines if line.name.split()[0] not in ("self", "cross", "MLP")
    ]
    kinds = {line.name.split()[0]: line for line in learnt}
    assert set(kinds) == {"token", "place", "bias"}
    for name, amount in kinds.values():
        choose(receipt_page, name)
        assert f"{name} is" in text(receipt_page)
        assert f"nothing further behind its {amount:+.4f}" in text(receipt_page)


def test_the_habits_shown_are_the_librarys_each_with_its_line(model):
    page = open_way("Heads’ habits")
    generator = torch.Generator().manual_seed(13)
    lines, _ = make_lines(
        embedded_digits("test"), 60, model.config, generator=generator, lengths=(3, 8)
    )
    habits = head_habits(model, lines)
    for kind in ("cross", "decoder", "encoder"):
        page.session_state["habits-kind"] = kind
        head = Head(kind, 1, 0)
        page.session_state[f"habit-of-{kind}"] = head
        page.run()
        assert not page.exception
        shown = rows(page)
        for other, habit in habits.items():
            if other.attention != kind:
                continue
            shares = [f"{share:.0%}" for share in habit.shares.values()]
            numbers = [f"{habit.entropy:.1f}", f"{habit.width:.1f}"]
            assert shown[other.name] == [habit.name, f"{habit.holds:.0%}", *shares, *numbers]
        line, query = habits[head].example
        reading = model.read_canvases(lines[line][None], attention=True)[0]
        (told,) = [
            block.proto.body for block in page.get("html") if "data-habit=" in block.proto.body
        ]
        assert f"Line {line + 1}, read as <b>{reading.digits}</b>" in told
        assert f"step {query + 1}" in told or kind == "encoder"
