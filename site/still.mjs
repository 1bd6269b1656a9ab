// Draws the figures of a page as they stand where no script runs. Reads from standard input
// {"folder": of their sources, "width": pixels, "figures": [[name, settings], …]}, and writes their
// HTML as a list.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const { folder, width, figures } = JSON.parse(readFileSync(0, "utf8"));
const load = (name) => import(pathToFileURL(join(folder, name)));
const { clean, parse, tag } = await load("shared.mjs");
const all = JSON.parse(readFileSync(join(folder, "settings.json"), "utf8"));

async function still([name, words]) {
  if (!Object.hasOwn(all, name)) {
    throw Error(`there is no figure "${name}", only ${Object.keys(all).join(", ")}`);
  }
  const figure = { ...all[name], ...(await load(`${name}.mjs`)).figure };
  const { state, note } = clean(figure.settings, parse(words));
  if (note) throw Error(note);
  const simulated = figure.simulate(state);
  const { scene, handles, height } = figure.draw(state, simulated, width);
  const knobs = handles.map(({ x, y }) => tag("circle", { cx: x, cy: y, r: 8, class: "knob" }));
  const viewBox = `0 0 ${width} ${Math.ceil(height)}`;
  const picture = { class: "x-picture", viewBox, role: "img", "aria-label": figure.about };
  const missing = `${figure.about} For that the page needs JavaScript; this is how it begins.`;
  return (
    tag("svg", picture, scene + knobs.join("")) +
    tag("p", { class: "x-words" }, figure.say(state, simulated)) +
    tag("p", { class: "x-still" }, missing)
  );
}

try {
  process.stdout.write(JSON.stringify(await Promise.all(figures.map(still))));
} catch (error) {
  process.stderr.write(error.message);
  process.exit(1);
}
