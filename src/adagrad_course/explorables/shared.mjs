// What the interactive figures share, on the book's pages, in JupyterLab and in the tests.
//
// A figure is an object: what settings.json says of it, and three pure functions. `simulate` turns
// settings into numbers, `draw` turns numbers into SVG, `say` into words. They do not touch the
// document: only `mount` does, and what calls it.

// What a method remembers of a coordinate's gradients g, and the rate it makes of that.
export const METHODS = {
  SGD: { next: (s) => s, rate: (lr) => lr },
  AdaGrad: { next: (s, g) => s + g * g, rate: (lr, s) => lr / (Math.sqrt(s) + 1e-10) },
  RMSProp: {
    next: (s, g) => 0.99 * s + 0.01 * g * g,
    rate: (lr, s) => lr / (Math.sqrt(s) + 1e-8),
  },
};

// Numbers, scales, SVG ---------------------------------------------------------------------

export const clamp = (v, low, high) => Math.min(Math.max(v, low), high);
export const last = (list) => list[list.length - 1];
const POWERS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

export function show(v, digits = 2) {
  if (v < 0) return "−" + show(-v, digits);
  if (v !== 0 && (v < 1e-3 || v >= 1e7)) {
    const [factor, power] = v.toExponential(1).split("e");
    const raised = [...String(Math.abs(power))].map((digit) => POWERS[digit]).join("");
    return `${factor} × 10${power < 0 ? "⁻" : ""}${raised}`;
  }
  return v >= 100 ? Math.round(v).toLocaleString("en") : String(+v.toPrecision(digits));
}
export const percent = (v) => `${v > 0 && v < 0.01 ? "less than 1" : show(100 * v)} %`;
export const plural = (n, word) => `${show(n)} ${word}${n === 1 ? "" : "s"}`;

export function bytes(v) {
  let unit = 0;
  // What would be rounded to 1000 has the next unit.
  for (; v >= 999.5 && unit < 8; unit++) v /= 1000;
  return `${+v.toPrecision(3)} ${["bytes", ..."kMGTPEZY"][unit]}${unit ? "B" : ""}`;
}

export const scale = (from, to, low, high) => (v) =>
  low + ((v - from) / (to - from)) * (high - low);
export const logScale = (from, to, low, high) => {
  const linear = scale(Math.log(from), Math.log(to), low, high);
  return (v) => linear(Math.log(v));
};

export const round = (v) => Math.round(clamp(v, -1e4, 1e4) * 10) / 10;
export const tag = (name, attributes, content = "") =>
  `<${name}${Object.entries(attributes)
    .map(([key, v]) => ` ${key}="${typeof v === "number" ? round(v) : v}"`)
    .join("")}>${content}</${name}>`;
export const text = (x, y, words, look = "", anchor = "start") =>
  tag("text", { x, y, class: look, "text-anchor": anchor }, words);
export const box = (x, y, width, height, look) =>
  tag("rect", { x, y, width: Math.max(width, 0), height: Math.max(height, 0), class: look });
export const line = (x1, y1, x2, y2, look = "axis") => tag("line", { x1, y1, x2, y2, class: look });
export const curve = (points, look) =>
  tag("path", {
    d: "M" + points.map(([x, y]) => `${round(x)} ${round(y)}`).join("L"),
    class: look,
  });
export const dots = (points, look) =>
  tag("path", { d: points.map(([x, y]) => `M${round(x)} ${round(y)}h0`).join(""), class: look });
// What is drawn outside of a frame is cut off.
export const frame = (x, y, width, height, content) => tag("svg", { x, y, width, height }, content);

// Settings and links -----------------------------------------------------------------------

// A link ends in, say, #race:lr=1.2,rotation=45; a list of numbers is written 0.5_0.3_0.1_0.1.
export const parse = (words) =>
  Object.fromEntries(
    words
      .split(",")
      .filter(Boolean)
      .map((pair) => pair.split(/=(.*)/s, 2)),
  );
export const write = (settings) =>
  Object.entries(settings)
    .map(([key, v]) => `${key}=${Array.isArray(v) ? v.join("_") : v}`)
    .join(",");

