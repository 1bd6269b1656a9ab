"""What an optimizer of PyTorch does to a model while it trains, and what is wrong with it.

`watch` looks at some of the steps: all of the first 8, then one in 8, from step 128 on one for each
sixteenth of the steps so far. A look reads at most 128 weights of each tensor, chosen at random
(with sparse gradients as many again of those that it touches), and the extremes of the gradient. It
keeps 4 kB for each tensor, 170 times in a million steps. No tensor is copied as a whole. Shares
and quantiles are those of the sample: a fault of a few weights can be missed.

A report finds, and names so:

- *no gradient*: a tensor that requires a gradient had None at all looks (8 or more);
- *learning rate 0*: the rate of its group was 0 at all looks (8 or more);
- *gradient 0*: the whole gradient was exactly 0 at the last 8 looks or more;
- *not finite*: NaN or infinity in a gradient, or among the accumulators or weights of the sample;
- *update lost*: a step leaves over 80 % of the weights with a gradient that is not small as they
  were;
- *underflow*: the accumulator is 0 for over 5 % of the weights with a gradient;
- *first step too long*: at the end of the first step the loss rises along it over 8 times as
  steeply as it fell at the start;
- *early outlier*: without what AdaGrad's G got between two looks, the rates of half of the weights
  would be over 3 times as high, and the next gradient was less than a tenth of that;
- *frozen*: over half of the weights that have somewhere to go are frozen (see `TensorReport`), or
  the rate was below 1e-4 of its highest in the whole second half of the steps;
- *state lost*: the state counts its steps from 0 again, and updates are over twice as long;
- *rare features*: without an accumulator, half of the weights that moved did so at no more than a
  tenth of the looks, and some of them over 5 times as far as others.

What stands still for one of the reasons above is not called frozen besides. What may pass is judged
over the second half of the steps. The limits lie between runs that learn and runs made to be sick.
A doubtful case is no finding: a run without one may still be a bad one.
"""

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakSet

import numpy as np

from ._optional import packages_needed
from ._symptoms import CHECKS, FEW, Record, Sample
from ._validate import instance, positive_int
from .memory import measured_state_bytes, readable_bytes
from .tables import Table, table

with packages_needed("torch", "Diagnoses"):
    import torch
    from torch import Tensor

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Finding", "Report", "TensorReport", "Watch", "watch"]

PER_LOOK = 16  # of so many steps one is looked at, in a long run
_watched: WeakSet[torch.optim.Optimizer] = WeakSet()


class Finding(NamedTuple):
    """One thing that is wrong.

    Attributes
    ----------
    symptom : str
        Its name in the list above.
    tensors : tuple of str
        Where it was found.
    advice : str
        What was seen where it is worst, and what to do.
    value : float
        The number that the advice rests on.
    """

    symptom: str
    tensors: tuple[str, ...]
    advice: str
    value: float


class TensorReport(NamedTuple):
    """What the optimizer has done to one tensor of parameters.

    Attributes
    ----------
    name : str
    weights : int
        How many there are; of complex numbers, each is two.
    rates : numpy.ndarray, shape (3,)
        The effective rates at the last look, change of a weight / its gradient: the quantiles 0.1,
        0.5 and 0.9 over the weights with a gradient.
    relative_updates : numpy.ndarray, shape (3,)
        The same quantiles of change of a weight / weight, over the weights that moved and that were
        not 0.
    never_moved : float
        The share of weights that are what they were before the first look.
    frozen : float
        The share of weights that have somewhere to go and will not get there. A weight *has
        somewhere to go* if its gradient keeps its direction: over the second half of the steps its
        mean is over 4 standard errors from 0, of the sign that it had in the quarter before, and
        over 1 % of what was usual at the first looks. It is *frozen* if besides this mean is over
        0.9 times that of the quarter before, so that what it moves does not help, and if at its
        pace in the second half it will, in the steps that remain, move by less than a twentieth of
        the tensor's root mean square weight. How far it should go cannot be known: that twentieth
        is a convention, and a tensor that began at 0, whose weights are all way, is hardly ever
        frozen. Noise hides some: the share is a lower bound. NaN where it is not judged, which is
        with sparse gradients, before step 256 and while the rate rises.
    spread : float
        The quantile 0.9 of √G over the quantile 0.1, over the weights with G > 0: how much a rate
        for each weight differs from one for all. Without an accumulator, G is the mean of the
        squared gradients looked at.
    """

    name: str
    weights: int
    rates: np.ndarray
    relative_updates: np.ndarray
    never_moved: float
    frozen: float
    spread: float


