"""The figures' scripts, run in Node."""

import json
import subprocess
from pathlib import Path

from book_site import find_node

from adagrad_course import explorables

FOLDER = Path(explorables.__file__).parent
FIGURES = json.loads((FOLDER / "settings.json").read_text(encoding="utf-8"))
# Evaluates one expression for each entry of a list, which it finds as `it`.
RUN = """
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, first, expression] = process.argv.slice(1);
const load = (name) => import(pathToFileURL(join(folder, name)));
const FIGURES = JSON.parse(readFileSync(join(folder, "settings.json"), "utf8"));
for (const kind in FIGURES) Object.assign(FIGURES[kind], (await load(`${kind}.mjs`)).figure);
const names = { ...(await load("shared.mjs")), FIGURES };
const input = JSON.parse(readFileSync(0, "utf8"));
const each = new Function("it", "names", `with (names) return ${expression}`);
new Function("names", `with (names) { ${first} }`)(names);
process.stdout.write(JSON.stringify(input.map((it) => each(it, names))));
"""


def evaluate(expression, entries, first=""):
    """Return what an expression of the scripts' names gives for each entry, called `it`.

    `FIGURES` has all figures by name. What is given as `first` is done before.
    """
    done = subprocess.run(
        [find_node(), "--input-type=module", "-e", RUN, str(FOLDER), first, expression],
        input=json.dumps(entries),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )
    if done.returncode != 0:  # no assertion: a test might expect one that fails
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)
