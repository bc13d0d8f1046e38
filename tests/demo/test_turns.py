"""Whose turn it is when many visitors write at once."""

import threading
from contextlib import ExitStack

from demo import turns as module
from demo.turns import Turns


def start(work):
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_readings_are_as_many_at_once_as_there_are_cores_and_all_get_their_turn():
    turns = Turns(cores=2)
    lock, now, most, done = threading.Lock(), 0, 0, []

    def read(number):
        nonlocal now, most
        with turns.first():
            with lock:
                now += 1
                most = max(most, now)
            full.wait(timeout=60)
            with lock:
                now -= 1
                done.append(number)

    full = threading.Barrier(2)  # nobody leaves before two are there
    threads = [start(lambda number=number: read(number)) for number in range(6)]
    for thread in threads:
        thread.join(timeout=60)
    assert most == 2 and sorted(done) == list(range(6))


def order_beside_a_reading(turns, waiting):
    """Which was done first, a reading that is going on already or `waiting`."""
    order = []

    def wait():
        waiting()
        order.append("what waits")

    with ExitStack() as reading:
        reading.enter_context(turns.first())
        waits = start(wait)
        waits.join(timeout=0.2)
        order.append("reading")
    waits.join(timeout=60)
    return order


def test_the_rest_waits_for_readings_and_then_has_its_turn(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 60)
    turns = Turns(cores=2)

    def rest():
        with turns.rest():
            pass

    assert order_beside_a_reading(turns, rest) == ["reading", "what waits"]


def test_the_rest_does_not_wait_for_ever_and_keeps_no_reading_waiting(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0)
    turns = Turns(cores=1)
    with turns.first(), turns.rest():
        pass
    with turns.rest(), turns.first():
        pass


def test_a_turn_ends_with_an_error():
    turns = Turns(cores=1)
    for turn in (turns.first, turns.rest) * 2:
        try:
            with turn():
                raise RuntimeError
        except RuntimeError:
            pass
    with turns.first():
        pass


def test_what_follows_a_reading_gives_way_to_those_who_read_but_not_for_ever(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 60)
    turns = Turns(cores=2)
    assert order_beside_a_reading(turns, turns.give_way) == ["reading", "what waits"]
    with turns.rest():
        turns.give_way()  # to nobody but readers
    monkeypatch.setattr(module, "PATIENCE", 0)
    with turns.first():
        turns.give_way()
