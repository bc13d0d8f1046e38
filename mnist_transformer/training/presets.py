"""The recipes that have a name: the plain ones, and those that made the files in `weights/`.

>>> replace(SHIPPED_TRANSFORMER, epochs=10)
"""

from dataclasses import replace

from ..config import CLASSIFIER_CONFIG, GRID_CONFIG, TRANSFORMER_CONFIG
from .recipes import Recipe

# What `train_transformer()` and `train_single_digit_classifier()` do.
TRANSFORMER = Recipe()
GRID = Recipe(task="grids", config=GRID_CONFIG)
CLASSIFIER = Recipe(
    epochs=10,
    task="digits",
    config=CLASSIFIER_CONFIG,
    samples_per_epoch=None,
    label_smoothing=0.0,
)

# What made the files in weights/, but for the transformer and the model of pairs, which went on
# from others (see below). Samples are new every time, so dropout has little left to do; it costs
# half the speed on a CPU.
SHIPPED_TRANSFORMER = Recipe(
    epochs=140,
    batch_size=64,
    lr=0.002,
    config=replace(TRANSFORMER_CONFIG, dropout=0.0),
    optimizer="muon",
    warmup_steps=300,
    ema_decay=0.999,
    label_smoothing=0.0,
    ctc_weight=0.3,
    augmentation=0.8,
    curriculum=0.03,
    short_canvas_share=0.75,
    rerendered=0.15,
    synthetic=0.25,
    non_digits=0.03,
)
# On the way to weights/transformer_model.safetensors, from the model that SHIPPED_TRANSFORMER made:
# a third convolution a stage, a fourth layer, and other hands; stopped in the 49th epoch, when the
# learning rate was nearly 0. Then a run on lines more like those that people write.
GROWN_TRANSFORMER = replace(
    SHIPPED_TRANSFORMER,
    epochs=54,
    lr=0.001,
    config=replace(SHIPPED_TRANSFORMER.config, stem_depth=3, stem_norm=False, encoder_layers=4),
    curriculum=0.0,
    rerendered=0.1,
    synthetic=0.18,
    uci=0.07,
    fonts=0.05,
)
POLISHED_TRANSFORMER = replace(
    GROWN_TRANSFORMER,
    epochs=14,
    lr=0.0004,
    warmup_steps=50,
    ema_decay=0.998,
    augmentation=0.35,
    rerendered=0.05,
    synthetic=0.12,
    fonts=0.04,
)
# Then two digits written over each other as well.
OVERLAPPED_TRANSFORMER = replace(
    GROWN_TRANSFORMER,
    epochs=56,
    lr=0.0007,
    warmup_steps=100,
    augmentation=0.7,
    rerendered=0.08,
    synthetic=0.15,
)
# Then a run on a GPU: many more lines, other hands and clumps.
LONG_TRANSFORMER = replace(
    OVERLAPPED_TRANSFORMER,
    epochs=20,
    batch_size=512,
    samples_per_epoch=204_800,
    lr=0.002,
    warmup_steps=200,
    clump_share=0.15,
    rounds=6,
    rerendered=0.2,
    synthetic=0.18,
)
# Made weights/pairs_model.safetensors from weights/transformer_model.safetensors: MNIST's digits
# alone, one or two, as they lie on sheets on which two are strewn.
STREWN_PAIRS = Recipe(
    epochs=24,
    batch_size=96,
    lr=0.001,
    task="pairs",
    config=LONG_TRANSFORMER.config,
    samples_per_epoch=24_000,
    optimizer="muon",
    warmup_steps=100,
    ema_decay=0.998,
    label_smoothing=0.0,
    augmentation=0.7,
)
# The page's short run, worth watching: patches of 16 pixels, of which there are a quarter as many,
# and half the channels make a line cost a third; whole canvases and lines as people write them are
# learned sooner than short and augmented ones; it starts at once, as it takes MNIST's digits as
# they are.
SHORT_TRANSFORMER = replace(
    SHIPPED_TRANSFORMER,
    epochs=5,
    batch_size=32,
    lr=0.003,
    config=replace(SHIPPED_TRANSFORMER.config, patch_size=16, stem_channels=(16, 32, 64, 128)),
    samples_per_epoch=7600,
    warmup_steps=50,
    augmentation=0.2,
    curriculum=0.12,
    short_canvas_share=0.25,
    rerendered=0.0,
    synthetic=0.0,
    non_digits=0.0,
)
# Digits of one's own, taught to a trained model (see `training.teach`): few of the other hands, so
# that it starts at once, and so many lines that it takes well under a minute.
TEACHING = replace(
    GROWN_TRANSFORMER,
    epochs=1,
    batch_size=32,
    lr=0.0002,
    optimizer="adamw",
    samples_per_epoch=9600,
    warmup_steps=10,
    ema_decay=0.99,
    ctc_weight=0.0,
    augmentation=0.3,
    rerendered=0.03,
    synthetic=0.06,
    non_digits=0.02,
    uci=0.02,
    fonts=0.02,
)
SHIPPED_GRID = Recipe(
    epochs=40,
    batch_size=64,
    lr=0.002,
    task="grids",
    config=replace(GRID_CONFIG, dropout=0.0),
    optimizer="muon",
    warmup_steps=300,
    ema_decay=0.999,
    label_smoothing=0.0,
    ctc_weight=0.5,
)
SHIPPED_CLASSIFIER = replace(
    CLASSIFIER,
    epochs=24,
    batch_size=64,
    lr=0.002,
    config=replace(CLASSIFIER_CONFIG, dropout=0.0),
    optimizer="muon",
    warmup_steps=300,
    ema_decay=0.999,
    augmentation=0.8,
)
# From nothing to 99 % of MNIST in two minutes or three (see `python -m benchmarks goal`).
FAST_CLASSIFIER = replace(
    SHIPPED_CLASSIFIER,
    epochs=1,
    lr=0.003,
    samples_per_epoch=160_000,
    warmup_steps=50,
    ema_decay=0.99,
    augmentation=0.0,
)

# By the names of the shell: preset, then model. Some go on from a model that is trained already.
FROM_TRAINED: dict[str, dict[str, Recipe]] = {
    "grown": {"transformer": GROWN_TRANSFORMER},
    "polished": {"transformer": POLISHED_TRANSFORMER},
    "overlapped": {"transformer": OVERLAPPED_TRANSFORMER},
    "long": {"transformer": LONG_TRANSFORMER},
    "strewn": {"pairs": STREWN_PAIRS},
}
PRESETS: dict[str, dict[str, Recipe]] = {
    "documented": {"transformer": TRANSFORMER, "classifier": CLASSIFIER, "grid": GRID},
    "shipped": {
        "transformer": SHIPPED_TRANSFORMER,
        "classifier": SHIPPED_CLASSIFIER,
        "grid": SHIPPED_GRID,
    },
    **FROM_TRAINED,
    "fast": {"classifier": FAST_CLASSIFIER},
}
