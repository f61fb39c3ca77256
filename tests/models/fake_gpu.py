"""A fake GPU: its tensors are stored on the CPU and report that they are on "cuda".

Like a real one, it raises on mixed devices and on conversion to NumPy. It records host synchronisations, because a step
with one can't be recorded as a CUDA graph. Kernels, their order and their rounding are those of the CPU.

    with gpu() as waits:
        on_gpu = samples.to("cuda")
        ...
    assert not waits
"""

from __future__ import annotations

from contextlib import contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

aten = torch.ops.aten
CPU, CUDA = torch.device("cpu"), torch.device("cuda", 0)
COPIES = {aten._to_copy.default, aten.copy_.default}
INDEXED = {aten.index.Tensor, aten.index_put_.default, aten.index_put.default, aten._index_put_impl_.default}
SYNCHRONISING = {
    aten._local_scalar_dense.default,
    aten.nonzero.default,
    aten.masked_select.default,
    aten._unique2.default,
    aten.unique_dim.default,
    aten.unique_consecutive.default,
    aten.repeat_interleave.Tensor,
    aten.equal.default,
}
"""Operators whose result, or its shape, the host has to read."""


class FakeCudaTensor(Tensor):
    """A tensor on the fake GPU; `held` has its values on the CPU."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> FakeCudaTensor:
        # a meta tensor for C++, whose build for CPUs knows no CUDA tensors
        return torch.Tensor._make_wrapper_subclass(
            cls, held.size(), held.stride(), held.storage_offset(), dtype=held.dtype, device="meta"
        )

    def __init__(self, held: Tensor) -> None:
        self.held = held

    @property
    def device(self) -> torch.device:
        return CUDA

    @property
    def is_cuda(self) -> bool:
        return True

    @property
    def is_meta(self) -> bool:
        return False

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return dispatched(func, args, kwargs or {}, [])


def dispatched(func: Any, args: Any, kwargs: dict[str, Any], waits: list[str]) -> Any:
    """The result of an operator, on the device on which a GPU leaves it."""
    tensors = [part for part in tree_leaves((args, kwargs)) if isinstance(part, Tensor)]
    on_gpu = [isinstance(tensor, FakeCudaTensor) for tensor in tensors]
    if any(on_gpu):
        _refuse_two_devices(func, tensors)
        _note(func, args, kwargs, waits)
    device = kwargs.get("device")
    plain = tree_map(lambda part: part.held if isinstance(part, FakeCudaTensor) else part, (args, kwargs))
    if device is not None:
        plain[1]["device"] = CPU
    found = func(*plain[0], **plain[1])
    if func is aten.copy_.default:
        return args[0]
    stays = any(on_gpu) if device is None else torch.device(device).type != "cpu"
    if not stays or func is aten._local_scalar_dense.default:
        return found
    found = tree_map(lambda part: FakeCudaTensor(part) if isinstance(part, Tensor) else part, found)
    return return_and_correct_aliasing(func, args, kwargs, found) if any(on_gpu) and func not in COPIES else found


def _refuse_two_devices(func: Any, tensors: list[Tensor]) -> None:
    """Raise RuntimeError for mixed devices; scalars and indices may be on the CPU."""
    if func in COPIES:
        return
    first = isinstance(tensors[0], FakeCudaTensor)
    for tensor in tensors[1:] if first else tensors:
        index = func in INDEXED and first and not tensor.is_floating_point()
        if not isinstance(tensor, FakeCudaTensor) and tensor.ndim and not index:
            shape = tuple(tensor.shape)
            raise RuntimeError(f"{func}: expected all tensors on one device, found one of {shape} on the CPU")


def _note(func: Any, args: Any, kwargs: dict[str, Any], waits: list[str]) -> None:
    masks = func in INDEXED and any(part.dtype == torch.bool for part in args[1] if isinstance(part, Tensor))
    sized = func is aten.repeat_interleave.Tensor and kwargs.get("output_size") is not None
    leaves = func is aten._to_copy.default and isinstance(args[0], FakeCudaTensor) and kwargs.get("device") == CPU
    if (func in SYNCHRONISING and not sized) or masks or leaves:
        waits.append(str(func))


class _Operators(TorchDispatchMode):
    def __init__(self, waits: list[str]) -> None:
        super().__init__()
        self.waits = waits

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return dispatched(func, args, kwargs or {}, self.waits)


class _Python(TorchFunctionMode):
    """Functions that a build without CUDA refuses, or runs in C++, before an operator is dispatched."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func is torch.Tensor.to:
            return _moved(func, *args, **kwargs)
        if func is torch.Tensor.cpu:
            return _copied(args[0], CPU, args[0].dtype)
        if func in (torch.tensor, torch.as_tensor) and kwargs.get("device") is not None:
            device = torch.device(kwargs.pop("device"))
            return _copied(func(*args, **kwargs), device, None)
        if args and isinstance(args[0], FakeCudaTensor):
            if func in (torch.Tensor.tolist, torch.Tensor.__repr__):
                return func(_copied(args[0], CPU, None), *args[1:])
            if func in (torch.Tensor.__getitem__, torch.Tensor.__setitem__):
                where = args[1] if isinstance(args[1], tuple) else (args[1],)
                where = tuple(FakeCudaTensor(torch.tensor(part)) if isinstance(part, list) else part for part in where)
                return func(args[0], where, *args[2:])
        return func(*args, **kwargs)


def _moved(func: Callable[..., Tensor], tensor: Tensor, *rest: Any, **kwargs: Any) -> Tensor:
    device = kwargs.get("device") or next((part for part in rest if isinstance(part, str | torch.device)), None)
    if device is None:
        return func(tensor, *rest, **kwargs)
    dtype = kwargs.get("dtype") or next((part for part in rest if isinstance(part, torch.dtype)), None)
    return _copied(tensor, torch.device(device), dtype)


def _copied(tensor: Tensor, device: torch.device, dtype: torch.dtype | None) -> Tensor:
    if device.type == tensor.device.type and dtype in (None, tensor.dtype):
        return tensor
    return aten._to_copy.default(tensor, device=device, dtype=dtype or tensor.dtype)


@contextmanager
def gpu() -> Iterator[list[str]]:
    """Pretend that "cuda" exists; yields the list of operators that made the host wait, as they run."""
    waits: list[str] = []
    none = patch("torch.cuda._lazy_init"), patch("torch.backends.cudnn.is_acceptable", return_value=False)
    with none[0], none[1], _Python(), _Operators(waits):
        yield waits


def moved(network: nn.Module) -> nn.Module:
    """A copy of a network on the fake GPU; `.to` would change the existing parameters."""
    network = deepcopy(network)
    for module in network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            module._parameters[name] = nn.Parameter(FakeCudaTensor(parameter.detach().clone()))
        for name, buffer in module.named_buffers(recurse=False):
            module._buffers[name] = FakeCudaTensor(buffer.detach().clone())
    return network
