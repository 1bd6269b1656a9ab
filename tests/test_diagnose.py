"""Runs made to be sick are found so, healthy ones are not, and no watch ever disturbs a run."""

import copy
import pickle

import matplotlib.pyplot as plt
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim import SGD, Adagrad, Adam, AdamW, RMSprop
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR

from adagrad_course import diagnose, torch_optim
from adagrad_course._symptoms import CHECKS
from adagrad_course.diagnose import Report, TensorReport, watch

torch.sparse.check_sparse_tensor_invariants.disable()  # else PyTorch warns once of its default

DIGITS, LABELS = (torch.from_numpy(x) for x in load_digits(return_X_y=True))
DIGITS, LABELS = DIGITS[:400].float() / 16, LABELS[:400]


class Run:
    """A small classifier of digits in training; what a test changes is a keyword."""

    def __init__(self, seed, dtype=torch.float32, hidden=32):
        torch.manual_seed(seed)
        self.rng = torch.Generator().manual_seed(seed)
        self.model = nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, 10))
        self.model.to(dtype)
        self.dtype = dtype

    def loss(self, batch=32):
        i = torch.randint(len(LABELS), (batch,), generator=self.rng) if batch else slice(None)
        return cross_entropy(self.model(DIGITS[i].to(self.dtype)).float(), LABELS[i])

    def train(self, optimizer, steps, batch=32, scheduler=None, each=None, loss=None):
        for t in range(steps):
            optimizer.zero_grad()
            (loss or self.loss)(batch).backward()
            if each:
                each(t)
            optimizer.step()
            if scheduler:
                scheduler.step()


def on_digits(make, steps=80, dtype=torch.float32, each=None, scheduler=None, batch=32):
    """Return a function of the seed that trains and gives the report.

    `make` gets the model, `each` the model and the step, `scheduler` the optimizer.
    """

    def report(seed):
        run = Run(seed, dtype)
        optimizer = make(run.model)
        watched = watch(optimizer, run.model)
        run.train(
            optimizer,
            steps,
            batch,
            scheduler and scheduler(optimizer),
            each and (lambda t: each(run.model, t)),
        )
        return watched.report()

    return report


def of(kind, **options):
    return lambda model: kind(model.parameters(), **options)


def rare_features(kind, lr, steps=160, sparse=True, n_words=1000):
    """A linear classifier on words of which most are rare, each with a class of its own."""

    def report(seed):
        rng = np.random.default_rng(seed)
        table = nn.Embedding(n_words, 4, sparse=sparse)
        nn.init.zeros_(table.weight)
        optimizer = kind(table.parameters(), lr=lr)
        watched = watch(optimizer)
        for _ in range(steps):
            words = torch.from_numpy((n_words * rng.random((16, 4)) ** 4).astype(int))
            optimizer.zero_grad()
            cross_entropy(table(words).sum(1), words[:, 0] % 4).backward()
            optimizer.step()
        return watched.report()

    return report


def times(factor, at=None):
    """The gradient of one step, or of each, is multiplied."""

    def each(model, t):
        if at in (t, None):
            for param in model.parameters():
                param.grad.mul_(factor)

    return each


def groups(*lrs, kind=SGD):
    """Each layer's parameters are a group of their own."""
    return lambda model: kind(
        [
            {"params": layer.parameters(), "lr": lr}
            for layer, lr in zip((model[0], model[2]), lrs, strict=True)
        ]
    )


def cut(model):
    """Nothing reaches the first layer any more."""
    model[0].register_forward_hook(lambda module, inputs, output: output.detach())
    return SGD(model.parameters(), lr=0.1)


def dead(model):
    nn.init.constant_(model[0].bias, -100.0)
    return Adagrad(model.parameters(), lr=0.01)


def nan_at(step):
    def each(model, t):
        if t == step:
            model[2].weight.grad[0, 0] = torch.nan

    return each


def resumed_without_state(seed):
    run = Run(seed)
    optimizer = Adagrad(run.model.parameters(), lr=0.03)
    fresh = copy.deepcopy(optimizer.state_dict())
    watched = watch(optimizer)
    run.train(optimizer, 100)
    optimizer.load_state_dict(fresh)
    run.train(optimizer, 20)
    return watched.report()


