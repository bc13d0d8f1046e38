"""The page as people use it: a real Chromium, a mouse, a server."""

import os

import pytest

from mnist_transformer import load_transformer
from tests.chromium import CHROMIUM, launch, open_page, serve
from tests.demo.browser.seen import read_example


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


@pytest.fixture
def page(browser, server):
    page = open_page(browser, server[0])
    yield page
    page.context.close()


@pytest.fixture(scope="package")
def model():
    """The shipped one, as the page has it."""
    return load_transformer()


@pytest.fixture(scope="package")
def reading(model):
    """What the page makes of the example that most tests open."""
    return read_example(model)
