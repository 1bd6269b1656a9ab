"""Break the package in small ways, one at a time, and list what no test notices.

    pip install cosmic-ray==8.7.0
    python tools/mutate.py                              12 mutants of each module: hours
    python tools/mutate.py descent optimizers/core --seed 2 --count 20

A mutant is a module with one change, as `<` for `<=`, made by Cosmic Ray. It is killed if a test
of this module fails, or takes three times as long as before. For each mutant that survives either a
test is missing, or the changed code is not needed, or the change makes no difference. Mutants come
at random from a seed; the same seed gives the same ones as long as the module stays the same.

Everything happens in a copy of the repository in a temporary folder. Needs fork: not for Windows.
"""

import argparse
import ast
import contextlib
import difflib
import importlib
import os
import random
import re
import secrets
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import kernels
import psutil
import pytest
from collect import MARK, end_family
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = Path("src/adagrad_course")
TESTS = Path("tests")
# Of the ways to replace an operator only its neighbour or inverse: any other, as << for +, is found
# at once, and would only flatter the figure.
OPERATORS = re.compile(
    r"core/(ReplaceBinaryOperator_(Add_Sub|Sub_Add|Mul_Div|Div_Mul|FloorDiv_Mul|Mod_FloorDiv|Pow_Mul"
    r"|BitOr_BitAnd|BitAnd_BitOr|BitXor_BitOr|LShift_RShift|RShift_LShift)"
    r"|ReplaceComparisonOperator_(Eq_NotEq|NotEq_Eq|Lt_LtE|LtE_Lt|Gt_GtE|GtE_Gt|Is_IsNot|IsNot_Is)"
    r"|ReplaceUnaryOperator_(USub_UAdd|Delete_\w+)|AddNot|Replace(True|False|And|Or)With\w+"
    r"|Replace(Break|Continue)With\w+|ExceptionReplacer|NumberReplacer|RemoveDecorator"
    r"|ZeroIterationForLoop)"
)
# Who uses a helper tests it, too; a folder's modules have all tests of the folder.
FURTHER = {
    "_symptoms": ["test_diagnose.py"],
    "_arrays": ["optimizers/test_core.py", "test_descent.py", "test_online.py"],
    "torch_optim": ["test_two_processes.py"],
}
# Loaded once, before the fork. What pytest must rewrite, as its plugins, is not among them.
WARM = ("anywidget", "matplotlib.pyplot", "scipy.optimize", "sklearn.datasets", "torch")
PYTEST = "-x -q --doctest-modules --import-mode=importlib -p no:cacheprovider -o addopts="
UNUSED = [f"-pno:{plugin}" for plugin in ("nbval", "nbval.plugin", "xdist", "benchmark")]


def main():
    """Test the mutants that the command line asks for and print what survives."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = [path.relative_to(ROOT / PACKAGE) for path in (ROOT / PACKAGE).rglob("*.py")]
    known = sorted(path.with_suffix("").as_posix() for path in known)
    parser.add_argument("modules", nargs="*", default=known, help="as optimizers/core; default all")
    parser.add_argument("--count", type=int, default=12, help="mutants of each module (12)")
    parser.add_argument("--seed", type=int, default=0, help="of the random choice (0)")
    options = parser.parse_args()
    if unknown := sorted(set(options.modules) - set(known)):
        parser.error(f"no modules of the package: {', '.join(unknown)}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="mutate-") as folder:
        copy = Path(folder) / "book"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "_build", "__pycache__"))
        os.chdir(copy)
        os.environ["PYTHONPATH"] = str(copy / "src")
        os.environ |= kernels.environment()
        sys.path.insert(0, str(copy / "src"))
        for name in [name for name in sys.modules if name.startswith("adagrad_course")]:
            del sys.modules[name]  # tools/collect.py has imported it, and not from the copy
        for name in WARM:
            importlib.import_module(name)
        results = []
        try:
            for module in options.modules:
                before, start = len(results), time.monotonic()
                results.extend(test_module(module, random.Random(options.seed), options.count))
                new, took = results[before:], time.monotonic() - start
                print(f"{module}: {sum(new)} of {len(new)} killed ({took:.0f} s)", flush=True)
        except KeyboardInterrupt:
            print("Interrupted.")
    share = f", {sum(results) / len(results):.1%}" if results else ""
    print(f"{sum(results)} of {len(results)} killed{share}")


def test_module(module, rng, count):
    """Yield for each of a module's mutants whether its tests kill it; print those that survive."""
    path = PACKAGE / f"{module}.py"
    source = path.read_text(encoding="utf-8")
    mutants = sample(source, rng, count)
    if not mutants:
        return
    start = time.monotonic()
    if run(tests_of(module), limit=None) != 0:
        sys.exit(f"the tests of {module} fail without a mutant, too")
    limit = 10 + 3 * (time.monotonic() - start)
    write(path, "raise AssertionError\n", age=1)
    if run(tests_of(module), limit) == 0:
        sys.exit(f"the tests of {module} do not import it from {Path.cwd()}")
    for age, (line, operator, mutant) in enumerate(mutants, start=2):
        write(path, mutant, age)
        survived = run(tests_of(module), limit) == 0
        if survived:
            print(f"{path}:{line} survived: {operator.removeprefix('core/')}")
            lines = difflib.unified_diff(source.splitlines(), mutant.splitlines(), n=0, lineterm="")
            print(*(f"    {line}" for line in list(lines)[3:]), sep="\n", flush=True)
        yield not survived
    write(path, source, age=0)


