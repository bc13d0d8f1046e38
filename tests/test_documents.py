"""What the documents tell readers to run, runs; what they point to, is there; what they say of the
weights, the weights' files say, too."""

import ast
import re
import shlex

import pdoc
import pytest

from benchmarks.__main__ import NAMES
from mnist_transformer.__main__ import parse
from mnist_transformer.checkpoint import (
    CLASSIFIER_WEIGHTS,
    GRID_WEIGHTS,
    PAIRS_WEIGHTS,
    TRANSFORMER_WEIGHTS,
    read_metadata,
)
from tests import ROOT, api

DOCUMENTS = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md")))
}
ALL = "\n".join(DOCUMENTS.values())
RESULTS = DOCUMENTS["docs/results.md"]


def blocks(language: str, text: str = ALL) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


PYTHON = {
    f"{name}, block {number}": block
    for name, text in DOCUMENTS.items()
    for number, block in enumerate(blocks("python", text), 1)
}
SPANS = re.findall(r"`([^`\n]+)`", ALL)
SHELL = [line.partition("#")[0].strip() for block in blocks("sh") for line in block.splitlines()]
PROGRAM = "-m mnist_transformer "
COMMANDS = sorted(
    {text.partition(PROGRAM)[2] for text in [*SHELL, *SPANS] if PROGRAM in text}
    | {text for text in SPANS if text.startswith(("evaluate ", "train "))}
)
NAMES_ALONE = ("read", "profile", "ablate", "…", "evaluate MEASURE --record")


@pytest.mark.parametrize("name", PYTHON)
def test_its_python_runs_as_printed(name, monkeypatch):
    """A comment that is a value is what its line gives."""
    monkeypatch.chdir(ROOT)
    names: dict = {}
    exec(PYTHON[name], names)
    for line in PYTHON[name].splitlines():
        code, _, comment = line.partition("  # ")
        try:
            expected = ast.literal_eval(comment)
        except (SyntaxError, ValueError):
            continue
        assert eval(code, names) == expected


def test_they_have_python_and_commands():
    assert "load_transformer" in "".join(PYTHON.values())
    assert {command.split()[0] for command in COMMANDS} >= {"read", "train", "evaluate", "export"}


def test_the_readme_is_short_and_has_what_a_newcomer_needs():
    readme = DOCUMENTS["README.md"]
    assert len(readme.splitlines()) <= 150
    lines = [line for block in blocks("sh", readme) for line in block.splitlines()]
    assert "streamlit run demo/app.py" in lines
    assert any(line.startswith("python -m pytest") for line in lines)
    assert "(LICENSE)" in readme
    assert readme.count("![") >= 3
    pointed_at = re.findall(r"\]\(([^)#]+)\)", readme)
    assert {path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/*.*")} <= {*pointed_at}


@pytest.mark.parametrize("command", [c for c in COMMANDS if c not in NAMES_ALONE])
def test_their_commands_are_understood(command):
    parse(shlex.split(command))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_their_links_lead_somewhere(name):
    links = re.findall(r"\]\(([^)]+)\)", DOCUMENTS[name])
    missing = []
    for link in links:
        file, _, heading = link.partition("#")
        target = (ROOT / name).parent / file if file else ROOT / name
        if "://" not in link and (
            not target.exists() or (heading and heading not in headings(target.read_text()))
        ):
            missing.append(link)
    assert missing == []


def headings(text: str) -> set[str]:
    """The headings of a document as links name them."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_folder_is_named():
    folders = {path.parent.name for path in (ROOT / "mnist_transformer").glob("*/__init__.py")}
    assert [name for name in folders if f"| `mnist_transformer/{name}/` |" not in ALL] == []


def test_every_table_of_results_stands_beside_its_command_and_commit():
    sections = re.split(r"^##+ ", RESULTS, flags=re.MULTILINE)
    measured = [section for section in sections if "\n|---" in section]
    assert len(measured) > 10
    command = re.compile(r"`[^`]*python -m [^`]+`|`evaluate [^`]+`|`read_metadata")
    for section in measured:
        assert command.search(section), section
        assert re.search(r"\bcommits?\b", section, re.IGNORECASE), section
    benchmarks = re.findall(r"python -m benchmarks ([a-z]+)", ALL)
    assert set(benchmarks) <= set(NAMES)


def test_what_is_said_of_the_weights_is_what_they_say_themselves():
    """The table of results beside the scores that `evaluate MEASURE --record` wrote."""
    lines = read_metadata(TRANSFORMER_WEIGHTS)
    mnist, pen = lines["transformer on MNIST test"], lines["pen on pen_digits_dev.jsonl"]
    grid = read_metadata(GRID_WEIGHTS)["grid on MNIST test"]
    pairs = read_metadata(PAIRS_WEIGHTS)["pairs on MNIST test"]
    single = read_metadata(CLASSIFIER_WEIGHTS)["classifier on MNIST test"]
    flagged = lines["rejection on letters and scribbles"]["flagged"]
    for score in (mnist["line_accuracy"], mnist["digit_accuracy"], pen["line_accuracy"]):
        assert f"| **{said(score, 2)}**" in RESULTS
    assert f"exact, {said(pen['digit_accuracy'], 2)} of digits" in RESULTS
    assert f"(10 bins) | {said(pen['calibration_error'], 2)} |" in RESULTS
    assert f"| {said(flagged['letters'])} / {said(flagged['scribbles'])} |" in RESULTS
    assert f"| **{said(single['digit_accuracy'], 2)}** |" in RESULTS
    exact, digits = said(grid["line_accuracy"], 2), said(grid["digit_accuracy"], 2)
    assert f"**{exact}** ({digits} of digits)" in RESULTS
    assert f"| **{said(pairs['in_any_order'], 2)}** |" in RESULTS
    for name in ("level_in_any_order", "line_accuracy"):
        assert f"| {said(pairs[name], 2)} | the same |" in RESULTS
    for name, score in (("MNIST test lines", mnist), ("pen ink", pen)):
        assert row(name, score["line_accuracy_by_length"].values()) in RESULTS
    assert row("pen ink", pen["line_accuracy_by_brush"].values()) in RESULTS
    for name, key in (("mean probability", "confidence"), ("right", "right")):
        assert row(name, [bucket[key] for bucket in pen["reliability"]]) in RESULTS
    repeated = re.findall(r"\| (\d+\.\d+ %) of", DOCUMENTS["README.md"])
    assert len(repeated) == 6 and [share for share in repeated if share not in RESULTS] == []


def said(share: float, decimals: int = 1) -> str:
    return f"{100 * share:.{decimals}f} %"


def row(name: str, shares) -> str:
    return f"| {name} | " + " | ".join(map(said, shares)) + " |"


def test_the_api_reference_is_made_of_the_docstrings(tmp_path):
    """One page of it, and that all modules are told to pdoc or found by it."""
    named = api.named_to_pdoc()
    assert set(pdoc.extract.walk_specs(named)) == set(api.all_modules())
    api.write(["mnist_transformer.positions"], tmp_path)
    page = (tmp_path / "mnist_transformer" / "positions.html").read_text()
    assert "from fast to slow waves" in page and "sinusoids" in page
