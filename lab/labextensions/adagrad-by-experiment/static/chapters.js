// Chapters in JupyterLab: their look, links that arrive, and no traces of what is only looked at.
// Loaded by `make lab` and on Binder; elsewhere a link opens the right file, at its top, and nothing
// in a folded part.
//
// There is nothing to build: what JupyterLab wants of an extension is the object at the end.

const HERE = document.currentScript.src;

function activate(app) {
  const look = document.createElement("link");
  look.rel = "stylesheet";
  look.href = new URL("chapters.css", HERE).href;
  document.head.append(look);
  document.addEventListener("click", ({ target }) => {
    const link = target.closest?.(".jp-RenderedMarkdown a[href*='#']");
    if (link) arrive(app, decodeURIComponent(link.hash.slice(1)));
  });
  app.docRegistry.addWidgetExtension("Notebook", {
    createNew({ content }, { model }) {
      keepClean(model);
      hideBlankOutputs(content.node);
    },
  });
}

// JupyterLab notes which Python runs, and would say "unsaved" of a chapter that was only opened.
function keepClean(model) {
  model.metadataChanged.connect((_, { key }) => {
    if (key === "language_info" && !model.dirty) queueMicrotask(() => (model.dirty = false));
  });
}

// A progress bar wipes itself away with blanks, and they would stay as a red bar.
function hideBlankOutputs(page) {
  new MutationObserver(() => {
    for (const output of page.querySelectorAll("[data-mime-type='application/vnd.jupyter.stderr']"))
      output.hidden = !output.textContent.trim();
  }).observe(page, { childList: true, subtree: true });
}

// JupyterLab looks for the target once, before a notebook that opens has drawn its cells.
async function arrive(app, label) {
  for (let tries = 0, arrived = 0; tries < 150 && arrived < 3; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    const page = app.shell.currentWidget?.content;
    const target = page?.node.querySelector(`[data-jupyter-id="${CSS.escape(label)}"]`);
    if (!target) continue;
    unfold(page, target);
    // More than once: figures and formulas above it are still growing.
    target.scrollIntoView();
    arrived++;
  }
}

function unfold(page, target) {
  for (let part = target; (part = part.closest("details:not([open])")); ) part.open = true;
  const cells = page.widgets ?? [];
  let i = cells.findIndex((cell) => cell.node.contains(target));
  const cell = cells[i];
  while (cell?.isHidden && i-- > 0) {
    if (cells[i].headingCollapsed) cells[i].headingCollapsed = false;
  }
}

const extension = { id: "adagrad-by-experiment:chapters", autoStart: true, activate };

window._JUPYTERLAB ??= {};
window._JUPYTERLAB["adagrad-by-experiment"] = {
  init() {},
  get: async () => () => extension,
};