def resumed_in_a_new_optimizer(seed):
    run = Run(seed)
    run.train(Adagrad(run.model.parameters(), lr=0.2), 150)
    watched = watch(optimizer := Adagrad(run.model.parameters(), lr=0.2))
    run.train(optimizer, 20)
    return watched.report()


def falls_by(factor):
    return lambda optimizer: LambdaLR(optimizer, lambda t: factor**t)


F16, BF16 = torch.float16, torch.bfloat16
SICK = {
    "lr 0 in a group": ("learning rate 0", on_digits(groups(0.1, 0.0), 20)),
    "lr 0 by schedule": (
        "learning rate 0",
        on_digits(of(AdamW, lr=1e-3), 20, scheduler=lambda o: LambdaLR(o, lambda t: t // 100)),
    ),
    "detached": ("no gradient", on_digits(cut, 20)),
    "dead units": ("gradient 0", on_digits(dead, 20)),
    "NaN in a gradient": ("not finite", on_digits(of(Adagrad, lr=0.01), 20, each=nan_at(10))),
    "SGD diverges": ("not finite", on_digits(of(SGD, lr=1e15), 20)),
    "ε is 0 in float16": ("not finite", on_digits(of(Adagrad, lr=0.01), 20, F16)),
    "float16 overflows": (
        "not finite",
        on_digits(of(Adagrad, lr=0.01, eps=1e-4), 20, F16, each=times(1e4, 3)),
    ),
    "Adam in float16": ("underflow", on_digits(of(Adam, lr=1e-3, eps=1e-4), 20, F16)),
    "RMSprop in float16": (
        "underflow",
        on_digits(of(RMSprop, lr=1e-3, eps=1e-4), 20, F16, each=times(0.01)),
    ),
    "SGD in bfloat16": ("update lost", on_digits(of(SGD, lr=1e-4), 40, BF16)),
    "AdamW in bfloat16": ("update lost", on_digits(of(AdamW, lr=1e-5), 40, BF16)),
    "AdaGrad, lr 1": ("first step too long", on_digits(of(Adagrad, lr=1.0), 20)),
    "Adam, lr 0.5": ("first step too long", on_digits(of(Adam, lr=0.5), 20)),
    "ours, lr 1": ("first step too long", on_digits(of(torch_optim.AdaGrad, lr=1.0), 20)),
    "new optimizer": ("first step too long", resumed_in_a_new_optimizer),
    "outlier at once": ("early outlier", on_digits(of(Adagrad, lr=0.03), each=times(1e3, 0))),
    "outlier soon": ("early outlier", on_digits(of(Adagrad, lr=0.03), each=times(1e3, 5))),
    "outlier unseen": (
        "early outlier",
        on_digits(of(torch_optim.AdaGrad, lr=0.03), each=times(1e3, 53)),
    ),
    "AdaGrad, lr 1e-4": ("frozen", on_digits(of(Adagrad, lr=1e-4), 260)),
    "AdaGrad, G₀ = 1e4": (
        "frozen",
        on_digits(of(Adagrad, lr=0.03, initial_accumulator_value=1e4), 260),
    ),
    "SGD's rate has gone": ("frozen", on_digits(of(SGD, lr=0.1), 260, scheduler=falls_by(0.9))),
    "SGD's rate falls": ("frozen", on_digits(of(SGD, lr=0.1), 260, scheduler=falls_by(0.97))),
    "state lost": ("state lost", resumed_without_state),
    "SGD, rare words": ("rare features", rare_features(SGD, 1.0)),
    "SGD, rare words, dense": ("rare features", rare_features(SGD, 1.0, sparse=False)),
}
HEALTHY = {
    "AdaGrad": on_digits(of(Adagrad, lr=0.03), 260),
    "AdaGrad, its best rate": on_digits(of(Adagrad, lr=0.1)),
    "AdaGrad, PyTorch's rate": on_digits(of(Adagrad)),
    "AdaGrad, foreach": on_digits(of(Adagrad, lr=0.03, foreach=True)),
    "AdaGrad, fused": on_digits(of(Adagrad, lr=0.03, fused=True)),
    "AdaGrad, all examples": on_digits(of(Adagrad, lr=0.03), 260, batch=None),
    "ours": on_digits(of(torch_optim.AdaGrad, lr=0.03)),
    "row-wise": on_digits(of(torch_optim.RowWiseAdaGrad, lr=0.03)),
    "SGD": on_digits(of(SGD, lr=0.3), 260),
    "SGD, slow": on_digits(of(SGD, lr=0.03), 260),
    "SGD, one example": on_digits(of(SGD, lr=0.03), batch=1),
    "momentum": on_digits(of(SGD, lr=0.03, momentum=0.9)),
    "SGD, all examples": on_digits(of(SGD, lr=0.3), 260, batch=None),
    "RMSprop": on_digits(of(RMSprop, lr=1e-3)),
    "Adam": on_digits(of(Adam, lr=3e-3), 260),
    "AdamW, cosine": on_digits(
        of(AdamW, lr=3e-3), 260, scheduler=lambda o: CosineAnnealingLR(o, 260)
    ),
    "Adam, warm-up": on_digits(
        of(Adam, lr=3e-3), 260, scheduler=lambda o: LambdaLR(o, lambda t: min(1, t / 400))
    ),
    "a rate that was just raised": on_digits(
        of(Adagrad, lr=1e-4), 260, scheduler=lambda o: LambdaLR(o, lambda t: 1 + 2 * (t >= 250))
    ),
    "weight decay": on_digits(of(Adagrad, lr=0.03, weight_decay=1e-3)),
    "bfloat16": on_digits(of(Adagrad, lr=0.03), 80, BF16),
    "float64": on_digits(of(Adagrad, lr=0.03), dtype=torch.float64),
    "two groups": on_digits(groups(0.1, 0.03, kind=Adagrad)),
    "rare words, AdaGrad": rare_features(Adagrad, 0.3),
    "rare words, row-wise": rare_features(torch_optim.RowWiseAdaGrad, 0.3),
    "rare words, Adam": rare_features(Adam, 0.03, sparse=False),
}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", SICK)
def test_a_sick_run_is_found(name, seed):
    symptom, run = SICK[name]
    report = run(seed)
    assert symptom in {finding.symptom for finding in report.findings}, str(report)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_run_has_no_finding(name, seed):
    report = HEALTHY[name](seed)
    assert report.findings == [], str(report)


# A watch must never disturb a run ----------------------------------------------------------------


def param(*shape, **options):
    return nn.Parameter(torch.randn(shape, **options))


def squares(*params):
    return lambda: sum(p.square().sum() for p in params)


def descend(optimizer, loss, steps=12):
    for _ in range(steps):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()


def an_empty_group(start):
    w = param(3)
    descend(start(SGD([{"params": []}, {"params": [w]}], lr=0.1)), squares(w))
    return [w]


def a_frozen_layer(start):
    run = Run(0)
    run.model[0].requires_grad_(False)
    run.train(start(Adagrad(run.model.parameters())), 12)
    return run.model.parameters()


def tied_weights(start):
    model = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])
    model[1].weight = model[0].weight
    x = torch.randn(5, 4)
    descend(start(Adam(model.parameters())), lambda: model[1](model[0](x)).square().sum())
    return model.parameters()


