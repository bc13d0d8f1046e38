"""Picture files, of one page or of several; some formats need a package that comes as an extra."""

import io
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from PIL import Image, ImageOps

from .picture import WORKING_SIZE, InkError, check_size, upright

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

EXTRA = "`pip install 'mnist-transformer[formats]'`"
FORMATS = (
    f"PNG, JPEG, WebP, AVIF, GIF, BMP, TIFF, PBM, PGM and PPM are read, HEIC and PDF after {EXTRA}"
)
# The endings of what is looked for in a folder; a file that is named may have any.
SUFFIXES = frozenset(
    ".png .jpg .jpeg .jfif .webp .avif .gif .bmp .tif .tiff .pbm .pgm .ppm .heic .heif .pdf".split()
)
MOVING = ("GIF", "PNG", "WEBP", "AVIF", "HEIF")  # formats whose further frames are no pages
POINTS = 72  # to the inch: a PDF's measure
RESOLUTION = 200  # dots per inch at which a PDF's page is drawn, unless that makes a poster of it

Pages = tuple[int, Callable[[int], Image.Image]]  # how many there are, and the n-th, from 0


def open_drawing(file: str | Path | IO[bytes]) -> Image.Image:
    """Open a picture file, turned as its camera was held.

    Of several pages it is the first, and a warning says so: `open_pages` gives them all.

    Raises:
        FileNotFoundError: if there is no such file.
        InkError: if it holds no picture, a broken one, or one of more than `MAX_PIXELS`, or it is
            of a format whose package is not installed.
    """
    with _in_words(), ExitStack() as stack:
        count, page = _pages(_opened(file, stack), stack)
        if count > 1:
            warnings.warn(
                f"only the first of {count} pages is read: open_pages gives all", stacklevel=4
            )
        return page(0)


def open_pages(file: str | Path | IO[bytes]) -> Iterator[Image.Image]:
    """The pages of a picture file, one after the other: several of a TIFF or a PDF, else one.

    Of a moving picture it is the first frame, and a warning says so.

    Raises:
        FileNotFoundError, InkError: as `open_drawing`, when the page is asked for.
    """
    with _in_words(), ExitStack() as stack:
        count, page = _pages(_opened(file, stack), stack)
        for number in range(count):
            yield page(number)


@contextmanager
def _in_words() -> Iterator[None]:
    """Whatever goes wrong while a file is opened, as one message for whoever named the file."""
    try:
        yield
    except (FileNotFoundError, InkError):
        raise
    except IsADirectoryError as error:
        raise InkError("not a readable image: it is a folder") from error
    except Image.DecompressionBombError as error:
        raise InkError(f"the picture is too large: {error}") from error
    except Image.UnidentifiedImageError as error:
        raise InkError(f"not a readable image: {FORMATS}") from error
    # The readers of the formats raise many kinds of errors on broken files.
    except Exception as error:
        raise InkError(f"not a readable image: {error}") from error


def _opened(file: str | Path | IO[bytes], stack: ExitStack) -> IO[bytes]:
    """The file from its beginning; what comes through a pipe is taken in first.

    What is opened is closed with `stack`, here and in `_pages`.
    """
    if isinstance(file, str | Path):
        return stack.enter_context(open(file, "rb"))
    if file.seekable():
        file.seek(0)
        return file
    return io.BytesIO(file.read())


def _pages(source: IO[bytes], stack: ExitStack) -> Pages:
    start = source.read(64)
    source.seek(0)
    if not start:
        raise InkError("not a readable image: it is empty")
    if start.startswith(b"%PDF"):
        return _pages_of_pdf(source, stack)
    try:
        picture = Image.open(source)
    except Image.UnidentifiedImageError:
        if start[4:8] != b"ftyp":  # how HEIC begins, and films do
            raise
        _learn_heic()
        source.seek(0)
        picture = Image.open(source)
    check_size(picture.height, picture.width)  # known before anything is unpacked
    if picture.format == "TIFF":
        return getattr(picture, "n_frames", 1), lambda number: _frame(picture, number)
    if picture.format in MOVING and (frames := _frames(picture)) > 1:
        warnings.warn(f"only the first of {frames} frames is read", stacklevel=5)
    return 1, lambda number: upright(picture)


def _frame(picture: Image.Image, number: int) -> Image.Image:
    picture.seek(number)
    check_size(picture.height, picture.width)
    return ImageOps.exif_transpose(picture)


def _frames(picture: Image.Image) -> int:
    try:
        return getattr(picture, "n_frames", 1)
    except Exception:  # the first may be whole where a later one is broken
        return 1


def _learn_heic() -> None:
    """Teach Pillow the format of many telephones' cameras.

    Raises:
        InkError: if the package for it is not installed.
    """
    try:
        from pillow_heif import register_heif_opener
    except ModuleNotFoundError as error:
        raise InkError(f"not a readable image: HEIC is read after {EXTRA}") from error
    register_heif_opener()


# PDFium is made for one thread. A lock that its own holder may take again: while a page is drawn,
# Python may clear away an iterator of pages that somebody dropped, which closes its document.
_one_at_a_time = threading.RLock()


def _pages_of_pdf(source: IO[bytes], stack: ExitStack) -> Pages:
    try:
        from pypdfium2 import PdfDocument
    except ModuleNotFoundError as error:
        raise InkError(f"not a readable image: PDF is read after {EXTRA}") from error

    data = source.read()
    with _one_at_a_time:
        document = PdfDocument(data)
        stack.callback(_close, document)
        count = len(document)
    if not count:
        raise InkError("not a readable image: the PDF has no pages")

    def page(number: int) -> Image.Image:
        with _one_at_a_time, ExitStack() as drawn:
            sheet = document[number]
            drawn.callback(sheet.close)
            scale = min(RESOLUTION / POINTS, 2 * WORKING_SIZE / max(sheet.get_size()))
            pixels = sheet.render(scale=scale)
            drawn.callback(pixels.close)
            return pixels.to_pil().copy()  # of its own, as the pixels are PDFium's

    return count, page


def _close(document: "PdfDocument") -> None:
    with _one_at_a_time:
        document.close()
