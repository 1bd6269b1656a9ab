// Draws the figures of a page as they stand where no script runs. Reads from standard input
// {"script": path, "width": pixels, "figures": [[name, settings], …]}, writes their HTML as a list.
const { readFileSync } = require("fs");

const { script, width, figures } = JSON.parse(readFileSync(0, "utf8"));
const { FIGURES, clean, parse, tag } = require(script);

function still([name, settings]) {
  if (!Object.hasOwn(FIGURES, name)) {
    throw Error(`there is no figure "${name}", only ${Object.keys(FIGURES).join(", ")}`);
  }
  const { state, note } = clean(name, parse(settings));
  if (note) throw Error(note);
  const { about, simulate, draw, say } = FIGURES[name];
  const simulated = simulate(state);
  const { scene, handles, height } = draw(state, simulated, width);
  const knobs = handles.map(({ x, y }) => tag("circle", { cx: x, cy: y, r: 8, class: "knob" }));
  const viewBox = `0 0 ${width} ${Math.ceil(height)}`;
  const words = say(state, simulated);
  return (
    tag("svg", { class: "x-picture", viewBox, role: "img", "aria-label": about }, scene + knobs.join("")) +
    tag("p", { class: "x-words" }, words) +
    tag("p", { class: "x-still" }, `${about} For that the page needs JavaScript; this is how it begins.`)
  );
}

try {
  process.stdout.write(JSON.stringify(figures.map(still)));
} catch (error) {
  process.stderr.write(error.message);
  process.exit(1);
}
