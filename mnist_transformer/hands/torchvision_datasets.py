"""`torchvision.datasets`, also where torchvision was built for CUDA and torch was not.

PyPI's torchvision wheel expects CUDA kernels; beside a CPU build of torch its import dies with
"operator torchvision::nms does not exist". Declaring the two operators first is enough: nothing
here ever calls them.
"""

import torch

try:
    from torchvision import datasets
except RuntimeError as error:
    if "torchvision::nms" not in str(error):
        raise
    import sys

    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]  # what the failed import left half made
    _library = torch.library.Library("torchvision", "DEF")
    _library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    from torchvision import datasets

__all__ = ["datasets"]
