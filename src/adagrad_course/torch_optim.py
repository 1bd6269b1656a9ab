"""AdaGrad for PyTorch: the formula as a `torch.optim.Optimizer`, a drop-in for PyTorch's own.

`RowWiseAdaGrad` remembers one number for each row of a table in place of one for each entry.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ._optional import packages_needed
from ._validate import positive_number

with packages_needed("torch", "The optimizers for PyTorch"):
    import torch
    from torch import Tensor
    from torch.optim.optimizer import ParamsT

__all__ = ["AdaGrad", "RowWiseAdaGrad"]


class AdaGrad(torch.optim.Optimizer):
    r"""AdaGrad for PyTorch's parameters, with the arguments and the numbers of PyTorch's Adagrad.

    .. math::

        \begin{aligned}
        g_t &= \nabla f_t(w_t) + \lambda w_t, \\
        G_t &= G_{t-1} + g_t^2, \\
        w_{t+1} &= w_t - \frac{\eta_t}{\sqrt{G_t} + \varepsilon}\, g_t, \qquad
        \eta_t = \frac{\eta}{1 + (t - 1)\, \text{lr\_decay}}
        \end{aligned}

    G has the shape, dtype and device of its parameter. A sparse gradient, such as that of
    `torch.nn.Embedding(..., sparse=True)`, changes only the rows that it touches, at a cost that
    does not depend on how many others there are; a row touched twice counts once, with the sum of
    its gradients. A complex parameter is treated as its real and its imaginary part; its gradient
    must be dense.

    Parameters
    ----------
    params : iterable of torch.Tensor, of (str, torch.Tensor) or of dict
        The parameters, or groups of them with their own values of the arguments below.
    lr : float or torch.Tensor, optional
        The learning rate η ≥ 0; a tensor must have one element.
    lr_decay : float, optional
        The factor (0 or more) by which the rate decays.
    weight_decay : float, optional
        The factor λ ≥ 0 of an L2 penalty, whose gradient goes into G, too. Not for sparse
        gradients: every row would change.
    initial_accumulator_value : float, optional
        The value of G₀ ≥ 0, the same for all groups.
    eps : float, optional
        The constant ε ≥ 0 added to the root. Where it rounds to 0, as 1e-10 does in float16, a
        gradient of 0 makes its parameter NaN (0/0), and one whose square rounds to 0 makes it
        infinite, as in PyTorch.
    maximize : bool, optional
        Whether to climb instead of descending: the gradient of f is negated.
    foreach, differentiable, fused : None or False, optional
        The switches of PyTorch's Adagrad between its implementations; here there is only one.

    Raises
    ------
    TypeError, ValueError
        If an argument, a group's too, is not a finite number of its range, or if a group has an
        `initial_accumulator_value` of its own (which PyTorch would ignore).

    Notes
    -----
    The state of a parameter is what PyTorch's Adagrad keeps, `step` (t) and `sum` (G), made when
    the parameter is added. So a `state_dict` of the one can be loaded into the other.

    References
    ----------
    Duchi, Hazan and Singer, JMLR 12 (2011), figure 1 (diagonal matrices; there G is the square of
    `s`, ε is δ); λ, `lr_decay` and G₀ are those of `torch.optim.Adagrad`.

    Examples
    --------
    Unless the gradient is as small as ε, the first step has the length of the learning rate:

    >>> w = torch.tensor([1.0, 1.0], requires_grad=True)
    >>> optimizer = AdaGrad([w], lr=0.5)
    >>> loss = 1000 * w[0] + 0.001 * w[1]
    >>> loss.backward()
    >>> optimizer.step()
    >>> w
    tensor([0.5000, 0.5000], requires_grad=True)
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        _check(defaults)
        super().__init__(params, defaults)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with their own hyperparameters; the constructor calls it for each group.

        Parameters
        ----------
        param_group : dict
            The parameters under `params`, and the arguments that differ from the constructor's.

        Raises
        ------
        TypeError, ValueError
            As the constructor.
        """
        if isinstance(param_group, dict):  # otherwise PyTorch raises
            _check(self.defaults | param_group)
            common = self.defaults["initial_accumulator_value"]
            own = param_group.get("initial_accumulator_value", common)
            if own != common:
                raise ValueError(
                    "initial_accumulator_value must be the same for all groups, "
                    f"{common}, got {own} for one"
                )
        super().add_param_group(param_group)
        try:
            for param in self.param_groups[-1]["params"]:
                self._state_of(param)
        except BaseException:
            for param in self.param_groups.pop()["params"]:
                self.state.pop(param, None)
            raise

    def _state_of(self, param: Tensor) -> dict[str, Any]:
        """Return t and G of a parameter; new ones if it has none, as after loading a state_dict."""
        state = self.state[param]
        if not state:
            _check_param(param)
            start = self.defaults["initial_accumulator_value"]
            if param.is_complex():
                start = complex(start, start)
            part = tuple(map(slice, self._sum_shape(param)))
            state["sum"] = torch.full_like(param.detach()[part], start)
            state["step"] = _counter(0)
        return state

    def _sum_shape(self, param: Tensor) -> tuple[int, ...]:
        """Return the shape of G: here, that of the parameter."""
        return param.shape

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a state, also one of an older PyTorch whose Adagrad had fewer arguments."""
        for param, kept in state.get("state", {}).items():
            if kept and torch.is_tensor(param):
                if not {"step", "sum"} <= set(kept):
                    raise ValueError(
                        f"the state of a parameter must have step and sum, got {', '.join(kept)}"
                    )
                expected = tuple(self._sum_shape(param))
                if kept["sum"].shape != expected:
                    raise ValueError(
                        f"the sum of a parameter of shape {tuple(param.shape)} must have shape "
                        f"{expected}, got {tuple(kept['sum'].shape)}"
                    )
        super().__setstate__(state)
        for group in self.param_groups:
            for name, value in self.defaults.items():
                group.setdefault(name, value)
        for kept in self.state.values():
            if kept and not torch.is_tensor(kept["step"]):
                kept["step"] = _counter(kept["step"])

    def share_memory(self) -> None:
        """Move every G into memory that other processes can share, for Hogwild training."""
        for state in self.state.values():
            state["sum"].share_memory_()

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step with the gradients in the parameters' `grad`; a parameter without is kept.

        Parameters
        ----------
        closure : callable, optional
            Computes the gradients anew and returns the loss.

        Returns
        -------
        object
            The loss that `closure` returned; None without one.

        Raises
        ------
        RuntimeError
            If a sparse gradient meets `weight_decay` or a complex parameter, or, for
            `RowWiseAdaGrad`, is not one of rows, but of single entries.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()

        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is None:
                    continue
                _check_not_masked("gradient", param.grad)
                state = self._state_of(param)
                t = state["step"].item() + 1
                lr = group["lr"] / (1 + (t - 1) * group["lr_decay"])
                if torch.is_tensor(lr):
                    lr = lr.item()
                update = _sparse_update if param.grad.is_sparse else _dense_update
                update(param, param.grad, state["sum"], lr, group)
                state["step"].fill_(t)  # several times faster than += 1
        return loss


