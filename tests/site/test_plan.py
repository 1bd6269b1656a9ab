"""What a cell needs of the cells above it is found by reading them."""

import doctest

import plan
import pytest
from plan import hold, needed, read


def needs(*sources):
    """Which of the cells the last one needs, and the imports."""
    cells = [read(source) for source in sources]
    return needed(cells, cells[-1], len(cells) - 1)


def above(*sources):
    return needs(*sources)[0]


def test_examples():
    results = doctest.testmod(plan)
    assert results.attempted > 0
    assert results.failed == 0


def test_the_last_cell_that_binds_a_name_is_needed():
    assert above("x = 1", "x = 2", "y = x", "z = 0", "y") == [1, 2]


def test_what_a_cell_needs_is_what_was_bound_before_it():
    assert above("x = 1", "y = x", "x = 5", "y") == [0, 1]


@pytest.mark.parametrize("head", ["for i in range(3):", "with open('a') as file:"])
def test_what_a_body_binds_first_is_its_own(head):
    assert above("x = 1", f"{head}\n    x = 2\n    print(x)") == []
    assert above("x = 1", f"{head}\n    print(x)\n    x = 2") == [0]
    assert above("x = 1", f"{head}\n    x += 2") == [0]
    assert above("x = 1", f"{head}\n    if head:\n        x = 2\n    print(x)") == [0]
    assert above("x = 1", f"{head}\n    y = lambda: x\n    x = y()") == [0]


def test_what_stands_in_the_head_is_read_before_the_body():
    assert above("x = [1]", "for i in x:\n    x = i") == [0]
    assert above("x = 'a'", "with open(x) as file:\n    x = file.read()") == [0]


def test_only_imports_of_a_cell_are_needed():
    first = "import numpy as np\nfrom math import pi, e as euler\nimport os.path\nslow = compute()"
    assert needs(first, "np.pi + pi + euler") == (
        [],
        {
            "np": "import numpy as np",
            "pi": "from math import pi",
            "euler": "from math import e as euler",
        },
    )
    assert needs(first, "os.path.sep") == ([], {"os": "import os.path"})
    assert needs(first, "slow") == ([0], {})
    assert needs("from m import *", "x") == ([], {})


def test_the_imports_of_needed_cells_are_needed():
    sources = "import numpy as np", "def f(x):\n    return np.sum(x)", "f(1)"
    assert needs(*sources) == ([1], {"np": "import numpy as np"})


def test_a_name_that_shadows_an_import_is_no_import():
    assert needs("from m import x", "x = 1", "x") == ([1], {})
    assert needs("x = 1", "from m import x", "x") == ([], {"x": "from m import x"})
    assert needs("import numpy as np", "import numpy as np\nnp.pi") == ([], {})


@pytest.mark.parametrize(
    "change",
    [
        "x.append(2)",
        "x[0] = 2",
        "x[0] += 2",
        "x.a.b = 2",
        "x += [2]",
        "for i in range(3):\n    x.append(i)",
        "if y:\n    x[i] = 1",
        "with a as b:\n    x.pop()",
    ],
)
def test_changes_in_place_are_needed_by_who_looks(change):
    assert above("x = [1]", "y = i = a = 1", change, "x")[::2] in ([0, 2], [0])
    assert 2 in above("x = [1]", "y = i = a = 1", change, "x")
    assert 2 not in above("x = [1]", "y = i = a = 1", change, "y")


def test_a_change_after_a_cell_is_not_needed_by_it():
    assert above("x = [1]", "y = sum(x)", "x.append(2)", "y") == [0, 1]


def test_who_only_changes_a_thing_needs_no_other_changes():
    assert above("x = [1]", "x.append(2)", "x.append(3)") == [0]
    assert above("x = [1]", "x.append(2)", "x.append(len(x))") == [0, 1]


@pytest.mark.parametrize("source", ["x += 1", "x -= y", "x @= 2"])
def test_an_augmented_assignment_reads(source):
    assert above("x = 1", "y = 1", source)[0] == 0


def test_bodies_of_functions_need_what_is_bound_when_they_are_called():
    assert above("x = 1", "def f(a, b=x):\n    c = a\n    return c") == [0]
    assert above("a = 1", "c = 1", "def f(a):\n    c = a\n    return c\nf(1)") == []
    assert above("x = 1", "def f():\n    return x\nx = 2\nf()") == []
    assert above("x = 1", "def f():\n    def g():\n        return x\n    return g") == [0]
    assert above("x = 1", "def f():\n    global x\n    x += 1\nf()") == [0]
    assert above("x = 1", "f = lambda a: a + x") == [0]
    assert above("x = 1", "f = lambda x: x + 1") == []


def test_classes_and_decorators():
    sources = "base = object", "default = 1", "deco = print"
    code = "@deco\nclass A(base):\n    a = default\n    def f(self):\n        return A"
    assert above(*sources, code) == [0, 1, 2]
    assert above(*sources, code, "A()") == [0, 1, 2, 3]


