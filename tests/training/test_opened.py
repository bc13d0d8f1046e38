from mnist_transformer.training.opened import OpenedModels


def test_those_that_were_asked_for_last_are_kept_of_however_many_runs(model):
    opened = OpenedModels(3)
    for run in range(10):
        for step in range(10):
            opened.put(run, step, model)
            assert opened.get(0, 0) is model  # asked for again and again, it stays
            assert len(opened) <= 3
    assert opened.get(9, 9) is model and opened.get(9, 7) is None
    opened.forget(9)
    assert opened.get(9, 9) is None and opened.get(0, 0) is model
    opened.forget(0, 0)
    assert len(opened) == 0
