"""`python -m benchmarks reading|training|growth|goal|start|page|load`: one table each."""

import importlib
import sys

NAMES = ("reading", "training", "growth", "goal", "start", "page", "load")


def main() -> int:
    name, *options = sys.argv[1:] or [""]
    # Only `start` takes options: `--beside FOLDER`.
    if name not in NAMES or (options and name != "start"):
        print(f"usage: python -m benchmarks {'|'.join(NAMES)}", file=sys.stderr)
        return 2
    run = importlib.import_module(f"benchmarks.{name}").main
    if name == "start":
        run(options)
    else:
        run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
