"""The notebook of the documents runs, and shows what it showed when it was written."""

import re

import nbformat
import pytest

from tests.tour import NOTEBOOK, executed

# What was measured or computed, as against what is counted or read.
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+%?|%)")


@pytest.fixture(scope="module")
def kept():
    return nbformat.read(NOTEBOOK, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def printed(cell) -> str:
    """What a cell printed, and what it gave in words."""
    texts = [
        output.text if output.output_type == "stream" else output.data["text/plain"]
        for output in cell.outputs
    ]
    return "".join(text for text in texts if not text.startswith("<"))  # a name of an object


def kinds(cell) -> list[str]:
    """The kinds of a cell's outputs, such as stdout, or what a figure is kept as."""
    return [output.get("name") or " ".join(sorted(output.data)) for output in cell.outputs]


def test_it_runs_and_gives_what_is_kept_in_it(kept):
    again = executed()
    for before, now in zip(code(kept), code(again), strict=True):
        assert kinds(now) == kinds(before), before.source
        assert NUMBER.sub("#", printed(now)) == NUMBER.sub("#", printed(before))
        for number, expected in zip(
            *(NUMBER.findall(printed(c)) for c in (now, before)), strict=True
        ):
            slack = 1 if "%" in expected else 0.02  # other machines round otherwise
            wanted = pytest.approx(float(expected.strip("%")), rel=0.02, abs=slack)
            assert float(number.strip("%")) == wanted


def test_its_figures_are_pictures_and_all_of_it_was_run(kept):
    """So that a hosting site shows them, which runs no scripts."""
    outputs = [output for cell in code(kept) for output in cell.outputs]
    figures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(figures) >= 10
    assert {output.output_type for output in outputs} <= {
        "stream",
        "display_data",
        "execute_result",
    }
    assert all(output.get("name") != "stderr" for output in outputs)
    counts = [cell.execution_count for cell in code(kept)]
    assert counts == list(range(1, len(counts) + 1))


def test_every_section_has_an_idea_source_numbers_and_something_to_try(kept):
    text = "\n".join(cell.source for cell in kept.cells)
    first, *sections = re.split(r"^## \d+\. ", text, flags=re.MULTILINE)
    titles = [section.partition("\n")[0] for section in sections]
    assert [f"| {number} | {title} |" in first for number, title in enumerate(titles, 1)] == [
        True
    ] * 13
    for section in sections:
        assert "**Idea.**" in section and "**Try.**" in section
    assert sum("\nsource(" in section for section in sections) >= 12
    assert "/home" not in str(kept) and "/tmp" not in str(kept)
