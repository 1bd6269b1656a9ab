// The page's own part of the cells that run: buttons, what they say, and answers that are kept.
// Python and the editor are loaded when they are first wanted. Loaded with `defer`.

const BASE = new URL(".", document.currentScript.src);
const LIMIT = { check: 30, run: 300 }; // seconds
const FILE = location.protocol === "file:"; // where a page may load neither
const STORAGE = "adagrad-by-experiment ";

const make = (name, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
};
const button = (kind, text, press) => {
  const made = make("button", { type: "button", className: `live-${kind}`, textContent: text });
  made.addEventListener("click", press);
  return made;
};

// Python, one worker at a time ---------------------------------------------------------------

const inputs = [...document.querySelectorAll("div.cell .cell_input")];
const cells = inputs.map((input) => input.closest("div.cell"));
const sources = inputs.map((input) =>
  [...input.querySelectorAll("pre")].map((pre) => pre.textContent.trimEnd()).join("\n"),
);
const torch = cells.flatMap((cell, place) => ("torch" in cell.dataset ? [place] : []));

const current = [...sources]; // as a reader has changed them and run them
let python = null; // the worker, and whether it is ready
let running = null;
const waiting = [];

function startPython() {
  const worker = new Worker(new URL("worker.js", BASE), { type: "module" });
  python = { worker, ready: false };
  worker.onmessage = ({ data }) => {
    if (worker !== python?.worker) return; // the last words of one that was stopped
    if (data.ready) python.ready = true;
    else if (data.fatal !== undefined) broke(data.fatal);
    else if (data.done !== undefined) finish(data.done);
    else running?.hear(data);
  };
  worker.onerror = ({ message }) => worker === python?.worker && broke(message);
  worker.postMessage({ start: { sources: current, torch } });
}

// A job has a message for the worker, a limit, and hears what comes of it.
function ask(job) {
  waiting.push(job);
  job.hear({ waiting: running !== null });
  next();
}
function next() {
  if (running || !waiting.length) return;
  running = waiting.shift();
  if (!python) startPython();
  running.hear({ begun: true, ready: python.ready });
  python.worker.postMessage(running.message);
}
const broke = (why) =>
  stop(
    python.ready
      ? `Python broke: ${why}. All variables are gone.`
      : "Python could not be loaded. Is there a connection?",
  );
function finish(done, why) {
  const job = running;
  running = null;
  clearTimeout(job?.timer);
  if (done) for (const { source, place } of job.message.run ?? []) current[place] = source;
  job?.hear({ done, why });
  next();
}
function stop(why) {
  python.worker.terminate();
  python = null;
  finish(false, why);
}

// What stands below a cell -------------------------------------------------------------------

class Panel {
  constructor(place, ...buttons) {
    this.cell = cells[place];
    this.place = place;
    this.status = make("span", { className: "live-status", role: "status" });
    this.more = make("span", { className: "live-more" });
    this.stop = button("stop", "Stop", () => {
      if (running?.panel === this) stop("Stopped. All variables are gone.");
      else {
        waiting.splice(waiting.findIndex(({ panel }) => panel === this), 1);
        this.end();
        this.status.textContent = "Not run.";
      }
    });
    this.stop.hidden = true;
    this.buttons = buttons;
    this.tools = make("div", { className: "live-tools" }, ...buttons, this.stop, this.status, this.more);
    inputs[place].after(this.tools);
    const look = { className: "live-output cell_output", hidden: true, ariaLive: "polite" };
    this.output = make("div", look);
    this.tools.closest(".cell > *").after(this.output); // before the caption of a figure
  }

  get source() {
    return this.editor ? this.editor.text() : (this.kept ?? sources[this.place]);
  }

  // Puts an editor in the place of the code; a promise, as it may have to be loaded.
  async edit(focus) {
    if (!this.editor) {
      this.loading ??= import(new URL("editor.js", BASE));
      const { Editor } = await this.loading.catch(() => ({}));
      if (!Editor) return void (this.status.textContent = "No editor: reload this.");
      this.editor ??= new Editor(inputs[this.place], this.source, {
        label: this.label,
        run: () => this.press(),
        changed: (text) => this.changed?.(text),
      });
    }
    if (focus) this.editor.focus();
  }

  empty() {
    this.output.replaceChildren();
    this.output.hidden = true;
  }

  // The cell is as it is stored again, and so it is for the cells below.
  putBack() {
    const { place } = this;
    current[place] = sources[place];
    python?.worker.postMessage({ putBack: { source: sources[place], place } });
  }

  ask(message, limit, heard) {
    if (FILE) {
      this.status.textContent = "This page is a file. Run make serve, or read it on the web.";
      return;
    }
    if (!this.stop.hidden) return; // it runs already
    this.heard = heard;
    const job = { message, panel: this, hear: (news) => this.hear(news, job), limit };
    ask(job);
  }