class Watch:
    """What `watch` returns: it looks at an optimizer's steps until `stop`, or the end of a `with`.

    Examples
    --------
    >>> w = torch.ones(2, requires_grad=True)
    >>> with watch(torch.optim.SGD([w], lr=0.1)) as watched:
    ...     w.sum().backward()
    ...     watched.optimizer.step()
    >>> watched.report().findings
    []
    """

    def __init__(self, optimizer: torch.optim.Optimizer, names: dict[int, str]) -> None:
        self.optimizer = optimizer
        self._names = names
        self._steps = 0
        self._next = 1  # step to look at
        self._read: list[tuple[Record, dict[str, Any], tuple[Any, ...]]] = []
        self._records: dict[int, Record] = {}
        self._failure = ""
        self._handles = [
            optimizer.register_step_pre_hook(_never_compiled(self._before)),
            optimizer.register_step_post_hook(_never_compiled(self._after)),
            optimizer.register_load_state_dict_post_hook(self._loaded),
        ]
        _watched.add(optimizer)

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop looking; `report` and `plot` still say what was seen."""
        for handle in self._handles:
            handle.remove()
        _watched.discard(self.optimizer)

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """End the watch, never the run, if it fails: what an optimizer holds cannot be foreseen."""
        try:
            with torch.no_grad():
                yield
        except Exception as error:
            self._failure = f"{type(error).__name__}: {error}"
            self._next, self._read = sys.maxsize, []

    def _before(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        self._steps += 1
        self._read = []
        if self._steps < self._next:
            return
        with self._guard():
            if torch.cuda.is_available() and torch.cuda.is_current_stream_capturing():
                return  # to read a number would break the CUDA graph
            has_closure = any(x is not None for x in (*args[1:], *kwargs.values()))
            self._read = [
                (record, group, record.before(_state(optimizer, record.param), has_closure))
                for record, group in self._to_read()
            ]

    def _after(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        if not self._read:
            return
        with self._guard():
            found_inf = getattr(optimizer, "found_inf", None)  # of a GradScaler, to a fused step
            if found_inf is not None and found_inf.item():
                self._steps -= 1  # it was skipped
                return
            for record, group, read in self._read:
                lr = float(group.get("lr", math.nan))
                record.after(read, _state(optimizer, record.param), self._steps, lr)
            until = 1 if self._steps < FEW else max(FEW, self._steps // PER_LOOK)
            self._next = self._steps + until

    def _loaded(self, optimizer: torch.optim.Optimizer) -> None:
        if not self._failure:
            self._next = self._steps + 1

    def _to_read(self) -> Iterator[tuple[Record, dict[str, Any]]]:
        """Yield the parameters, also those added since the last look, that hold real numbers."""
        for i, group in enumerate(self.optimizer.param_groups):
            names = group.get("param_names", [])
            for j, param in enumerate(group["params"]):
                if id(param) not in self._records and _is_readable(param):
                    own = names[j] if j < len(names) else f"{i}.{j} {tuple(param.shape)}"
                    stranger = ", not in the model" if self._names else ""
                    name = self._names.get(id(param), own + stranger)
                    self._records[id(param)] = Record(name, param)
                if id(param) in self._records:
                    yield self._records[id(param)], group

    def _seen(self) -> list[Record]:
        """Return the tensors that were looked at, or raise."""
        if not any(r.looks or r.without_gradient for r in self._records.values()):
            why = self._failure or f"{self._steps} steps since the call of watch"
            raise RuntimeError(
                f"a report needs a step of the optimizer that was watched, got {why}"
            )
        return list(self._records.values())

    def report(self, remaining: int | None = None) -> "Report":
        """Say what was seen so far.

        Parameters
        ----------
        remaining : int, optional
            The steps that the run still has, for the share of frozen weights; by default as many
            as it has taken.

        Returns
        -------
        Report

        Raises
        ------
        TypeError, ValueError
            If `remaining` is not a whole number from 1 on.
        RuntimeError
            If no step was seen.
        """
        remaining = self._steps if remaining is None else positive_int("remaining", remaining)
        records = self._seen()
        with np.errstate(all="ignore"):  # of what is not finite
            findings = []
            for symptom, check in CHECKS.items():
                if found := list(check(records, remaining)):
                    value, _, advice = max(found, key=lambda f: f[0])
                    names = tuple(dict.fromkeys(name for _, name, _ in found))
                    findings.append(Finding(symptom, names, advice, value))
            tensors = [_tensor_report(r, remaining) for r in records if r.looks]
        n_bytes = measured_state_bytes(self.optimizer)
        kind = type(self.optimizer).__name__
        return Report(kind, self._steps, n_bytes, tensors, findings, self._failure)

    def plot(self) -> "Figure":
        """Draw each tensor's effective rate and relative update over the steps.

        Returns
        -------
        matplotlib.figure.Figure
            Lines are medians, bands reach from the quantile 0.1 to 0.9; the first tensor is the
            lightest.

        Raises
        ------
        RuntimeError
            If no step was seen.
        """
        import matplotlib.pyplot as plt

        from .plots import shades

        records = [r for r in self._seen() if r.looks]
        figure, axes = plt.subplots(1, 2, sharex=True)
        with np.errstate(all="ignore"):
            colours = shades("AdaGrad", max(2, len(records)))
            for record, colour in zip(records, colours, strict=False):
                steps = [look.step for look in record.looks]
                for ax, of in zip(axes, (_rates, _relative_updates), strict=True):
                    low, middle, high = np.array([of(look.active) for look in record.looks]).T
                    ax.fill_between(steps, low, high, color=colour, alpha=0.15, linewidth=0)
                    ax.plot(steps, middle, ".-", color=colour, label=record.name)
        for ax, title in zip(axes, ("effective rate", "update / weight"), strict=True):
            ax.set(title=title, xlabel="step", xscale="log", yscale="log")
        if 0 < len(records) <= 12:
            axes[0].legend(fontsize="small")
        return figure


@dataclass(frozen=True, repr=False)
class Report:
    """What `Watch.report` returns; a notebook shows it as a table, a terminal as text.

    Attributes
    ----------
    optimizer : str
        The name of its class.
    steps : int
        How many were taken since the call of `watch`.
    state_bytes : int
        What the optimizer's state holds.
    tensors : list of TensorReport
    findings : list of Finding
        Empty if nothing is wrong.
    failure : str
        The error that ended the watch, else empty.
    """

    optimizer: str
    steps: int
    state_bytes: int
    tensors: list[TensorReport]
    findings: list[Finding]
    failure: str = ""

    @property
    def table(self) -> Table:
        """One row for each tensor; of the updates, the medians."""
        numbers = {
            "rate: 10 %": [t.rates[0] for t in self.tensors],
            "median": [t.rates[1] for t in self.tensors],
            "90 %": [t.rates[2] for t in self.tensors],
            "update / weight": [t.relative_updates[1] for t in self.tensors],
            "never moved": [t.never_moved for t in self.tensors],
            "frozen": [t.frozen for t in self.tensors],
            "spread of √G": [t.spread for t in self.tensors],
        }
        columns = {
            "tensor": [t.name for t in self.tensors],
            "weights": [t.weights for t in self.tensors],
        } | {head: ["–" if x != x else x for x in column] for head, column in numbers.items()}
        return table(columns, {"never moved": ".0%", "frozen": ".0%"})

    def _lines(self) -> list[tuple[str, str]]:
        head = f"{self.steps} steps, state of {readable_bytes(self.state_bytes)}"
        lines = [(self.optimizer, head)]
        lines += [(f.symptom, f"{f.advice} ({', '.join(f.tensors)})") for f in self.findings]
        if not self.findings:
            lines.append(("no finding", "nothing that a report knows is wrong."))
        if self.failure:
            lines.append(("the watch has ended", self.failure))
        return lines

    def __str__(self) -> str:
        head, *rest = (f"{name}: {text}" for name, text in self._lines())
        return "\n".join([head, repr(self.table), *rest])

    __repr__ = __str__  # what a terminal shows, and a notebook as text

    def _repr_html_(self) -> str:
        head, *rest = (f"<strong>{escape(a)}</strong>: {escape(b)}" for a, b in self._lines())
        items = "".join(f"<li>{line}</li>" for line in rest)
        return f"<p>{head}</p>\n{self.table._repr_html_()}\n<ul>{items}</ul>"


def watch(optimizer: torch.optim.Optimizer, model: torch.nn.Module | None = None) -> Watch:
    """Look at what an optimizer does, from its next step on.

    A watch changes neither the numbers of a run nor its random numbers. If it fails, the run goes
    on and the report says why. A pickled or deep copy of a watched optimizer is not watched. A step
    that a `GradScaler` skips is not looked at, nor one in a CUDA graph. Of a compiled step the
    hooks are not compiled, which `torch.compile(..., fullgraph=True)` refuses.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        PyTorch's or one of `torch_optim`, before or after its first step, with dense or sparse
        gradients. Parameters that are added later are followed; those without numbers that can be
        read, as on the device "meta", are passed over.
    model : torch.nn.Module, optional
        What names the tensors. By default they have the optimizer's names, if it was made from
        `named_parameters`, or else their group, place and shape. Tensors of the optimizer that are
        not in the model are said not to be.

    Returns
    -------
    Watch

    Raises
    ------
    TypeError
        If it is no optimizer of PyTorch, or `torch.optim.LBFGS`, which has no rate for a gradient,
        or if `model` is no module.
    ValueError
        If the optimizer is watched already.

    Examples
    --------
    (1e-4)² is too small for an accumulator in float16:

    >>> w = torch.ones(2, dtype=torch.float16, requires_grad=True)
    >>> optimizer = torch.optim.RMSprop([w], lr=0.01, eps=1e-3)
    >>> watched = watch(optimizer)
    >>> for _ in range(8):
    ...     optimizer.zero_grad()
    ...     (w * torch.tensor([1.0, 1e-4], dtype=torch.float16)).sum().backward()
    ...     optimizer.step()
    >>> [finding.symptom for finding in watched.report().findings]
    ['underflow']
    """
    instance("optimizer", optimizer, torch.optim.Optimizer)
    if isinstance(optimizer, torch.optim.LBFGS):
        raise TypeError("optimizer must multiply gradients by rates, got LBFGS, which does not")
    if optimizer in _watched:
        raise ValueError("optimizer must not be watched twice: stop the other watch first")
    names = {}
    if model is not None:
        instance("model", model, torch.nn.Module)
        names = {id(param): name for name, param in model.named_parameters()}
    return Watch(optimizer, names)


def _never_compiled(hook: Callable[..., None]) -> Callable[..., None]:
    """Return a hook that a compiled step calls and does not compile, and others pay nothing for."""
    disabled = torch.compiler.disable(hook)
    return lambda *args: (disabled if torch.compiler.is_compiling() else hook)(*args)


def _state(optimizer: torch.optim.Optimizer, param: Tensor) -> dict[str, Any]:
    return optimizer.state.get(param, {})  # `[]` would make one


def _is_readable(param: Tensor) -> bool:
    return (type(param) in (Tensor, torch.nn.Parameter) or hasattr(param, "to_local")) and bool(
        param.layout is torch.strided
        and (param.is_floating_point() or param.is_complex())
        and param.device.type != "meta"
        and param.numel()
    )


def _quantiles(x: np.ndarray) -> np.ndarray:
    x = x[np.isfinite(x)]
    return np.quantile(x, [0.1, 0.5, 0.9]) if x.size else np.full(3, np.nan)


def _rates(sample: Sample) -> np.ndarray:
    return _quantiles(np.abs(sample.update / sample.gradient))


def _relative_updates(sample: Sample) -> np.ndarray:
    ratios = np.abs(sample.update / sample.weights)
    return _quantiles(ratios[ratios > 0])


def _tensor_report(r: Record, remaining: int) -> TensorReport:
    last = r.looks[-1]
    G = last.fixed.accumulator
    if np.isnan(G).all():
        G = np.mean([look.fixed.gradient**2 for look in r.looks], 0)
    low, _, high = _quantiles(np.sqrt(G[G > 0]))
    _, frozen = r.frozen(remaining)
    return TensorReport(
        r.name,
        r.size,
        _rates(last.active),
        _relative_updates(last.active),
        float(np.mean(last.fixed.weights + last.fixed.update == r.looks[0].fixed.weights)),
        float(np.mean(frozen)) if frozen.size else math.nan,
        float(high / low),
    )
