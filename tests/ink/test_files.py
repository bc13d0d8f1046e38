"""Picture files of all kinds: what is in them is read, or what is missing is said."""

import io
import sys

import numpy as np
import pytest
from PIL import Image

from mnist_transformer import InkError, load_transformer, open_drawing, open_pages
from mnist_transformer.ink import files
from tests import ROOT

EXAMPLE = ROOT / "demo" / "examples" / "2026.png"


@pytest.fixture(scope="module")
def shipped():
    return load_transformer()


@pytest.fixture
def packed(tmp_path):
    """The example in another format, in a file whose name does not tell it."""

    def packed(form):
        path = tmp_path / "picture"
        if form == "HEIF":
            pytest.importorskip("pillow_heif").register_heif_opener()
        Image.open(EXAMPLE).convert("RGB").save(path, form, quality=90)
        return path

    return packed


@pytest.mark.parametrize(
    "form", ["JPEG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "PPM", "HEIF", "PDF"]
)
def test_every_format_is_read(shipped, packed, form):
    if form == "PDF":
        pytest.importorskip("pypdfium2")
    assert shipped.read(packed(form)).digits == "2026"


def test_a_format_without_its_package_names_the_extra(packed, monkeypatch):
    heic, pdf = b"\0\0\0\x18ftypheic\0\0\0\0", b"%PDF-1.7\n"
    for package, data in (("pillow_heif", heic), ("pypdfium2", pdf)):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(InkError, match=r"is read after .*mnist-transformer\[formats"):
            open_drawing(io.BytesIO(data))


def test_what_is_no_picture_is_told_which_formats_go():
    with pytest.raises(InkError, match="PNG, JPEG, .*PPM .*HEIC and PDF after"):
        open_drawing(__file__)
    with pytest.raises(InkError, match="empty"):
        open_drawing(io.BytesIO(b""))


@pytest.mark.parametrize("form", ["TIFF", "PDF"])
def test_pages_come_in_order_and_the_first_alone_with_a_warning(tmp_path, form):
    if form == "PDF":
        pytest.importorskip("pypdfium2")
    pages = [Image.new("L", (60, 40), light) for light in (10, 120, 230)]
    pages[0].save(tmp_path / "pages", form, save_all=True, append_images=pages[1:])
    lights = [int(np.asarray(page.convert("L")).mean()) for page in open_pages(tmp_path / "pages")]
    assert lights == pytest.approx([10, 120, 230], abs=3)
    with pytest.warns(UserWarning, match="the first of 3 pages"):
        first = open_drawing(tmp_path / "pages")
    assert int(np.asarray(first.convert("L")).mean()) == pytest.approx(10, abs=3)


def test_what_comes_through_a_pipe_is_read():
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

        def seek(self, *_):
            raise io.UnsupportedOperation("seek")

    assert open_drawing(Pipe(EXAMPLE.read_bytes())).size == Image.open(EXAMPLE).size


def test_a_large_page_of_a_pdf_is_drawn_no_larger_than_is_looked_at(tmp_path):
    pytest.importorskip("pypdfium2")
    Image.new("L", (3000, 2000), 255).save(tmp_path / "poster", "PDF", resolution=10)
    assert max(open_drawing(tmp_path / "poster").size) <= 4096


def test_a_document_is_closed_with_its_last_page_or_when_it_is_dropped(tmp_path, monkeypatch):
    """By whoever has the lock, as PDFium is made for one thread; its pages stay whole."""
    pypdfium2 = pytest.importorskip("pypdfium2")
    opened = []

    class Document(pypdfium2.PdfDocument):
        def __init__(self, data):
            super().__init__(data)
            opened.append(self)

        def close(self):
            assert files._one_at_a_time._is_owned()
            super().close()

    monkeypatch.setattr(pypdfium2, "PdfDocument", Document)
    pages = [Image.new("L", (60, 40), light) for light in (10, 120, 230)]
    pages[0].save(tmp_path / "pages", "PDF", save_all=True, append_images=pages[1:])
    drawn = list(open_pages(tmp_path / "pages"))
    assert [int(np.asarray(page.convert("L")).mean()) // 10 for page in drawn] == [1, 12, 23]
    left = open_pages(tmp_path / "pages")
    next(left)
    assert opened[1].raw is not None
    del left
    with pytest.warns(UserWarning):
        open_drawing(tmp_path / "pages")
    assert [document.raw for document in opened] == [None] * 3
