"""What the README tells readers to run, runs; what it points to, is there."""

import ast
import re
import shlex

import pytest

from mnist_transformer.__main__ import parse
from tests import ROOT

README = (ROOT / "README.md").read_text()
PYTHON = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
SPANS = re.findall(r"`([^`\n]+)`", README)
SHELL = [
    line.partition("#")[0].strip()
    for block in re.findall(r"^```sh\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    for line in block.splitlines()
]
PROGRAM = "-m mnist_transformer "
COMMANDS = sorted(
    {text.partition(PROGRAM)[2] for text in [*SHELL, *SPANS] if PROGRAM in text}
    | {text for text in SPANS if text.startswith("evaluate ")}
)


@pytest.mark.parametrize("number", range(len(PYTHON)))
def test_its_python_runs_as_printed(number, monkeypatch):
    """A comment that is a value is what its line gives."""
    monkeypatch.chdir(ROOT)
    names: dict = {}
    exec(PYTHON[number], names)
    for line in PYTHON[number].splitlines():
        code, _, comment = line.partition("  # ")
        try:
            expected = ast.literal_eval(comment)
        except (SyntaxError, ValueError):
            continue
        assert eval(code, names) == expected


def test_it_has_python_and_commands():
    assert "load_transformer" in "".join(PYTHON)
    assert {command.split()[0] for command in COMMANDS} >= {"read", "train", "evaluate", "export"}


@pytest.mark.parametrize("command", [c for c in COMMANDS if c not in ("read", "…")])  # names
def test_its_commands_are_understood(command):
    parse(shlex.split(command))


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_its_links_lead_somewhere(name):
    links = re.findall(r"\]\(([^)#]+)\)", (ROOT / name).read_text())
    assert len(links) > 3
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


def test_it_names_every_folder():
    folders = {path.parent.name for path in (ROOT / "mnist_transformer").glob("*/__init__.py")}
    assert [name for name in folders if f"| `mnist_transformer/{name}/` |" not in README] == []