def nothing_but_weight_decay(start):
    w = param(3)
    descend(start(AdamW([w], lr=0.1, weight_decay=0.1)), lambda: (0 * w).sum())
    return [w]


def complex_numbers(start):
    w = param(200, dtype=torch.complex64)
    descend(start(Adagrad([w])), lambda: (w * w.conj()).real.sum())
    descend(start(torch_optim.AdaGrad([w])), lambda: (w * w.conj()).real.sum())
    return [w]


def numbers_that_are_not_real(start):
    w, counts = param(3), nn.Parameter(torch.arange(3), requires_grad=False)
    descend(start(SGD([w, counts], lr=0.1)), lambda: (w * counts).sum())
    return [w]


def tensors_without_entries_or_axes(start):
    nothing, scalar, strange = param(0, 3), param(), nn.Parameter(torch.randn(20, 30).T)
    params = [nothing, scalar, strange]
    descend(start(Adagrad(params)), squares(*params))
    return params


def a_loss_of_nan(start):
    w = param(3)
    descend(start(Adagrad([w])), lambda: w.sum() * torch.nan)
    return [w]


def the_device_meta(start):
    w, ghost = param(3), param(3, device="meta")
    descend(start(SGD([w, ghost], lr=0.1)), squares(w))
    return [w]


