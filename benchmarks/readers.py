"""Lines and pages of pen ink: read by ours, by PP-OCRv6 small and by Tesseract.

The same pictures for all, one after the other; every reader has one thread. PP-OCRv6 small comes
with `rapidocr`. Tesseract is asked where the machine has the program. Both know letters too:
Tesseract is told to write digits alone, and PP-OCRv6's letters count as the digits they look like.
"""

import argparse
import io
import os
import re
import resource
import shutil
import statistics
import subprocess
import time
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

from benchmarks.timing import machine
from mnist_transformer import InkError, load_transformer
from mnist_transformer.checkpoint import TRANSFORMER_WEIGHTS
from mnist_transformer.hands.pages import pen_pages
from mnist_transformer.hands.pen import PenDigit, load_pen_digits, pen_lines

SEED = 20_000
LINES, PAGES = 100, 8
ABSENT = "not installed"
LINE = "line"  # the kind of a picture of one row, which the others are told is one

# What other alphabets have that looks like a digit; all else a reader writes is left out.
LOOKALIKES = {
    "0": "OoDQUCcОоΟθØ口〇○。",
    "1": "lIi|!/\\[]LJjt丨",
    "2": "ZzRr乙",
    "3": "EЗзЭэ",
    "4": "AYyhHuЧч",
    "5": "Ss",
    "6": "bGб",
    "7": "T>Ffフワㄱラクつ",
    "8": "B&",
    "9": "gqPp",
}
AS_DIGITS = {letter: digit for digit, letters in LOOKALIKES.items() for letter in letters}


@dataclass(frozen=True)
class Reader:
    """Something that reads pictures.

    Attributes:
        name: with its version.
        read: the rows of digits of a picture, from top to bottom; told whether it is one row. None
            if the machine does not have it.
        weights: what it learned, in bytes on disk.
    """

    name: str
    read: Callable[[Image.Image, bool], list[str]] | None
    weights: int


@dataclass
class Score:
    """What one reader made of pictures of several kinds.

    Attributes:
        right: for each kind, whether each picture's digits were all read, in order.
        rows_right, rows: how many of the pages' rows were found, of how many.
        seconds: of processor time, for each kind's pictures.
    """

    right: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    rows_right: int = 0
    rows: int = 0
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, kind: str, true: list[str], read: list[str], seconds: float) -> None:
        # How digits are shared out to rows is our own guess from the others' boxes, so that a
        # picture counts as right where its digits agree, wherever a row is thought to end.
        self.right[kind].append("".join(true) == "".join(read))
        self.seconds[kind].append(seconds)
        if kind != LINE:
            self.rows += len(true)
            self.rows_right += common_rows(true, read)

    def cell(self, kinds: Iterable[str]) -> str:
        """Right of all, over some kinds."""
        right = [is_right for kind in kinds for is_right in self.right[kind]]
        if not right:
            return ABSENT
        return f"{sum(right)} of {len(right)} ({sum(right) / len(right):.0%})"

    @property
    def rows_cell(self) -> str:
        return f"{self.rows_right} of {self.rows}" if self.rows else ABSENT

    def milliseconds(self, kinds: Iterable[str]) -> str:
        """The median over some kinds."""
        seconds = [s for kind in kinds for s in self.seconds[kind]]
        return f"{1000 * statistics.median(seconds):.0f} ms" if seconds else ABSENT


def common_rows(true: list[str], read: list[str]) -> int:
    """How many rows were read exactly, in order: the longest common subsequence."""
    longest = [0] * (len(read) + 1)
    for row in true:
        previous = list(longest)
        for n, other in enumerate(read):
            longest[n + 1] = previous[n] + 1 if row == other else max(previous[n + 1], longest[n])
    return longest[-1]


def only_digits(text: str) -> str:
    """The digits of a text; letters become the digits they look like, all else is left out."""
    text = "".join(AS_DIGITS.get(c, c) for c in unicodedata.normalize("NFKC", text))
    return re.sub("[^0-9]", "", text)


def boxes_to_rows(boxes: np.ndarray, texts: list[str]) -> list[str]:
    """Sort texts into rows from top to bottom, and in each from left to right.

    Args:
        boxes: (texts, 4, 2) corners of each, x and y.
        texts: what was read in them.
    """
    spans = [
        (b[:, 1].min(), b[:, 1].max(), b[:, 0].min(), t) for b, t in zip(boxes, texts, strict=True)
    ]
    rows: list[list[tuple]] = []
    for span in sorted(spans, key=lambda s: s[0] + s[1]):
        top, bottom, *_ = rows[-1][-1] if rows else (0, 0)
        overlap = min(bottom, span[1]) - max(top, span[0])
        if rows and overlap > min(bottom - top, span[1] - span[0]) / 2:
            rows[-1].append(span)
        else:
            rows.append([span])
    lines = ["".join(s[3] for s in sorted(row, key=lambda s: s[2])) for row in rows]
    return [line for line in lines if line]


def ours() -> Reader:
    """`read_page` of the shipped model, for lines as well."""
    model = load_transformer()

    def read(picture: Image.Image, _: bool) -> list[str]:
        try:
            return [row.digits for row in model.read_page(picture).rows]
        except InkError:
            return []

    return Reader("ours", read, TRANSFORMER_WEIGHTS.stat().st_size)


