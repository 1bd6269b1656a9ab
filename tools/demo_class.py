"""Make up a class of five that hands in one chapter, and grade it, to see what collecting gives.

    python tools/demo_class.py demo-class

student-1 has solved everything, student-2 makes a known mistake in each exercise, student-3 has
done the first half, student-4 misspells a name in the first answer, and student-5 has solved all
but the last exercise on the page, and downloaded the answers.
"""

import argparse
import ast
import copy
import sys
from pathlib import Path

import collect
import nbformat

from adagrad_course.exercises import load

CHAPTER = Path(__file__).resolve().parents[1] / "chapters" / "half-an-hour.ipynb"


def main(arguments=None):
    """Do what the command line says, and return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="a new folder for the notebooks")
    parser.add_argument("--chapter", type=Path, default=CHAPTER, help="(half-an-hour.ipynb)")
    options = parser.parse_args(arguments)
    try:
        options.folder.mkdir(parents=True)
    except FileExistsError:
        parser.error(f"name a folder that is not there yet, got {options.folder}")
    hand_in(nbformat.read(options.chapter, as_version=4), options.folder, options.chapter.name)
    return collect.main([str(options.folder)])


def hand_in(chapter, folder, name):
    """Write what five students made of a chapter, each into a subfolder."""
    asked = questions(chapter)
    right = {number: solution(chapter, number, names) for number, (_, names) in asked.items()}
    first, *_, last = right
    class_ = {
        "student-1": right,
        "student-2": {number: mistake(number, names) for number, (_, names) in asked.items()},
        "student-3": dict(list(right.items())[: len(right) // 2]),
        "student-4": right | {first: f'prnit("here it is")\n{right[first]}'},
        "student-5": {number: right[number] for number in right if number != last},
    }
    for student, answers in class_.items():
        notebook = copy.deepcopy(chapter)
        for number, answer in answers.items():
            notebook.cells[asked[number][0]].source = answer
        if student != "student-5":  # a download has the book's outputs
            for cell in notebook.cells:
                if cell.cell_type == "code":
                    cell.outputs, cell.execution_count = [], None
        (folder / student).mkdir()
        nbformat.write(notebook, folder / student / name)


def questions(chapter):
    """Return, by number, where the starter of an exercise is, and which names its check takes."""
    found, starter = {}, None
    for place, cell in enumerate(chapter.cells):
        if cell.cell_type == "code":
            number, answers = checked(cell.source)
            if number and number not in found:
                found[number] = starter, answers
            starter = place
    return found


def solution(chapter, number, names):
    """Return the book's solution of an exercise as a student's answer, under the names wanted."""
    title = f"# Solution of {number}\n"
    cells = [cell.source for cell in chapter.cells if cell.source.startswith(title)]
    source = "\n\n\n".join(cell.removeprefix(title) for cell in cells)
    lines = source.splitlines()
    for check in checks(source):
        for place in range(check.lineno - 1, check.end_lineno):
            lines[place] = ""
    pairs = zip(names, checked(source)[1], strict=True)
    lines += [f"{name} = {answer}" for name, answer in pairs if name != answer]
    return "\n".join(lines)


def mistake(number, names):
    """Return the first mistake that the check of an exercise knows, as a student's answer."""
    chapter = number.partition(".")[0]
    mistakes = load(chapter)[number].mistakes
    hint = next(iter(mistakes), None)
    answer = f"exercise.mistakes[{hint!r}]" if hint else "None"
    if isinstance(mistakes.get(hint), dict):  # it has the wrong parts only
        answer = f"exercise.reference | {answer}"
    return "\n".join(
        [
            "from adagrad_course.exercises import load",
            "",
            f'exercise = load("{chapter}")["{number}"]',
            f"{names[0]} = {answer}",
            *(f"{name} = exercise.closing.reference" for name in names[1:]),
        ]
    )


def checked(source):
    """Return the number of the exercise that code checks, and the answers as they are written."""
    for check in checks(source):
        number, *answers = check.value.args
        return number.value, [ast.get_source_segment(source, answer) for answer in answers]
    return None, []


def checks(source):
    """Return the lines of code that are `check("1.2", answer)`."""
    lines = ast.parse(source).body if "check(" in source else []
    return [line for line in lines if ast.unparse(line).startswith("check('")]


if __name__ == "__main__":
    sys.exit(main())
