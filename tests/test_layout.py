"""The plan of the package: which part may import which, and how much lies in one place."""

import ast
from collections.abc import Iterator

import pytest

from tests import ROOT

PACKAGE = ROOT / "mnist_transformer"
MODEL = "attention mlp positions encoder decoder transformer classifier".split()
# A part is a folder or a file at the top; the files of a paper's model are one part, and so are
# `train.py` and `training/`. Each part may import itself and what stands here.
# Of `explain`, what figures draw from is a part of its own: plain data.
DATA = {"explain.heads", "explain.activations", "explain.receipt"}
ARROWS = {
    "config": set(),
    "data": {"config"},
    "ink": {"config"},
    "reading": {"config"},
    "page": {"config", "ink", "reading"},
    "model": {"config", "ink", "reading", "page"},
    "bulk": {"config", "ink", "page", "model", "dataset", "hands"},
    "checkpoint": {"config", "model"},
    "dataset": {"config", "hands"},
    "hands": {"config", "ink", "dataset"},
    "evals": {"config", "model", "dataset", "hands", "reading"},
    "training": {"config", "data", "model", "checkpoint", "dataset", "hands", "evals"},
    "explain": {"config", "data", "ink", "model", "reading", "page", "dataset", "hands"},
    "figures": {"config", "data", "reading"},
}
ARROWS["lab"] = set(ARROWS) - {"figures"}
ARROWS["commands"] = ARROWS["lab"] | {"lab"}
# A reading draws itself: the one door to figures, opened when it is called.
LAZY = {("reading", "figures")}


def modules() -> dict[str, ast.Module]:
    """Every module of the package, by a name such as "explain.heads", but for the two at the top
    that name all parts: `__init__` and `__main__`."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name not in ("", "__main__"):
            found[name] = ast.parse(path.read_text())
    return found


MODULES = modules()


def imports(module: str, lazy: bool) -> Iterator[str]:
    """The modules of the package that one imports; inside functions, too, if `lazy`."""
    is_folder = (PACKAGE / module.replace(".", "/")).is_dir()
    inside = module.split(".") if is_folder else module.split(".")[:-1]
    for node in _nodes(MODULES[module], lazy):
        if isinstance(node, ast.Import):
            whole = [name.name for name in node.names]
            assert not any(name.startswith(PACKAGE.name) for name in whole), "import relatively"
        if isinstance(node, ast.ImportFrom) and not node.level:
            assert not (node.module or "").startswith(PACKAGE.name), "import relatively"
        if isinstance(node, ast.ImportFrom) and node.level:
            base = inside[: len(inside) - node.level + 1] + (node.module or "").split(".")
            base = [part for part in base if part]
            for name in node.names:
                full = ".".join([*base, name.name])
                yield full if full in MODULES else ".".join(base)


def _nodes(tree: ast.AST, lazy: bool) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not lazy:
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue  # never run
        yield node
        yield from _nodes(node, lazy)


def part(module: str) -> str:
    first = module.split(".")[0]
    if module in DATA:
        return "data"
    return "model" if first in MODEL else "training" if first == "train" else first


@pytest.mark.parametrize("module", sorted(MODULES))
def test_arrows_point_one_way(module):
    own = part(module)
    used = {part(name) for name in imports(module, lazy=True)} - {own}
    wrong = {name for name in used - ARROWS[own] if (own, name) not in LAZY}
    assert not wrong, f"{module} may not import {wrong}"


def test_the_door_from_readings_to_figures_is_lazy():
    assert "figures" not in {part(name) for name in imports("reading", lazy=False)}
    assert "figures" in {part(name) for name in imports("reading", lazy=True)}


def test_no_module_waits_for_itself():
    """No cycle of imports at the top of modules, however long."""
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module not in done:
            for name in set(imports(module, lazy=False)) - {module}:
                visit(name, (*path, module))
            done.add(module)

    for module in MODULES:
        visit(module, ())


def test_the_top_of_the_package_is_short():
    assert len(list(PACKAGE.glob("*.py"))) <= 16


def test_no_file_is_long():
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for folder in (PACKAGE, ROOT / "demo")
        for path in folder.rglob("*")
        if path.suffix in (".py", ".css", ".js")
    }
    limits = {name: 250 if name.endswith("_view.py") else 350 for name in lengths}
    assert {name: n for name, n in lengths.items() if n > limits[name]} == {}


def test_the_walk_sees_imports():
    assert set(imports("explain.relevance", lazy=False)) >= {"attention", "explain.heads"}
    assert set(imports("figures.head", lazy=False)) >= {"explain.heads", "figures.style"}