def pp_ocr() -> Reader:
    """PP-OCRv6 small: its detector, then its recogniser, set up as it serves digits best.

    The detector sees a picture in its own size: `rapidocr` would enlarge a line to 736 pixels of
    height, which takes ten times as long and reads fewer (12 of 18 against 17). It is not asked
    whether a text is upside down, which turned digits that were not, and none is dropped as
    uncertain.
    """
    import rapidocr

    one_thread = {
        f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")
    }
    settings = {
        "Det.limit_side_len": 64,
        "Global.use_cls": False,
        "Global.text_score": 0.0,
        "Global.log_level": "error",
    }
    engine = rapidocr.RapidOCR(params=one_thread | settings)

    def read(picture: Image.Image, one_row: bool) -> list[str]:
        found = engine(np.asarray(picture.convert("RGB"))[:, :, ::-1])
        if found.boxes is None:
            return []
        texts = [only_digits(text) for text in found.txts]
        if one_row:
            return ["".join(texts[n] for n in found.boxes[:, :, 0].min(1).argsort())]
        return boxes_to_rows(found.boxes, texts)

    files = Path(rapidocr.__file__).parent.glob("models/PP-OCRv6_*_small.onnx")
    return Reader("PP-OCRv6 small", read, sum(file.stat().st_size for file in files))


def tesseract() -> Reader:
    """The program, started anew for each picture."""
    program = shutil.which("tesseract")
    if program is None:
        return Reader("Tesseract", None, 0)

    def run(*arguments: str, picture: bytes = b"") -> str:
        environment = os.environ | {"OMP_THREAD_LIMIT": "1"}
        call = subprocess.run(
            [program, *arguments], input=picture, capture_output=True, env=environment
        )
        return call.stdout.decode()

    def read(picture: Image.Image, one_row: bool) -> list[str]:
        png = io.BytesIO()
        picture.save(png, "PNG", compress_level=1)
        mode = "7" if one_row else "6"
        digits = "tessedit_char_whitelist=0123456789"
        text = run(
            "stdin", "stdout", "-l", "eng", "--psm", mode, "-c", digits, picture=png.getvalue()
        )
        return [digits for line in text.splitlines() if (digits := only_digits(line))]

    version = run("--version").split()[1]
    folder = re.search('"(.*)"', run("--list-langs"))
    weights = Path(folder[1], "eng.traineddata").stat().st_size if folder else 0
    return Reader(f"Tesseract {version}", read, weights)


def processor_time() -> float:
    """Seconds that this process and the programs it started computed.

    With one thread these are the seconds on an idle core; others' work does not count.
    """
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def measure(
    readers: list[Reader], pictures: Iterable[tuple[str, Image.Image, list[str]]]
) -> list[Score]:
    """Have every reader read every picture in turn.

    Args:
        readers: each reads one picture first that does not count.
        pictures: (kind, picture, its rows).
    """
    scores = [Score() for _ in readers]
    for number, (kind, picture, rows) in enumerate(pictures):
        for reader, score in zip(readers, scores, strict=True):
            if reader.read is None:
                continue
            if number == 0:
                reader.read(picture, kind == LINE)
            started = processor_time()
            read = reader.read(picture, kind == LINE)
            score.add(kind, rows, read, processor_time() - started)
    return scores


def pictures_of_ink(
    digits: list[PenDigit], lines: int, pages: int, seed: int
) -> Iterator[tuple[str, Image.Image, list[str]]]:
    """Fixed lines, then pages of every kind: (kind, picture, its rows)."""
    for line in pen_lines(digits, lines, seed):
        yield LINE, line.picture, [line.digits]
    yield from ((page.kind, page.picture, page.rows) for page in pen_pages(digits, pages, seed))


def table(readers: list[Reader], scores: list[Score]) -> str:
    """What was measured, in Markdown; a column each."""
    kinds = [kind for kind in scores[0].right if kind != LINE]
    rows = {"": [reader.name for reader in readers]}
    rows["lines of 1 to 8 digits"] = [score.cell([LINE]) for score in scores]
    rows |= {f"pages: {kind}": [score.cell([kind]) for score in scores] for kind in kinds}
    rows["all pages"] = [score.cell(kinds) for score in scores]
    rows["their rows"] = [score.rows_cell for score in scores]
    rows["a line"] = [score.milliseconds([LINE]) for score in scores]
    rows["a page"] = [score.milliseconds(kinds) for score in scores]
    rows["weights on disk"] = [
        f"{reader.weights / 1e6:.1f} MB" if reader.read else ABSENT for reader in readers
    ]
    lines = [f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows.items()]
    return "\n".join([lines[0], "|---" * (len(readers) + 1) + "|", *lines[1:]])


def main(arguments: list[str]) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser("python -m benchmarks readers", description=__doc__)
    parser.add_argument("--ink", default=os.environ.get("PEN_INK"), help="default: $PEN_INK")
    parser.add_argument("--lines", type=int, default=LINES, help="default: %(default)s")
    parser.add_argument("--pages", type=int, default=PAGES, help="of each kind (%(default)s)")
    parser.add_argument("--seed", type=int, default=SEED, help="default: %(default)s")
    options = parser.parse_args(arguments)
    if not options.ink:
        parser.error("name a file of pen digits: --ink FILE or $PEN_INK")
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    readers = [ours(), pp_ocr(), tesseract()]
    print(
        f"{machine()}; {Path(options.ink).name}, seed {options.seed}, {options.lines} lines, "
        f"{options.pages} pages of each kind; medians of one thread's processor time"
    )
    pictures = pictures_of_ink(
        load_pen_digits(options.ink), options.lines, options.pages, options.seed
    )
    print(f"\n{table(readers, measure(readers, pictures))}")
