"""Random notebooks that are edited, run, stopped and put back, in a process of its own.

Whatever a reader does, a cell must print what it prints if all cells are run from the top. Called
with the folders of the runner and how many notebooks, it prints each that does something else.
"""

import contextlib
import io
import random
import sys

EDITS = (
    "{x} = [{n}]",
    "{x} = [{n}, *{y}]",
    "{x}.append({n})",
    "{x} += [{n}]",
    "def f():\n    return [{n}, *{y}]",
    "{x} = f()",
    "if len({y}) > 1:\n    {x} = [{n}]",
    "from string import digits as d",  # a name that nothing else binds
    "{x} = [*d]",
    "other = {n}",
    "print({x})",
)
FIRST = "a = [0]\nb = [1]\nc = [2]\ndef f():\n    return [5]"
FAILS = "\n1 / 0"


def some_code(rng):
    """One or two statements about three names."""
    chosen = rng.choices(EDITS, k=rng.choice([1, 1, 2]))
    return "\n".join(
        edit.format(x=rng.choice("abc"), y=rng.choice("abc"), n=rng.randrange(10))
        for edit in chosen
    )


def from_the_top(sources):
    """What the last of the cells prints if all are run; None if one fails."""
    names, printed = {}, io.StringIO()
    for source in sources:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            try:
                exec(source, names)
            except Exception:
                return None
    return printed.getvalue()


class Reader:
    """Somebody who works with a notebook, and the code that its cells now have."""

    def __init__(self, rng, make):
        self.rng, self.make = rng, make
        self.stored = [FIRST, *(some_code(rng) for _ in range(4)), f"print({rng.choice('abc')})"]
        self.current = list(self.stored)
        self.stop()

    def stop(self):
        """Stop Python; the next one knows what was edited."""
        self.shown = []
        self.notebook = self.make(list(self.current), [], lambda *shown: self.shown.append(shown))
        self.notebook.names = {}

    def run(self, place, code):
        """Run code in a cell; return whether it gave what it gives from the top, and that."""
        expected = from_the_top([*self.current[:place], code])
        if expected is None and not code.endswith(FAILS):
            return True, ""  # a cell above does not run, either
        self.shown.clear()
        ended = self.notebook.run(code, place)
        if ended:
            self.current[place] = code
        printed = "".join(text for kind, text in self.shown if kind == "text")
        return expected is None or (ended, printed) == (True, expected), expected

    def do_something(self):
        """Do one thing at random; return whether it went well, and what it was."""
        place = self.rng.randrange(len(self.stored))
        what = self.rng.choice(["run", "run", "edit", "edit", "fail", "put back", "stop"])
        if what == "stop":
            self.stop()
        elif what == "put back":
            self.current[place] = self.stored[place]
            self.notebook.put_back(self.stored[place], place)
        else:
            code = self.current[place] if what == "run" else some_code(self.rng)
            code += FAILS if what == "fail" else ""
            well, expected = self.run(place, code)
            return well, (what, place, code, expected, list(self.shown))
        return True, (what, place)


def main():
    """Play as often as asked."""
    folders, times = sys.argv[1:-1], int(sys.argv[-1])
    sys.path[:0] = folders
    import runner

    for seed in range(times):
        reader, done = Reader(random.Random(seed), runner.Notebook), []
        for _ in range(9):
            well, what = reader.do_something()
            done.append(what)
            if not well:
                print(seed, reader.stored, *done, sep="\n", file=sys.__stdout__)
                break


if __name__ == "__main__":
    main()