// A setting's value as the figure can use it, or undefined.
function fit(spec, raw) {
  if (spec.options) return Object.hasOwn(spec.options, raw) ? raw : undefined;
  if (spec.list) {
    if (raw === null) return null;
    const list = (typeof raw === "string" ? raw.split("_") : Array.from(raw ?? [])).map(Number);
    const sum = list.reduce((total, v) => total + v, 0);
    const fits = list.length === spec.list && list.every((v) => v > 0) && Math.abs(sum - 1) < 1e-3;
    return fits ? list : undefined;
  }
  const v = typeof raw === "string" && raw.trim() ? Number(raw) : raw;
  const fits = typeof v === "number" && v >= spec.min && v <= spec.max;
  return fits && !(spec.whole && v % 1) ? v : undefined;
}

// Settings from anywhere: what does not fit is left at its default, and said.
export function clean(specs, raw, home = {}) {
  const defaults = Object.entries(specs).map(([key, spec]) => [key, spec.default]);
  const state = { ...Object.fromEntries(defaults), ...home };
  const notes = [];
  for (const [key, value] of Object.entries(raw)) {
    const spec = Object.hasOwn(specs, key) ? specs[key] : null;
    const fitted = spec ? fit(spec, value) : undefined;
    if (fitted !== undefined) state[key] = fitted;
    else if (!spec) notes.push(`This figure has no setting “${key.slice(0, 40)}”.`);
    else {
      const allowed = spec.options
        ? `one of ${Object.keys(spec.options).join(", ")}`
        : spec.list
          ? `${spec.list} positive shares with the sum 1`
          : `a ${spec.whole ? "whole " : ""}number from ${spec.min} to ${spec.max}`;
      const given = String(value).slice(0, 40);
      notes.push(`${key} must be ${allowed}, not “${given}”: the default is shown.`);
    }
  }
  return { state, note: notes.join(" ") };
}

// A figure at work -------------------------------------------------------------------------

let mounted = 0;

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// How a setting is shown beside its slider, and the slider's own scale.
function shown(spec, v) {
  if (spec.unit === "%") return percent(v);
  return (spec.whole || v >= 1000 ? show(v) : String(+v.toPrecision(3))) + (spec.unit || "");
}
// Of a logarithmic slider.
const POSITIONS = 200;
function toPosition(spec, v) {
  return spec.log ? Math.round(logScale(spec.min, spec.max, 0, POSITIONS)(v)) : v;
}
function fromPosition(spec, position) {
  if (!spec.log) return position;
  if (position <= 0) return spec.min;
  if (position >= POSITIONS) return spec.max;
  const v = +(spec.min * (spec.max / spec.min) ** (position / POSITIONS)).toPrecision(
    2 + !spec.whole,
  );
  return spec.whole ? Math.round(v) : v;
}

// A labelled control; `changed` is called with the new value, `show` shows one.
function control(spec, id, changed) {
  const label = make("label", { for: id }, spec.label);
  if (spec.options) {
    const select = make("select", { id });
    for (const [value, words] of Object.entries(spec.options)) {
      select.append(make("option", { value }, words));
    }
    select.addEventListener("input", () => changed(select.value));
    const show = (v) => (select.value = v);
    return { element: make("div", { class: "x-control" }, label, select), show };
  }
  const range = { min: spec.min, max: spec.max, step: spec.step || "any" };
  if (spec.log) Object.assign(range, { min: 0, max: POSITIONS, step: 1 });
  const input = make("input", { id, type: "range", ...range });
  const output = make("output", { for: id, "aria-live": "off" });
  input.addEventListener("input", () => changed(fromPosition(spec, +input.value)));
  const show = (v) => {
    if (+input.value !== toPosition(spec, v)) input.value = toPosition(spec, v);
    output.textContent = shown(spec, v);
    input.setAttribute("aria-valuetext", output.textContent);
  };
  return { element: make("div", { class: "x-control" }, label, output, input), show };
}

const SVG = "http://www.w3.org/2000/svg";
const HANDLE = '<circle r="22" class="touch"/><circle r="8" class="knob"/>';

