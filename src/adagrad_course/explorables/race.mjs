// SGD and AdaGrad go down a bowl from one start.

import {
  METHODS,
  box,
  clamp,
  curve,
  dots,
  frame,
  last,
  line,
  logScale,
  percent,
  plural,
  round,
  scale,
  show,
  tag,
  text,
} from "./shared.mjs";

// The larger curvature.
const STEEP = 2;
const RACING = ["SGD", "AdaGrad"];

export const figure = {
  // The start (x, y) is given in the bowl's own axes, along and across, and turns with it.
  simulate({ lr, ratio, rotation, x, y }) {
    const h = [STEEP / ratio, STEEP];
    const landscape = bowl(h, rotation);
    const start = landscape.turn([x, y]);
    const steps = this.settings.step.max;
    const run = (method) => descend(method, lr, landscape, start, steps);
    return { h, landscape, start, SGD: run("SGD"), AdaGrad: run("AdaGrad") };
  },

  draw(state, sim, width) {
    const wide = width >= 560;
    const side = Math.min(wide ? 0.53 * width : width, 400);
    const { min, max } = this.settings.x;
    const reach = Math.max(max, Math.hypot(...sim.start)) + 0.3;
    const [px, py] = [scale(-reach, reach, 0, side), scale(-reach, reach, side, 0)];
    const back = scale(0, side, -reach, reach);
    const place = ([x, y]) => [px(x), py(y)];
    const middle = side / 2;

    let map = box(0, 0, side, side, "map");
    for (const level of [0.02, 0.08, 0.25, 0.6, 1.3, 2.6, 5, 9, 15, 24]) {
      const [rx, ry] = sim.h.map((h) => (middle / reach) * Math.sqrt((2 * level) / h));
      const transform = `translate(${round(middle)} ${round(middle)}) rotate(${-state.rotation})`;
      map += tag("ellipse", { rx, ry, transform, class: "level" });
    }
    for (const [dx, dy] of [
      [9, 0],
      [0, 9],
    ]) {
      map += line(middle - dx, middle - dy, middle + dx, middle + dy, "ink");
    }
    map += text(middle + 14, middle + 4, "minimum", "muted halo");
    const ends = [];
    for (const method of RACING) {
      const points = sim[method].points.slice(0, state.step + 1);
      const visible = points.filter(([x, y]) => Math.hypot(x, y) < 300).map(place);
      ends.push(last(points).map((v) => clamp(v, -reach, reach)));
      map += curve(visible, `run ${method}`) + dots(visible, `dots ${method}`);
    }
    RACING.forEach((method, i) => {
      const [x, y] = place(ends[i]);
      map += tag("circle", { cx: x, cy: y, r: 5.5, class: `fill ${method}` });
      // There the start has its own label.
      if (state.step === 0) return;
      // The names stand on two sides of the valley.
      const [dx, dy] = [0, 1].map((k) => {
        const apart = ends[i][k] - ends[1 - i][k];
        return Math.abs(apart) > 0.2 ? apart : i - 0.5;
      });
      const right = x < 70 || (dx > 0 && x < side - 80);
      const [labelX, labelY] = [x + (right ? 8 : -8), clamp(y + (dy > 0 ? -11 : 20), 16, side - 6)];
      map += text(labelX, labelY, method, `name halo ${method}`, right ? "start" : "end");
    });
    const [x, y] = place(sim.start);
    map += text(
      clamp(x, 30, side - 30),
      y < 60 ? y + 26 : y - 16,
      "drag me",
      "muted halo",
      "middle",
    );

    const left = wide ? side + 36 : 0;
    const half = wide ? width - left : (width - 24) / 2;
    const top = wide ? 0 : side + 18;
    const lossTop = wide ? 172 : top;
    const bars = drawRates(state, sim, left, top, half);
    const curves = drawLosses(
      state,
      sim,
      wide ? left : half + 24,
      lossTop,
      half,
      wide ? side - 172 : 138,
    );
    const moved = (w) => startAt(sim.landscape.turnBack(w), max);
    return {
      height: wide ? side : side + 160,
      scene: frame(0, 0, side, side, map) + bars + curves,
      handles: [
        {
          label: "start",
          x,
          y,
          says: `${show(state.x)} along the valley, ${show(state.y)} across`,
          value: state.x,
          min,
          max,
          moved: (toX, toY) => moved([back(toX), -back(toY)]),
          nudged: (dx, dy) => moved([sim.start[0] + 0.25 * dx, sim.start[1] + 0.25 * dy]),
        },
      ],
      grab: (toX, toY) => (toX < side && toY < side ? 0 : -1),
    };
  },

  say(state, sim) {
    if (state.step === 0) return "Both start here, with the same learning rate. Press Play.";
    if (!sim.SGD.losses[0]) return "Both start at the minimum: no gradient, no step.";
    const way = (method) => {
      const { points, losses } = sim[method];
      const arrived = losses.findIndex((loss) => loss <= 1e-3 * losses[0]);
      if (arrived >= 0 && arrived <= state.step)
        return `gets to a thousandth of the loss in ${plural(arrived, "step")}`;
      const left = Math.hypot(...points[state.step]) / Math.hypot(...points[0]);
      return `has ${percent(left)} of its way to go`;
    };
    // With each step SGD multiplies its ways along and across the valley by these.
    const [along, across] = [state.x, state.y].map((v, i) => v && 1 - state.lr * sim.h[i]);
    const least = Math.min(along, across);
    let sgd = way("SGD");
    if (least < -1) {
      const limit = `${show(2 / STEEP)}, the limit of the steepest direction`;
      sgd = `diverges: η = ${show(state.lr, 3)} is above ${limit}`;
    } else if (least < 0 && sgd.startsWith("has")) {
      sgd = `${along > 0.8 ? "zigzags across the valley, creeps along it" : "overshoots"} and ${sgd}`;
    }
    const [a, b] = sim.AdaGrad.rates[state.step - 1];
    const apart = Math.max(a / b, b / a);
    let why = `its two rates differ by a factor of ${show(apart, 3)}`;
    if (!(apart < 1e6)) why = "one coordinate has had no gradient";
    else if (apart < 1.5) {
      why = "its two rates are nearly equal";
      if (state.ratio > 1.5 && Math.abs(state.rotation - 45) < 15) {
        why += ", as each coordinate sees the same mixture of steep and shallow";
      }
    }
    return `After ${plural(state.step, "step")} SGD ${sgd}. AdaGrad ${way("AdaGrad")}; ${why}.`;
  },
};

