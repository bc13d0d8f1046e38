"""Figures are drawn from plain data: which modules they import, and which those import."""

import ast
import subprocess
import sys
from pathlib import Path

import mnist_transformer

PACKAGE = Path(mnist_transformer.__file__).parent
# Data alone. Whatever else figures import, a change of model or training could break a picture.
DATA = {"explain.heads", "explain.activations", "explain.receipt"}
ALLOWED = {"config", "reading"} | DATA


def package_imports(path: Path, everywhere: bool) -> set[str]:
    """What a file imports from the package, by names such as "explain.heads".

    Args:
        path: of the file.
        everywhere: whether imports inside functions count, too.
    """
    tree = ast.parse(path.read_text())
    found = set()
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.ImportFrom) and node.level:
            above = path.parents[node.level - 1].relative_to(PACKAGE).parts
            base = [*above, *(node.module or "").split(".")]
        elif isinstance(node, ast.ImportFrom) and node.module.startswith("mnist_transformer"):
            base = node.module.split(".")[1:]
        elif isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
            found |= {".".join(name[1:]) for name in names if name[0] == "mnist_transformer"}
            continue
        else:
            continue
        base = [part for part in base if part]
        for alias in node.names:  # a module of a folder, or something out of a module
            inner = [*base, alias.name]
            is_module = source(".".join(inner)).exists()
            found.add(".".join(inner if is_module else base))
    return found


def source(module: str) -> Path:
    path = PACKAGE.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def test_figures_import_no_model_no_training_and_no_evaluation():
    files = sorted((PACKAGE / "figures").glob("*.py"))
    assert len(files) > 10
    direct = set().union(*(package_imports(path, everywhere=True) for path in files))
    outside = {module for module in direct if not module.startswith("figures")}
    assert outside <= ALLOWED


def test_what_figures_import_imports_nothing_more():
    for module in ALLOWED:
        path = source(module)
        assert package_imports(path, everywhere=False) <= ALLOWED
        folder = path.parent / "__init__.py"  # runs before any module of the folder
        if folder.parent != PACKAGE:
            assert package_imports(folder, everywhere=False) <= ALLOWED


def test_the_walk_sees_imports():
    assert "reading" in package_imports(PACKAGE / "figures" / "timeline.py", everywhere=False)
    assert "explain.heads" in package_imports(PACKAGE / "figures" / "head.py", everywhere=False)
    assert "figures" in package_imports(PACKAGE / "reading.py", everywhere=True)
    assert "figures" not in package_imports(PACKAGE / "reading.py", everywhere=False)


def test_drawing_loads_no_model():
    program = "import sys, mnist_transformer.figures; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = {name for name in run.stdout.split() if name.startswith("mnist_transformer.")}
    loaded = {name.removeprefix("mnist_transformer.") for name in loaded}
    loaded = {name for name in loaded if not name.startswith("figures")}
    assert {"config", "reading", "explain.heads"} <= loaded <= ALLOWED | {"explain"}
