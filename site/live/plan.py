"""What a cell needs of the cells above it, found by reading them.

Used twice: when the book is built, to know which cells need PyTorch, and in the reader's browser,
where a cell is run without those above it that it does not need.
"""

import ast
import symtable
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Cell:
    """The names that a cell reads before it has bound them, binds, changes and imports.

    It looks at those that it does not only change: `claims.add(1)` does not need earlier claims.
    """

    reads: set[str] = field(default_factory=set)
    looks_at: set[str] = field(default_factory=set)
    binds: set[str] = field(default_factory=set)
    changes: set[str] = field(default_factory=set)
    imports: dict[str, str] = field(default_factory=dict)  # name: the statement that binds it


def read(source: str) -> Cell:
    r"""Return what a cell does with names; nothing for one that is no valid Python.

    Examples
    --------
    >>> cell = read("import numpy as np\nlosses.append(np.exp(w))")
    >>> sorted(cell.reads), sorted(cell.changes), cell.imports
    (['losses', 'w'], ['losses'], {'np': 'import numpy as np'})
    """
    cell = Cell()
    try:
        statements = ast.parse(source).body
    except SyntaxError:
        return cell
    later, loads, changes = set(), Counter(), Counter()
    for statement in statements:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            for alias in statement.names:
                name = alias.asname or alias.name.partition(".")[0]
                alone = type(statement)(**vars(statement) | {"names": [alias]})
                cell.imports[name] = ast.unparse(alone)
            continue
        reads, binds = _names(statement)
        # The body of a function is run when it is called, when the names below it are bound, too.
        (later if isinstance(statement, ast.FunctionDef) else cell.reads).update(
            reads - cell.binds - cell.imports.keys()
        )
        cell.binds |= binds
        changes.update(_changed(statement))
        loads.update(
            node.id
            for node in ast.walk(statement)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        )
    cell.reads |= later - cell.binds - cell.imports.keys()
    cell.looks_at = {name for name in cell.reads if loads[name] > changes[name]}
    cell.changes = set(changes) - cell.imports.keys()
    return cell


def _names(statement: ast.stmt) -> tuple[set[str], set[str]]:
    """Return the global names that a statement reads, and those that it binds."""
    table = symtable.symtable(ast.unparse(statement), "cell", "exec")
    binds = {s.get_name() for s in table.get_symbols() if s.is_assigned()}
    reads = {s.get_name() for s in table.get_symbols() if s.is_referenced()}
    inner = table.get_children()
    while inner:
        scope = inner.pop()
        inner += scope.get_children()
        reads |= {s.get_name() for s in scope.get_symbols() if s.is_global()}
    if isinstance(statement, ast.AugAssign):
        reads |= {node.id for node in ast.walk(statement.target) if isinstance(node, ast.Name)}
    for node in ast.walk(statement):  # bound before what is inside can read it
        targets = []
        if isinstance(node, ast.For):
            targets = [node.target]
        elif isinstance(node, ast.With):
            targets = [item.optional_vars for item in node.items if item.optional_vars]
        for target in targets:
            reads -= {leaf.id for leaf in ast.walk(target) if isinstance(leaf, ast.Name)}
    return reads, binds


def _changed(statement: ast.stmt) -> list[str]:
    """Return the name of each thing that a statement may change: `x.add(1)`, `x[0] = 1`."""
    places = []
    for node in ast.walk(statement):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            places.append(node.value.func)
        elif isinstance(node, ast.Assign):
            places += node.targets
        elif isinstance(node, ast.AugAssign):
            places.append(node.target)
    changed = []
    for place in places:
        root = place
        while isinstance(root, ast.Attribute | ast.Subscript):
            root = root.value
        if root is not place and isinstance(root, ast.Name):
            changed.append(root.id)
    return changed


def made_by(
    cells: list[Cell], cell: Cell, above: int
) -> tuple[dict[str, list[int]], dict[str, str]]:
    """Return which of the first `above` cells make each name that a cell reads, and its imports.

    The first of these binds the name and the others change it, if the cell looks at it.
    """
    made, imports = {}, {}
    for name in cell.reads:
        bound = [i for i in range(above) if name in cells[i].binds or name in cells[i].imports]
        if not bound:
            continue  # of Python itself, or nobody's
        if name in cells[bound[-1]].imports:
            imports[name] = cells[bound[-1]].imports[name]
            continue
        since = range(bound[-1] + 1, above if name in cell.looks_at else 0)
        made[name] = [bound[-1], *(i for i in since if name in cells[i].changes)]
    return made, imports


def needed(cells: list[Cell], wanted: Cell, above: int) -> tuple[list[int], dict[str, str]]:
    """Return which of the first `above` cells a cell needs, in order, and the imports it needs.

    Of a cell that is needed for what it imports, that import is needed alone: the first cell of a
    chapter imports much that an exercise does without.

    Examples
    --------
    >>> cells = [read("import numpy as np"), read("x = [1]"), read("y = 2"), read("x.append(3)")]
    >>> needed(cells, read("print(np.sum(x))"), above=4)
    ([1, 3], {'np': 'import numpy as np'})
    """
    found, imports = set(), {}
    todo = [(wanted, above)]
    while todo:
        made, more = made_by(cells, *todo.pop())
        imports |= more
        for i in set().union(*made.values()) - found:
            found.add(i)
            todo.append((cells[i], i))
    return sorted(found), imports


def to_run(cells: list[Cell], wanted: Cell, above: int, last: dict[str, int]) -> list[int]:
    """Return which cells to run before a cell, so that it finds what it would find from the top.

    Parameters
    ----------
    last : dict of str to int
        For each name the cell that bound or changed it last.

    Examples
    --------
    >>> cells = [read("x = 1"), read("print(x)"), read("x = 2"), read("print(x)")]
    >>> to_run(cells, cells[1], 1, last={"x": 0}), to_run(cells, cells[1], 1, last={"x": 2})
    ([], [0])
    """

    def is_there(name: str, cell: Cell, makers: list[int], last: dict[str, int]) -> bool:
        latest = last.get(name)
        if latest is None or name in cell.looks_at:
            return latest == makers[-1]
        return latest == makers[0] or name not in cells[latest].binds

    again, todo = set(), [(wanted, above)]
    while todo:
        cell, end = todo.pop()
        for name, makers in made_by(cells, cell, end)[0].items():
            if not is_there(name, cell, makers, last):
                for i in set(makers) - again:
                    again.add(i)
                    todo.append((cells[i], i))

    # What runs again may bind a name that a later one of those that need not has bound, too.
    for i in [*sorted(again), above]:
        cell = cells[i] if i in again else wanted
        if not all(is_there(name, cell, m, last) for name, m in made_by(cells, cell, i)[0].items()):
            return needed(cells, wanted, above)[0]
        last = last | dict.fromkeys(cell.binds | cell.changes, i)
    return sorted(again)
