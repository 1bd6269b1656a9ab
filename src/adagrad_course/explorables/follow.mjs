// A target that moves: AdaGrad's rate falls past the best constant one.

import { METHODS, curve, frame, last, line, logScale, show, tag, text } from "./shared.mjs";

const NEAR = 1.1; // times the best error: nearly as good

export const figure = {
  // The target of a parabola walks at random; `drift` is the standard deviation of its step, that of
  // the gradient's noise is 1. So half the mean squared distance, the error, follows exactly from a
  // constant rate. For AdaGrad's, G here grows by the mean of the squared gradient and not by itself.
  simulate({ drift, lr, rounds }) {
    const { next, rate } = METHODS.AdaGrad;
    const best = (drift * (Math.sqrt(drift ** 2 + 4) - drift)) / 2;
    const after = (square, eta) => (1 - eta) ** 2 * square + eta ** 2 + drift ** 2;
    const sim = { best, rates: [], AdaGrad: [], SGD: [], crossing: null, until: null };
    let G = 0;
    let [square, other] = [drift ** 2, drift ** 2];
    for (let t = 1; t <= rounds; t++) {
      G = next(G, Math.sqrt(square + 1));
      const eta = rate(lr, G);
      sim.rates.push(eta);
      sim.AdaGrad.push(square / 2);
      sim.SGD.push(other / 2);
      if (sim.crossing === null && eta <= best) sim.crossing = t;
      if (square <= NEAR * other) sim.until = t;
      square = after(square, eta);
      other = after(other, best);
    }
    return sim;
  },

  draw({ rounds }, sim, width) {
    const [left, right] = [44, width - 8];
    const px = logScale(1, rounds, left, right);
    // Rounds that are about as far apart from each other as pixels are.
    const shown = [...new Set(Array.from({ length: 161 }, (_, k) => Math.round(rounds ** (k / 160))))];
    let drawn = "";
    const panel = (title, top, low, [from, to], ticks, values) => {
      const py = logScale(from, to, low, top);
      drawn += text(0, top - 14, title, "title");
      for (const v of ticks) {
        drawn += line(left, py(v), right, py(v), "grid");
        drawn += text(left - 6, py(v) + 4, String(v), "small", "end");
      }
      const inside = ["SGD", "AdaGrad"].map((name) =>
        curve(
          shown.map((t) => [px(t) - left, py(Math.max(values[name](t - 1), from / 10)) - top]),
          `line ${name}`,
        ),
      );
      drawn += line(left, low, right, low, "axis");
      drawn += frame(left, top, right - left, low - top, inside.join(""));
      return py;
    };

    const py = panel("effective rate", 30, 170, [5e-4, 12], [0.001, 0.01, 0.1, 1, 10], {
      SGD: () => sim.best,
      AdaGrad: (i) => sim.rates[i],
    });
    drawn += text(left + 6, py(sim.best) - 6, `best constant rate ${show(sim.best)}`, "name SGD halo");
    if (sim.crossing !== null) {
      drawn += tag("circle", { cx: px(sim.crossing), cy: py(sim.best), r: 5, class: "fill AdaGrad" });
    }
    const settled = last(sim.SGD);
    panel("error / best constant rate's", 214, 344, [0.2, 60], [1, 10], {
      SGD: (i) => sim.SGD[i] / settled,
      AdaGrad: (i) => sim.AdaGrad[i] / settled,
    });
    drawn += text(right, 48, "AdaGrad", "name AdaGrad", "end");
    drawn +=
      text(left, 361, "1", "small", "middle") +
      text(right, 361, `round ${show(rounds)}`, "small", "end");
    return { height: 370, scene: drawn, handles: [] };
  },

  say({ rounds }, sim) {
    const constant = `For this drift the best constant rate is ${show(sim.best)}.`;
    const times = last(sim.AdaGrad) / last(sim.SGD);
    const end =
      times > NEAR
        ? `In round ${show(rounds)} its error is ${show(times)} times that of the best constant rate`
        : `In round ${show(rounds)} its error is at most a tenth above that of the best constant rate`;
    if (sim.crossing === null) {
      return `${constant} AdaGrad's rate has not yet fallen so low. ${end}.`;
    }
    const passes =
      sim.crossing === 1
        ? "AdaGrad's rate is below it from the start."
        : `AdaGrad's rate passes it in round ${show(sim.crossing)}.`;
    const while_ =
      times > NEAR && sim.until > sim.crossing
        ? `; until round ${show(sim.until)} it was at most a tenth above`
        : "";
    return `${constant} ${passes} ${end}${while_}.`;
  },
};
