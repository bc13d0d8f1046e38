"""The stem and the encoder's MLPs in whole numbers of 8 bits, which a processor multiplies several
times as fast.

They are three quarters of what the encoder costs. Here every weight and every activation in them
is rounded, after training, to a multiple of a step (Jacob et al. 2018, "Quantization and Training
of Neural Networks for Efficient Integer-Arithmetic-Only Inference"). Attention and the decoder are
computed as ever.
"""

import copy
from itertools import pairwise
from typing import Any, NoReturn

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ..dataset import make_lines
from ..encoder import Encoder, EncoderLayer
from ..hands.synthetic import synthetic_digits
from ..mlp import MLP
from ..transformer import Transformer

LARGEST = 255  # an activation is 0 to so many steps; one that may be negative, above a least one
LARGEST_WEIGHT = 127  # a weight is up to so many steps of its channel, up or down
# Of how much the memory varies: the shipped model's differ by 0.015; were sums cut off, by 0.7.
MOST_DIFFERENCE = 0.05
SMALLEST = 1e-6  # of what a step is taken from, were it 0
DIGITS, LINES = 16, 8  # drawn by code, by which steps are chosen; as many more to check them by


def quantized(model: Transformer) -> Transformer:
    """A copy of a model with its stem and its encoder's MLPs in whole numbers: it reads faster.

    Args:
        model: in evaluation mode. The copy shares all weights with it but those of these parts.

    Returns:
        The copy, which cannot be saved or copied in its turn; or the model itself, if it reads no
        lines, does not lie on the processor in 32 bits, its stem is a single convolution or one in
        whole numbers already, the processor has no instructions for sums of products of 8 bits
        (VNNI), or what the encoder in whole numbers makes of a few lines differs too much.
    """
    stem = model.encoder.patches.stem
    weight = model.decoder.position
    is_plain = weight.device.type == "cpu" and weight.dtype == torch.float32
    is_plain &= not any(isinstance(layer, QuantizedConvolution) for layer in stem)
    if len(stem) == 1 or model.config.text_rows > 1 or not is_plain or not _has_instructions():
        return model
    generator = torch.Generator().manual_seed(0)
    digits = synthetic_digits(DIGITS, generator)
    lines, _ = make_lines(digits, 2 * LINES, model.config, generator=generator, augmentation=0.0)
    shared = {id(tensor): tensor for tensor in [*model.parameters(), *model.buffers()]}
    made = copy.deepcopy(model, shared)
    quantize_encoder(made.encoder, lines[:LINES])
    differs = difference(model.encoder, made.encoder, lines[LINES:])
    return made if differs < MOST_DIFFERENCE else model


@torch.no_grad()
def difference(encoder: nn.Module, other: nn.Module, lines: Tensor) -> float:
    """By how much two encoders differ on canvases, (batch, height, width), as a share of how much
    what the first makes of them varies: 0 if not at all."""
    memory = encoder(lines)
    return float((other(lines) - memory).square().mean().sqrt() / memory.std())


def _has_instructions() -> bool:
    """Whether the processor has them, and PyTorch can tell and uses them, through oneDNN."""
    if not hasattr(torch.cpu, "get_capabilities"):
        return False
    found = torch.cpu.get_capabilities()
    has_one = found.get("avx512_vnni") or found.get("avx_vnni")
    ways = ("qconv2d_pointwise", "qlinear_pointwise")
    return bool(has_one) and all(hasattr(torch.ops.onednn, way) for way in ways)


@torch.no_grad()
def quantize_encoder(encoder: Encoder, lines: Tensor) -> None:
    """Put the stem and the MLPs of an encoder, which must be in evaluation mode, in whole numbers.

    Args:
        encoder: its stem has several convolutions.
        lines: (batch, height, width), canvases by which the steps of activations are chosen.
    """
    encoder.patches.stem = quantize_stem(encoder.patches.stem, lines)
    x = encoder.patches(lines)
    for layer in encoder.layers:
        assert isinstance(layer, EncoderLayer)  # which a ModuleList does not tell
        seen: list[Tensor] = []
        hook = layer.mlp.register_forward_pre_hook(lambda _, read, seen=seen: seen.extend(read))
        x = layer(x)
        hook.remove()
        layer.add_module("mlp", QuantizedMLP(layer.mlp, *seen))


@torch.no_grad()
def quantize_stem(stem: nn.Sequential, lines: Tensor) -> nn.Sequential:
    """What does the same as the stem of a `PatchEmbedding`, in whole numbers.

    Args:
        stem: of several convolutions, in evaluation mode.
        lines: (batch, height, width), canvases by which the steps of activations are chosen.
    """
    *inner, last = _convolutions(stem)
    activations = lines.unsqueeze(1)
    steps = [1 / LARGEST]  # of the canvas, which is 0 to 1
    for layer in inner:
        activations = layer(activations).relu()
        steps.append(_step_and_zero(activations)[0])
    layers = [
        QuantizedConvolution(layer, step_in, step_out if layer is not inner[-1] else None)
        for layer, (step_in, step_out) in zip(inner, pairwise(steps), strict=True)
    ]
    # The last is small, and what it gives is not cut off at 0.
    return nn.Sequential(_ToWholeNumbers(), *layers, last)


