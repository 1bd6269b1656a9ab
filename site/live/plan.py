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

    Its functions read names later, when they are called. It looks at those that it does not only
    change: `claims.add(1)` does not need earlier claims.
    """

    reads: set[str] = field(default_factory=set)
    later: set[str] = field(default_factory=set)
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
    try:
        return _read(ast.parse(source).body)
    except (SyntaxError, ValueError, RecursionError):
        return Cell()


def _read(statements: list[ast.stmt]) -> Cell:
    cell, functions = Cell(), set()
    loads, changes = Counter(), Counter()
    for statement in statements:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            for alias in statement.names:
                name = alias.asname or alias.name.partition(".")[0]
                alone = type(statement)(**vars(statement) | {"names": [alias]})
                cell.imports[name] = ast.unparse(alone)
                cell.binds.discard(name)
            continue
        reads, later, binds = _names(statement)
        if isinstance(statement, DEFINES):
            functions |= binds
        else:
            reads |= later
        if reads & functions:  # and may call them
            reads |= cell.later
        cell.reads |= reads - cell.binds - cell.imports.keys()
        # What it binds itself its functions read later, too: another cell may have bound it since.
        cell.later |= later - cell.imports.keys()
        cell.binds |= binds
        for name in binds & cell.imports.keys():
            del cell.imports[name]
        changes.update(_changed(statement))
        loads.update(
            node.id
            for node in ast.walk(statement)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        )
        if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
            loads[statement.target.id] += 1  # it looks at what it changes
    cell.later -= cell.imports.keys()
    cell.looks_at = {name for name in cell.reads | cell.later if loads[name] > changes[name]}
    cell.looks_at |= cell.reads & cell.binds  # as where one branch alone binds it
    cell.changes = set(changes) - cell.imports.keys()
    return cell


DEFINES = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _names(statement: ast.stmt) -> tuple[set[str], set[str], set[str]]:
    """Return the global names that a statement reads, its functions read, and it binds."""
    table = symtable.symtable(ast.unparse(Generators().visit(statement)), "cell", "exec")
    binds = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
    reads = {s.get_name() for s in table.get_symbols() if s.is_referenced()}
    later, inner = set(), [(scope, False) for scope in table.get_children()]
    while inner:
        scope, called = inner.pop()
        called |= scope.get_type() == "function" and scope.get_name().strip("<>") != "genexpr"
        inner += [(part, called) for part in scope.get_children()]
        shared = [s for s in scope.get_symbols() if s.is_global()]
        (later if called else reads).update(s.get_name() for s in shared)
        if not isinstance(statement, DEFINES):  # else it is bound when that is called
            binds |= {s.get_name() for s in shared if s.is_assigned()}
    for node in ast.walk(statement):
        if isinstance(node, ast.AugAssign):
            names = {leaf.id for leaf in ast.walk(node.target) if isinstance(leaf, ast.Name)}
            reads |= names & binds
    if isinstance(statement, ast.For | ast.With):  # what its body binds before it reads it
        head = [node for node in ast.iter_child_nodes(statement) if node not in statement.body]
        loaded = {n.id for node in head for n in ast.walk(node) if isinstance(n, ast.Name)}
        body = _read(statement.body)
        reads -= body.binds - body.reads - body.later - loaded
    for node in ast.walk(statement):
        targets = []  # bound before what is inside can read it
        if isinstance(node, ast.For):
            targets = [node.target]
        elif isinstance(node, ast.With):
            targets = [item.optional_vars for item in node.items if item.optional_vars]
        for target in targets:
            reads -= {leaf.id for leaf in ast.walk(target) if isinstance(leaf, ast.Name)}
        if isinstance(node, ast.ExceptHandler):
            reads.discard(node.name)
        elif isinstance(node, ast.If):  # what one branch binds may stay as it was
            reads |= binds & (_stored(node.body) ^ _stored(node.orelse))
    return reads, later, binds


class Generators(ast.NodeTransformer):
    """Writes comprehensions as generators: since Python 3.12 the others' names count as outside."""

    def visit_ListComp(self, node):  # noqa: D102
        self.generic_visit(node)
        return ast.GeneratorExp(node.elt, node.generators)

    visit_SetComp = visit_ListComp

    def visit_DictComp(self, node):  # noqa: D102
        self.generic_visit(node)
        return ast.GeneratorExp(ast.Tuple([node.key, node.value], ast.Load()), node.generators)


def _stored(body: list[ast.stmt]) -> set[str]:
    """Return the names that statements assign to."""
    nodes = [node for statement in body for node in ast.walk(statement)]
    return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


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


def needed(
    cells: list[Cell], wanted: Cell, above: int, held: dict[str, set[int]] | None = None
) -> tuple[list[int], dict[str, str]]:
    """Return which of the first `above` cells a cell needs, in order, and the imports it needs.

    Of a cell that is needed for what it imports, that import is needed alone: the first cell of a
    chapter imports much that an exercise does without.

    What earlier runs have left is not made again, unless another cell has taken the name since:
    `held` has for each name the cells that bound and changed it, as `hold` notes them.

    Examples
    --------
    >>> cells = [read("import numpy as np"), read("x = [1]"), read("y = 2"), read("x.append(3)")]
    >>> wanted = read("print(np.sum(x))")
    >>> needed(cells, wanted, above=4)
    ([1, 3], {'np': 'import numpy as np'})
    >>> needed(cells, wanted, above=4, held={"x": {1, 3}})
    ([], {'np': 'import numpy as np'})
    """
    found, imports = set(), {}
    # Whatever it needs from the top, run again or not, may be called now.
    within_reach = found if held is None else set(needed(cells, wanted, above)[0])
    while True:
        now, missing = dict(held or {}), set()
        for place in [*sorted(found), above]:  # as they will run
            cell = wanted if place == above else cells[place]
            called = wanted.later - wanted.binds if place == above else set()
            more = [cells[i] for i in sorted(within_reach | found) if i < place]
            while more:  # whose functions it may call, and theirs
                reached = [one for one in more if one.binds & (cell.reads | called)]
                if not reached:
                    break
                called |= set().union(*(one.later for one in reached))
                more = [one for one in more if one not in reached]
            for name in cell.reads | called:
                binds = [
                    i for i in range(place) if name in cells[i].binds or name in cells[i].imports
                ]
                if not binds:
                    continue  # of Python itself, or nobody's
                last, there = binds[-1], now.get(name, set())
                if name in cells[last].imports:
                    imports[name] = cells[last].imports[name]
                elif name in cell.looks_at or name in called:
                    changes = {i for i in range(last + 1, place) if name in cells[i].changes}
                    if there != {last} | changes:
                        missing |= {last} | changes
                elif last not in there or max(there) >= place:
                    missing.add(last)
            hold(now, cell, place)
        if missing <= found:
            return sorted(found), imports
        found |= missing


def hold(held: dict[str, set[int]], cell: Cell, place: int) -> None:
    """Note that a cell was run: which names are now as it left them.

    Examples
    --------
    >>> held = {"x": {1}, "y": {2}}
    >>> hold(held, read("x.append(3); y = 4"), place=5)
    >>> held
    {'x': {1, 5}, 'y': {5}}
    """
    for name in cell.changes:
        held[name] = held.get(name, set()) | {place}
    for name in cell.imports:
        held.pop(name, None)
    for name in cell.binds:
        held[name] = {place}
