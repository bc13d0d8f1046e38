"""Growing a trained model: more parameters, the same function to begin with.

Net2Net (Chen et al. 2016, "Net2Net: Accelerating Learning via Knowledge Transfer"): what a small
model has learned need not be learned again by a larger one.
"""

import copy

import torch
from torch import nn
from torch.nn.utils import fuse_conv_bn_eval

from ..config import Config
from ..transformer import Transformer
from .progress import RunRefusedError


@torch.no_grad()
def grow(model: Transformer, config: Config) -> Transformer:
    """A model of the shape `config` that reads exactly as `model` does.

    Further convolutions of a stage of the stem hand on what they are given; further layers of
    encoder and decoder add nothing. Without `stem_norm`, the stem's batch norms become part of its
    convolutions: what is trained hardly needs them, and training and reading cost less without.

    Args:
        model: what was trained; stays as it is.
        config: as `model.config`, but for more `stem_depth`, `encoder_layers`, `decoder_layers`,
            another `dropout`, and without `stem_norm`, which the stem can only grow without.

    Raises:
        RunRefusedError: if `config` differs from `model.config` in any other way, or further layers
            are asked of a model without `norm_first`.
    """
    check_growth(model.config, config)
    grown = Transformer(config).eval()
    old, new = model.state_dict(), grown.state_dict()
    new |= {name: tensor for name, tensor in old.items() if ".stem." not in name}
    grown.load_state_dict(new)
    if config.stem_norm:
        grown.encoder.patches.load_state_dict(model.encoder.patches.state_dict())
    else:
        _grow_stem(model, grown)
    for kind in ("encoder", "decoder"):
        layers = getattr(grown, kind).layers
        for layer in layers[getattr(model.config, f"{kind}_layers") :]:
            for name, module in layer.named_modules():
                if name.endswith("attention.output") or name == "mlp.contract":
                    module.weight.zero_()
                    module.bias.zero_()
    return grown


def check_growth(old: Config, new: Config) -> None:
    """Raise the `RunRefusedError` that `grow` would, and do no more."""
    may_grow = ("stem_depth", "encoder_layers", "decoder_layers")
    for name, value in old.to_dict().items():
        wanted = getattr(new, name)
        if name in ("dropout", "stem_norm") or (name in may_grow and wanted >= value):
            continue
        if wanted != value:
            raise RunRefusedError(f"a model cannot grow from {name} {value} to {wanted}")
    layers = (old.encoder_layers, old.decoder_layers)
    if not old.norm_first and layers != (new.encoder_layers, new.decoder_layers):
        raise RunRefusedError("a layer that normalises last, norm_first False, cannot add nothing")
    if new.stem_norm and (new.stem_depth > old.stem_depth or not old.stem_norm):
        raise RunRefusedError("a stem grows without its batch norms: set stem_norm to False")


def _grow_stem(model: Transformer, grown: Transformer) -> None:
    """Fold each norm into the convolution before it; set every further convolution to hand on."""
    stem = copy.deepcopy(model.encoder.patches.stem).eval()
    depth = model.config.stem_depth
    norms = [module for module in stem if isinstance(module, nn.BatchNorm2d)]
    given, convolutions = (
        [m for m in s if isinstance(m, nn.Conv2d)] for s in (stem, grown.encoder.patches.stem)
    )
    convolutions[-1].load_state_dict(given[-1].state_dict())
    for n, convolution in enumerate(convolutions[:-1]):
        stage, place = divmod(n, grown.config.stem_depth)
        if place < depth:
            old = given[stage * depth + place]
            folded = fuse_conv_bn_eval(old, norms[stage * depth + place]) if norms else old
            convolution.load_state_dict(folded.state_dict())
        else:
            # What a ReLU let through is not below 0: the next lets all of it through again.
            nn.init.dirac_(convolution.weight)
            nn.init.zeros_(convolution.state_dict(keep_vars=True)["bias"])
