"""A GPU for machines without one: tensors that say they are on "cuda:0", and what a real one would refuse.

Every such tensor holds a plain one, on which its operations are carried out, so that whole trainings run with real
values and can be compared with those of the CPU. What is modelled is what goes wrong on a GPU and nowhere else:

- tensors of two devices in one operation; as in torch a number (a tensor without dimensions) and an index may be on the
  CPU, and nothing of the GPU may be handed to NumPy;
- random numbers: the GPU has a generator of its own, and a generator serves its own device alone;
- recurrent cells as cuDNN has them: states must be contiguous, weights of one type and in one piece of memory, batches
  not empty, and gradients are for training mode; autocast computes them in half precision;
- waiting: reading a value, finding the places of a mask and copies from one memory to the other wait until the GPU has
  done its work, but for copies to it that say they need not; `Gpu.waits` lists them.

To torch's own code in C++ the tensors are on the CPU, since a torch that is built without CUDA cannot differentiate
others. So autocast for "cuda" is the CPU's here, and kernels round as the CPU's do.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

aten = torch.ops.aten
GPU, CPU = torch.device("cuda:0"), torch.device("cpu")
CELLS = ("gru", "lstm", "rnn_tanh")
# Their indices may be on the CPU.
INDEXED = {aten.index.Tensor, aten.index_put.default, aten.index_put_.default, aten._index_put_impl_.default}
# Operations in which a number may be on the CPU, beside those that torch tags as done element by element.
WITH_NUMBERS = {aten.where.self, aten.masked_fill.Tensor, aten.masked_fill_.Tensor, aten.fill_.Tensor}
# The CPU must know their result, or how many rows it has, before it goes on.
WAITING = {
    aten._local_scalar_dense.default,
    aten.equal.default,
    aten.nonzero.default,
    aten._unique2.default,
    aten.unique_dim.default,
    aten.masked_select.default,
}
# To torch they are several operations, of which some change the form of a tensor in place.
WHOLE = ("quantile", "nanquantile")
# They make a tensor of what Python holds, and copy it.
FROM_PYTHON = ("tensor", "as_tensor", "asarray")
CHUNK_WARNING = (
    "RNN module weights are not part of single contiguous chunk of memory. This means they need to be compacted at "
    "every call, possibly greatly increasing memory usage. To compact weights again call flatten_parameters()."
)


class GpuTensor(Tensor):
    """A tensor that says it is on "cuda:0", and holds its values on the CPU."""

    held: Tensor
    chunk: object

    @staticmethod
    def __new__(cls, held: Tensor) -> GpuTensor:
        made = torch.Tensor._make_wrapper_subclass(
            cls, held.shape, strides=held.stride(), storage_offset=held.storage_offset(), dtype=held.dtype
        )
        made.held, made.chunk = held, None
        return made

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return Gpu.current.compute(func, args, kwargs or {})

    device = property(lambda self: GPU)
    is_cuda = property(lambda self: True)
    is_cpu = property(lambda self: False)

    def get_device(self) -> int:
        return 0

    def numpy(self, *, force: bool = False) -> Any:
        if force:
            return self.detach().cpu().numpy()
        raise TypeError(
            "can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory "
            "first."
        )

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.numpy()

    def tolist(self) -> Any:
        return self.detach().cpu().tolist()

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return f"GpuTensor({self.held!r})"


class GpuGenerator(torch.Generator):
    """A generator of random numbers that serves one device alone."""

    def __new__(cls, device: Any = "cpu") -> GpuGenerator:
        made = super().__new__(cls)
        made.serves = torch.device(device)
        return made

    def __init__(self, device: Any = "cpu") -> None:
        pass

    device = property(lambda self: GPU if self.serves.type == "cuda" else CPU)


class GpuAutocast(torch.autocast):
    """`torch.autocast`, whose "cuda" is the CPU's here."""

    def __init__(self, device_type: str, *args: Any, **options: Any) -> None:
        super().__init__("cpu" if device_type == "cuda" else device_type, *args, **options)