def a_scheduler(start):
    w = param(3)
    optimizer = start(Adagrad([w], lr=torch.tensor(0.1)))
    scheduler = LambdaLR(optimizer, lambda t: 1 / (1 + t))
    for _ in range(3):
        descend(optimizer, squares(w), 3)
        scheduler.step()
    return [w]


def a_closure(start):
    table = nn.Embedding(10, 3, sparse=True)
    optimizer = start(SGD(table.parameters(), lr=0.1))

    def closure():
        optimizer.zero_grad()
        loss = table(torch.randint(10, (4,))).square().sum()
        loss.backward()
        return loss

    for _ in range(12):
        assert optimizer.step(closure).item() > 0
    return table.parameters()


def parameters_that_come_later(start):
    w, later = param(3), param(300)
    optimizer = start(Adagrad([w]))
    descend(optimizer, squares(w), 5)
    optimizer.add_param_group({"params": [later], "lr": 1.0})
    descend(optimizer, squares(w, later), 5)
    return [w, later]


def sparse_gradients(start):
    w, cells = param(50, 4), param(20, 30)
    optimizer = start(Adagrad([w, cells]))
    for t in range(12):
        n = t % 3
        at = torch.randint(50, (1, n))
        w.grad = torch.sparse_coo_tensor(at, torch.randn(n, 4), w.shape)
        at = torch.randint(20, (2, 300))
        cells.grad = torch.sparse_coo_tensor(at, torch.randn(300), cells.shape)
        optimizer.step()
    return [w, cells]


def a_lazy_module(start):
    model = nn.LazyLinear(3)
    optimizer = start(SGD(model.parameters(), lr=0.1))
    descend(optimizer, lambda: model(torch.ones(2, 4)).square().sum())
    return model.parameters()


def a_step_within_the_backward_pass(start):
    model = nn.Linear(4, 4)
    optimizers = {p: start(Adagrad([p])) for p in model.parameters()}

    def step(p):
        optimizers[p].step()
        optimizers[p].zero_grad()

    for p in optimizers:
        p.register_post_accumulate_grad_hook(step)
    for _ in range(12):
        model(torch.randn(5, 4)).square().sum().backward()
    return model.parameters()


def dropout(start):
    model = nn.Sequential(nn.Linear(4, 300), nn.Dropout(), nn.Linear(300, 1))
    descend(start(Adam(model.parameters())), lambda: model(torch.randn(5, 4)).square().sum())
    return model.parameters()


def another_dtype_on_the_way(start):
    model = nn.Linear(4, 4)
    optimizer = start(RMSprop(model.parameters()))
    for dtype in (torch.float32, torch.float64, torch.float32):
        model.to(dtype)
        optimizer.load_state_dict(optimizer.state_dict())
        x = torch.ones(2, 4, dtype=dtype)
        for _ in range(5):
            optimizer.zero_grad()
            model(x).square().sum().backward()
            optimizer.step()
    return model.parameters()


def a_step_that_fails(start):
    w = param(3)
    optimizer = start(SGD([w], lr=0.1))

    def failing():
        raise ZeroDivisionError

    for _ in range(6):
        with pytest.raises(ZeroDivisionError):
            optimizer.step(failing)
        descend(optimizer, squares(w), 1)
    return [w]


def scaled_gradients(start, fused=False):
    run = Run(0)
    optimizer = start(Adam(run.model.parameters(), fused=fused))
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    for t in range(12):
        optimizer.zero_grad()
        scaler.scale(run.loss() * (torch.inf if t in (0, 5) else 1)).backward()
        scaler.step(optimizer)
        scaler.update()
    return run.model.parameters()


def scaled_gradients_and_a_fused_step(start):
    return scaled_gradients(start, fused=True)


def an_optimizer_of_ones_own(start):
    class SignSGD(torch.optim.Optimizer):
        def __init__(self, params):
            super().__init__(params, {})

        @torch.no_grad()
        def step(self):
            for p in self.param_groups[0]["params"]:
                self.state[p] = {"sum": 1.0, "step": None}
                p -= 0.1 * p.grad.sign()

    w = param(3)
    descend(start(SignSGD([w])), squares(w))
    return [w]


