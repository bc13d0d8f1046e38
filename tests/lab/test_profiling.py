from mnist_transformer.lab import profiling


def test_every_variant_is_timed(digits, monkeypatch):
    names = ["as shipped", "batch 32", "channels first", "bf16 autocast"]  # compiling takes long
    monkeypatch.setattr(profiling, "VARIANTS", {n: profiling.VARIANTS[n] for n in names})
    rows = list(profiling.profile(digits, steps=1))
    assert [row.variant for row in rows] == names
    for row in rows:
        total = row.data + row.forward + row.backward + row.optimizer
        batch = 32 if row.variant == "batch 32" else 64
        assert abs(row.lines_per_second * total / 1000 - batch) < 1e-6
