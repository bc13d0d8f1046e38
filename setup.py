"""Which packages a wheel carries; everything else about it is in pyproject.toml."""

from setuptools import find_packages, setup

# The weights and the page lie beside the package in the repository and inside it in a wheel.
packages = find_packages(include=["mnist_transformer*"])
setup(packages=[*packages, "mnist_transformer.weights", "mnist_transformer.installed.demo"])
