// Makes the one stylesheet of all pages: of the site's stylesheets what the pages use, and of their
// fonts the characters that stand there. The arguments are node_modules, which has what does this,
// and the folder of the site; on standard input are the lists of its stylesheets, in their order,
// of its pages, and of the scripts that add to these.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [modules, site] = process.argv.slice(2);
const load = createRequire(join(modules, "-"));
const { buildSync, transformSync } = load("esbuild");
const { PurgeCSS } = load("purgecss");
const subset = load("subset-font");

const { sheets, pages, scripts } = JSON.parse(readFileSync(0, "utf8"));
const folder = join(site, "_static", "style");
const text = (name) => readFileSync(join(site, name), "utf8");
const html = pages.map((name) => [name, text(name)]);
const unique = (list) => [...new Set(list)];
const digest = (content) => createHash("sha256").update(content).digest("hex").slice(0, 8);

// All stylesheets as one, in which each font has a name of its own.
const { outputFiles } = buildSync({
  stdin: {
    contents: sheets.map((name) => `@import "./${name}";`).join(""),
    loader: "css",
    resolveDir: site,
  },
  assetNames: "[name]-[hash]",
  bundle: true,
  loader: {
    ...{ ".woff2": "file", ".woff": "empty", ".ttf": "empty" },
    ...{ ".png": "dataurl", ".svg": "dataurl" },
  },
  logLevel: "error",
  outdir: folder,
  write: false,
});
const [[sheet], fonts] = [true, false].map((css) =>
  outputFiles.filter(({ path }) => path.endsWith(".css") === css),
);

// What of them is used. The names in a page stand in its tags; what is said in words is none.
const inWords = /\b(alt|aria-label|content|d|href|src|style|title)="[^"]*"/g;
const inTags = (page) => page.match(/<[a-z][^>]*>/g).map((tag) => tag.replace(inWords, "")).join();
const inCode = (found, base) => [...found].map(([, code]) => String.fromCodePoint(parseInt(code, base)));
const used = {
  names: [...html.map(([, page]) => inTags(page)), ...scripts.map(text)].flatMap((each) =>
    unique(each.match(/[\w-]+/g)),
  ),
  characters: html.flatMap(([, page]) => [
    ...unique(page),
    ...inCode(page.matchAll(/&#(\d+);/g), 10),
  ]),
};
for (const kind in used) used[kind] = unique(used[kind]).sort();

// The stylesheet ends with what it was made from: where that is the same, an earlier one stays.
const maker = readFileSync(new URL(import.meta.url), "utf8");
const origin = `/*${digest(JSON.stringify([maker, sheet.text, used]))}*/\n`;
const file = join(folder, "style.css");
if (!existsSync(file) || !readFileSync(file, "utf8").endsWith(origin)) await make();

async function make() {
  const [{ css: purged }] = await new PurgeCSS().purge({
    css: [{ raw: sheet.text.replace(/,\s*url\(\) format\(.*?\)/g, "") }], // older formats of fonts
    content: [{ raw: used.names.join(" "), extension: "txt" }],
    extractors: [{ extensions: ["txt"], extractor: (names) => names.split(" ") }],
    keyframes: true,
    variables: true,
    // States, which are of any element; and what scripts set and do not name so: attributes, and
    // Bootstrap's classes, of which its script names far more than are used here.
    safelist: {
      standard: [/^:/, "fade", "show"],
      greedy: [/tooltip/, /popper/, /data-(theme|mode|later|verdict)/, /\[open/, /aria-/, /live-/],
    },
  });

  // PurgeCSS has an option for this, which overlooks fonts that are set with "font".
  const face = /@font-face\s*{[^}]*font-family:\s*"?([^;"]*)[^}]*}/g;
  const others = purged.replace(face, "");
  const css = purged.replace(face, (rule, family) => (others.includes(family) ? rule : ""));

  // Icons are named by codes in the stylesheet; what else there is of a font stands in the pages.
  const icons = inCode(css.matchAll(/\\([0-9a-f]{2,6})/gi), 16);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  let small = transformSync(css, { loader: "css", minify: true }).code;
  for (const { path, contents } of fonts) {
    const name = path.slice(folder.length + 1);
    if (!small.includes(name)) continue;
    const characters = name.startsWith("fa-") ? icons : unique([...icons, ...used.characters]);
    const font = await subset(Buffer.from(contents), characters.join(""), { targetFormat: "woff2" });
    const newName = name.replace(/-\w+(?=\.woff2$)/, `-${digest(font)}`);
    writeFileSync(join(folder, newName), font);
    small = small.replaceAll(name, newName);
  }
  writeFileSync(file, small + origin);
}

// Pages that stay as they are from an earlier build get the new address, too.
const style = readFileSync(file, "utf8").slice(0, -origin.length);
const address = `style.css?v=${digest(style)}"`;
for (const [name, page] of html) {
  const current = page.replace(/(?<=<link rel="stylesheet" href="[^"]*_static\/style\/)style\.css[^"]*"/, address);
  if (current !== page) writeFileSync(join(site, name), current);
}
