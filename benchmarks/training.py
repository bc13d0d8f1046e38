"""A training step, and an epoch with its data, beside the peers and the usual `Dataset`."""

import random
from collections.abc import Callable

import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2 as transforms

from benchmarks.peers import CONFIG, SIZE, linear_patches, peers
from benchmarks.timing import machine, medians
from mnist_transformer import Transformer, load_digits, make_lines
from mnist_transformer.config import END, PAD, START
from mnist_transformer.dataset import DigitSet
from mnist_transformer.training.objectives import TransformerObjective
from mnist_transformer.training.optimizers import make_optimizers

BATCH = 64
BATCHES = 10  # an epoch of data
ROUNDS = 8


class Lines(Dataset):
    """The usual way: one line at a time, each digit transformed by torchvision and pasted."""

    def __init__(self, digits: DigitSet):
        self.digits = digits
        self.hand = transforms.Compose(
            [
                transforms.RandomAffine(4, scale=(0.8, 1.1), shear=12),
                transforms.ElasticTransform(alpha=20.0, sigma=4.0),
                transforms.ToImage(),
                transforms.ToDtype(torch.float32, scale=True),
            ]
        )

    def __len__(self) -> int:
        return BATCH * BATCHES

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        line = torch.zeros(SIZE)
        tokens = [START]
        left = random.randint(0, 10)
        for _ in range(random.randint(1, CONFIG.max_digits)):
            n = random.randrange(len(self.digits))
            digit = self.hand(Image.fromarray(self.digits.images[n].numpy()))[0]
            if left + 28 > SIZE[1]:
                break
            top = random.randint(0, SIZE[0] - 28)
            place = line[top : top + 28, left : left + 28]
            place.copy_(torch.maximum(place, digit))
            left += 28 - random.randint(0, 10)
            tokens.append(int(self.digits.labels[n]))
        tokens.append(END)
        return line, torch.tensor(tokens + [PAD] * (CONFIG.max_digits + 2 - len(tokens)))


def step_of(model: nn.Module) -> Callable:
    """A step with AdamW on the cross-entropy of all tokens."""
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)

    def step(canvases: torch.Tensor, tokens: torch.Tensor) -> None:
        logits = model(canvases, tokens[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten(), ignore_index=PAD)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def our_step(model: Transformer) -> Callable:
    """The same loss and optimiser in our own objective."""
    objective = TransformerObjective(model).to(memory_format=torch.channels_last).train()
    optimizers = make_optimizers(objective, 1e-4, "adamw")

    def step(canvases: torch.Tensor, tokens: torch.Tensor) -> None:
        loss = objective(canvases, tokens).loss
        objective.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()

    return step


def main() -> None:
    """Print the table."""
    digits = load_digits("train")
    generator = torch.Generator().manual_seed(0)
    usual = DataLoader(Lines(digits), batch_size=BATCH)
    written = {
        "ours": lambda: [
            make_lines(digits, BATCH, CONFIG, generator=generator) for _ in range(BATCHES)
        ],
        "usual": lambda: list(usual),
    }
    data = {name: t / BATCHES for name, t in medians(written, ROUNDS).items()}  # of a batch
    batch = written["ours"]()[0]
    steps = {
        "ours, as shipped": our_step(Transformer(CONFIG)),
        "ours, with linear patches": our_step(linear_patches()),
    } | {name: step_of(peer) for name, peer in peers().items()}
    times = medians({name: lambda s=s: s(*batch) for name, s in steps.items()}, ROUNDS)
    print(f"{machine()}\n")
    print(
        f"Lines a second that `make_lines` writes: {BATCH / data['ours']:,.0f}; that a `Dataset` "
        f"of single lines and a `DataLoader` write: {BATCH / data['usual']:,.0f}, "
        f"{data['usual'] / data['ours']:.0f} times fewer.\n"
    )
    print("| training on whole lines | step of 64 | lines a second, data included |")
    print("|---|---|---|")
    for name, seconds in times.items():
        source = "ours" if name.startswith("ours") else "usual"
        share = seconds / times["ours, with linear patches"]
        print(
            f"| {name} | {1000 * seconds:.0f} ms ({share:.1f}) "
            f"| {BATCH / (seconds + data[source]):.0f} |"
        )