ODD = [
    an_empty_group,
    a_frozen_layer,
    tied_weights,
    nothing_but_weight_decay,
    complex_numbers,
    numbers_that_are_not_real,
    tensors_without_entries_or_axes,
    a_loss_of_nan,
    the_device_meta,
    a_scheduler,
    a_closure,
    parameters_that_come_later,
    sparse_gradients,
    a_lazy_module,
    a_step_within_the_backward_pass,
    dropout,
    another_dtype_on_the_way,
    a_step_that_fails,
    scaled_gradients,
    scaled_gradients_and_a_fused_step,
    an_optimizer_of_ones_own,
]


EXPECTED = {a_loss_of_nan: {"not finite"}, nothing_but_weight_decay: {"gradient 0"}}


@pytest.mark.parametrize("loop", ODD, ids=lambda loop: loop.__name__)
def test_a_watched_run_is_the_same_run(loop):
    torch.manual_seed(0)
    alone = [p.detach().clone() for p in loop(lambda optimizer: optimizer)]
    watches = []

    def watched(optimizer):
        watches.append(watch(optimizer))
        return optimizer

    torch.manual_seed(0)
    together = [p.detach().clone() for p in loop(watched)]
    torch.testing.assert_close(together, alone, rtol=0, atol=0, equal_nan=True)
    for report in (watched.report() for watched in watches):
        assert report.failure == ""
        assert {f.symptom for f in report.findings} == EXPECTED.get(loop, set()), str(report)
        assert str(report).count("\n") > 2
        assert "<table" in report._repr_html_()


def test_what_a_watch_cannot_follow_ends_it_and_not_the_run():
    w = param(300)
    watched = watch(optimizer := SGD([w], lr=0.1))
    descend(optimizer, squares(w), 3)
    w.data = torch.ones(2)  # as if pruned
    descend(optimizer, squares(w), 3)
    report = watched.report()
    assert "IndexError" in report.failure
    assert "the watch has ended: IndexError" in str(report)
    torch.testing.assert_close(w.detach(), torch.full((2,), 0.8**3))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_the_copy_of_a_watched_optimizer_is_not_watched(copied):
    w = param(3)
    watched = watch(optimizer := Adagrad([w]))
    descend(optimizer, squares(w), 3)
    other = copied(optimizer)
    descend(other, squares(*other.param_groups[0]["params"]), 3)
    assert watched.report().steps == 3
    with watch(other) as watched_too:
        descend(other, squares(*other.param_groups[0]["params"]), 2)
    assert watched_too.report().steps == 2


def test_a_watch_ends_and_another_may_begin():
    w = param(3)
    optimizer = SGD([w], lr=0.1)
    with watch(optimizer) as watched:
        descend(optimizer, squares(w), 3)
        with pytest.raises(ValueError, match="must not be watched twice: stop the other watch"):
            watch(optimizer)
    descend(optimizer, squares(w), 3)
    assert watched.report().steps == 3
    watch(optimizer).stop()
    assert not optimizer._optimizer_step_pre_hooks


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (lambda: (nn.Linear(2, 2),), "optimizer must be an Optimizer, got Linear"),
        (lambda: (SGD,), "optimizer must be an Optimizer, got type"),
        (lambda: (torch.optim.LBFGS([param(2)]),), "must multiply gradients by rates, got LBFGS"),
        (lambda: (SGD([param(2)], lr=1.0), [param(2)]), "model must be a Module, got list"),
    ],
)
def test_what_cannot_be_watched_is_refused(arguments, message):
    with pytest.raises(TypeError, match=message):
        watch(*arguments())


def test_a_report_needs_a_step():
    w = param(3)
    watched = watch(optimizer := SGD([w], lr=0.1))
    for ask in (watched.report, watched.plot):
        with pytest.raises(RuntimeError, match="watched, got 0 steps since the call of"):
            ask()
    descend(optimizer, squares(w), 1)
    with pytest.raises(ValueError, match="remaining must be at least 1, got 0"):
        watched.report(0)


