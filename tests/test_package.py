"""The project installed elsewhere: as a wheel, and as a container would install it."""

import ast
import os
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

import mnist_transformer
from tests import ROOT


def test_a_wheel_carries_the_weights_and_reads_from_any_folder(tmp_path):
    source = tmp_path / "source"  # building leaves files behind
    for name in ("mnist_transformer", "weights"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "requirements.txt", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path)]
    subprocess.run([*pip, *build, str(source)], check=True, capture_output=True)
    wheel = next(tmp_path.glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        carried = {name for name in archive.namelist() if name.endswith(".py")}
    assert carried == {
        str(path.relative_to(ROOT)) for path in (ROOT / "mnist_transformer").rglob("*.py")
    }
    place = tmp_path / "place"
    install = ["install", "--no-deps", "--target", str(place), str(wheel)]
    subprocess.run([*pip, *install], check=True, capture_output=True)
    read = subprocess.run(
        [place / "bin" / "mnist-transformer", "read", ROOT / "demo" / "examples" / "2026.png"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(place)},
        capture_output=True,
        text=True,
    )
    assert ": 2026 " in read.stdout, read.stderr


def run_python(code):
    run = [sys.executable, "-c", f"import sys\n{code}"]
    return subprocess.run(run, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def test_reading_in_the_shell_loads_nothing_that_only_others_need():
    heavy = "sympy torch._dynamo torchvision plotly mlxtend mnist_transformer.train"
    told = run_python(
        "from mnist_transformer.__main__ import main\n"
        "main(['read', 'demo/examples/2026.png'])\n"
        f"print('loaded:', [name for name in '{heavy}'.split() if name in sys.modules])"
    )
    assert ": 2026 " in told
    assert told.endswith("loaded: []\n")


def test_the_package_alone_loads_nothing():
    told = run_python("import mnist_transformer as m; print(m.__version__, 'torch' in sys.modules)")
    assert re.fullmatch(r"\d+\.\d+\.\d+ False\n", told)


def test_every_public_name_is_there_for_people_and_for_type_checkers():
    listed = set(mnist_transformer.__all__) - {"__version__"}
    assert all(getattr(mnist_transformer, name) is not None for name in listed)
    assert listed <= set(dir(mnist_transformer))
    source = ast.parse((ROOT / "mnist_transformer" / "__init__.py").read_text())
    checked = next(node for node in source.body if isinstance(node, ast.If))
    assert {name.asname for node in checked.body for name in node.names} == listed
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        mnist_transformer.nonsense  # noqa: B018


def test_the_container_has_all_it_names():
    lines = (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    copied = [name for line in lines if line.startswith("COPY ") for name in line.split()[1:-1]]
    assert all((ROOT / name).exists() for name in copied)
    needed = {"demo", "mnist_transformer", "weights", "requirements.txt"}
    assert {name.rstrip("/") for name in copied} == needed
    command = next(line for line in lines if line.startswith("CMD"))
    assert "demo/app.py" in command
    port = re.search(r"EXPOSE (\d+)", "\n".join(lines))[1]
    assert f"--server.port={port}" in command
    front = (ROOT / "README.md").read_text().split("---")[1]  # what Spaces reads
    assert "sdk: docker" in front and f"app_port: {port}" in front