// f(w) = h₁a²/2 + h₂b²/2, where (a, b) is w in the bowl's own axes, turned by some degrees.
function bowl(h, degrees) {
  const c = Math.cos((degrees * Math.PI) / 180);
  const s = Math.sin((degrees * Math.PI) / 180);
  const turn = ([a, b]) => [c * a - s * b, s * a + c * b];
  const turnBack = ([x, y]) => [c * x + s * y, c * y - s * x];
  return {
    turn,
    turnBack,
    gradient: (w) => turn(turnBack(w).map((a, i) => h[i] * a)),
    value: (w) => turnBack(w).reduce((sum, a, i) => sum + (h[i] * a * a) / 2, 0),
  };
}

function descend(method, lr, { gradient, value }, w, steps) {
  const { next, rate } = METHODS[method];
  const points = [w];
  const rates = [];
  let memory = w.map(() => 0);
  for (let t = 0; t < steps; t++) {
    const g = gradient(w);
    memory = memory.map((s, i) => next(s, g[i]));
    rates.push(memory.map((s) => rate(lr, s)));
    w = w.map((x, i) => x - rates[t][i] * g[i]);
    points.push(w);
  }
  return { points, rates, losses: points.map(value) };
}

function startAt([x, y], farthest) {
  const shrink = Math.min(1, farthest / Math.hypot(x, y));
  return { x: +(shrink * x).toFixed(2), y: +(shrink * y).toFixed(2) };
}

// The rate of each coordinate as bars: SGD's are equal, AdaGrad's differ and shrink.
function drawRates(state, sim, x, y, width) {
  const rates = (method) => sim[method].rates[Math.max(state.step - 1, 0)];
  const longest = Math.min(Math.max(state.lr, ...sim.AdaGrad.rates[0]), 20 * state.lr);
  const from = x + 18;
  const length = scale(0, longest, 0, width - 60);
  const roomy = width > 200;
  let drawn = text(x, y + 13, `${roomy ? "learning " : ""}rate in each direction`, "title");
  ["↔", "↕"].forEach((arrow, i) => {
    const top = y + 28 + 58 * i;
    drawn += text(x, top + 25, arrow, "arrow");
    RACING.forEach((method, j) => {
      const rate = rates(method)[i];
      const long = length(Math.min(rate, longest));
      drawn += box(from + 4, top + 23 * j, Math.max(long, 1.5), 17, `fill ${method}`);
      const name = roomy && !i && long < width - 130 ? ` ${method}` : "";
      drawn += text(
        from + long + 10,
        top + 23 * j + 13,
        (rate > longest ? "›" : show(rate, 3)) + name,
        `name ${method}`,
      );
    });
  });
  return drawn + line(from + 4, y + 22, from + 4, y + 132, "axis");
}

function drawLosses(state, sim, x, y, width, height) {
  const [top, bottom, left] = [y + 26, y + height - 20, x + 34];
  const steps = sim.SGD.losses.length - 1;
  const px = scale(0, steps, left, x + width - 4);
  const py = logScale(10, 1e-6, top, bottom);
  let drawn = text(x, y + 13, "loss / first loss", "title");
  for (const [value, label] of [
    [1, "1"],
    [1e-3, "10⁻³"],
    [1e-6, "10⁻⁶"],
  ]) {
    drawn += line(left, py(value), x + width, py(value), "grid");
    drawn += text(left - 5, py(value) + 4, label, "small", "end");
  }
  drawn += text(px(0), bottom + 16, "0", "small", "middle");
  drawn += text(x + width, bottom + 16, `step ${steps}`, "small", "end");
  let curves = "";
  for (const method of RACING) {
    const { losses } = sim[method];
    const points = losses
      .slice(0, state.step + 1)
      .map((loss, t) => [px(t) - left, py(clamp(loss / losses[0] || 1e-12, 1e-12, 1e4)) - top]);
    curves += curve(points, `line ${method}`);
    const [cx, cy] = last(points);
    curves += tag("circle", { cx, cy, r: 4, class: `fill ${method}` });
  }
  return drawn + frame(left, top, width - 34, bottom - top + 5, curves);
}