// Put a figure into an element. `changed(state)` is called when the reader has changed something.
function mount(root, figure, home, changed) {
  const prefix = `x${++mounted}-`;
  const state = { ...home };
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const keys = Object.keys(figure.settings);
  const playable = keys.find((key) => figure.settings[key].play);
  const sliders = keys.filter((key) => !figure.settings[key].dragged);
  let width = 0;
  let picture = null;
  let waiting = 0;
  let playing = 0;
  let spoken = 0;
  let dragged = -1;

  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "x-picture");
  svg.setAttribute("role", "group");
  svg.setAttribute("aria-label", figure.about);
  const scene = svg.appendChild(document.createElementNS(SVG, "g"));
  // The words say it.
  scene.setAttribute("aria-hidden", "true");
  const words = make("p", { class: "x-words" });
  const status = make("p", { class: "x-status", role: "status" });
  const note = make("p", { class: "x-note", role: "alert", hidden: "" });
  const controls = make("div", { class: "x-controls" });
  const buttons = make("div", { class: "x-buttons" });
  const shows = {};
  for (const key of sliders) {
    const spec = figure.settings[key];
    const made = control(spec, prefix + key, (value) => {
      stop();
      reader({ [key]: value, ...(spec.clears && { [spec.clears]: null }) });
    });
    shows[key] = made.show;
    controls.append(made.element);
  }
  const button = (label, pressed) => {
    const element = make("button", { type: "button" }, label);
    element.addEventListener("click", pressed);
    return buttons.appendChild(element);
  };
  const play = playable && button("Play", () => (playing ? stop() : start()));
  if (playable) {
    button("Step", () => {
      stop();
      const { min, max } = figure.settings[playable];
      reader({ [playable]: state[playable] >= max ? min : state[playable] + 1 });
    });
  }
  button("Reset", () => {
    stop();
    reader(home);
  });

  root.replaceChildren(note, svg, words, status, controls, buttons);
  root.classList.add("x-live");

  // Changes of one frame are drawn together.
  function set(patch) {
    Object.assign(state, patch);
    if (!waiting) waiting = requestAnimationFrame(update);
  }

  function reader(patch) {
    note.hidden = true;
    set(patch);
    changed({ ...state });
  }

  function update() {
    cancelAnimationFrame(waiting);
    waiting = 0;
    if (!width) return;
    const simulated = figure.simulate(state);
    picture = figure.draw(state, simulated, width);
    svg.setAttribute("viewBox", `0 0 ${width} ${Math.ceil(picture.height)}`);
    scene.innerHTML = picture.scene;
    picture.handles.forEach(placeHandle);
    for (const key of sliders) shows[key](state[key]);
    words.textContent = figure.say(state, simulated);
    speak();
  }

  // Screen readers hear the words when the reader pauses, not sixty times a second.
  function speak() {
    if (!spoken) {
      // The first words are read where they stand.
      spoken = -1;
      return;
    }
    clearTimeout(spoken);
    spoken = setTimeout(() => (status.textContent = words.textContent), 600);
  }

  // Handles stay in place while the scene behind them is drawn anew, and so keep the focus.
  const handles = [];
  function placeHandle(handle, i) {
    if (!handles[i]) {
      const knob = svg.appendChild(document.createElementNS(SVG, "g"));
      knob.innerHTML = HANDLE;
      knob.setAttribute("class", "x-handle");
      knob.setAttribute("role", "slider");
      knob.setAttribute("tabindex", "0");
      knob.addEventListener("keydown", (event) => {
        const by = ARROWS[event.key];
        if (!by || event.ctrlKey || event.altKey || event.metaKey) return;
        event.preventDefault();
        stop();
        // A key may come before the last one's picture.
        if (waiting) update();
        const far = event.shiftKey ? 4 : 1;
        reader(picture.handles[i].nudged(by[0] * far, by[1] * far));
      });
      knob.addEventListener("pointerdown", (event) => drag(event, i));
      // A finger here drags and does not scroll; within an SVG, touch-action does not see to that.
      knob.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
      handles[i] = knob;
    }
    const knob = handles[i];
    knob.setAttribute("transform", `translate(${round(handle.x)} ${round(handle.y)})`);
    knob.setAttribute("aria-label", handle.label);
    knob.setAttribute("aria-valuemin", handle.min);
    knob.setAttribute("aria-valuemax", handle.max);
    knob.setAttribute("aria-valuenow", handle.value);
    knob.setAttribute("aria-valuetext", handle.says);
  }

  function drag(event, i) {
    if (event.button) return;
    event.preventDefault();
    event.stopPropagation();
    stop();
    dragged = i;
    handles[i].focus({ preventScroll: true });
    svg.setPointerCapture(event.pointerId);
    follow(event);
  }
  // Where an event is in the picture, which a page may show at another scale.
  function at(event) {
    const { left, top, width: shown } = svg.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top].map((v) => (v * width) / shown);
  }
  function follow(event) {
    if (dragged >= 0) reader(picture.handles[dragged].moved(...at(event)));
  }
  // A mouse may also press beside a handle. A finger may not: it has to be able to scroll.
  svg.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "mouse" || !picture?.grab) return;
    const i = picture.grab(...at(event));
    if (i >= 0) drag(event, i);
  });
  svg.addEventListener("pointermove", follow);
  svg.onpointerup = svg.onpointercancel = () => (dragged = -1);

  function start() {
    const { min, max, play: perSecond } = figure.settings[playable];
    const from = state[playable] >= max ? min : state[playable];
    if (calm.matches) return reader({ [playable]: max });
    let began = null;
    const advance = (now) => {
      began ??= now;
      const value = Math.min(max, from + Math.floor(((now - began) / 1000) * perSecond));
      if (value !== state[playable]) set({ [playable]: value });
      playing = requestAnimationFrame(advance);
      if (value >= max) stop();
    };
    playing = requestAnimationFrame(advance);
    play.textContent = "Pause";
    set({ [playable]: from });
  }
  function stop() {
    if (!playing) return;
    cancelAnimationFrame(playing);
    playing = 0;
    play.textContent = "Play";
    changed({ ...state });
  }

  const observer = new ResizeObserver(() => {
    const now = Math.floor(svg.clientWidth);
    if (now && now !== width) {
      width = now;
      update();
    }
  });
  observer.observe(svg);
  return (root.explorable = {
    figure,
    state,
    set,
    start: () => !calm.matches && start(),
    say: (message) => {
      note.textContent = message;
      note.hidden = !message;
    },
    remove: () => {
      stop();
      observer.disconnect();
      clearTimeout(spoken);
      root.replaceChildren();
    },
  });
}
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

