"""The parts of a model that can be switched off, by the names that people read."""

from collections.abc import Iterable

from ..config import Config
from .heads import all_heads
from .interventions import Intervention

PLACES = "places"  # where a patch or a token stands: the positional encoding


def parts(config: Config) -> dict[str, Intervention]:
    """Every part that can be switched off: name -> what that does.

    The heads ("cross 1, head 4"), the layers ("decoder 1": its attention and its MLP), and
    "places", without which no patch or token knows where it stands.
    """
    found = {head.name: Intervention(ablated_heads=frozenset({head})) for head in all_heads(config)}
    stacks = {"encoder": config.encoder_layers, "decoder": config.decoder_layers}
    for stack, layers in stacks.items():
        for n in range(layers):
            found[f"{stack} {n + 1}"] = Intervention(ablated_layers=frozenset({(stack, n)}))
    return found | {PLACES: Intervention(ablated_positions=True)}


def groups(config: Config) -> dict[str, list[str]]:
    """Heads that do the same work, which one switches off together: name -> the heads' names.

    All heads of each attention ("cross 1, all heads"), and "all cross-attention", without which
    the decoder does not see the drawing.
    """
    heads = all_heads(config)
    found: dict[str, list[str]] = {}
    for head in heads:
        found.setdefault(head.group, []).append(head.name)
    return found | {"all cross-attention": [h.name for h in heads if h.attention == "cross"]}


def intervention(
    config: Config, off: Iterable[str] = (), blurred: Iterable[str] = ()
) -> Intervention:
    """The change that switches parts off and blurs heads, so that they look everywhere alike.

    Raises:
        ValueError: if the model has no part of that name, or what is to be blurred is no head.
    """
    known = parts(config)
    heads = {head.name: head for head in all_heads(config)}
    strangers = (set(off) - set(known)) | (set(blurred) - set(heads))
    if strangers:
        raise ValueError(f"this model cannot change {', '.join(map(repr, sorted(strangers)))}")
    change = Intervention(heads_uniform=frozenset(heads[name] for name in blurred))
    for name in off:
        change |= known[name]
    return change


def all_changes(config: Config) -> dict[str, Intervention]:
    """Every part and every group of them switched off, for `importance` to compare."""
    together = {name: intervention(config, off=heads) for name, heads in groups(config).items()}
    return parts(config) | together
