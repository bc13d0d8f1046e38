"""`python -m benchmarks NAME`: one table each, by the names below."""

import importlib
import sys

NAMES = tuple(
    "reading training growth goal short teach slide start page load readers".split()
    + "explain bulk quantized ink".split()
)
WITH_OPTIONS = ("start", "readers", "bulk", "load")  # which tell them by --help


def main() -> int:
    name, *options = sys.argv[1:] or [""]
    if name not in NAMES or (options and name not in WITH_OPTIONS):
        print(f"usage: python -m benchmarks {'|'.join(NAMES)}", file=sys.stderr)
        return 2
    run = importlib.import_module(f"benchmarks.{name}").main
    if name in WITH_OPTIONS:
        run(options)
    else:
        run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