// Where a figure is shown -------------------------------------------------------------------

// All figures of a kind on a page; the second is called race-2, and so on.
export function hydrate(kind, figure) {
  const figures = {};
  document.querySelectorAll(`[data-explorable=${kind}]`).forEach((root, i) => {
    const key = i ? `${kind}-${i + 1}` : kind;
    const home = clean(figure.settings, parse(root.dataset.settings || "")).state;
    let saving = 0;
    const view = mount(root, figure, home, (state) => {
      clearTimeout(saving);
      saving = setTimeout(() => {
        const changed = Object.entries(state).filter(([k, v]) => String(v) !== String(home[k]));
        const words = write(Object.fromEntries(changed));
        const place = location.pathname + location.search;
        history.replaceState(history.state, "", words ? `#${key}:${words}` : place);
      }, 300);
    });
    figures[key] = { root, view, home };
    if ("play" in root.dataset && !location.hash) {
      const seen = new IntersectionObserver(
        ([entry]) => {
          if (!entry.isIntersecting) return;
          seen.disconnect();
          view.start();
        },
        { threshold: 0.6 },
      );
      seen.observe(root);
    }
  });
  const follow = () => {
    let hash = location.hash.slice(1);
    try {
      hash = decodeURIComponent(hash);
    } catch {
      // taken as it is
    }
    const [key, words] = hash.split(/:(.*)/s, 2);
    if (!Object.hasOwn(figures, key) || (words === undefined && document.getElementById(key)))
      return;
    const { root, view, home } = figures[key];
    const { state, note } = clean(figure.settings, parse(words || ""), home);
    view.set(state);
    view.say(note);
    root.scrollIntoView({ block: "nearest" });
  };
  // Not before the figures of other kinds have their controls, which move what is below them.
  document.addEventListener("DOMContentLoaded", follow);
  addEventListener("hashchange", follow);
}

// What anywidget asks of a module: the model's traits are the figure's settings.
export const widget = (figure) => ({
  render({ model, el }) {
    const keys = Object.keys(figure.settings);
    const read = () =>
      clean(figure.settings, Object.fromEntries(keys.map((key) => [key, model.get(key)])));
    const root = el.appendChild(make("div", { class: "explorable" }));
    // Else JupyterLab takes the arrow keys.
    root.dataset.lmSuppressShortcuts = "";
    root.addEventListener("keydown", (event) => event.stopPropagation());
    const view = mount(root, figure, read().state, (state) => {
      for (const key of keys) model.set(key, state[key]);
      model.save_changes();
    });
    const follow = () => view.set(read().state);
    for (const key of keys) model.on(`change:${key}`, follow);
    return () => {
      model.off(null, follow);
      view.remove();
    };
  },
});