def hold(value: Any) -> Any:
    """Return what a tensor of the GPU holds; anything else is returned as it is."""
    return value.held if isinstance(value, GpuTensor) else value


def wrap(value: Any) -> Any:
    """Put a plain tensor on the GPU; anything else is returned as it is."""
    return GpuTensor(value) if isinstance(value, Tensor) and not isinstance(value, GpuTensor) else value


def each(change: Callable[[Any], Any], value: Any) -> Any:
    """Change everything in tuples and lists within each other."""
    if isinstance(value, (tuple, list)):
        return (
            [each(change, part) for part in value] if isinstance(value, list) else tuple(each(change, p) for p in value)
        )
    return change(value)


class _Move(torch.autograd.Function):
    """Copy a tensor to the other device."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.held.clone() if isinstance(x, GpuTensor) else GpuTensor(x.detach().clone())

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _Move.apply(gradient)


class Gpu(TorchFunctionMode):
    """The GPU that is there while `pretend_gpu` is open.

    Parameters
    ----------
    own_numbers : bool
        Whether it draws random numbers of its own, as a real one does. Without, it draws those of the CPU, so that a
        seed gives what it gives there.

    Attributes
    ----------
    waits : list of str
        What has waited for it.
    count : int
        Operations that it has carried out.
    """

    current: Gpu

    def __init__(self, *, own_numbers: bool) -> None:
        super().__init__()
        self.own_numbers = own_numbers
        self.generator = torch.Generator().manual_seed(99)
        self.waits: list[str] = []
        self.count = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """See what names a device, and recurrent cells before torch takes them apart."""
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name in CELLS and isinstance(args[0], GpuTensor):
            return recur(func, *args)
        if name in WHOLE and isinstance(args[0], GpuTensor):
            return self.compute(func, args, kwargs)
        if name in ("to", "cpu", "cuda") and args and isinstance(args[0], Tensor):
            return self._move(name, func, args, kwargs)
        if name == "pin_memory":
            return args[0]
        if name == "_has_compatible_shallow_copy_type" and any(isinstance(part, GpuTensor) for part in args):
            return False  # so `Module.to` puts new parameters in place of the old ones
        if func == Tensor.data.__set__ and any(isinstance(part, GpuTensor) for part in args):
            raise NotImplementedError("a tensor of a pretended GPU is given no other data")
        generator = kwargs.get("generator")
        device = kwargs.get("device")
        if generator is not None:
            at = next((part.device for part in args if isinstance(part, Tensor)), torch.device(device or "cpu"))
            if generator.device.type != at.type:
                raise RuntimeError(
                    f"Expected a '{at.type}' device type for generator but found '{generator.device.type}'"
                )
        if device is None:
            return func(*args, **kwargs)
        return self._make(name, func, args, {**kwargs, "device": known_device(device)})

    def _make(self, name: str, func: Any, args: Any, kwargs: Any) -> Any:
        """Make a tensor where it is asked for."""
        device = kwargs["device"]
        if device.type == "meta":
            return func(*args, **kwargs)
        if name in FROM_PYTHON and isinstance(args[0], Tensor):
            found = args[0].to(device=device, dtype=kwargs.get("dtype"))
            return found.clone() if name == "tensor" else found
        with (
            self.own_generator() if device.type == "cuda" and not kwargs.get("generator") else contextlib.nullcontext()
        ):
            found = func(*args, **{**kwargs, "device": CPU})
        if device.type == "cpu":
            return hold(found)
        self.count += 1
        if name in FROM_PYTHON:
            self.waits.append(name)
        return wrap(found.detach()).requires_grad_(found.requires_grad)

    def _move(self, name: str, func: Any, args: Any, kwargs: Any) -> Any:
        """Answer `Tensor.to`, `Tensor.cpu` and `Tensor.cuda`."""
        x, *rest = args
        device, dtype, blocking = {"cpu": CPU, "cuda": GPU}.get(name), None, True
        if name == "to":
            kwargs = {part: value for part, value in kwargs.items() if part != "copy"}
            other = rest[0] if rest and isinstance(rest[0], Tensor) else kwargs.pop("other", None)
            if other is not None:
                device, dtype = other.device, other.dtype
            else:
                device, dtype, non_blocking, _ = torch._C._nn._parse_to(*rest, **kwargs)
                blocking = not non_blocking
        else:
            blocking = not kwargs.get("non_blocking")
        device = x.device if device is None else known_device(device)
        with torch._C.DisableTorchFunction():
            if dtype is not None and dtype != x.dtype:
                x = torch.Tensor.to(x, dtype)
            if "meta" in (device.type, x.device.type) or device.type == x.device.type:
                return func(*args, **kwargs) if "meta" in (device.type, x.device.type) else x
            # It may be read before it is there.
            if device.type == "cpu" and not blocking:
                raise AssertionError("a copy from the GPU has to be waited for; this one has non_blocking=True")
            self.waits += [f"to {device.type}"] * blocking
            self.count += 1
            return _Move.apply(x)

    def compute(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Carry an operation out on what tensors hold, after a look at their devices."""
        self.count += 1
        if func is aten.copy_.default:
            return self._copy(*args)
        plain_args, plain_kwargs = each(hold, args), {name: each(hold, value) for name, value in kwargs.items()}
        if not isinstance(func, torch._ops.OpOverload):
            return each(wrap, func(*plain_args, **plain_kwargs))
        self._check(func, args, kwargs)
        if torch.Tag.inplace_view in func.tags:
            raise NotImplementedError(f"{func} changes the form of a tensor in place, which a pretended GPU cannot")
        if func in WAITING:
            self.waits.append(str(func))
        own = self.own_numbers and torch.Tag.nondeterministic_seeded in func.tags and not kwargs.get("generator")
        with self.own_generator() if own else contextlib.nullcontext():
            found = func(*plain_args, **plain_kwargs)
        return _same_objects(func, args, kwargs, found)

    @contextlib.contextmanager
    def own_generator(self) -> Iterator[None]:
        """Draw what torch draws from the GPU's generator, not from the CPU's."""
        if not self.own_numbers:
            yield
            return
        before = torch.default_generator.get_state()
        torch.default_generator.set_state(self.generator.get_state())
        try:
            yield
        finally:
            self.generator.set_state(torch.default_generator.get_state())
            torch.default_generator.set_state(before)

    def _copy(self, into: Tensor, source: Tensor, non_blocking: bool = False) -> Tensor:
        if into.device != source.device and not non_blocking and source.numel():
            self.waits.append("copy_")
        hold(into).copy_(hold(source))
        return into

    def _check(self, func: Any, args: Any, kwargs: Any) -> None:
        """Raise RuntimeError where tensors are on two devices."""
        if func in INDEXED:
            if not isinstance(args[0], GpuTensor):
                raise RuntimeError("indices should be either on cpu or on the same device as the indexed tensor (cpu)")
            indices = [part for part in args[1] if part is not None]
            # A number is filled in wherever a mask holds, which need not be counted.
            counted = len(args) < 3 or args[2].numel() > 1
            if any((part.dtype == torch.bool and counted) or not isinstance(part, GpuTensor) for part in indices):
                self.waits.append(str(func))
            args = args[2:]
        alien: list[Tensor] = []
        each(lambda part: alien.append(part) if is_alien(part) else None, (*args, *kwargs.values()))
        if not alien:
            return
        shape = max(alien, key=Tensor.dim).shape
        numbers = func in INDEXED or func in WITH_NUMBERS or torch.Tag.pointwise in func.tags
        into_one = func._schema.is_mutable and func not in INDEXED and is_alien(args[0])
        if shape or not numbers or into_one:
            raise RuntimeError(
                "Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu! "
                f"({func}, a tensor of shape {tuple(shape)} on the CPU)"
            )


