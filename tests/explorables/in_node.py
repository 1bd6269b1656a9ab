"""The figures' script, run in Node."""

import json
import subprocess
from pathlib import Path

from book_site import find_node

from adagrad_course import explorables

SCRIPT = Path(explorables.__file__).with_name("explorables.js")
# Evaluates one expression for each entry of a list, which it finds as `it`.
RUN = """
const explorables = require(process.argv[1]);
const each = new Function("it", "x", `with (x) return ${process.argv[2]}`);
const input = JSON.parse(require("fs").readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(input.map((it) => each(it, explorables))));
"""


def evaluate(expression, entries, script=SCRIPT):
    """Return what an expression of the script's names gives for each entry, called `it`."""
    done = subprocess.run(
        [find_node(), "-e", RUN, script, expression],
        input=json.dumps(entries),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