def test_names_of_comprehensions_and_loops():
    assert above("i = 1", "n = 2", "[i for i in range(n)]") == [1]
    assert above("i = 1", "{i: j for i in 'ab' for j in 'cd'}") == []
    assert above("i = 1", "for i in range(3):\n    print(i)") == []
    assert above("i = 1", "with open('a') as i:\n    i.read()") == []
    assert above("i = 1", "try:\n    1\nexcept ValueError as i:\n    i") == []
    assert above("for i in range(3):\n    k = i", "i + k") == [0]
    assert above("[(last := i) for i in 'ab']", "last") == [0]


def test_unpacking_binds_all_names():
    assert above("a, (b, *c) = f()", "c") == [0]
    assert above("a = b = 1", "b") == [0]
    assert above("a: int = 1", "a") == [0]


def test_a_name_that_a_cell_binds_itself_is_not_needed():
    assert above("x = 1", "x = 2\nx") == []
    assert above("x = 1", "x = x + 1") == [0]


def test_a_branch_may_not_bind():
    """A name that is bound only in a branch can be the one from above."""
    assert above("x = 1", "if f():\n    x = 2\nx") == [0]


@pytest.mark.parametrize("source", ["x = (", "  x", "if x:\n\ty\n        z", "def f(:", "x\0"])
def test_what_is_no_python_needs_nothing(source):
    assert read(source) == plan.Cell()
    assert above("x = 1", source) == []


def test_unknown_names_and_those_of_python_are_nobodys():
    assert needs("x = 1", "print(len(unknown))") == ([], {})


def after(runs, *sources):
    """Which cells the last one needs after some were run."""
    cells, held = [read(source) for source in sources], {}
    for place in runs:
        hold(held, cells[place], place)
    return needed(cells, cells[-1], len(cells) - 1, held)[0]


def test_what_was_run_is_not_run_again():
    assert after([0], "x = 1", "y = x", "x + y") == [1]
    assert after([0, 1], "x = 1", "y = x", "x + y") == []
    assert after([0, 1, 2], "x = 1", "x", "x = 2", "x") == []
    assert after([1], "import m", "x = m.a", "x") == []


def test_a_name_that_another_cell_took_is_made_again():
    cells = [read(source) for source in ("x = 1", "y = x", "x = 2", "z = 3")]
    held = {"x": {2}, "y": {1}, "z": {3}}
    assert needed(cells, read("y + z"), 4, held)[0] == []
    assert needed(cells, read("x"), 4, held)[0] == []
    assert needed(cells, read("x"), 1, held)[0] == [0]
    assert needed(cells, read("x + y"), 2, held)[0] == [0]


def test_a_cell_that_is_run_again_takes_names_that_others_need_then():
    """The first is run again for y, and then the second for the x that it took."""
    cells = [read(source) for source in ("x = y = 1", "x = 2", "x + y", "y = 3")]
    assert needed(cells, cells[2], 2, {"x": {1}, "y": {0}})[0] == []
    assert needed(cells, cells[2], 2, {"x": {1}, "y": {3}})[0] == [0, 1]


def test_changes_are_neither_left_out_nor_made_twice():
    sources = "x = [1]", "x.append(2)", "x"
    assert after([0], *sources) == [0, 1]
    assert after([0, 1], *sources) == []
    cells = [read(source) for source in sources]
    assert needed(cells, cells[1], 1, {"x": {0, 1}})[0] == [0]
    assert needed(cells, cells[2], 2, {"x": {0, 1, 5}})[0] == [0, 1]


def test_a_function_needs_what_is_bound_below_it_before_it_is_called():
    assert above("def f():\n    return g()", "def g():\n    return 1", "f()") == [0, 1]
    assert above("x = 1", "def f():\n    return x", "x = 2", "f()") == [1, 2]
    cells = [plan.read(s) for s in ("def f():\n    return g()", "def g():\n    return 1", "f()")]
    assert plan.needed(cells, cells[2], 2, held={"f": {0}})[0] == [1]
    assert plan.needed(cells, cells[2], 2, held={"f": {0}, "g": {1}})[0] == []


def test_a_function_uses_what_a_cell_below_its_own_has_bound():
    assert above("rate = 1\ndef step(x):\n    return rate * x", "rate = 2", "step(1)") == [0, 1]


def test_what_is_perhaps_bound_anew_is_needed_with_what_changed_it_before():
    assert above("x = [0]", "x.append(5)", "if len(x) > 3:\n    x = []", "x") == [0, 1, 2]


def test_a_name_that_is_imported_and_then_bound_is_no_import():
    assert needs("from math import e\ne = 5", "e") == ([0], {})
    assert needs("e = 5\nfrom math import e", "e") == ([], {"e": "from math import e"})
