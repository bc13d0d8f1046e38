"""What a run says of itself while it goes on, and what it leaves."""

from dataclasses import dataclass

from ..classifier import Classifier
from ..transformer import Transformer


class TrainingError(RuntimeError):
    """Training cannot go on; the message says why, and what was saved before stays as it was."""


class RunRefusedError(ValueError):
    """A run cannot be as it is asked for; the message says what to ask for instead."""


@dataclass(frozen=True)
class Progress:
    """The state of a run after `step` of `steps` steps.

    Attributes:
        loss, accuracy: means over the steps since the last report; accuracy is the share of tokens
            (transformer, the true ones before them given) or digits (classifier) named rightly.
        decoder_loss, ctc_loss: the parts of the loss, before CTC's is weighted; ctc_loss is None
            without a CTC head, and for the classifier.
        lr: the learning rate of the last step.
        seconds: time spent training so far.
        validation_accuracy: at the end of an epoch, the share of validation lines read
            exactly right (transformer) or of validation digits named rightly (classifier);
            else None.
    """

    step: int
    steps: int
    epoch: float
    loss: float
    accuracy: float
    lr: float
    seconds: float
    validation_accuracy: float | None = None
    decoder_loss: float | None = None
    ctc_loss: float | None = None


@dataclass(frozen=True)
class TrainingResult:
    """What a run leaves: the model, ready to read; its history; whether it ran to the end."""

    model: Transformer | Classifier
    history: list[Progress]
    finished: bool
