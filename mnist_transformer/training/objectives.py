"""What training minimises: a model with its loss, from a batch to one number."""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..classifier import Classifier
from ..config import END, PAD
from ..encoder import PatchEmbedding
from ..transformer import Transformer

HEAD_LR = 0.01


class Outcome(NamedTuple):
    """What a model made of a batch: scalars."""

    loss: Tensor
    correct: Tensor  # how many tokens, or digits, it named rightly
    counted: Tensor  # of how many
    ctc_loss: Tensor  # the part of the loss that is CTC's, before it is weighted; 0 without one


class Examined(NamedTuple):
    """How well a model does on samples that it does not learn from.

    Attributes:
        decoder_loss: nats a token, or a digit.
        ctc_loss: nats a token; None without a CTC head.
        tokens_right: share of tokens named rightly, the true ones before them given.
        lines_right: share of samples read exactly right. Greedy decoding reads the same: as long as
            it is right, it is given the true tokens.
    """

    decoder_loss: float
    ctc_loss: float | None
    tokens_right: float
    lines_right: float


class TransformerObjective(nn.Module):
    """The transformer with its loss, and the CTC head that training alone uses.

    Args:
        model: what is trained.
        label_smoothing: share of the target spread over all classes.
        ctc_weight: weight of the CTC loss; 0 means that there is none.
    """

    def __init__(self, model: Transformer, label_smoothing: float = 0.0, ctc_weight: float = 0.0):
        super().__init__()
        self.model = model
        self.label_smoothing = label_smoothing
        self.ctc_weight = ctc_weight
        # The ten digits and CTC's blank, which takes the place of END.
        self.ctc = nn.Linear(model.config.model_dim, END + 1) if ctc_weight else None

    def forward(self, canvases: Tensor, tokens: Tensor, first_column: int = 0) -> Outcome:
        """Teacher forcing: the loss of every next token, given the true ones before it.

        Args:
            canvases: (batch, height, width) float, 0 = paper, 1 = ink.
            tokens: (batch, length) ids, START first, END and PAD last.
            first_column: where canvases narrower than the model's stand (see `PatchEmbedding`).
        """
        patches = embed_patches(self.model.encoder.patches, canvases, first_column)
        memory = self.model.encoder.encode(patches)
        logits = self.model.decoder(tokens[:, :-1], memory)
        targets = tokens[:, 1:]
        loss = self._decoder_loss(logits, targets)
        ctc_loss = loss.new_zeros(())
        if self.ctc is not None:
            ctc_loss = self.ctc_loss(memory, targets)
            loss = loss + self.ctc_weight * ctc_loss
        counted = targets != PAD
        correct = (logits.argmax(-1) == targets) & counted
        return Outcome(loss, correct.sum(), counted.sum(), ctc_loss.detach())

    def _decoder_loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(
            logits.flatten(0, 1),
            targets.flatten(),
            ignore_index=PAD,
            label_smoothing=self.label_smoothing,
        )

    @torch.no_grad()
    def examine(self, model: Transformer, canvases: Tensor, tokens: Tensor) -> Examined:
        """How well `model`, the running mean of this one perhaps, reads: as `forward` takes them.

        The CTC head has no running mean: it scores the columns of `model` as it is.
        """
        memory = model.encoder(canvases)
        logits = model.decoder(tokens[:, :-1], memory)
        targets = tokens[:, 1:]
        counted = targets != PAD
        is_right = logits.argmax(-1) == targets
        return Examined(
            decoder_loss=float(self._decoder_loss(logits, targets)),
            ctc_loss=None if self.ctc is None else float(self.ctc_loss(memory, targets)),
            tokens_right=float(is_right[counted].float().mean()),
            lines_right=float((is_right | ~counted).all(1).float().mean()),
        )

    def ctc_loss(self, memory: Tensor, targets: Tensor) -> Tensor:
        """Connectionist temporal classification (Graves et al. 2006) on the encoder's columns.

        Args:
            memory: (batch, patches, model_dim).
            targets: (batch, length) the digits in reading order, then END and PAD.

        Raises:
            ValueError: if the objective was made without a CTC head.
        """
        if self.ctc is None:
            raise ValueError("there is no CTC head to score the columns: ctc_weight is 0")
        config = self.model.config
        shape = (config.text_rows, config.patch_rows // config.text_rows, -1)
        # One row of digits after the other, each from left to right.
        columns = memory.unflatten(1, shape).mean(dim=2).flatten(1, 2)
        scores = self.ctc(columns).log_softmax(-1).transpose(0, 1)
        if scores.device.type == "mps":
            scores, targets = scores.cpu(), targets.cpu()  # no CTC for Apple's processors
        loss = F.ctc_loss(
            scores,
            targets.clamp(max=END),
            torch.full((len(targets),), len(scores)),
            (targets < END).sum(1),
            blank=END,
            zero_infinity=True,  # touching digits may be too close for one column each
        )
        return loss.to(memory.device)


def fit_ctc_head(objective: TransformerObjective, batches: Iterable[tuple[Tensor, Tensor]]) -> None:
    """Fit the CTC head alone to an encoder that is trained already.

    The head of an earlier run is not kept with the weights, and a new one, drawn at random, would
    at first undo what the encoder has learned (Kumar et al. 2022, "Fine-Tuning can Distort
    Pretrained Features", fit a new head first for this reason).

    Args:
        objective: with a CTC head; nothing else in it changes.
        batches: canvases and tokens, as `TransformerObjective.forward` takes them.
    """
    assert objective.ctc is not None
    optimizer = torch.optim.AdamW(objective.ctc.parameters(), lr=HEAD_LR)
    for canvases, tokens in batches:
        with torch.no_grad():
            memory = objective.model.encoder(canvases)
        loss = objective.ctc_loss(memory, tokens[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


class ClassifierObjective(nn.Module):
    """The classifier with its loss: cross-entropy."""

    def __init__(self, model: Classifier, label_smoothing: float = 0.0):
        super().__init__()
        self.model = model
        self.label_smoothing = label_smoothing

    def forward(self, canvases: Tensor, labels: Tensor, first_column: int = 0) -> Outcome:
        """Canvases as in `TransformerObjective`; labels: (batch,), 0-9."""
        patches = embed_patches(self.model.encoder.patches, canvases, first_column)
        logits = self.model.classify(self.model.encoder.encode(patches))
        loss = F.cross_entropy(logits, labels, label_smoothing=self.label_smoothing)
        correct = (logits.argmax(-1) == labels).sum()
        return Outcome(loss, correct, labels.new_tensor(len(labels)), loss.new_zeros(()))

    @torch.no_grad()
    def examine(self, model: Classifier, canvases: Tensor, labels: Tensor) -> Examined:
        """As `TransformerObjective.examine`: a sample is one digit, and a token."""
        logits = model(canvases)
        loss = F.cross_entropy(logits, labels, label_smoothing=self.label_smoothing)
        right = float((logits.argmax(-1) == labels).float().mean())
        return Examined(float(loss), None, right, right)


def embed_patches(patches: PatchEmbedding, canvases: Tensor, first_column: int) -> Tensor:
    """`patches(canvases, first_column)`, with convolutions in bfloat16 where that is faster.

    They are half of training's cost, and a CPU that multiplies bfloat16 matrices in hardware does
    them three times as fast so, a GPU even more. Reading, which does not come through here, stays
    exact.
    """
    kind = canvases.device.type
    amx = kind == "cpu" and torch.cpu.get_capabilities().get("amx_bf16", False)
    with torch.autocast(kind, torch.bfloat16, enabled=amx or kind == "cuda"):
        return patches(canvases, first_column)
