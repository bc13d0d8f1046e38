"""The transformer as two ONNX graphs, for runtimes without PyTorch.

`encoder.onnx` turns drawings into every decoder layer's keys and values of the memory;
`decoder_step.onnx` takes these, the newest token and what was kept of the tokens before it, and
gives the logits of what follows. To read, feed the likeliest token back until it is 10, the end.
"""

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from ..config import START
from ..decoder import LayerCache
from ..transformer import Transformer


class _Encoder(nn.Module):
    def __init__(self, model: Transformer):
        super().__init__()
        self.model = model

    def forward(self, canvases: Tensor) -> tuple[Tensor, Tensor]:
        caches = self.model.decoder.init_cache(self.model.encoder(canvases))
        return (
            torch.stack([cache.memory_key for cache in caches]),
            torch.stack([cache.memory_value for cache in caches]),
        )


class _DecoderStep(nn.Module):
    def __init__(self, model: Transformer):
        super().__init__()
        self.decoder = model.decoder

    def forward(
        self,
        token: Tensor,
        position: Tensor,
        memory_keys: Tensor,
        memory_values: Tensor,
        keys: Tensor,
        values: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        parts = (memory_keys, memory_values, keys, values)
        caches = [LayerCache(*layer) for layer in zip(*parts, strict=True)]
        logits = self.decoder._step(token, position, caches)
        grown = [(cache.key, cache.value) for cache in caches]
        new_keys, new_values = (torch.stack(part) for part in zip(*grown, strict=True))
        return logits, new_keys, new_values


def export_onnx(model: Transformer, folder: str | Path) -> tuple[Path, Path]:
    """Write `encoder.onnx` and `decoder_step.onnx`; needs the packages onnx and onnxscript.

    All shapes are (layers, batch, heads, length, head_dim), but for:

    Encoder: canvases (batch, height, width) float -> memory_keys, memory_values.

    Decoder step: token (batch,) int64, START = 11 first; position () int64, from 0; memory_keys,
    memory_values; keys, values of the tokens before, of length 0 at first -> logits (batch, 11),
    new_keys, new_values.

    Returns:
        The paths of the two files.
    """
    import onnxscript  # noqa: F401 (PyTorch would be less clear about what is missing)

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    model = model.eval()
    config = model.config
    canvases = torch.zeros(2, config.canvas_height, config.canvas_width)
    encoder, step = _Encoder(model), _DecoderStep(model)
    with torch.no_grad():
        memory = encoder(canvases)
    token, position = torch.full((2,), START), torch.tensor(1)
    before = torch.zeros(*memory[0].shape[:3], 2, memory[0].shape[4])
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length")
    growing = {1: batch, 3: length}
    paths = folder / "encoder.onnx", folder / "decoder_step.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's, about itself
        torch.onnx.export(
            encoder,
            (canvases,),
            paths[0],
            dynamo=True,
            external_data=False,
            verbose=False,
            input_names=["canvases"],
            output_names=["memory_keys", "memory_values"],
            dynamic_shapes=({0: batch},),
        )
        torch.onnx.export(
            step,
            (token, position, *memory, before, before.clone()),
            paths[1],
            dynamo=True,
            external_data=False,
            verbose=False,
            input_names=["token", "position", "memory_keys", "memory_values", "keys", "values"],
            output_names=["logits", "new_keys", "new_values"],
            dynamic_shapes=({0: batch}, {}, {1: batch}, {1: batch}, growing, growing),
        )
    return paths
