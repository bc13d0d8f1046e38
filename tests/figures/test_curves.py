"""What the slider of moments and the curves of runs are given."""

import json
from math import inf

from mnist_transformer.figures.live.curves import (
    Chart,
    HeadOverTime,
    Run,
    curves_data,
    timeline_data,
)

LOSS = Chart("loss", "loss")


def run(name, steps, parent=None):
    numbers = {"loss": [1 / (step + 1) for step in steps]}
    return Run(name, f"{name}: said", steps, [32 * step for step in steps], numbers, parent)


def test_every_run_has_its_numbers_moment_by_moment_and_knows_where_it_came_from():
    runs = [run("a", [0, 10, 40]), run("b", [10, 20], parent=("a", 320))]
    data = json.loads(json.dumps(curves_data(runs, [LOSS], ("b", 20))))
    assert [one["drawings"] for one in data["runs"]] == [[0, 320, 1280], [320, 640]]
    assert [len(one["loss"]) for one in data["runs"]] == [3, 2]
    assert [one["parent"] for one in data["runs"]] == [None, {"id": "a", "drawings": 320}]
    assert data["at"] == {"run": "b", "step": 20} and data["habits"] is None
    assert "lines" not in data["charts"][0]


def test_two_digits_alike_are_two_lines_and_what_is_not_known_yet_is_none():
    own = Chart("own", "your drawing", share=True, lines=[("1", [0.1, None]), ("1", [0.2, inf])])
    data = curves_data([run("a", [0, 10])], [own], ("a", 0))
    assert [line["name"] for line in data["charts"][0]["lines"]] == ["1", "1"]
    assert data["charts"][0]["lines"][0]["values"] == [0.1, None]
    assert data["charts"][0]["lines"][1]["values"] == [0.2, None]  # which JSON can hold


def test_heads_over_time_are_told_row_by_row():
    heads = [HeadOverTime("cross 1, head 1", "the digit it reads", [None, 0.31234], 1)]
    data = curves_data([run("a", [0, 10])], [LOSS], ("a", 0), True, heads)
    assert data["habits"]["heads"][0]["shares"] == [None, 0.312]


def test_the_slider_has_one_place_a_moment():
    data = timeline_data("a", [0, 3, 9], [0.0, 0.5, 1.0], 3, ["x", "y", "z"])
    assert len(data["steps"]) == len(data["values"]) == len(data["says"]) == 3
    assert data["at"] == 3
