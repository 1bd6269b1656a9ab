// The memory of an embedding table and of its optimizer.

import { box, bytes, clamp, line, percent, plural, scale, show, tag, text } from "./shared.mjs";

// The bytes of a weight and of a number of the state.
const PRECISIONS = { float32: [4, 4], bfloat16: [2, 2], mixed: [2, 4] };
// A sparse gradient names this many rows, each by a number of 8 bytes.
const TOUCHED = 10000;
// How many numbers the state of a table of n rows and d columns has.
const STATES = {
  SGD: () => 0,
  Momentum: (n, d) => n * d,
  AdaGrad: (n, d) => n * d,
  Adam: (n, d) => 2 * n * d,
  RowWiseAdaGrad: (n) => n,
  SM3: (n, d) => n + d,
  FullMatrixAdaGrad: (n, d) => (n * d) ** 2,
};

// The colour of an optimizer that has none of its own is that of its family.
const FAMILY = { RowWiseAdaGrad: "AdaGrad shade2", FullMatrixAdaGrad: "AdaGrad", SM3: "other" };

export const figure = {
  // Bytes of a table of weights, its gradients and the optimizers' states; a rank's share of these,
  // and whether weights, gradients and that share fit into the budget.
  simulate({ rows, dimension, gradients: kind, precision, ranks, budget }) {
    const [each, stateBytes] = PRECISIONS[precision];
    const weights = rows * dimension * each;
    const gradients = kind === "dense" ? weights : Math.min(rows, TOUCHED) * (dimension * each + 8);
    return Object.fromEntries(
      Object.entries(STATES).map(([optimizer, numbers]) => {
        const state = numbers(rows, dimension) * stateBytes;
        const total = weights + gradients + state;
        const rank = state / ranks;
        const fits = weights + gradients + rank <= 1e9 * budget;
        return [optimizer, { weights, gradients, state, total, rank, fits }];
      }),
    );
  },

  draw(state, sim, width) {
    const names = this.settings.optimizer.options;
    const wide = width >= 560;
    const left = wide ? 152 : 0;
    const pitch = wide ? 31 : 47;
    const offset = wide ? 0 : 19;
    const end = width - (wide ? 78 : 0);
    const px = scale(0, 1.12 * sim.Adam.total, 0, end - left);
    const look = (key) => ["weights", "gradients", `fill ${FAMILY[key] || key}`];
    let drawn = "";
    look(state.optimizer).forEach((kind, i) => {
      drawn += box(left + 92 * i, 3, 12, 12, kind);
      drawn += text(left + 92 * i + 18, 14, ["weights", "gradients", "state"][i], "small");
    });
    let labels = "";
    const row = (y, words, { weights, gradients }, size, kind, style) => {
      const total = weights + gradients + size;
      const amount = bytes(total) + (px(total) > end - left ? " →" : "");
      let x = left;
      let bar = "";
      [weights, gradients, size].forEach((part, i) => {
        const long = Math.min(px(part), end - x);
        if (part) bar += box(x, y + offset, Math.max(long - 1, 0.75), 21, kind[i]);
        x += long;
      });
      drawn += tag("g", { class: style === "small" ? "pale" : "" }, bar);
      labels += text(wide ? left - 10 : 0, y + 15, words, `${style} halo`, wide ? "end" : "start");
      const at = wide ? x + 6 : width;
      labels += text(at, y + 15, amount, `${style} halo`, wide ? "start" : "end");
    };
    let y = 30;
    for (const [key, words] of Object.entries(names)) {
      row(
        y,
        words,
        sim[key],
        sim[key].state,
        look(key),
        key === state.optimizer ? "title" : "small",
      );
      y += pitch;
    }
    drawn += line(0, y + 4, width, y + 4, "grid");
    const mine = sim[state.optimizer];
    row(y + 14, "on each rank", mine, mine.rank, look(state.optimizer), "title");
    // The budget's line, with its label at the foot: above there is the legend.
    const limit = left + px(1e9 * state.budget);
    const foot = y + 14 + pitch;
    const inside = limit <= end;
    if (inside) drawn += line(limit, 24, limit, foot, "goal");
    const budget = `budget: ${bytes(1e9 * state.budget)}${inside ? "" : " →"}`;
    drawn += text(clamp(limit, 60, width - 60), foot + 14, budget, "title", "middle");
    return { height: foot + 20, scene: drawn + labels, handles: [] };
  },

  say(state, sim) {
    const { weights, gradients, state: mine, total, rank } = sim[state.optimizer];
    const name = this.settings.optimizer.options[state.optimizer];
    const numbers = `${plural(state.rows, "row")} of ${show(state.dimension)} numbers`;
    const as = gradients === weights ? "as much" : bytes(gradients);
    const table = `${numbers}: ${bytes(weights)} of weights and ${as} of gradients.`;
    const fitting = Object.entries(this.settings.optimizer.options)
      .filter(([key]) => sim[key].fits)
      .map(([, words]) => words);
    const where = `${bytes(1e9 * state.budget)}${state.ranks > 1 ? " on each rank" : ""}`;
    const fit = fitting.length
      ? `Into ${where} fit: ${fitting.join(", ")}.`
      : `Nothing fits into ${where}.`;
    if (!mine) return `${table} SGD keeps no state. ${fit}`;
    const times = mine / weights;
    const size = times > 1e4 ? `${show(times)} times` : `${percent(times)} of`;
    const shared =
      state.ranks > 1
        ? ` Shared by ${show(state.ranks)} ranks, each holds ${bytes(rank)} of it.`
        : "";
    const taken = `With ${name} the state takes ${bytes(mine)}, ${bytes(total)} in all.`;
    return `${table} ${taken} That is ${size} the weights.${shared} ${fit}`;
  },
};
