// A frequent and a rare feature, and AdaGrad's rates of both.

import { METHODS, box, curve, last, line, plural, scale, show, text } from "./shared.mjs";

const PATTERN = [(Math.sqrt(5) - 1) / 2, Math.SQRT2 - 1];
const NAMES = ["A", "B"];

export const figure = {
  // Two features with a gradient of 1 whenever they appear. Multiples of an irrational number,
  // modulo 1, are spread evenly over [0, 1): a share p of them lies below p.
  simulate({ often, rare }) {
    const steps = this.settings.step.max;
    return [often, rare].map((p, i) => {
      const events = [];
      const accumulators = [];
      const rates = [];
      let G = 0;
      for (let t = 1; t <= steps; t++) {
        const g = (t * PATTERN[i]) % 1 < p ? 1 : 0;
        G = METHODS.AdaGrad.next(G, g);
        events.push(g);
        accumulators.push(G);
        rates.push(G ? METHODS.AdaGrad.rate(1, G) : null);
      }
      return { events, accumulators, rates };
    });
  },

  draw(state, sim, width) {
    const wide = width >= 560;
    const t = state.step;
    const side = wide ? 200 : 150;
    const sides = sim.map(({ accumulators }) => Math.sqrt(Math.max(last(accumulators), 2)));
    const left = wide ? 0.6 * width : 34;
    const room = (wide ? left - 34 : width) - 60;
    const unit = Math.min(side / Math.max(...sides), room / (sides[0] + sides[1]));
    let drawn = text(0, 13, "accumulators G, as areas", "title");
    sim.forEach(({ accumulators }, i) => {
      const G = t ? accumulators[t - 1] : 0;
      const x = i * (Math.max(unit * sides[0], 70) + 30);
      for (let k = 1; k <= G; k++) {
        if (k < G && G > 40 && k % Math.ceil(G / 40)) continue;
        const edge = unit * Math.sqrt(k);
        drawn += box(
          x,
          30 + side - edge,
          edge,
          edge,
          k === G ? `square AdaGrad shade${2 * i}` : "ring-line",
        );
      }
      drawn += text(x, 30 + side + 18, `${NAMES[i]}: G = ${G}`, "title");
      drawn += text(x, 30 + side + 36, `side √G = ${show(Math.sqrt(G))}`, "small");
    });

    const [top, low] = wide ? [30, 30 + side] : [side + 112, side + 262];
    const steps = sim[0].events.length;
    const px = scale(0, steps, left, width - 64);
    const py = scale(0, 1.12, low, top);
    drawn += text(left - 34, top - 17, "effective rate", "title");
    for (const v of [0, 0.5, 1]) {
      drawn += line(left, py(v), width - 64, py(v), v ? "grid" : "axis");
      drawn += text(left - 6, py(v) + 4, v ? (v === 1 ? "η" : "η/2") : "0", "small", "end");
    }
    drawn += curve(
      [
        [px(0), py(1)],
        [px(t), py(1)],
      ],
      "line SGD",
    );
    drawn += text(px(t) + 6, py(1) + 4, "SGD", "name SGD halo");
    sim.forEach(({ events, rates }, i) => {
      const points = [];
      rates.slice(0, t).forEach((rate, k) => {
        if (rate === null) return;
        if (points.length) points.push([px(k + 1), last(points)[1]]);
        points.push([px(k + 1), py(rate)]);
      });
      if (points.length) {
        drawn += curve(points, `line AdaGrad shade${2 * i}`);
        const [x, y] = last(points);
        const other = py(sim[1 - i].rates[t - 1] ?? 2);
        const apart = Math.abs(y - other) < 15 ? Math.sign(y - other || i - 0.5) * 7 : 0;
        drawn += text(
          x + 6,
          Math.max(y + 4 + apart, py(1) + 20),
          `${NAMES[i]} ${show(rates[t - 1])} η`,
          "name halo AdaGrad",
        );
      }
      const raster = low + 24 + 17 * i;
      drawn += text(left - 6, raster + 10, NAMES[i], "small", "end");
      for (let k = 0; k < t; k++) {
        if (events[k])
          drawn += line(
            px(k + 0.5),
            raster,
            px(k + 0.5),
            raster + 11,
            `tick AdaGrad shade${2 * i}`,
          );
      }
    });
    drawn +=
      text(px(0), low + 17, "0", "small") +
      text(px(steps), low + 17, `step ${steps}`, "small", "end");
    return { height: low + 62, scene: drawn, handles: [] };
  },

  say({ step: t }, sim) {
    if (t === 0) return "Neither feature has appeared yet. Press Play.";
    const [m, n] = sim.map(({ accumulators }) => accumulators[t - 1]);
    const appeared = `A has appeared ${plural(m, "time")} and B ${plural(n, "time")}`;
    const start = `After ${plural(t, "step")} ${appeared}.`;
    const [a, b] = sim.map(({ rates }) => rates[t - 1]);
    if (!a || !b)
      return `${start} What has not appeared has no rate yet: its first step will have length η.`;
    const compare =
      m === n
        ? "Their rates are equal"
        : n < m
          ? `B's rate is ${show(b / a)} times A's, the root of ${m}/${n}`
          : `A's rate is ${show(a / b)} times B's, the root of ${n}/${m}`;
    const fell = `they fell from η to ${show(a)} η and ${show(b)} η`;
    return `${start} ${compare}. AdaGrad raised neither rate: ${fell}.`;
  },
};
