// Makes the scripts and the stylesheet of the interactive figures small. The arguments are the
// folder of their sources, the node_modules with esbuild, and the folder for what is made.
//
// A page loads shared.js and then a script for each of its figures. A page that is opened as a file
// can load no modules: these are plain scripts, and the first keeps its exports in a variable.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [source, modules, target] = process.argv.slice(2);
const { buildSync } = createRequire(import.meta.url)(join(modules, "esbuild"));

const bundle = (name, options) =>
  buildSync({
    absWorkingDir: source,
    bundle: true,
    charset: "utf8",
    logLevel: "error",
    minify: true,
    outfile: join(target, name),
    ...options,
  });

bundle("explorables.css", { entryPoints: ["./explorables.css"] });
bundle("shared.js", { entryPoints: ["./shared.mjs"], format: "iife", globalName: "explorables" });

for (const kind of Object.keys(JSON.parse(readFileSync(join(source, "settings.json"), "utf8")))) {
  const contents = `
    import { hydrate } from "./shared.mjs";
    import { figure } from "./${kind}.mjs";
    import { ${kind} } from "./settings.json";
    hydrate("${kind}", { ...figure, ...${kind} });`;
  bundle(`${kind}.js`, {
    stdin: { contents, resolveDir: source },
    external: ["./shared.mjs"],
    // In this format esbuild calls `require` for what is external.
    format: "cjs",
    banner: { js: "((require) => {" },
    footer: { js: "})(() => explorables);" },
  });
}
