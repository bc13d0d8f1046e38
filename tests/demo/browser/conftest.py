"""The page as people use it: a real Chromium, a mouse, a server."""

import os

import pytest

from mnist_transformer import load_transformer
from tests.chromium import CHROMIUM, launch, open_page, serve
from tests.demo.browser.seen import choose_nothing, open_example, read_example, settled


@pytest.fixture(scope="package")
def browser():
    # Where REQUIRE_BROWSER is set, as in CI, a missing Chromium fails instead.
    if CHROMIUM is None and "REQUIRE_BROWSER" not in os.environ:
        pytest.skip("needs Chromium on the PATH (apt-get install chromium)")
    with launch() as browser:
        yield browser


@pytest.fixture(scope="package")
def server(browser, tmp_path_factory):
    """The page's address and the file its log goes to."""
    log = tmp_path_factory.mktemp("server") / "log"
    with serve(log) as address:
        yield address, log


@pytest.fixture(scope="module")
def kept():
    """The page that the tests of a file share, once one is open."""
    pages = []
    yield pages
    for page in pages:
        page.context.close()


@pytest.fixture
def page(request, browser, server, kept):
    """A page of its own for every test, but for those that only look (`@pytest.mark.looks`).

    These share one, with the example 2026 read and nothing chosen: to open a page takes longer than
    most of them. Of a test that fails nothing is left to the next.
    """
    failed = request.session.testsfailed
    shares = request.node.get_closest_marker("looks") is not None
    pages = kept if shares else []
    if not pages:
        fresh = open_page(browser, server[0])
        if shares:
            open_example(fresh)
            settled(fresh)
        pages.append(fresh)
    if shares:
        choose_nothing(pages[0])
    yield pages[0]
    if not shares or request.session.testsfailed > failed:
        pages.pop().context.close()


@pytest.fixture(scope="package")
def model():
    """The shipped one, as the page has it."""
    return load_transformer()


@pytest.fixture(scope="package")
def reading(model):
    """What the page makes of the example that most tests open."""
    return read_example(model)
