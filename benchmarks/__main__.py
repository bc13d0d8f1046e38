"""`python -m benchmarks reading|training|growth|goal|start|page|load`: one table each."""

import importlib
import sys

NAMES = ("reading", "training", "growth", "goal", "start", "page", "load")


def main() -> int:
    if len(sys.argv) != 2 or sys.argv[1] not in NAMES:
        print(f"usage: python -m benchmarks {'|'.join(NAMES)}", file=sys.stderr)
        return 2
    importlib.import_module(f"benchmarks.{sys.argv[1]}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