def is_alien(value: Any) -> bool:
    """Tell whether something is a tensor that is not on the GPU."""
    return isinstance(value, Tensor) and not isinstance(value, GpuTensor)


def known_device(device: Any) -> torch.device:
    """Return a device that is there."""
    device = torch.device(device)
    if device.type == "cuda" and device.index not in (None, 0):
        error = getattr(torch, "AcceleratorError", RuntimeError)  # not in torch 2.4
        raise error("CUDA error: invalid device ordinal")
    return device


@functools.cache
def written_arguments(func: Any) -> tuple[tuple[int, str] | None, ...]:
    """Return for each result of an operation the place and name of the argument that it is, if it is one."""
    schema = func._schema
    places = {
        name: (place, argument.name)
        for place, argument in enumerate(schema.arguments)
        if argument.alias_info is not None and argument.alias_info.is_write
        for name in argument.alias_info.before_set
    }
    infos = [result.alias_info for result in schema.returns]
    return tuple(places[next(iter(info.before_set))] if info is not None and info.is_write else None for info in infos)


def _same_objects(func: Any, args: Any, kwargs: Any, found: Any) -> Any:
    """Put results on the GPU; where an operation returns the very tensor that it has written into, return that."""
    written = written_arguments(func)
    if not any(written):
        return each(wrap, found)
    parts = found if len(written) > 1 else [found]
    answers = [
        each(wrap, part) if at is None else args[at[0]] if at[0] < len(args) else kwargs[at[1]]
        for part, at in zip(parts, written, strict=True)
    ]
    return tuple(answers) if len(written) > 1 else answers[0]


