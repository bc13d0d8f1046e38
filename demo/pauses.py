"""Pauses in which a browser shows what it was sent, before it is sent the rest."""

import time

from demo.turns import LOOK, end_if_outdated

# Seconds for the stage: the thread that sends it needs Python's lock several times, and would wait
# for it 5 ms each time; and a browser that has more to take up paints the digits only after all of
# that.
STAGE = 0.03
# For the sheet as well, on arrival: a browser has first to load its canvas, and would build all the
# rest meanwhile.
ARRIVAL = 0.2


def pause(seconds: float) -> None:
    """Wait, unless the visitor goes on meanwhile, which ends this run."""
    while seconds > 0:
        time.sleep(min(seconds, LOOK))
        seconds -= LOOK
        end_if_outdated()
