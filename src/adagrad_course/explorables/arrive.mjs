// Can it arrive? How far rates that shrink can carry.

import { METHODS, box, curve, frame, last, line, scale, show, tag, text } from "./shared.mjs";

export const figure = {
  // How far each method moves while the gradient keeps its sign and size, and when it arrives.
  simulate({ distance, lr, size, first, horizon }) {
    const result = {};
    for (const [method, { next, rate }] of Object.entries(METHODS)) {
      const travelled = [0];
      let memory = 0;
      let arrival = null;
      for (let t = 1; t <= horizon; t++) {
        const g = t === 1 ? first * size : size;
        memory = next(memory, g);
        travelled.push(travelled[t - 1] + rate(lr, memory) * g);
        if (arrival === null && travelled[t] >= distance) arrival = t;
      }
      result[method] = { travelled, arrival };
    }
    return result;
  },

  draw(state, sim, width) {
    const methods = Object.keys(sim);
    const goal = state.distance;
    const px = scale(0, 1.25 * goal, 74, width - 56);
    let drawn = text(0, 13, "how far each can travel", "title");
    methods.forEach((method, i) => {
      const y = 28 + 30 * i;
      const far = last(sim[method].travelled);
      const x = px(Math.min(far, 1.25 * goal));
      drawn += text(66, y + 15, method, `name ${method}`, "end");
      drawn += box(74, y, Math.max(x - 74, 1.5), 21, `fill ${method}`);
      drawn += text(
        x + 6,
        y + 15,
        show(far) + (far > 1.25 * goal ? " →" : ""),
        `name halo ${method}`,
      );
    });
    const flag = px(goal);
    drawn += line(flag, 22, flag, 122, "goal") + text(flag, 138, "minimum", "small", "middle");

    const [top, low, left] = [178, 348, 44];
    const qx = scale(0, state.horizon, left, width - 8);
    const qy = scale(0, 1.25 * goal, low, top);
    drawn += text(0, top - 16, "distance travelled", "title");
    drawn += line(left, low, width, low, "axis");
    drawn += text(left, low + 17, "0", "small", "middle");
    drawn += text(width, low + 17, `${show(state.horizon)} steps`, "small", "end");
    drawn += line(left, qy(goal), width, qy(goal), "goal");
    drawn +=
      text(left - 6, qy(goal) + 4, show(goal), "small", "end") +
      text(left - 6, low + 4, "0", "small", "end");
    let curves = "";
    for (const method of methods) {
      const { travelled, arrival } = sim[method];
      const every = Math.max(1, Math.floor(state.horizon / 150));
      const points = travelled
        .map((far, t) => [t, far])
        .filter(
          ([t, far], i) => (i % every === 0 || t === state.horizon || i < 20) && far < 9 * goal,
        )
        .map(([t, far]) => [qx(t) - left, qy(far) - top]);
      curves += curve(points, `line ${method}`);
      if (arrival !== null) {
        curves += tag("circle", {
          cx: qx(arrival) - left,
          cy: qy(goal) - top,
          r: 5,
          class: `fill ${method}`,
        });
      }
    }
    return {
      height: low + 26,
      scene: drawn + frame(left, top, width - left, low - top, curves),
      handles: [],
    };
  },

  say(state, sim) {
    const { distance, lr, first, horizon } = state;
    const far = last(sim.AdaGrad.travelled);
    const fate = (method) => {
      const { arrival } = sim[method];
      return `${method} ${arrival === null ? "does not arrive" : `arrives at step ${show(arrival)}`}`;
    };
    const others = `${fate("RMSProp")}; ${fate("SGD")}.`;
    if (sim.AdaGrad.arrival !== null) return `${fate("AdaGrad")}. ${others}`;
    // The sum of η/√(k² + t) is about 2η(√(k² + T) − k).
    const needed = (distance / (2 * lr) + first) ** 2 - first ** 2;
    const poisoned = first > 1.5 ? " Its first gradient stays in the accumulator for ever." : "";
    const travelled = `In ${show(horizon)} steps AdaGrad can travel ${show(far)} of ${show(distance)}`;
    return `${travelled}; it would need about ${show(needed)} steps.${poisoned} ${others}`;
  },
};