class RowWiseAdaGrad(AdaGrad):
    r"""AdaGrad with one accumulator for each row of a parameter.

    .. math::

        \begin{aligned}
        g_t &= \nabla f_t(w_t) + \lambda w_t, \\
        G_{t,i} &= G_{t-1,i} + \frac1d \sum_{j=1}^{d} g_{t,ij}^2, \\
        w_{t+1,ij} &= w_{t,ij} - \frac{\eta_t}{\sqrt{G_{t,i}} + \varepsilon}\, g_{t,ij}, \qquad
        \eta_t = \frac{\eta}{1 + (t - 1)\, \text{lr\_decay}}
        \end{aligned}

    It is meant for embedding tables, where a row is what one feature has learned: the accumulators
    take d times less memory than those of `AdaGrad`. A row is what lies under one index of the
    first axis, so that a vector, whose rows have one entry each, is treated as by `AdaGrad`. Sparse
    gradients and complex parameters are treated as there.

    Parameters
    ----------
    params, lr, lr_decay, weight_decay, initial_accumulator_value, maximize
        As in `AdaGrad`; G₀ is s₀.
    eps : float, optional
        The constant ε ≥ 0 added to the root.

    Raises
    ------
    TypeError, ValueError
        As `AdaGrad`.

    Notes
    -----
    The state of a parameter of shape (n, ...) is `step` (t) and `sum` (s), of shape (n, 1, ...). A
    `state_dict` of `AdaGrad` is refused.

    The steps are those of `adagrad_course.optimizers.AdaGradNorm` with each row as a run; as that
    sums the squares instead of taking their mean, there η and ε must be √d times as large.

    References
    ----------
    Mudigere et al., Software-Hardware Co-design for Fast and Scalable Training of Deep Learning
    Recommendation Models, arXiv:2104.05158; ε is that of the tables of PyTorch's FBGEMM.

    Examples
    --------
    In each row the steps are in proportion to the gradients:

    >>> table = torch.zeros(2, 2, requires_grad=True)
    >>> optimizer = RowWiseAdaGrad([table], lr=0.5)
    >>> table.grad = torch.tensor([[1.0, 7.0], [0.0, 0.0]])
    >>> optimizer.step()
    >>> table, optimizer.state[table]["sum"].T
    (tensor([[-0.1000, -0.7000],
            [ 0.0000,  0.0000]], requires_grad=True), tensor([[25.,  0.]]))
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-8,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr, lr_decay, weight_decay, initial_accumulator_value, eps, maximize=maximize
        )

    def _sum_shape(self, param: Tensor) -> tuple[int, ...]:
        """Return the shape of s: one entry for each row."""
        if getattr(param, "_fsdp_flattened", False):
            raise TypeError(
                "a parameter must have its rows, got one that FullyShardedDataParallel has "
                "flattened; torch.distributed.fsdp.fully_shard leaves them as they are"
            )
        return (*param.shape[:1], *(min(n, 1) for n in param.shape[1:]))


def _counter(steps: float) -> Tensor:
    """Return t as PyTorch keeps it: a tensor on the CPU, not in 16 bits, which count to 256."""
    dtype = torch.promote_types(torch.get_default_dtype(), torch.float32)
    return torch.tensor(float(steps), dtype=dtype, device="cpu")


def _dense_update(
    param: Tensor, grad: Tensor, accumulator: Tensor, lr: float, group: dict[str, Any]
) -> None:
    for w, g, G in _pieces(param, grad, accumulator):
        if group["maximize"]:
            g = -g
        if group["weight_decay"]:
            g = g.add(w, alpha=group["weight_decay"])
        if w.is_complex():
            w, g, G = map(torch.view_as_real, (w, g, G))
        if G.shape == g.shape:
            G.addcmul_(g, g)  # G += g²
        else:
            G.add_(_squares(g, G))
        w.addcdiv_(g, G.sqrt().add_(group["eps"]), value=-lr)  # w -= lr·g / (√G + ε)


def _squares(grad: Tensor, accumulator: Tensor) -> Tensor:
    """Return g², or its mean over those axes along which G has one entry and g has more.

    Where processes share a row, a mean of means would be wrong if their parts are not equally long.
    """
    squares = grad * grad
    sizes = zip(accumulator.shape, grad.shape, strict=True)
    axes = [axis for axis, (one, n) in enumerate(sizes) if one != n]
    if not axes:
        return squares
    wide = torch.promote_types(grad.dtype, torch.float32)  # the sum may overflow in 16 bits
    return squares.sum(axes, keepdim=True, dtype=wide) / math.prod(grad.shape[a] for a in axes)


def _pieces(*tensors: Tensor) -> Iterable[Sequence[Tensor]]:
    """Return tensors cut into pieces if they are large enough to gain from it.

    What one operation has written to a piece is then still in the processor's cache for the next,
    which makes a step on ten million parameters about twice as fast.
    """
    size = 2**17 * torch.get_num_threads()
    large = tensors[0].numel() >= 4 * size
    if large and all(_can_be_cut(tensor) for tensor in tensors):
        if len({tensor.shape for tensor in tensors}) == 1:
            tensors = [tensor.view(-1) for tensor in tensors]
        else:  # rows must stay whole
            size = max(1, size // tensors[0][0].numel())
        return zip(*(tensor.split(size) for tensor in tensors), strict=True)
    return [tensors]


def _can_be_cut(tensor: Tensor) -> bool:
    return _is_plain(tensor) and tensor.is_cpu and tensor.is_contiguous()


def _is_plain(tensor: Tensor) -> bool:
    """Say whether writing to a view of a tensor is sure to change the tensor.

    It need not be for a subclass, such as DTensor, which FSDP makes of the parameters.
    """
    return type(tensor) in (torch.Tensor, torch.nn.Parameter)


def _sparse_update(
    param: Tensor, grad: Tensor, accumulator: Tensor, lr: float, group: dict[str, Any]
) -> None:
    if group["weight_decay"]:
        raise RuntimeError(
            "weight_decay must be 0 for a parameter with sparse gradients, "
            f"got {group['weight_decay']}"
        )
    if param.is_complex():
        raise RuntimeError(
            "a complex parameter must have dense gradients, got a sparse one "
            f"for a parameter in {param.dtype}"
        )
    if group["maximize"]:
        grad = -grad
    grad = grad.coalesce()  # a row's gradients are summed here, before the sum is squared
    indices, g = grad.indices(), grad.values()

    def sparse(values: Tensor) -> Tensor:
        return torch.sparse_coo_tensor(indices, values, grad.shape, check_invariants=False)

    if grad.sparse_dim() == 1:  # rows, as of an embedding: faster than the general way
        G = accumulator.index_select(0, indices[0])
        G += _squares(g, G)
        accumulator.index_copy_(0, indices[0], G)
    elif accumulator.shape != param.shape:
        raise RuntimeError(
            "a sparse gradient of a parameter with an accumulator for each row must be one of "
            f"rows, with 1 sparse dimension, got {grad.sparse_dim()}"
        )
    else:
        accumulator.add_(sparse(g * g))
        G = accumulator.sparse_mask(grad).values()
    param.add_(sparse(g / G.sqrt_().add_(group["eps"])), alpha=-lr)


def _check(group: dict[str, Any]) -> None:
    """Raise unless the values in `group` are what the constructor accepts."""
    for name in ("lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps"):
        value = group[name]
        if torch.is_tensor(value) and value.numel() == 1:
            value = value.item()
        positive_number(name, value, zero_allowed=True)
    for name in ("foreach", "differentiable", "fused"):
        if group[name]:
            raise ValueError(
                f"{name} must be None or False, there is one implementation, got {group[name]}"
            )


def _check_param(param: Tensor) -> None:
    """Raise unless a parameter is of a kind that the steps support."""
    _check_not_masked("parameter", param)
    if param.layout is not torch.strided or param.is_nested:
        layout = "nested" if param.is_nested else param.layout
        raise TypeError(f"a parameter must be a dense tensor, got a {layout} one")
    if param.is_complex() and not _is_plain(param):
        raise TypeError(
            "a complex parameter must be a plain tensor, whose real and imaginary part can be "
            f"written to, got {type(param).__name__}"
        )


def _check_not_masked(name: str, tensor: Tensor) -> None:
    if torch.masked.is_masked_tensor(tensor):
        raise TypeError(f"a {name} must not be masked, got MaskedTensor")