class _Recurrence(torch.autograd.Function):
    """A recurrent cell as one operation, with the gradients that the CPU's has."""

    @staticmethod
    def forward(ctx: Any, run: Callable[[list[Tensor]], Any], train: bool, *tensors: Tensor) -> Any:
        inner = [part.held.detach().requires_grad_() for part in tensors]
        with torch.enable_grad():
            found = run(inner)
        ctx.inner, ctx.found, ctx.train = inner, found, train
        return tuple(GpuTensor(part.detach()) for part in found)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        if not ctx.train:
            raise RuntimeError("cudnn RNN backward can only be called in training mode")
        pairs = [(part, hold(g)) for part, g in zip(ctx.found, gradients, strict=True) if g is not None]
        ends, weights = zip(*pairs, strict=True)
        return None, None, *map(wrap, torch.autograd.grad(ends, ctx.inner, weights, allow_unused=True))


def recur(func: Any, x: Tensor, state: Any, weights: Any, *rest: Any) -> Any:
    """Compute a recurrent cell as cuDNN does, or refuse to; `rest` as in `torch.gru`."""
    pair = isinstance(state, (tuple, list))
    states, train = tuple(state) if pair else (state,), rest[3]
    tensors = [x, *states, *weights]
    if not all(isinstance(part, GpuTensor) for part in tensors):
        raise RuntimeError("Input and parameter tensors are not at the same device, found input tensor at cuda:0")
    if not all(part.is_contiguous() for part in states):
        raise RuntimeError("rnn: hx is not contiguous")
    if 0 in x.shape:
        raise RuntimeError("cuDNN error: CUDNN_STATUS_BAD_PARAM (an empty batch)")
    if len({part.dtype for part in weights}) > 1:
        raise RuntimeError("Weight scalar types do not match.")
    if weights[0].chunk is None or any(part.chunk is not weights[0].chunk for part in weights):
        warnings.warn(CHUNK_WARNING, UserWarning, stacklevel=3)
    if torch.is_autocast_enabled("cuda"):
        tensors = [part.half() for part in tensors]
    if len({part.dtype for part in tensors}) > 1:
        raise RuntimeError("Expected input, state and weights of one type")
    dtype, n = tensors[0].dtype, len(states)

    def run(parts: list[Tensor]) -> Any:
        # What was rounded to half precision is computed in single.
        full = [part.float() for part in parts]
        hx = tuple(full[1 : 1 + n]) if pair else full[1]
        with Gpu.current.own_generator():
            return tuple(part.to(dtype) for part in func(full[0], hx, full[1 + n :], *rest))

    Gpu.current.count += 1
    with torch.autocast("cpu", enabled=False), torch._C.DisableTorchFunction():
        if torch.is_grad_enabled() and any(part.requires_grad for part in tensors):
            return _Recurrence.apply(run, train, *tensors)
        return tuple(GpuTensor(part) for part in run([part.held for part in tensors]))


