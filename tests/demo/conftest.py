import sys

import pytest


@pytest.fixture(autouse=True)
def own_main(monkeypatch):
    """A page that is tried here stays behind as `__main__`, which processes that tests start later
    would import."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(autouse=True)
def no_browser_to_wait_for(monkeypatch):
    """A page that is tried without a browser need not wait until one shows the sheet."""
    monkeypatch.setattr("demo.pauses.ARRIVAL", 0.001)
