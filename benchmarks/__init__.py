"""Measured side by side with what one would pick instead: `python -m benchmarks NAME`."""

# First of all: it makes torchvision, which the peers import, work beside a CPU build of torch.
from mnist_transformer.hands import torchvision_datasets as torchvision_datasets
