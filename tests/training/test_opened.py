from torch.nn import Identity

from mnist_transformer.training.opened import OpenedModels


def test_those_that_were_asked_for_last_are_kept_of_however_many_runs():
    opened = OpenedModels(3)
    for run in range(10):
        for step in range(10):
            opened.put(run, step, Identity())
            assert opened.get(0, 0) is not None  # asked for again and again, it stays
            assert len(opened) <= 3
    assert opened.get(9, 9) is not None and opened.get(9, 7) is None
    assert opened.get(9, 9) is not opened.get(0, 0)
    opened.forget(9)
    assert opened.get(9, 9) is None and opened.get(0, 0) is not None
    opened.forget(0, 0)
    assert len(opened) == 0


def test_one_that_somebody_holds_is_given_again_however_many_others_were_opened_since():
    opened, held = OpenedModels(1), Identity()
    opened.put(0, 0, held)
    opened.put(1, 0, Identity())
    assert len(opened) == 1 and opened.get(0, 0) is held
    opened.forget(0)  # written anew
    assert opened.get(0, 0) is None and opened.get(1, 0) is not None
