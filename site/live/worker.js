// The Python of a page: a worker, so that the page stays responsive and code can be stopped.
//
// The page says {start: {sources, torch}} and then {run: steps}, where a step is a source and its
// place among the cells, or {hints: number}. It hears {loading, of} in bytes and {ready},
// {fetching} and {fetched}, {starting, of}, {kind, text}, and at last {done}, or {fatal}. To
// {putBack: step}, which gives a cell its code again but does not run it, there is no answer.
import { loadPyodide } from "./pyodide.mjs";

const here = (file) => new URL(file, import.meta.url).href;
const say = (message) => postMessage(message);

// Everything that is loaded before the first result, counted while it comes.
const download = self.fetch;
let loaded = 0;
let total = 0;
self.fetch = async (resource, options) => {
  const response = await download(resource, options);
  if (!response.ok) throw new Error(`${response.status} at ${response.url}`);
  count(response.clone());
  return response; // itself, for only of this a browser keeps the compiled code
};
async function count({ body }) {
  for (const reader = body.getReader(); ; ) {
    const { value, done } = await reader.read();
    if (done) return;
    loaded += value.byteLength;
    say({ loading: loaded, of: total });
  }
}
const bytes = async (file) => new Uint8Array(await (await fetch(here(file))).arrayBuffer());

let notebook;
async function start({ sources, torch }) {
  const packages = await (await download(here("packages.json"))).json();
  total = packages.total;
  const early = Object.fromEntries(packages.first.map((file) => [file, bytes(file)]));
  const [python, book] = await Promise.all([loadPyodide(), bytes("book.zip")]);
  for (const file in early) early[file] = await early[file];
  python.unpackArchive(book, "zip", { extractDir: "/book" });
  python.pyimport("sys").path.insert(0, "/book");

  // Python waits for a package that it imports, so this cannot be done with promises.
  const fetchNow = (file) => {
    let content = early[file];
    delete early[file];
    if (!content) {
      say({ fetching: file });
      const request = new XMLHttpRequest();
      request.open("GET", here(file), false);
      request.responseType = "arraybuffer";
      try {
        request.send();
      } finally {
        say({ fetched: file });
      }
      if (request.status !== 200) throw new Error(`${request.status} at ${file}`);
      content = new Uint8Array(request.response);
    }
    return python.toPy(content);
  };
  // As Pyodide itself loads a library that others name without its folder.
  const link = (path) => {
    const { LDSO, loadDynamicLibrary } = python._module;
    loadDynamicLibrary(path, { global: true, nodelete: true, allowUndefined: true, fs: python.FS });
    LDSO.loadedLibsByName[path.split("/").pop()] = LDSO.loadedLibsByName[path];
  };
  const runner = python.pyimport("runner");
  runner.bring_packages(python.toPy(packages.files), fetchNow, link);
  notebook = runner.Notebook(python.toPy(sources), python.toPy(torch), (kind, text) =>
    say({ kind, text }),
  );
}

const starting = (starting, of) => say({ starting, of });
const work = {
  start: ({ start: page }) => start(page).then(() => say({ ready: true })),
  run: ({ run }) =>
    say({ done: run.every(({ source, place }) => notebook.run(source, place, starting)) }),
  hints: ({ hints }) => say({ done: notebook.hints(hints).toJs() }),
  putBack: ({ putBack: { source, place } }) => notebook.put_back(source, place),
};

// One after the other: a run that comes while Python is being loaded waits for it.
let last = Promise.resolve();
onmessage = ({ data }) => {
  const kind = Object.keys(work).find((name) => name in data);
  last = last.then(() => work[kind](data)).catch((error) => say({ fatal: String(error) }));
};
