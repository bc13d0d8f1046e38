"""Which packages a wheel carries; everything else about it is in pyproject.toml."""

from setuptools import find_packages, setup

# The weights lie beside the package in the repository and inside it in a wheel.
setup(packages=[*find_packages(include=["mnist_transformer*"]), "mnist_transformer.weights"])
