"""The project installed elsewhere: as a wheel, and as a container would install it."""

import ast
import email
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import tomllib
import zipfile
from contextlib import suppress
from urllib.request import urlopen

import pytest
from packaging.requirements import Requirement

import mnist_transformer
from tests import ROOT

PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy, as building leaves files behind."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in ("mnist_transformer", "weights", "demo"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run([*PIP, *build, str(source)], check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel):
    """The wheel, unpacked into a folder of its own, far from the repository."""
    place = wheel.parent / "place"
    install = ["install", "--no-deps", "--target", str(place), str(wheel)]
    subprocess.run([*PIP, *install], check=True, capture_output=True)
    return place


def test_a_wheel_carries_the_package_and_the_page(wheel):
    with zipfile.ZipFile(wheel) as archive:
        carried = {name for name in archive.namelist() if ".dist-info" not in name}
    for folder, inside in (("mnist_transformer", ""), ("demo", "mnist_transformer/installed/")):
        needed = [
            path
            for path in (ROOT / folder).rglob("*")
            if path.suffix in (".py", ".js", ".css", ".toml", ".typed", ".npz")
            or path.parent.name == "examples"
        ]
        assert {inside + str(path.relative_to(ROOT)) for path in needed} <= carried
    python = {name for name in carried if name.endswith(".py")}
    assert python == {
        *(str(path.relative_to(ROOT)) for path in (ROOT / "mnist_transformer").rglob("*.py")),
        *(f"mnist_transformer/installed/demo/{p.name}" for p in (ROOT / "demo").glob("*.py")),
    }


def test_the_reader_alone_needs_little_and_no_certain_version(wheel):
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith("/METADATA"))
        told = email.message_from_bytes(archive.read(name)).get_all("Requires-Dist")
    needed = [Requirement(text) for text in told]
    always = {each.name for each in needed if not each.marker}
    assert always == {"numpy", "opencv-python-headless", "pillow", "safetensors", "torch", "tqdm"}
    assert all(part.operator == ">=" for each in needed for part in each.specifier)


def test_what_is_pinned_is_allowed():
    """The versions that the page is hosted and tested with lie in the ranges."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    ranges = [Requirement(text) for text in project["dependencies"] + sum(extras, [])]
    lines = (ROOT / "requirements.txt").read_text() + (ROOT / "requirements-dev.txt").read_text()
    pinned = dict(line.split("==") for line in lines.splitlines() if "==" in line)
    for each in ranges:
        if each.name != project["name"]:
            assert each.specifier.contains(pinned[each.name]), f"{each} is not {pinned[each.name]}"
    named = {each.name for each in ranges}
    assert set(pinned) <= named, "pinned, but in no extra"


def test_a_wheel_reads_from_any_folder(installed, tmp_path):
    read = subprocess.run(
        [installed / "bin" / "mnist-transformer", "read", ROOT / "demo" / "examples"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )
    assert "2026.png: 2026 " in read.stdout and "99.png: 99 " in read.stdout, read.stderr


def test_a_wheel_starts_the_page_and_asks_for_nothing(installed, tmp_path):
    """In a terminal, at its first start on a machine, where Streamlit would ask for an address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    keyboard, terminal = os.openpty()
    log = tmp_path / "log"
    with open(log, "w") as said:
        page = subprocess.Popen(
            [installed / "bin" / "mnist-transformer", "demo", "--port", str(port)],
            cwd=tmp_path,
            env=os.environ
            | {"PYTHONPATH": str(installed), "HOME": str(tmp_path), "BROWSER": "true"},
            stdin=terminal,
            stdout=said,
            stderr=said,
        )
    try:
        while page.poll() is None:
            with suppress(OSError):
                health = urlopen(f"http://localhost:{port}/_stcore/health").read()
                assert health == b"ok"
                break
            assert "mail" not in log.read_text()
            time.sleep(0.2)
        assert page.poll() is None, log.read_text()
    finally:
        page.kill()
        page.wait()
        os.close(keyboard)
        os.close(terminal)


def test_the_page_in_a_wheel_is_whole(installed, tmp_path):
    """It runs there, with the package from there, and shows what its example reads."""
    script = (
        "from streamlit.testing.v1 import AppTest\n"
        "from mnist_transformer.commands.demo import PAGE\n"
        "page = AppTest.from_file(str(PAGE), default_timeout=300).run()\n"
        "labels = [button.label for button in page.button]\n"
        "print(PAGE, [error.value for error in page.exception], labels)"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )
    assert run.stdout.startswith(str(installed)), run.stderr
    assert "app.py [] [" in run.stdout and "'314159'" in run.stdout, run.stdout


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
