"""Wrong answers made by machine: the reference with one slip in it, or a value a little off.

    python tests/exercises/mutants.py 5.4

lists those that pass the checks of an exercise; without a number, those of the whole book.
"""

import ast
import contextlib
import itertools
import sys
import time
from operator import itemgetter

import numpy as np
from reference_program import named_in, program_of, stored_by

from adagrad_course.exercises import CHAPTERS, load
from adagrad_course.exercises._sandbox import ends_in_time, quiet
from adagrad_course.exercises._values import plain, show


def unnoticed(exercise):
    """Return how many wrong answers to an exercise were made, and a line on each that passes.

    Each counts as wrong from its first trial that fails, and if it takes twenty times as long as
    the reference.
    """
    if exercise.is_value:
        made = values_a_little_off(exercise.reference)
    else:
        made = itertools.chain(careless(exercise), hard_coded(exercise))
    start = time.perf_counter()
    passes(exercise, exercise.reference, seconds=60)
    limit = 2 + 20 * (time.perf_counter() - start)
    verdicts = [(text, passes(exercise, answer, limit)) for text, answer in made]
    return len(verdicts), list(dict.fromkeys(text for text, passed in verdicts if passed))


def passes(exercise, answer, seconds):
    """Return whether an answer passes all trials, and that in time."""
    right = False

    def attempt():
        nonlocal right
        right = not any(trial.observe(answer).problem for trial in exercise.trials)

    with quiet():
        return ends_in_time(attempt, seconds) and right


# Values ---------------------------------------------------------------------------------------


def values_a_little_off(value):
    """Yield in words, and as a value: a sign, a half, one more or less, two parts swapped ..."""
    for other in _off(value if isinstance(value, dict) else plain(value)):
        if isinstance(value, dict):
            parts = [key for key in value if value[key] is not other[key]]
            texts = [f"{key}: {show(plain(other[key]))}" for key in parts]
            yield f"{', '.join(texts)} for {show(plain(value[parts[0]]))}", other
        else:
            yield f"{show(other)} for {show(plain(value))}", other


def _off(value):
    match value:
        case bool():
            yield not value
        case str():
            yield f"not {value}"
        case int() | float():
            whole = float(value).is_integer()
            others = [-value, value / 2, 2 * value, 1 / value if value else 1]
            yield from (x for x in others + [value + 1, value - 1] * whole if x != value)
        case np.ndarray() if value.ndim:
            turned = [value[::-1], np.roll(value, 1, axis=-1)]
            others = [-value, 0 * value, value / 2, value + 1, *turned]
            yield from (x for x in others if not np.array_equal(x, value))
        case tuple():
            yield from (tuple(parts.values()) for parts in _off(dict(enumerate(value))))
        case dict():
            for key in value:
                yield from (value | {key: other} for other in _off(value[key]))
            for one, two in itertools.combinations(value, 2):
                if show(plain(value[one])) != show(plain(value[two])):
                    yield value | {one: value[two], two: value[one]}


# Arguments that make no difference ------------------------------------------------------------


def hard_coded(exercise):
    """Yield the reference as one that does not look at an argument, but guesses it.

    It takes for it what the first case has, or another argument, or 1 - that.
    """
    if not exercise.cases or exercise.run:
        return
    given = {k: v for k, v in exercise.trials[0].args.items() if not callable(v)}
    for name, value in given.items():
        yield f"{name} = {show(plain(value))}", _with(exercise, name, lambda args, v=value: v)
        for other in given:
            if other != name and _kind(value) == _kind(given[other]):
                yield f"{name} = {other}", _with(exercise, name, itemgetter(other))
                if isinstance(plain(value), float):
                    complement = lambda args, key=other: 1 - args[key]  # noqa: E731
                    yield f"{name} = 1 - {other}", _with(exercise, name, complement)


def _kind(value):
    value = plain(value)
    return type(value), getattr(value, "ndim", None)


def _with(exercise, name, guess):
    names = list(exercise.trials[0].args)

    def answer(*given):
        args = dict(zip(names, given, strict=True))
        return exercise.reference(*(args | {name: guess(args)}).values())

    return answer


# Programs -------------------------------------------------------------------------------------

OTHER_OPERATOR = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Pow: ast.Mult,
    ast.Mod: ast.Mult,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
TURNED = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE}
ONE_WAY = ast.Sub, ast.Div, ast.FloorDiv, ast.Pow, ast.MatMult, ast.Mod
PAIRS = "min max", "argmin argmax", "minimum maximum", "floor ceil", "sum mean", "any all"
OTHER_NAME = {a: b for pair in PAIRS for a, b in itertools.permutations(pair.split())}
EITHER_WAY = {"max", "min", "maximum", "minimum"}  # the order of arguments does not matter
# Without them it is a right answer, too.
OF_FORM = {"array", "asarray", "bool", "list", "tuple", "strict"}


def careless(exercise):
    """Yield in words, and as a function or class, the reference with each possible slip."""
    program, names = program_of(exercise, special=True)
    if not passes(exercise, executed(program, names), seconds=60):
        program, names = program_of(exercise, special=False)
    for text in with_one_slip(program):
        with contextlib.suppress(Exception):  # else no function comes of it
            yield text, executed(program, names)


def executed(program, names):
    """Run a program and return its reference."""
    space = dict(names)
    with quiet():
        exec(compile(program, "<reference>", "exec"), space)
    return space["reference"]


def with_one_slip(program):
    """Put one slip after the other into a program, and yield in words which; then take it out."""
    parents = list(ast.walk(program))
    in_place = [(parent, name, new) for parent in parents for name, new in changes(parent)]
    for parent, name, new in in_place + [slip for node in parents for slip in mixed_up(node)]:
        before, old = ast.unparse(program), getattr(parent, name)
        setattr(parent, name, new)
        ast.fix_missing_locations(program)
        try:
            if text := lines_that_differ(before, ast.unparse(program)):
                yield text
        finally:
            setattr(parent, name, old)


