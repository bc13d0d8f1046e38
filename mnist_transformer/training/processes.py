"""Training on several processes, started by `torchrun`: each takes its share of every batch.

Every process makes the whole batch, which is cheap, and takes every n-th sample of it. So a run's
batches do not depend on how many processes share them, and it may go on with another number.
"""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel


class ProcessLost(RuntimeError):
    """Another process of the run is gone, and with it the run."""


@contextmanager
def process_group(device: str) -> Iterator[None]:
    """Join the other processes, if `torchrun` started several; leave them in the end.

    Raises:
        ValueError: if there is no such device.
        ProcessLost: if one of them ends before its time.
    """
    check_device(device)
    if "WORLD_SIZE" not in os.environ:
        yield
        return
    if device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("cpu:gloo,cuda:nccl" if device == "cuda" else "gloo")
    try:
        yield
        # What still held the group, such as a model that was trained in parallel, would keep its
        # threads alive beyond Python's own end, which then is an abort.
        gc.collect()
        # Whoever left before the others were done could pull them down. Here all are, so that it
        # does not matter any more how one of them leaves.
        with suppress(RuntimeError):
            distributed.barrier()
    except RuntimeError as error:
        lost = any(word in str(error) for word in ("peer", "gloo", "Broken pipe"))
        if not lost and not isinstance(error, distributed.DistError):
            raise
        raise ProcessLost(
            "another process of this run is gone. The last checkpoint is kept, and the same "
            f"command goes on from it, with any number of processes ({error})"
        ) from error
    finally:
        distributed.destroy_process_group()


def sampled_on(device: str) -> str:
    """Where the batches of a run on `device` are made: a GPU makes its own, hundreds at a time.

    Raises:
        ValueError: as `check_device`.
    """
    check_device(device)
    return device if torch.device(device).type == "cuda" else "cpu"


def check_device(device: str) -> None:
    """Make sure that PyTorch can compute there.

    Raises:
        ValueError: if it cannot; the message says what to do.
    """
    kind = torch.device(device).type
    if (kind == "cuda" and not torch.cuda.is_available()) or (
        kind == "mps" and not torch.backends.mps.is_available()
    ):
        raise ValueError(
            f"PyTorch {torch.__version__} finds no {kind} device here: use cpu, or install a build "
            "of PyTorch for it"
        )


def world_size() -> int:
    """How many processes train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def is_main() -> bool:
    """Whether this process is the one that validates, reports and writes."""
    return not distributed.is_initialized() or distributed.get_rank() == 0


def shard(samples: Tensor) -> Tensor:
    """This process's share of a whole batch, (batch, ...): every n-th sample."""
    if world_size() == 1:
        return samples
    return samples[distributed.get_rank() :: world_size()]


def parallel(objective: nn.Module) -> nn.Module:
    """The objective, its gradients averaged over all processes (Li et al. 2020, "PyTorch
    Distributed"); batch norm takes the statistics of each process's own samples."""
    return objective if world_size() == 1 else DistributedDataParallel(objective)


def any_of(wish: bool) -> bool:
    """Whether any process wishes so; all of them learn it, so that none is left waiting."""
    return bool(all_reduce_sum(torch.tensor(float(wish))))


def broadcast(thing):
    """What the first process has, on every process."""
    things = [thing]
    if world_size() > 1:
        distributed.broadcast_object_list(things)
    return things[0]


def all_reduce_sum(numbers: Tensor) -> Tensor:
    """The sum of every process's `numbers`; of any shape, the same shape in all."""
    if world_size() > 1:
        distributed.all_reduce(numbers)
    return numbers
