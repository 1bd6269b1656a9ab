"""The source of an exercise's reference, as a program of its own that can be changed."""

import ast
import copy
import importlib
import inspect
import sys
from functools import cache

import adagrad_course.exercises as package
from adagrad_course.exercises import CHAPTERS


def program_of(exercise, special):
    """Return a program that ends in `reference = …`, and the names that it needs besides.

    It has all that the reference calls of the modules of exercises. A special one is without what
    only the known mistakes need; it is not right where a check gives such an argument itself.
    """
    home = CHAPTERS[exercise.number.partition(".")[0]]
    module = importlib.import_module(f"{package.__name__}.{home}")
    reference = _written_as_reference(exercise.number, tree_of(module))
    names, definitions, wanted = dict(vars(module)), {}, [reference]
    while wanted:
        for name in sorted(named_in(wanted.pop()) - definitions.keys()):
            source = sys.modules.get(getattr(names.get(name), "__module__", None))
            if source is None or not source.__name__.startswith(package.__name__):
                continue
            for node in tree_of(source).body:
                if name in _defined(node):
                    definitions[name] = node
                    wanted.append(node)
                    names = vars(source) | names
    last = ast.Assign([ast.Name("reference", ast.Store())], reference)
    program = copy.deepcopy(ast.Module([*reversed(definitions.values()), last], []))
    if special:
        specialised(program, exercise)
        leave_out_what_is_unused(program)
    return ast.fix_missing_locations(program), names


def leave_out_what_is_unused(program):
    """Take the definitions out of a program that nothing else in it names."""
    used = {"reference"}
    for node in program.body:
        used.update(*map(named_in, ast.iter_child_nodes(node)))
    needed = [node for node in program.body if _defined(node) & used]
    if len(needed) < len(program.body):
        program.body = needed
        leave_out_what_is_unused(program)


def _defined(node):
    return {getattr(node, "name", None), *stored_by(node)}


@cache
def tree_of(module):
    """Return a module's source as a tree, without docstrings."""
    tree = ast.parse(inspect.getsource(module))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
            del node.body[0]
    return tree


def _written_as_reference(number, tree):
    for node in ast.walk(tree):
        match node:
            case ast.Call(ast.Name("Exercise"), [ast.Constant(value)], keywords):
                if value == number:
                    return next(k.value for k in keywords if k.arg == "reference")
    raise LookupError(f"no Exercise({number!r}, reference=…) is written in its module")


def specialised(program, exercise):
    """Put defaults in place of the parameters that nothing gives; known mistakes give them."""
    given = len(exercise.trials[0].args) if exercise.cases and not exercise.run else 0
    match reference := program.body[-1].value:
        case ast.Call(ast.Name("partial"), [ast.Name(name) as function], keywords):
            known = {keyword.arg: keyword.value for keyword in keywords}
            for node in program.body:
                if getattr(node, "name", None) == name:
                    pairs = zip(node.args.args[::-1], node.args.defaults[::-1], strict=False)
                    defaults = [known.get(parameter.arg, value) for parameter, value in pairs]
                    node.args.defaults = defaults[::-1]
                    program.body[-1].value = reference = function
    while True:
        calls = [node for node in ast.walk(program) if isinstance(node, ast.Call)]
        named = {keyword.arg for call in calls for keyword in call.keywords}
        for function in program.body:
            if not isinstance(function, ast.FunctionDef) or not function.args.defaults:
                continue
            own = [c for c in calls if getattr(c.func, "id", None) == function.name]
            names = [n for n in ast.walk(program) if getattr(n, "id", None) == function.name]
            is_reference = getattr(reference, "id", None) == function.name
            most = max([given * is_reference, *(len(call.args) for call in own)])
            last, passed_on = function.args.args[-1].arg, len(names) - len(own) - is_reference
            set_anew = any(last in stored_by(node) for node in ast.walk(function))
            if len(function.args.args) > most and not (last in named or passed_on or set_anew):
                del function.args.args[-1]
                default = function.args.defaults.pop()
                Specialised({last: default}).visit(function)
                break
        else:
            return program


class Specialised(ast.NodeTransformer):
    """Put expressions in place of names, and decide what is then certain."""

    def __init__(self, known):
        self.known = known

    def visit_Name(self, node):
        known = self.known.get(node.id) if isinstance(node.ctx, ast.Load) else None
        return copy.deepcopy(known) if known else node

    def visit_If(self, node):
        node = self.generic_visit(node)
        if isinstance(node.test, ast.Constant):
            return node.body if node.test.value else node.orelse
        return node

    visit_IfExp = visit_If

    def visit_Compare(self, node):
        node = self.generic_visit(node)
        match node:
            case ast.Compare(ast.Constant(one), [ast.Is()], [ast.Constant(two)]):
                return ast.Constant(one is two)
            case ast.Compare(ast.Constant(one), [ast.IsNot()], [ast.Constant(two)]):
                return ast.Constant(one is not two)
            case ast.Compare(_, [ast.In() | ast.NotIn() as op], [ast.Tuple([])]):
                return ast.Constant(isinstance(op, ast.NotIn))
        return node

    def visit_UnaryOp(self, node):
        node = self.generic_visit(node)
        match node:
            case ast.UnaryOp(ast.Not(), ast.Constant(value)):
                return ast.Constant(not value)
        return node

    def visit_BinOp(self, node):
        node = self.generic_visit(node)
        match node:
            case ast.BinOp(other, ast.Add() | ast.Sub(), ast.Constant(0)):
                return other
            case ast.BinOp(ast.Constant(1), ast.Mult(), other):
                return other
        return node

    def visit_Call(self, node):
        node = self.generic_visit(node)
        match node:
            case ast.Call(ast.Lambda(ast.arguments(args=parameters), body), arguments, []):
                names = [parameter.arg for parameter in parameters]
                return Specialised(dict(zip(names, arguments, strict=True))).visit(body)
        return node


# Names of a program ---------------------------------------------------------------------------


def named_in(node):
    """Return the names in a node, and the attributes: `G`, `self.G`."""
    names = {ast.unparse(n) for n in ast.walk(node) if isinstance(n, ast.Name | ast.Attribute)}
    return names - {"self"}


def stored_by(statement):
    """Return the names that a statement sets, or changes an entry of."""
    targets = [getattr(statement, "target", None), *getattr(statement, "targets", [])]
    parts = [part for target in targets if target for part in getattr(target, "elts", [target])]
    return {ast.unparse(p.value if isinstance(p, ast.Subscript) else p) for p in parts}