  hear(news, job) {
    if (news.waiting !== undefined) {
      for (const one of this.buttons) one.disabled = true;
      this.stop.hidden = false;
      this.status.textContent = news.waiting ? "Waiting" : "";
    } else if (news.begun) {
      this.output.replaceChildren();
      this.status.textContent = news.ready ? "Running" : "Loading Python, once";
    } else if (news.loading !== undefined) {
      const [loaded, of] = [news.loading, news.of].map((bytes) => (bytes / 1e6).toFixed(1));
      this.bar ??= make("progress", { ariaLabel: "Loading Python", max: news.of });
      this.bar.value = news.loading;
      this.more.replaceChildren(`${loaded} of ${of} MB `, this.bar);
    } else if (news.fetching) {
      this.more.textContent = `fetching ${news.fetching.split("-")[0]}`;
      clearTimeout(job.timer); // a slow network is no endless loop
    } else if (news.fetched) {
      this.limit(job);
    } else if (news.starting !== undefined) {
      const { starting, of } = news;
      this.status.textContent =
        starting < of ? `Running cell ${starting} of the ${of - 1} above that this needs` : "Running";
      const since = performance.now();
      this.more.textContent = "";
      clearInterval(this.clock);
      this.clock = setInterval(() => {
        this.more.textContent = `${Math.round((performance.now() - since) / 1000)} s`;
      }, 1000);
      job.hasRun = true;
      this.limit(job);
    } else if (news.done !== undefined) {
      this.end();
      if (news.why) {
        this.show("error", news.why);
        if (job.hasRun) this.reported?.({}); // what was stopped has not been found right
      }
      this.heard(news.done);
    } else if (news.kind === "report") this.reported?.(JSON.parse(news.text));
    else {
      if (news.kind === "error") this.reported?.({});
      this.show(news.kind, news.text.replace(/ For a hint: hint\(.*\)/, "")); // there is a button
    }
  }

  limit(job) {
    clearTimeout(job.timer);
    job.timer = setTimeout(
      () => stop(`Stopped after ${job.limit} seconds: is there an endless loop? All variables are gone.`),
      1000 * job.limit,
    );
  }

  end() {
    clearInterval(this.clock);
    const left = document.activeElement === document.body || document.activeElement === this.stop;
    for (const one of this.buttons) one.disabled = false;
    if (left) this.buttons[0].focus({ preventScroll: true }); // a button that is switched off loses the focus
    this.stop.hidden = true;
    this.status.textContent = this.more.textContent = "";
  }

  show(kind, text) {
    this.output.hidden = false;
    this.cell.classList.add("live-shown");
    const last = this.output.lastElementChild;
    if (kind === "text" && last?.className === "live-text") return last.append(text);
    let box;
    if (kind === "html") box = make("div", { className: "output text_html", innerHTML: text });
    else if (kind === "svg") {
      const src = `data:image/svg+xml,${encodeURIComponent(text)}`;
      const stored = this.cell.querySelector(".cell_output img");
      box = make("img", { src, alt: stored?.alt ?? "The figure that this code draws" });
    } else box = make("pre", { className: `live-${kind}`, textContent: text, tabIndex: 0 });
    this.output.append(box);
  }
}

class RunPanel extends Panel {
  constructor(place) {
    const run = button("run", "Run", () => this.press());
    const stored = button("stored", "Stored output", () => this.restore());
    super(place, run, stored);
    stored.hidden = true;
    this.stored = stored;
    this.label = "Code of this cell";
  }

  press() {
    if (!FILE) this.edit();
    const steps = [{ source: this.source, place: this.place }];
    this.ask({ run: steps }, LIMIT.run, (done) => {
      this.stored.hidden = false;
      this.cell.classList.add("live-shown");
      if (done && this.output.hidden) this.status.textContent = "Done: no output.";
    });
  }

  restore() {
    this.putBack();
    this.empty();
    this.cell.classList.remove("live-shown");
    this.stored.hidden = true;
    this.editor?.set(sources[this.place]);
  }
}

// Exercises ------------------------------------------------------------------------------------

// Returns whether it could: if the browser has no room left, it is kept as long as the page is open.
const keep = (key, state) => {
  try {
    localStorage.setItem(key, JSON.stringify(state));
    return true;
  } catch {
    return false;
  }
};

class ExercisePanel extends Panel {
  constructor(place) {
    const check = button("check", "Check", () => this.press());
    const hint = button("hint", "Hint", () => this.hint());
    const reset = button("reset", "Start over", () => this.reset());
    super(place, check, hint, reset);
    this.number = this.cell.dataset.exercise;
    this.label = `Your answer to exercise ${this.number}`;
    // An answer belongs to the starter that it was written into: a new edition begins anew.
    this.key = `${STORAGE}${this.number} ${sources[place]}`;
    this.hinted = 0;
    this.box = this.cell.previousElementSibling;
    while (this.box && !this.box.matches(".exercise")) this.box = this.box.previousElementSibling;
    cells[place + 1].hidden = true; // the check, which the button runs
    // Of the element around it, the theme says itself whether Tab reaches it.
    const pre = inputs[place].querySelector("pre");
    this.code = make("span", { tabIndex: 0, role: "textbox", ariaLabel: this.label }, ...pre.childNodes);
    pre.append(this.code);
    this.recall();
    if (!FILE) this.code.onfocus = this.code.onclick = () => this.edit(true);
  }