def changes(parent):
    """Yield the fields of a node that a slip changes, and what is in them then."""
    if isinstance(parent, ast.keyword) and parent.arg in OF_FORM:
        return
    for name, value in ast.iter_fields(parent):
        if name in {"annotation", "decorator_list", "bases", "returns"}:
            continue
        if isinstance(value, ast.AST):
            yield from ((name, slip) for slip in slips(value))
        elif isinstance(value, list) and not isinstance(parent, ast.Module):
            for i, item in enumerate(value):
                yield from ((name, [*value[:i], slip, *value[i + 1 :]]) for slip in slips(item))
            if name in {"body", "orelse"}:
                yield from ((name, block) for block in lines_lost_or_swapped(value))


def slips(node):
    """Yield what somebody may write in place of a node who is careless."""
    match node:
        case ast.BinOp(left, op, right):
            yield from (left, right)
            if type(op) in OTHER_OPERATOR:
                yield ast.BinOp(left, OTHER_OPERATOR[type(op)](), right)
            if isinstance(op, ONE_WAY):
                yield ast.BinOp(right, op, left)
        case ast.AugAssign(target, op, value):
            yield ast.Assign([target], value)
            if type(op) in OTHER_OPERATOR:
                yield ast.AugAssign(target, OTHER_OPERATOR[type(op)](), value)
        case ast.BoolOp(op, [left, right]):
            yield from (left, right)
            yield ast.BoolOp(OTHER_OPERATOR[type(op)](), [left, right])
        case ast.Compare(left, [op, *ops], right):
            for table in (OTHER_OPERATOR, TURNED):
                if type(op) in table:
                    yield ast.Compare(left, [table[type(op)](), *ops], right)
        case ast.UnaryOp(ast.USub() | ast.Not(), operand):
            yield operand
        case ast.Constant(bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(int(value)):
            yield from (ast.Constant(value + 1), ast.Constant(value - 1))
        case ast.Constant(float(value)) if value > 1e-8:  # not an ε, which is too small to see
            yield ast.Constant(2 * value)
        case ast.IfExp(_, body, orelse):
            yield from (body, orelse)
        case ast.If(_, body, orelse):
            yield from (ast.If(ast.Constant(value), body, orelse) for value in (True, False))
        case ast.Call(function, arguments, keywords):
            name = getattr(function, "attr", getattr(function, "id", ""))
            if name not in OF_FORM:
                yield from arguments
                if isinstance(function, ast.Attribute):
                    yield function.value
            if len(arguments) > 1 and name not in EITHER_WAY:
                first, second, *rest = arguments
                yield ast.Call(function, [second, first, *rest], keywords)
            for i, keyword in enumerate(keywords):
                if keyword.arg not in OF_FORM:
                    yield ast.Call(function, arguments, keywords[:i] + keywords[i + 1 :])
        case ast.Tuple([first, second, *rest], ast.Load()):
            yield ast.Tuple([second, first, *rest], ast.Load())
        case ast.Subscript(value, _, ast.Load()) | ast.Attribute(value, "T"):
            yield value
        case ast.Attribute(value, name, context) if name in OTHER_NAME:
            yield ast.Attribute(value, OTHER_NAME[name], context)
        case ast.Name(name, ast.Load()) if name in OTHER_NAME:
            yield ast.Name(OTHER_NAME[name], ast.Load())
        case ast.Slice(lower, upper, step):
            yield from (ast.Slice(None, upper, step), ast.Slice(lower, None, step))
        case ast.comprehension(target, iterable, [_, *others], is_async):
            yield ast.comprehension(target, iterable, others, is_async)


def mixed_up(function):
    """Yield for each use of a parameter that it is taken for the next one."""
    if isinstance(function, ast.FunctionDef | ast.Lambda):
        names = [argument.arg for argument in function.args.args if argument.arg != "self"]
        for node in ast.walk(function):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names:
                yield node, "id", names[(names.index(node.id) + 1) % len(names)]


def lines_lost_or_swapped(block):
    """Yield a block without one of its lines, and with two neighbours in the other order."""
    if len(block) > 1:
        yield from (block[:i] + block[i + 1 :] for i in range(len(block)))
    for i, (one, two) in enumerate(itertools.pairwise(block)):
        if stored_by(one) & named_in(two) or stored_by(two) & named_in(one):
            yield [*block[:i], two, one, *block[i + 2 :]]


def lines_that_differ(before, after):
    """Return in a line what differs between two programs, or an empty text."""
    sides = [[line.strip() for line in text.splitlines()] for text in (before, after)]
    for end in (0, -1):
        while all(sides) and sides[0][end] == sides[1][end]:
            for lines in sides:
                del lines[end]
    if not any(sides):
        return ""
    short = [lines if len(lines) < 4 else [lines[0], "…", lines[-1]] for lines in sides]
    return " → ".join("; ".join(filter(None, lines)) or "(nothing)" for lines in short)


if __name__ == "__main__":
    for number in sys.argv[1:] or [number for chapter in CHAPTERS for number in load(chapter)]:
        exercise = load(number.partition(".")[0])[number]
        for part in filter(None, (exercise, exercise.closing)):
            start = time.process_time()
            made, passed = unnoticed(part)
            took = time.process_time() - start
            print(f"{number}: {made} wrong answers, {took:.1f} s, {len(passed)} pass", flush=True)
            print(*(f"    {text}" for text in passed), sep="\n", end="\n" * bool(passed))
