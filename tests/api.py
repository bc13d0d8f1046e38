"""Writes the API reference, made of the docstrings, into a folder: `python -m tests.api FOLDER`."""

import sys
from importlib import import_module
from pathlib import Path

import pdoc

from tests import ROOT

PACKAGE = "mnist_transformer"


def all_modules() -> list[str]:
    """Every module of the package by its name, but for what `python -m` runs."""
    paths = (path.relative_to(ROOT).with_suffix("") for path in (ROOT / PACKAGE).rglob("*.py"))
    names = {".".join(path.parts).removesuffix(".__init__") for path in paths}
    return sorted(names - {f"{PACKAGE}.__main__"})


def named_to_pdoc() -> list[str]:
    """What pdoc must be told of: it finds what is in folders, but not past an `__all__`."""
    parents = {name: import_module(name.rpartition(".")[0] or name) for name in all_modules()}
    return [name for name, parent in parents.items() if hasattr(parent, "__all__")]


def write(modules: list[str], folder: Path) -> None:
    """One page a module, a list of all, and a search."""
    pdoc.render.configure(docformat="google", math=True)
    pdoc.pdoc(*modules, output_directory=folder)


if __name__ == "__main__":
    write(named_to_pdoc(), Path(sys.argv[1]))