def _convolutions(stem: nn.Sequential) -> list[nn.Conv2d]:
    """The stem's convolutions, their batch norms, if there are any, folded into them."""
    found: list[nn.Conv2d] = []
    for layer in stem:
        if isinstance(layer, nn.Conv2d):
            found.append(layer)
        elif isinstance(layer, nn.BatchNorm2d):
            found[-1] = fuse_conv_bn_eval(found[-1], layer)
    return found


class _ToWholeNumbers(nn.Module):
    """Canvases, (batch, 1, height, width) in [0, 1], in steps of 1/255."""

    def forward(self, canvases: Tensor) -> Tensor:
        whole = (canvases * LARGEST).round().to(torch.uint8)
        return whole.contiguous(memory_format=torch.channels_last)


class _InWholeNumbers(nn.Module):
    """A part of a model that cannot be saved or copied."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError(
            "a model in whole numbers cannot be saved or copied: save the model that `quantized` "
            "was given, and call it again"
        )

    # oneDNN lays weights out as this processor likes them, and does not give them back.
    _save_to_state_dict = __reduce_ex__ = _refuse


class QuantizedConvolution(_InWholeNumbers):
    """A convolution and the ReLU after it; sums are exact, only what goes in and out is rounded.

    Args:
        layer: what it does in floats.
        step_in, step_out: of the activations; None means that floats come out.
    """

    def __init__(self, layer: nn.Conv2d, step_in: float, step_out: float | None):
        super().__init__()
        assert layer.bias is not None and isinstance(layer.padding, tuple)
        weight, *self.rest = _whole_weight(layer)
        self.step_in, self.step_out = step_in, step_out
        self.shape = (layer.stride, layer.padding, layer.dilation, layer.groups)
        self.weight = torch.ops.onednn.qconv_prepack(weight, self.rest[0], step_in, 0, *self.shape)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width) uint8 -> the same of other sizes, or float32."""
        step, kind = (1.0, torch.float32) if self.step_out is None else (self.step_out, torch.uint8)
        return torch.ops.onednn.qconv2d_pointwise(
            x, self.step_in, 0, self.weight, *self.rest, *self.shape, step, 0, kind, "relu", [], ""
        )


class QuantizedMLP(_InWholeNumbers):
    """What an `MLP` does, with what it reads and what stands between its two maps rounded.

    Args:
        mlp: what it does in floats.
        x: (batch, length, model_dim), by which the steps are chosen.
    """

    def __init__(self, mlp: MLP, x: Tensor):
        super().__init__()
        self.outer, self.inner = _step_and_zero(x), _step_and_zero(mlp.hidden(x))
        self.expand, self.contract = _whole_linear(mlp.expand), _whole_linear(mlp.contract)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, length, model_dim) -> the same shape, both float32."""
        step, zero = self.outer
        # Half a step more, as what is behind the point is cut off.
        whole = (x / step).add_(zero + 0.5).clamp_(0, LARGEST).to(torch.uint8)
        product = torch.ops.onednn.qlinear_pointwise
        hidden = product(
            whole, *self.outer, *self.expand, *self.inner, torch.uint8, "gelu", [], "none"
        )
        return product(hidden, *self.inner, *self.contract, 1.0, 0, torch.float32, "none", [], "")


def _step_and_zero(x: Tensor) -> tuple[float, int]:
    """The step of activations, and which whole number stands for 0 (that paper and a GELU make)."""
    least, most = min(float(x.min()), 0.0), max(float(x.max()), SMALLEST)
    step = (most - least) / LARGEST
    return step, round(-least / step)


def _whole_weight(layer: nn.Conv2d | nn.Linear) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A layer's weight in whole numbers, their steps, what stands for 0 there, and its bias.

    Each channel that comes out has a step of its own, as some have far larger weights than others.
    """
    assert layer.bias is not None
    rows = layer.weight.flatten(1)
    step = rows.abs().amax(1).clamp(SMALLEST) / LARGEST_WEIGHT
    whole = (rows / step[:, None]).round().to(torch.int8)
    return whole.view_as(layer.weight), step, torch.zeros(len(step), dtype=torch.long), layer.bias


def _whole_linear(layer: nn.Linear) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The same of a linear map, laid out for this processor."""
    weight, *rest = _whole_weight(layer)
    return (torch.ops.onednn.qlinear_prepack(weight, None), *rest)