def test_tensors_have_the_names_of_the_model_or_of_the_optimizer_or_of_their_place():
    run = Run(0)

    def names(optimizer, *model):
        watched = watch(optimizer, *model)
        run.train(optimizer, 1)
        return [tensor.name for tensor in watched.report().tensors]

    model, own = run.model, ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert names(SGD(model.parameters(), lr=0.1), model) == own
    assert names(SGD(model.named_parameters(), lr=0.1)) == own
    assert names(SGD(model.parameters(), lr=0.1))[:2] == ["0.0 (32, 64)", "0.1 (32,)"]


def test_the_numbers_are_those_of_adagrad():
    w = nn.Parameter(torch.arange(1.0, 101))
    slopes = torch.cat([torch.zeros(50), 10.0 ** torch.linspace(-2, 2, 50)])
    watched = watch(optimizer := Adagrad([w], lr=0.5))
    descend(optimizer, lambda: (w * slopes).sum(), 4)
    (tensor,) = watched.report().tensors
    expected = np.quantile(0.5 / (2 * slopes[50:].numpy()), [0.1, 0.5, 0.9])
    np.testing.assert_allclose(tensor.rates, expected, rtol=1e-3)
    assert (tensor.weights, tensor.never_moved) == (100, 0.5)
    assert tensor.spread == pytest.approx(10 ** (4 * 0.8), rel=0.02)
    assert tensor.relative_updates[2] == pytest.approx(0.25 / 60, rel=0.1)
    assert watched.report().state_bytes == 400


def test_without_an_accumulator_the_spread_is_that_of_the_gradients():
    w = nn.Parameter(torch.ones(50))
    slopes = 10.0 ** torch.linspace(-2, 2, 50)
    watched = watch(optimizer := SGD([w], lr=1e-4))
    descend(optimizer, lambda: (w * slopes).sum(), 4)
    assert watched.report().tensors[0].spread == pytest.approx(10 ** (4 * 0.8), rel=0.02)


def test_a_table_has_medians_and_a_dash_where_there_is_no_number():
    tensor = TensorReport("w", 10, [1.0, 2.0, 3.0], [4.0, 5.0, 6.0], 0.5, float("nan"), 7.0)
    row = str(Report("SGD", 3, 0, [tensor], []).table).splitlines()[-1]
    assert row.split() == ["w", "10", "1", "2", "3", "5", "50%", "–", "7"]


def test_where_a_closure_makes_other_sparse_gradients_no_rate_is_told_rather_than_a_wrong_one():
    table = nn.Embedding(1000, 3, sparse=True)
    optimizer = SGD(table.parameters(), lr=0.25)
    watched = watch(optimizer)
    rows = torch.arange(500)

    def closure():
        optimizer.zero_grad()
        loss = table(rows).square().sum()
        loss.backward()
        return loss

    closure()
    rows = rows + 500
    optimizer.step(closure)
    assert np.isnan(watched.report().tensors[0].rates).all()


@pytest.mark.parametrize("case", ["RMSprop in float16", "Adam in float16"])
def test_what_underflows_is_a_share(case):
    shares = [f.value for f in SICK[case][1](0).findings if f.symptom == "underflow"]
    assert 0 < min(shares) <= max(shares) <= 1


def test_the_budget_of_frozen_weights_is_that_of_the_steps_that_remain():
    run = Run(0)
    watched = watch(optimizer := Adagrad(run.model.parameters(), lr=1e-4))
    run.train(optimizer, 300)
    shares = [max(t.frozen for t in watched.report(n).tensors) for n in (300, 10**6)]
    assert shares[0] > 0.1
    assert shares[1] == 0
    assert [f.symptom for f in watched.report(300).findings] == ["frozen"]
    assert watched.report(10**6).findings == []


def test_a_run_that_begins_anew_has_not_lost_its_state():
    """As a search for a learning rate does."""
    run = Run(0)
    weights = copy.deepcopy(run.model.state_dict())
    optimizer = Adagrad(run.model.parameters())
    fresh = copy.deepcopy(optimizer.state_dict())
    watched = watch(optimizer)
    run.train(optimizer, 50)
    run.model.load_state_dict(weights)
    optimizer.load_state_dict(fresh)
    run.train(optimizer, 20)
    assert watched.report().findings == []


