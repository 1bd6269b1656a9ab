// Compiles the modules in folders as Pyodide's own Python does, or each visit would compile them
// anew. The arguments are node_modules and the folder of these folders.
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, folder] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(join(modules, "pyodide", "pyodide.mjs")));
const python = await loadPyodide();
python.FS.mkdir("/folders");
python.FS.mount(python.FS.filesystems.NODEFS, { root: folder }, "/folders");
python.runPython(`
import compileall, py_compile, sys, sysconfig
from pathlib import Path

library = next(path for path in sys.path if path.endswith(".zip"))
for folder in Path("/folders").iterdir():
    compileall.compile_dir(
        folder,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        legacy=True,  # beside the source, where it is found without one
        prependdir=library if folder.name == "python_stdlib.zip" else sysconfig.get_path("purelib"),
        quiet=2,
        stripdir=folder,
    )
`);
