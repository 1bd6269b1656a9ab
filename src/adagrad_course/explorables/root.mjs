// Why the root: a budget of scale is shared over four coordinates.

import { box, clamp, curve, line, percent, scale, show, tag, text } from "./shared.mjs";

export const figure = {
  // The lengths of four coordinates' gradients, their shares of a budget of 1, and what these cost,
  // measured by the least cost there is.
  simulate({ unequal, p, shares }) {
    const norm = (v) => v.map((x) => x / v.reduce((sum, y) => sum + y));
    const lengths = norm([3, 2, 1, 0].map((k) => unequal ** k));
    const given = shares || norm(lengths.map((a) => a ** (2 * p)));
    const heights = given.map((s, i) => (lengths[i] / s) ** 2);
    const cost = heights.reduce((sum, height, i) => sum + height * given[i], 0);
    return { lengths, shares: given, heights, cost };
  },

  draw(state, sim, width) {
    const wide = width >= 560;
    const plot = wide ? 0.58 * width : width;
    const [top, bottom, most] = [30, 250, 5];
    const px = scale(0, 1, 0, plot);
    const py = scale(0, most, bottom, top);
    let drawn = text(0, 13, "each column's area is its cost", "title");
    const cuts = [0];
    const { heights } = sim;
    const highest = Math.max(...heights);
    sim.shares.forEach((share, i) => {
      const height = heights[i];
      const [x, w] = [px(cuts[i]), px(share)];
      const y = py(Math.min(height, most));
      drawn += box(x + 0.75, y, w - 1.5, bottom - y, `fill AdaGrad shade${i}`);
      if (height > most) {
        // Two narrow columns have no room for two numbers.
        const label = clamp(x + w / 2, 16, plot - 16);
        if (height === highest) drawn += text(label, y - 5, `↑ ${show(height)}`, "small", "middle");
      }
      if (w > 26) {
        drawn += text(x + w / 2, bottom + 36, percent(share), "title", "middle");
        drawn += text(
          x + w / 2,
          bottom + 54,
          `‖g‖ ${show(state.unequal ** (3 - i))}`,
          "small",
          "middle",
        );
      }
      cuts.push(cuts[i] + share);
    });
    drawn += line(0, py(1), plot, py(1), "level-line");
    if (sim.cost > 1.02) {
      const [end, anchor] = heights[0] < 1 ? [0, "start"] : [plot, "end"];
      drawn += text(end, py(1) - 6, "least cost: all level", "small halo", anchor);
    }
    drawn += line(0, bottom, plot, bottom, "ink");

    const left = wide ? plot + 64 : 34;
    const high = wide ? 0 : 326;
    const low = wide ? bottom : 450;
    const qx = scale(0, 1, left, width - 8);
    const worst = Math.max(this.simulate({ ...state, p: 0, shares: null }).cost, 1.2);
    const qy = scale(1, Math.max(worst, 1.6), low, high + 30);
    drawn += text(left - 34, high + 13, "cost / least cost", "title");
    const powers = Array.from({ length: 41 }, (_, i) => i / 40);
    drawn += curve(
      powers.map((p) => [qx(p), qy(this.simulate({ ...state, p, shares: null }).cost)]),
      "line AdaGrad",
    );
    drawn += line(left, low, width, low, "axis") + text(left - 6, low + 4, "1", "small", "end");
    [
      [0, "p = 0"],
      [0.5, "½, the root"],
      [1, "1"],
    ].forEach(([p, words]) => {
      drawn += text(qx(p), low + 18, words, "small", p ? "middle" : "start");
    });
    const cx = state.shares ? (left + width - 8) / 2 : qx(state.p);
    const cy = qy(Math.min(sim.cost, 1.08 * Math.max(worst, 1.6)));
    if (state.shares) drawn += line(left, cy, width - 8, cy, "level-line");
    drawn += tag("circle", { cx, cy, r: 6, class: "fill AdaGrad ring" });
    drawn += text(
      Math.min(cx, width - 18),
      cy - 12,
      show(sim.cost, 3),
      "name halo AdaGrad",
      "middle",
    );

    const border = (i) => (to) => {
      const moved = cuts.slice();
      moved[i] = clamp(Math.round(200 * to) / 200, cuts[i - 1] + 0.005, cuts[i + 1] - 0.005);
      const parts = moved.slice(1).map((cut, k) => +(cut - moved[k]).toFixed(4));
      return { shares: parts };
    };
    return {
      height: low + (wide ? 60 : 24),
      scene: drawn,
      handles: [1, 2, 3].map((i) => ({
        label: `border between shares ${i} and ${i + 1}`,
        x: px(cuts[i]),
        y: bottom + 10,
        says: sim.shares.map(percent).join(", "),
        value: +(100 * cuts[i]).toFixed(1),
        min: 0,
        max: 100,
        moved: (x) => border(i)(x / plot),
        nudged: (dx, dy) => border(i)(cuts[i] + 0.01 * (dx + dy)),
      })),
      grab: (x, y) => {
        if (x > plot || y < top || y > bottom + 30) return -1;
        const near = cuts.slice(1, 4).map((cut) => Math.abs(px(cut) - x));
        return near.indexOf(Math.min(...near));
      },
    };
  },

  say(state, sim) {
    const [high, low] = [Math.max, Math.min].map((f) => sim.heights.indexOf(f(...sim.heights)) + 1);
    const whose = state.shares
      ? "Your shares cost"
      : state.p
        ? `Shares proportional to G to the power ${show(state.p)} cost`
        : "Equal shares cost";
    if (sim.cost < 1.0005) {
      const root = "Each share is proportional to the gradient's length, the root of G.";
      return `${whose} the least possible: all columns are level. ${root}`;
    }
    const advice = `Column ${high} is the highest: give it more. Column ${low} can spare some.`;
    return `${whose} ${show(sim.cost, 3)} times the least possible. ${advice}`;
  },
};
