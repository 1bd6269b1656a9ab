"""What an optimizer remembers, in bytes: predicted from shapes, or measured.

A shape is that of one tensor of parameters, such as `(10**9, 128)` for an embedding table with a
billion rows. Nothing is allocated to predict its bytes.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from ._validate import choice, positive_int

if TYPE_CHECKING:
    import torch

__all__ = [
    "TrainingBytes",
    "measured_state_bytes",
    "readable_bytes",
    "state_bytes",
    "state_bytes_per_rank",
    "state_shapes",
    "training_bytes",
]


Shape: TypeAlias = tuple[int, ...]
FloatType: TypeAlias = "str | type[np.floating[Any]] | np.dtype[Any] | torch.dtype"


def _a_vector_per_axis(shape: Shape) -> list[Shape]:
    return [(n,) for n in shape] or [()]


def _a_matrix(shape: Shape) -> list[Shape]:
    return [(math.prod(shape),) * 2]


# What each optimizer keeps for a tensor of this shape.
_KEPT: dict[str, Callable[[Shape], list[Shape]]] = {
    "SGD": lambda shape: [],
    "Momentum": lambda shape: [shape],
    "AdaGrad": lambda shape: [shape],
    "RMSProp": lambda shape: [shape],
    "Adam": lambda shape: [shape, shape],
    "RowWiseAdaGrad": lambda shape: [shape[:1]],
    "SM3": _a_vector_per_axis,
    "FullMatrixAdaGrad": _a_matrix,
}


class TrainingBytes(NamedTuple):
    """What training keeps in memory, in bytes; the activations, which need the model, are left out.

    Attributes
    ----------
    weights, gradients, state : int
        The parameters, their gradients, and what the optimizer remembers.
    """

    weights: int
    gradients: int
    state: int

    @property
    def total(self) -> int:
        """The sum of the three."""
        return sum(self)


def state_shapes(optimizer: str, shape: Iterable[int]) -> list[Shape]:
    """Return the shapes of what an optimizer remembers of one tensor of parameters.

    Parameters
    ----------
    optimizer : str
        "SGD", "Momentum", "AdaGrad", "RMSProp", "Adam", "RowWiseAdaGrad" (a number for each slice
        along the first axis), "SM3" (a vector for each axis) or "FullMatrixAdaGrad" (a matrix for
        the tensor's n entries, n × n).
    shape : tuple of int
        The shape of the parameters.

    Returns
    -------
    list of tuple of int
        The number of steps, which is one number however large the tensor is, is left out.

    Raises
    ------
    TypeError, ValueError
        If the optimizer is another one, or `shape` does not hold whole numbers from 0 on.

    Examples
    --------
    >>> names = "SGD", "Adam", "RowWiseAdaGrad", "SM3", "FullMatrixAdaGrad"
    >>> for optimizer in names:
    ...     print(optimizer, state_shapes(optimizer, (1000, 64)))
    SGD []
    Adam [(1000, 64), (1000, 64)]
    RowWiseAdaGrad [(1000,)]
    SM3 [(1000,), (64,)]
    FullMatrixAdaGrad [(64000, 64000)]
    """
    return _KEPT[choice("optimizer", optimizer, _KEPT)](_shape(shape))


def state_bytes(
    optimizer: str, shapes: Iterable[Iterable[int]], dtype: FloatType = "float32"
) -> int:
    """Return the bytes that an optimizer remembers of a model's parameters.

    Parameters
    ----------
    optimizer : str
        As in `state_shapes`.
    shapes : iterable of tuple of int
        The shape of each tensor, as `[p.shape for p in model.parameters()]` gives them.
    dtype : str or numpy.dtype or torch.dtype, optional
        What the state is kept in: a floating-point type, "bfloat16" included.

    Returns
    -------
    int
        Bytes.

    Raises
    ------
    TypeError, ValueError
        As `state_shapes`, or if `dtype` is not a floating-point type.

    Examples
    --------
    A table with a billion rows of 128 numbers, of which AdaGrad remembers half a terabyte:

    >>> for optimizer in ("SGD", "AdaGrad", "Adam", "RowWiseAdaGrad"):
    ...     needed = state_bytes(optimizer, [(10**9, 128)])
    ...     print(optimizer, readable_bytes(needed))
    SGD 0 bytes
    AdaGrad 512 GB
    Adam 1.02 TB
    RowWiseAdaGrad 4 GB
    """
    kept = [kept for shape in _shapes(shapes) for kept in state_shapes(optimizer, shape)]
    return _bytes(kept, dtype)


def state_bytes_per_rank(
    optimizer: str, shapes: Iterable[Iterable[int]], ranks: int, dtype: FloatType = "float32"
) -> list[int]:
    """Return the bytes that each of several processes remembers when they share the state.

    The tensors are partitioned as by PyTorch's `ZeroRedundancyOptimizer`: from the largest to the
    smallest, each is assigned to the process that has the fewest parameters so far. No tensor is
    divided.

    Parameters
    ----------
    optimizer, shapes, dtype
        As in `state_bytes`.
    ranks : int
        How many processes there are.

    Returns
    -------
    list of int
        The bytes of rank 0, 1, 2, …

    Raises
    ------
    TypeError, ValueError
        As `state_bytes`, or if `ranks` is not a whole number from 1 on.

    References
    ----------
    Rajbhandari, Rasley, Ruwase and He, ZeRO, SC 2020, stage 1 (where tensors are divided).

    Examples
    --------
    Eight equal tables are shared well, one alone cannot be:

    >>> state_bytes_per_rank("AdaGrad", [(1000, 8)] * 8, ranks=4)
    [64000, 64000, 64000, 64000]
    >>> state_bytes_per_rank("AdaGrad", [(1000, 64)], ranks=4)
    [256000, 0, 0, 0]
    """
    parts: list[list[Shape]] = [[] for _ in range(positive_int("ranks", ranks))]
    for shape in sorted(_shapes(shapes), key=math.prod, reverse=True):
        min(parts, key=lambda part: sum(map(math.prod, part))).append(shape)
    return [state_bytes(optimizer, part, dtype) for part in parts]


def training_bytes(
    optimizer: str,
    shapes: Iterable[Iterable[int]],
    dtype: FloatType = "float32",
    *,
    state_dtype: "FloatType | None" = None,
    touched_rows: int | None = None,
) -> TrainingBytes:
    """Return the bytes of a model's weights, of their gradients and of the optimizer's state.

    Parameters
    ----------
    optimizer, shapes
        As in `state_bytes`.
    dtype : str or numpy.dtype or torch.dtype, optional
        What weights and gradients are kept in.
    state_dtype : str or numpy.dtype or torch.dtype, optional
        What the state is kept in; by default, `dtype`.
    touched_rows : int, optional
        If the gradients are sparse: how many rows of each tensor they name, at most, each with a
        number of 8 bytes. By default they are dense.

    Returns
    -------
    TrainingBytes
        Weights, gradients and state; `total` is their sum.

    Raises
    ------
    TypeError, ValueError
        As `state_bytes`, or if `touched_rows` is not a whole number from 0 on, or is given with a
        tensor without axes.

    Examples
    --------
    A sparse gradient is small, but what AdaGrad remembers is not:

    >>> training_bytes("AdaGrad", [(10**6, 64)], touched_rows=1000)
    TrainingBytes(weights=256000000, gradients=264000, state=256000000)
    """
    shapes = _shapes(shapes)
    weights = gradients = _bytes(shapes, dtype)
    if touched_rows is not None:
        touched_rows = positive_int("touched_rows", touched_rows, zero_allowed=True)
        if () in shapes:
            raise ValueError("shapes must have rows to be touched, got ()")
        named = [(min(touched_rows, rows), *row) for rows, *row in shapes]
        gradients = _bytes(named, dtype) + 8 * sum(rows for rows, *_ in named)
    state = state_bytes(optimizer, shapes, dtype if state_dtype is None else state_dtype)
    return TrainingBytes(weights, gradients, state)


def measured_state_bytes(optimizer: "torch.optim.Optimizer | tuple[Any, ...]") -> int:
    """Return the bytes of memory that an optimizer's state really holds.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer or tuple
        An optimizer of PyTorch, which may have no state before its first step, or a state of
        `adagrad_course.optimizers`, as from `init` or `step`. Of a `ZeroRedundancyOptimizer`, and
        of a state in tensors that processes share (`DTensor`, as with FSDP2), it is the part that
        this process keeps.

    Returns
    -------
    int
        Bytes. Memory that two arrays share counts once; of a view, that of the whole array counts.
        Tensors without memory, of the device "meta" or of a `FakeTensorMode`, count as if they
        had it.
        What PyTorch keeps under the name `step`, a number for each tensor of parameters, is left
        out, as in `state_bytes`.

    Raises
    ------
    TypeError
        If it is neither.

    Examples
    --------
    >>> from adagrad_course.optimizers import Adam
    >>> params = np.zeros((1000, 64), np.float32)
    >>> measured_state_bytes(Adam(lr=0.1).init(params))
    512000
    >>> state_bytes("Adam", [params.shape])
    512000
    """
    if isinstance(optimizer, tuple) and hasattr(optimizer, "_fields"):
        state = optimizer
    elif hasattr(optimizer, "state") and hasattr(optimizer, "param_groups"):
        own = getattr(optimizer, "optim", optimizer)  # inside a ZeroRedundancyOptimizer
        state = [kept | {"step": None} for kept in own.state.values()]
    else:
        raise TypeError(
            "optimizer must be an optimizer of PyTorch or a state of adagrad_course.optimizers, "
            f"got {type(optimizer).__name__}"
        )
    # By identity, as the address of all tensors without memory (device "meta") is 0.
    owners = {id(owner): owner for owner in map(_owner, _arrays_in(state))}
    return sum(map(_nbytes, owners.values()))


def readable_bytes(n: int) -> str:
    """Return a number of bytes with three significant digits and a unit: kB is 1,000 bytes.

    Raises
    ------
    TypeError, ValueError
        If `n` is not a whole number from 0 on.

    Examples
    --------
    >>> readable_bytes(999), readable_bytes(2**20), readable_bytes(96 * 10**12)
    ('999 bytes', '1.05 MB', '96 TB')
    """
    n = positive_int("n", n, zero_allowed=True)
    for unit, name in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if n >= 0.9995 * unit:
            value = n / unit
            return f"{value:.3g} {name}" if value < 1000 else f"{value:,.0f} {name}"
    return f"{n} bytes"


def _arrays_in(state: Any) -> Iterator[Any]:
    """Return all arrays and tensors of a state, which may be nested."""
    if isinstance(state, dict):
        state = list(state.values())
    if isinstance(state, list | tuple):
        for part in state:
            yield from _arrays_in(part)
    elif hasattr(state, "__tensor_flatten__"):  # such as DTensor: this process's part
        for name in state.__tensor_flatten__()[0]:
            yield from _arrays_in(getattr(state, name))
    elif isinstance(state, np.ndarray) or hasattr(state, "untyped_storage"):
        yield state


def _owner(array: Any) -> Any:
    """Return the array or storage that owns the memory of this one, which may be a view."""
    if hasattr(array, "untyped_storage"):
        return array.untyped_storage()
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _nbytes(owner: Any) -> int:
    """Return the bytes of an array of NumPy or of a storage of PyTorch."""
    return owner.nbytes if isinstance(owner, np.ndarray) else owner.nbytes()


def _shapes(shapes: Any) -> list[Shape]:
    if isinstance(shapes, Iterable):
        shapes = list(shapes)
        if all(isinstance(shape, Iterable) and not isinstance(shape, str) for shape in shapes):
            return [_shape(shape) for shape in shapes]
    raise TypeError(f"shapes must be a list of shapes, such as [(1000, 64)], got {shapes!r}")


def _shape(shape: Iterable[int]) -> Shape:
    try:
        return tuple(positive_int("shape", n, zero_allowed=True) for n in shape)
    except TypeError as error:
        raise TypeError(f"shape must hold whole numbers, got {shape!r}") from error


def _bytes(shapes: Iterable[Shape], dtype: FloatType) -> int:
    return _itemsize(dtype) * sum(map(math.prod, shapes))


def _itemsize(dtype: Any) -> int:
    name = str(dtype).removeprefix("torch.")
    if name == "bfloat16":  # which NumPy does not know
        return 2
    try:
        known = np.dtype(name if str(dtype).startswith("torch.") else dtype)
    except TypeError:
        known = None
    if known is None or known.kind != "f" or dtype is None:
        raise TypeError(f"dtype must be a floating-point type, such as 'float32', got {dtype!r}")
    return known.itemsize