def flatten(cell: torch.nn.RNNBase) -> None:
    """Lay a cell's weights one after the other, as `flatten_parameters` does on a GPU."""
    weights = cell._flat_weights
    if all(isinstance(part, GpuTensor) for part in weights) and len({part.dtype for part in weights}) == 1:
        chunk = object()
        for part in weights:
            part.chunk = chunk


def enter_without_gradients(mode: torch.inference_mode) -> None:
    """Begin `torch.inference_mode` as `torch.no_grad`: torch makes no views of wrapped tensors in the former."""
    mode.grad_before = torch.is_grad_enabled()
    torch.set_grad_enabled(not mode.mode)


def leave_without_gradients(mode: torch.inference_mode, *error: Any) -> None:
    torch.set_grad_enabled(mode.grad_before)


def by_device(group: Callable[..., Any]) -> Callable[..., Any]:
    """Let torch group tensors by the devices that they say they are on."""

    def grouped(lists: Any, with_indices: bool) -> Any:
        found = {}
        for (device, dtype), parts in group(lists, with_indices).items():
            found[GPU if isinstance(parts[0][0][0], GpuTensor) else device, dtype] = parts
        return found

    return grouped


@contextlib.contextmanager
def pretend_gpu(*, own_numbers: bool = False) -> Iterator[Gpu]:
    """Let torch have one GPU, "cuda:0", as long as this is open; in this thread alone."""
    gpu = Gpu(own_numbers=own_numbers)
    enabled, kind = torch.is_autocast_enabled, torch.get_autocast_dtype
    here = {"cuda": "cpu"}
    cuda = {
        "is_available": lambda: True,
        "is_initialized": lambda: True,
        "device_count": lambda: 1,
        "is_current_stream_capturing": lambda: False,  # built with CUDA, torch would ask the driver
        "current_device": lambda: 0,
        "device": lambda device: contextlib.nullcontext(),
        "get_device_name": lambda device=None: "pretended GPU",
        "is_bf16_supported": lambda including_emulation=True: True,
        "get_rng_state": lambda device="cuda": gpu.generator.get_state(),
        "set_rng_state": lambda state, device="cuda": gpu.generator.set_state(state),
        "manual_seed": lambda seed: gpu.generator.manual_seed(seed),
        "manual_seed_all": lambda seed: gpu.generator.manual_seed(seed),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in cuda.items():
            patch.setattr(torch.cuda, name, value)
        patch.setattr(torch, "Generator", GpuGenerator)
        patch.setattr(torch, "autocast", GpuAutocast)
        patch.setattr(torch, "is_autocast_enabled", lambda device="cuda": enabled(here.get(device, device)))
        patch.setattr(torch, "get_autocast_dtype", lambda device: kind(here.get(device, device)))
        patch.setattr(torch.inference_mode, "__enter__", enter_without_gradients)
        patch.setattr(torch.inference_mode, "__exit__", leave_without_gradients)
        patch.setattr(torch.nn.RNNBase, "flatten_parameters", flatten)
        # By such, optimisers know that they may change all weights at once, as they do on a GPU.
        for module in (sys.modules[torch.optim.Optimizer.__module__], torch.utils._foreach_utils):
            patch.setattr(module, "_foreach_supported_types", [Tensor, torch.nn.Parameter, GpuTensor])
        patch.setattr(
            torch._C, "_group_tensors_by_device_and_dtype", by_device(torch._C._group_tensors_by_device_and_dtype)
        )
        patch.setattr(Gpu, "current", gpu, raising=False)
        with gpu:
            yield gpu
