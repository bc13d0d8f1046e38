import numpy as np
import onnxruntime
import pytest
import torch

from mnist_transformer import load_transformer, make_lines
from mnist_transformer.__main__ import main
from mnist_transformer.config import END, START


def read_with_onnx(folder, canvases):
    """Greedy reading without PyTorch: the digits of every canvas."""
    encoder, step = (
        onnxruntime.InferenceSession(folder / name)
        for name in ("encoder.onnx", "decoder_step.onnx")
    )
    keys, values = encoder.run(None, {"canvases": canvases})
    state = {"memory_keys": keys, "memory_values": values}
    layers, batch, heads, _, size = keys.shape
    state["keys"] = state["values"] = np.zeros((layers, batch, heads, 0, size), np.float32)
    token = np.full(batch, START)
    tokens = []
    for position in range(9):
        inputs = state | {"token": token, "position": np.array(position)}
        logits, state["keys"], state["values"] = step.run(None, inputs)
        token = logits.argmax(-1)
        tokens.append(token)
    lines = [list(line) for line in np.stack(tokens, 1)]
    return ["".join(map(str, line[: line.index(END)])) for line in lines], logits


def test_onnxruntime_reads_the_same_digits_from_what_the_shell_exports(digits, tmp_path, capsys):
    model = load_transformer()
    generator = torch.Generator().manual_seed(0)
    canvases, _ = make_lines(digits, 24, model.config, generator=generator, augmentation=0)
    expected = model.read_canvases(canvases)
    assert main(["export", str(tmp_path)]) == 0
    names = ("encoder.onnx", "decoder_step.onnx")
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / name) for name in names]
    read, logits = read_with_onnx(tmp_path, canvases.numpy())
    assert read == [reading.digits for reading in expected]
    alone, _ = read_with_onnx(tmp_path, canvases[:1].numpy())
    assert alone == read[:1]
    assert pytest.approx(1.0) == float(torch.tensor(logits).softmax(-1)[0].sum())