  // Shows what is kept: an answer of an earlier visit, or of the same page in another tab.
  recall() {
    if (this.unkept) return;
    let answer, solved;
    try {
      ({ answer, solved } = JSON.parse(localStorage.getItem(this.key)));
    } catch {} // none, or not as it was kept
    this.mark(solved);
    this.recalls = true; // what comes from there is not put there again: the other tab may be ahead
    this.write(answer ?? sources[this.place]);
    this.recalls = false;
  }

  write(answer) {
    if (answer === this.source) return;
    if (this.editor) this.editor.set(answer);
    else this.kept = this.code.textContent = answer;
  }

  press() {
    if (!this.stop.hidden) return; // what is being tried stays what was tried
    if (!FILE) this.edit();
    const place = this.place;
    this.tried = this.source;
    const steps = [{ source: this.tried, place }, { source: sources[place + 1], place: place + 1 }];
    this.ask({ run: steps }, LIMIT.check, () => {});
  }

  hint() {
    this.ask({ hints: this.number }, LIMIT.check, (hints) => {
      if (!hints) return;
      this.hinted = Math.min(this.hinted + 1, hints.length);
      hints.slice(0, this.hinted).forEach((text, i) =>
        this.show("text", `Hint ${i + 1} of ${hints.length}: ${text}\n`),
      );
    });
  }

  reset() {
    this.putBack(); // before a run that waits for this one begins
    if (!this.stop.hidden) this.stop.click(); // or its report would come
    this.empty();
    this.mark(false); // first, for another tab may answer to what is written
    this.write(sources[this.place]);
    this.hinted = 0;
    this.unkept = false;
    count();
    try {
      localStorage.removeItem(this.key); // at the end, as the editor has told of its change
    } catch {}
  }

  changed(answer) {
    if (!this.recalls) this.unkept = !keep(this.key, { answer, solved: this.solved });
  }

  reported({ verdict }) {
    this.mark(verdict === "passed" && this.tried === this.source);
    count();
    this.changed(this.source);
  }

  mark(solved) {
    this.solved = Boolean(solved);
    this.sign?.remove();
    if (solved) {
      this.sign = make("span", { className: "live-solved", textContent: "✓ solved" });
      this.box?.querySelector(".admonition-title").append(this.sign);
    }
  }
}

// What stands where a cell needs PyTorch.
function elsewhere() {
  const link = make("a", { href: new URL("../../chapters/setup.html", BASE).href });
  link.textContent = "JupyterLab or Binder";
  return make("p", { className: "live-torch" }, "Needs PyTorch: run it in ", link);
}

const panels = [];
cells.forEach((cell, place) => {
  if ("exercise" in cell.dataset) panels.push(new ExercisePanel(place));
  else if ("live" in cell.dataset && !cell.hidden && !cell.querySelector(".explorable")) {
    new RunPanel(place);
  } else if (cell.dataset.torch === "") inputs[place].after(elsewhere());
});

// What is solved, and taking it away -----------------------------------------------------------

// The number of exercises is kept with those that are solved, for solved.mjs on the first page.
const page = location.pathname.split("/").pop().replace(".html", "");
const tally = `${STORAGE}page `;
let bar;

function count() {
  const solved = panels.filter((panel) => panel.solved).length;
  keep(tally + page, { solved, of: panels.length });
  bar.textContent = `${solved} of ${panels.length} solved. `;
}

async function download() {
  count();
  const path = new URL(`../../_sources/chapters/${page}.ipynb`, BASE);
  const notebook = await fetch(path).then((found) => found.json()).catch(() => {});
  if (!notebook?.cells) {
    bar.textContent = "The chapter could not be fetched, your answers are still here. Is there a connection? ";
    return;
  }
  for (const cell of notebook.cells) {
    const source = [cell.source].flat().join("").trimEnd();
    const panel = panels.find(({ place }) => sources[place] === source);
    if (panel && cell.cell_type === "code") cell.source = panel.source;
  }
  const file = new Blob([JSON.stringify(notebook, null, 1) + "\n"], { type: "application/json" });
  const link = make("a", { href: URL.createObjectURL(file), download: `${page}.ipynb` });
  link.click();
}

function clear() {
  if (confirm("Delete your answers on this page?")) {
    for (const panel of panels) panel.reset();
  }
}

const recall = (some) => {
  for (const panel of some) panel.recall();
  if (some.length) count();
};
addEventListener("storage", ({ key }) => recall(panels.filter((panel) => panel.key === key)));
addEventListener("pageshow", ({ persisted }) => persisted && recall(panels)); // came back by "Back"

if (panels.length) {
  bar = make("span", { role: "status" });
  const tools = FILE ? [] : [button("download", "Download my answers", download), button("clear", "Clear", clear)];
  panels[0].box.before(make("div", { className: "live-tools" }, bar, ...tools));
  count();
}
