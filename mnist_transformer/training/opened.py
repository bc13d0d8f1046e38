"""The few models of moments that are kept ready to read, of however many runs."""

import threading
from collections import OrderedDict
from weakref import WeakValueDictionary

from ..classifier import Classifier
from ..transformer import Transformer


class OpenedModels:
    """At most so many models, those that were asked for last; safe to share between threads.

    One that somebody still holds is given again as long as it is held, so that nobody who looks
    into it finds another in its place because others look into theirs.

    Args:
        most: how many. A server's visitors share them, so that its memory does not grow with runs.
    """

    def __init__(self, most: int):
        self._most = most
        self._models: OrderedDict[tuple[int, int], Transformer | Classifier] = OrderedDict()
        self._held: WeakValueDictionary[tuple[int, int], Transformer | Classifier]
        self._held = WeakValueDictionary()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._models)

    def get(self, run: int, step: int) -> Transformer | Classifier | None:
        """That of a run after a step, if it is here."""
        with self._lock:
            if (run, step) in self._models:
                self._models.move_to_end((run, step))
            return self._held.get((run, step))

    def put(self, run: int, step: int, model: Transformer | Classifier) -> None:
        """Keep one, in place of the one that has not been asked for longest."""
        with self._lock:
            self._models[run, step] = self._held[run, step] = model
            while len(self._models) > self._most:
                self._models.popitem(last=False)

    def forget(self, run: int, step: int | None = None) -> None:
        """Let go of one; None stands for all of the run's."""
        with self._lock:
            for key in [k for k in self._held if k[0] == run and step in (None, k[1])]:
                self._models.pop(key, None)
                self._held.pop(key, None)