def test_a_finding_names_the_tensors_and_its_number():
    report = SICK["lr 0 in a group"][1](0)
    (finding,) = report.findings
    assert finding.tensors == ("2.weight", "2.bias")
    assert finding.value == 9
    assert "the learning rate 0 at all 9 looks" in finding.advice
    assert f"\nlearning rate 0: {finding.advice} (2.weight, 2.bias)" in str(report)
    assert repr(report) == str(report)
    page = report._repr_html_()
    assert '<th scope="row">0.weight</th>' in page
    assert "<li><strong>learning rate 0</strong>" in page


@pytest.mark.parametrize(
    ("symptom", "cause", "run"),
    [
        ("learning rate 0", "its group's lr", on_digits(groups(0.0, 0.1), 300)),
        ("update lost", "spacing of bfloat16", on_digits(of(SGD, lr=1e-3), 300, BF16)),
        (
            "frozen",
            "see the schedule, and whether it counts steps or passes",
            on_digits(of(SGD, lr=0.1), 300, scheduler=falls_by(0.9)),
        ),
        (
            "frozen",
            "its schedule has left 0.01 of the rate",
            on_digits(of(SGD, lr=0.1), 300, scheduler=falls_by(0.97)),
        ),
        ("frozen", "raise the rate", on_digits(of(Adagrad, lr=1e-4), 300)),
    ],
)
@pytest.mark.parametrize("seed", range(2))
def test_what_stands_still_has_one_finding_with_its_cause(symptom, cause, run, seed):
    (finding,) = run(seed).findings
    assert finding.symptom == symptom
    assert cause in finding.advice


def test_of_a_first_step_those_tensors_are_named_along_which_the_loss_rises_most():
    (finding,) = SICK["AdaGrad, lr 1"][1](0).findings
    assert finding.tensors == ("0.weight", "2.weight")


def test_an_underflow_that_broke_the_run_is_named_besides():
    """Its gradients are NaN from step 2 on, and no loss is to blame."""
    tiny = on_digits(of(Adagrad, lr=0.1, eps=1e-7), 20, F16, each=times(0.01))
    assert [finding.symptom for finding in tiny(0).findings] == ["not finite", "underflow"]


def test_words_that_no_look_saw_moving_are_not_counted_in_percent():
    (finding,) = rare_features(SGD, 1.0, n_words=4000)(0).findings
    assert "half of its weights at none of the looks" in finding.advice


def test_an_outlier_beside_which_all_else_is_rounded_away_has_no_infinite_number():
    (finding,) = on_digits(of(Adagrad, lr=0.03), each=times(1e6, 0))(0).findings
    assert finding.symptom == "early outlier"
    assert "rates over 1,000 times as high" in finding.advice


def test_a_tensor_that_is_not_in_the_model_is_said_to_be_so():
    model = nn.Sequential(nn.Linear(2, 2))
    optimizer = Adagrad([*model.parameters(), other := param(3)])
    watched = watch(optimizer, model)
    for _ in range(8):
        optimizer.zero_grad()
        model(torch.ones(2)).sum().backward()
        optimizer.step()
    (finding,) = watched.report().findings
    assert finding.symptom == "no gradient"
    assert finding.tensors == (f"0.2 {tuple(other.shape)}, not in the model",)


def test_each_symptom_is_made_and_described():
    assert {symptom for symptom, _ in SICK.values()} == set(CHECKS)
    for symptom in CHECKS:
        assert f"- *{symptom}*:" in diagnose.__doc__


def test_a_plot_has_a_line_for_each_tensor():
    run = Run(0)
    watched = watch(optimizer := Adagrad(run.model.parameters()), run.model)
    run.train(optimizer, 20)
    figure = watched.plot()
    rates = figure.axes[0]
    assert rates.get_legend().get_texts()[0].get_text() == "0.weight"
    for ax in figure.axes:
        assert [line.get_xdata().tolist() for line in ax.lines] == [[*range(1, 9), 16]] * 4
    assert np.all(np.isfinite(rates.lines[0].get_ydata()))
    plt.close(figure)


def test_a_plot_of_tensors_that_had_no_gradient_is_empty():
    watched = watch(optimizer := Adagrad([torch.ones(3, requires_grad=True)]))
    for _ in range(3):
        optimizer.step()
    figure = watched.plot()
    assert [ax.get_legend() for ax in figure.axes] == [None, None]
    plt.close(figure)
