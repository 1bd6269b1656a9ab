// Makes the scripts of the cells that run small. The arguments are node_modules, which has esbuild
// and the editor, and the folder for what is made.
import { createRequire } from "node:module";
import { join } from "node:path";

const [modules, target] = process.argv.slice(2);
const { buildSync } = createRequire(import.meta.url)(join(modules, "esbuild"));
const bundle = (name, source, format) =>
  buildSync({
    absWorkingDir: import.meta.dirname,
    bundle: true,
    charset: "utf8",
    entryPoints: [`./${source}`],
    external: ["./pyodide.mjs"],
    format,
    logLevel: "error",
    minify: true,
    nodePaths: [modules],
    outfile: join(target, name),
  });

bundle("page.js", "page.mjs", "iife"); // opened as a file, a page can load no module
bundle("solved.js", "solved.mjs", "iife");
bundle("editor.js", "editor.mjs", "esm");
bundle("worker.js", "worker.js", "esm");
bundle("live.css", "live.css");
bundle("editor.css", "editor.css");
