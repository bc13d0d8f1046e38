"""Start the page, on which one draws and watches the model read, in the browser."""

import argparse
from pathlib import Path

from . import CommandError

PACKAGE = Path(__file__).parent.parent
INSTALLED = PACKAGE / "installed"  # in a wheel the page lies here, in the repository at its top
PAGE = (INSTALLED if INSTALLED.is_dir() else PACKAGE.parent) / "demo" / "app.py"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, default=8501, help="default: %(default)s")
    parser.add_argument(
        "--address",
        default="localhost",
        help="who may reach it (default: %(default)s, this machine alone; 0.0.0.0: all others)",
    )
    parser.add_argument("--no-browser", action="store_true", help="open no browser")


def run(options: argparse.Namespace) -> int:
    from streamlit.web import cli

    if not PAGE.exists():
        raise CommandError(f"the page is not installed: there is no {PAGE}")
    flags = [
        f"--server.port={options.port}",
        f"--server.address={options.address}",
        f"--server.headless={str(options.no_browser).lower()}",
    ]
    cli.main(["run", str(PAGE), *flags], prog_name="streamlit", standalone_mode=False)
    return 0
