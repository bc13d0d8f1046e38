"""Runs the tour anew and keeps in it what it prints and draws: `python -m tests.tour`."""

import os

import nbformat
from nbclient import NotebookClient

from tests import ROOT

NOTEBOOK = ROOT / "docs" / "tour.ipynb"


def executed() -> nbformat.NotebookNode:
    """The notebook, run from top to bottom in a kernel of its own, from the folder it lies in.

    Raises:
        CellExecutionError: if one of its cells fails.
    """
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=120,  # seconds, for any one cell
        coalesce_streams=True,
        record_timing=False,
        resources={"metadata": {"path": str(NOTEBOOK.parent)}},
    )
    # Others in this process may have chosen that figures are drawn nowhere.
    inline = "module://matplotlib_inline.backend_inline"
    return client.execute(env={**os.environ, "MPLBACKEND": inline})


if __name__ == "__main__":
    nbformat.write(executed(), NOTEBOOK)
