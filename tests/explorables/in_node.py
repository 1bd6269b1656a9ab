"""The figures' scripts, run in Node."""

import atexit
import json
import subprocess
from functools import cache
from pathlib import Path
from threading import Timer

from book_site import find_node

from adagrad_course import explorables

FOLDER = Path(explorables.__file__).parent
FIGURES = json.loads((FOLDER / "settings.json").read_text(encoding="utf-8"))
# Answers each line: evaluates one expression for each entry of a list, which it finds as `it`.
RUN = """
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const folder = process.argv[1];
const load = (name) => import(pathToFileURL(join(folder, name)));
const FIGURES = JSON.parse(readFileSync(join(folder, "settings.json"), "utf8"));
for (const kind in FIGURES) Object.assign(FIGURES[kind], (await load(`${kind}.mjs`)).figure);
const names = { ...(await load("shared.mjs")), FIGURES };
const answer = ({ expression, entries, first }) => {
    try {
        const each = new Function("it", "names", `with (names) return ${expression}`);
        new Function("names", `with (names) { ${first} }`)(names);
        return { values: entries.map((it) => each(it, names)) };
    } catch (error) {
        return { error: error.stack };
    }
};
for await (const line of createInterface({ input: process.stdin }))
    process.stdout.write(JSON.stringify(answer(JSON.parse(line))) + "\\n");
"""


def start():
    """Start Node, which takes more time than most questions."""
    return subprocess.Popen(
        [find_node(), "--input-type=module", "-e", RUN, str(FOLDER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )


def end(node):
    node.stdin.close()
    node.wait()
    node.stdout.close()


@cache
def started():
    """The Node of all questions that leave everything as it is."""
    node = start()
    atexit.register(end, node)
    return node


def evaluate(expression, entries, first=""):
    """Return what an expression of the scripts' names gives for each entry, called `it`.

    `FIGURES` has all figures by name. What is given as `first` is done before, for this call alone.
    """
    node = start() if first else started()
    patience = Timer(60, node.kill)
    patience.start()
    try:
        question = {"expression": expression, "entries": entries, "first": first}
        print(json.dumps(question), file=node.stdin, flush=True)
        answer = json.loads(node.stdout.readline() or '{"error": "Node has ended"}')
    finally:
        patience.cancel()
        if first:
            end(node)
    if "error" in answer:  # no assertion: a test might expect one that fails
        raise RuntimeError(answer["error"])
    return answer["values"]