def write(path, source, age):
    """Write a module; an age of its own makes that no bytecode of another version is taken."""
    path.write_text(source, encoding="utf-8")
    os.utime(path, (age, age))


def sample(source, rng, count):
    """Return the line, the operator's name and the source of some mutants, in random order."""
    nodes = list(ast_nodes(get_ast(source)))
    places = []
    for name in filter(OPERATORS.fullmatch, operator_names()):
        positions = get_operator(name)().mutation_positions
        found = [(node, start[0]) for node in nodes for start, _ in positions(node)]
        # Cosmic Ray takes the * and / among parameters for operators.
        places += [
            (line, name, n)
            for n, (node, line) in enumerate(found)
            if node.parent is None or node.parent.type != "parameters"
        ]
    rng.shuffle(places)
    mutants = []
    for line, name, n in places:
        if len(mutants) == count:
            break
        mutant = mutate_code(source, get_operator(name)(), n)
        with contextlib.suppress(SyntaxError):  # `not` before an assignment with :=
            if behaviour(mutant) != behaviour(source):
                mutants.append((line, name, mutant))
    return mutants


def behaviour(source):
    """Return the code as text without what no test can tell: annotations and the like."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            # That zip gets sequences of one length is an assertion, which never fails.
            node.keywords = [keyword for keyword in node.keywords if keyword.arg != "strict"]
            # Any negative length of a shape is the one that is left over.
            if isinstance(node.func, ast.Attribute) and node.func.attr == "reshape":
                node.args = [
                    ast.Constant(-1) if ast.unparse(arg).startswith("-") else arg
                    for arg in node.args
                ]
        for field in ("annotation", "returns"):
            if getattr(node, field, None):
                setattr(node, field, ast.Constant(None))
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.test, node.body = ast.Constant(None), [ast.Pass()]
        if isinstance(node, ast.ClassDef) and "Protocol" in map(ast.unparse, node.bases):
            node.body = [ast.Pass()]
    return ast.dump(tree)


def tests_of(module):
    """Return what to give pytest for a module: its own tests come first."""
    path = Path(module)
    own = TESTS / path.parent / f"test_{path.name.strip('_')}.py"
    folder = sorted((TESTS / path.parent).glob("test_*.py")) if path.parent.name else []
    further = [TESTS / name for name in (*FURTHER.get(module, []), "test_validate.py")]
    tests = [test for test in dict.fromkeys([own, *folder, *further]) if test.exists()]
    # Not first: pytest would import the module anew, beside the one that the tests import.
    tests.insert(1, PACKAGE / f"{module}.py")
    return [str(test) for test in tests]


class Unshrunk:
    """A plugin of pytest: that an example fails is enough, Hypothesis need not find a small one."""

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self):
        """Change the settings that conftest.py has loaded, before the tests are."""
        from hypothesis import Phase, settings

        phases = (Phase.explicit, Phase.generate)
        settings.register_profile("unshrunk", settings(), phases=phases)
        settings.load_profile("unshrunk")


def run(tests, limit):
    """Run tests in a process of its own and return its exit code, or None if time was up."""
    mark = secrets.token_hex()
    with tempfile.TemporaryDirectory(dir="..") as temporary:
        pid = os.fork()
        if pid == 0:
            os.setsid()  # Ctrl-C is for the parent, which then ends this process
            os.environ |= {MARK: mark, "TMPDIR": os.path.abspath(temporary)}
            tempfile.tempdir = None
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in range(3):
                os.dup2(nowhere, stream)
            code = 1
            try:
                code = pytest.main([*PYTEST.split(), *UNUSED, *tests], [Unshrunk()])
            finally:
                os._exit(code)
        child = psutil.Process(pid)
        try:
            return child.wait(limit)
        except psutil.TimeoutExpired:
            return None
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
                child.wait()
            end_family(mark)


if __name__ == "__main__":
    main()
