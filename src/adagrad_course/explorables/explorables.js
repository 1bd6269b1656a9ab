// The book's interactive figures: one source for its pages, for JupyterLab and for the tests.
//
//   1 simulations   2 numbers, scales, SVG   3 the figures   4 settings and links
//   5 a figure at work   6 page, widget, Node
//
// A figure is data: its settings, and three pure functions. `simulate` turns settings into numbers,
// `draw` turns numbers into SVG, `say` into words. Nothing but part 5 touches the document.
const explorables = (() => {
  "use strict";

  // 1 Simulations --------------------------------------------------------------------------

  // What a method remembers of a coordinate's gradients g, and the rate it makes of that.
  const METHODS = {
    SGD: { next: (s) => s, rate: (lr) => lr },
    AdaGrad: { next: (s, g) => s + g * g, rate: (lr, s) => lr / (Math.sqrt(s) + 1e-10) },
    RMSProp: {
      next: (s, g) => 0.99 * s + 0.01 * g * g,
      rate: (lr, s) => lr / (Math.sqrt(s) + 1e-8),
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

  // The start (x, y) is given in the bowl's own axes, along and across, and turns with it.
  function race({ lr, ratio, rotation, x, y }, steps = 30) {
    const h = [STEEP / ratio, STEEP];
    const landscape = bowl(h, rotation);
    const start = landscape.turn([x, y]);
    const run = (method) => descend(method, lr, landscape, start, steps);
    return { h, landscape, start, SGD: run("SGD"), AdaGrad: run("AdaGrad") };
  }
  const STEEP = 2;

  // The lengths of four coordinates' gradients, their shares of a budget of 1, and what these cost,
  // measured by the least cost there is.
  function share({ unequal, p, shares }) {
    const norm = (v) => v.map((x) => x / v.reduce((sum, y) => sum + y));
    const lengths = norm([3, 2, 1, 0].map((k) => unequal ** k));
    const given = shares || norm(lengths.map((a) => a ** (2 * p)));
    const heights = given.map((s, i) => (lengths[i] / s) ** 2);
    const cost = heights.reduce((sum, height, i) => sum + height * given[i], 0);
    return { lengths, shares: given, heights, cost };
  }

  // Two features with a gradient of 1 whenever they appear. Multiples of an irrational number,
  // modulo 1, are spread evenly over [0, 1): a share p of them lies below p.
  function features({ often, rare }, steps = 200) {
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
  }
  const PATTERN = [(Math.sqrt(5) - 1) / 2, Math.SQRT2 - 1];

  // How far each method moves while the gradient keeps its sign and size, and when it arrives.
  function travel({ distance, lr, size, first, horizon }) {
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
  }

  // Bytes of a table of weights, its gradients and the optimizers' states; a rank's share of these.
  function memory({ rows, dimension, precision, ranks }) {
    const [bytes, stateBytes] = PRECISIONS[precision];
    const weights = rows * dimension * bytes;
    return Object.fromEntries(
      Object.entries(STATES).map(([optimizer, numbers]) => {
        const state = numbers(rows, dimension) * stateBytes;
        const total = 2 * weights + state;
        return [optimizer, { weights, gradients: weights, state, total, rank: state / ranks }];
      }),
    );
  }
  const PRECISIONS = { float32: [4, 4], bfloat16: [2, 2], mixed: [2, 4] };
  const STATES = {
    SGD: () => 0,
    Momentum: (n, d) => n * d,
    AdaGrad: (n, d) => n * d,
    Adam: (n, d) => 2 * n * d,
    RowWiseAdaGrad: (n) => n,
    SM3: (n, d) => n + d,
    FullMatrixAdaGrad: (n, d) => (n * d) ** 2,
  };

  // 2 Numbers, scales, SVG -----------------------------------------------------------------

  const clamp = (v, low, high) => Math.min(Math.max(v, low), high);
  const last = (list) => list[list.length - 1];
  const POWERS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

  function show(v, digits = 2) {
    if (v < 0) return "−" + show(-v, digits);
    if (v !== 0 && (v < 1e-3 || v >= 1e7)) {
      const [factor, power] = v.toExponential(1).split("e");
      const raised = [...String(Math.abs(power))].map((digit) => POWERS[digit]).join("");
      return `${factor} × 10${power < 0 ? "⁻" : ""}${raised}`;
    }
    return v >= 100 ? Math.round(v).toLocaleString("en") : String(+v.toPrecision(digits));
  }
  const percent = (v) => `${v > 0 && v < 0.01 ? "less than 1" : show(100 * v)} %`;
  const plural = (n, word) => `${show(n)} ${word}${n === 1 ? "" : "s"}`;

  function bytes(v) {
    let unit = 0;
    // What would be rounded to 1000 has the next unit.
    for (; v >= 999.5 && unit < 8; unit++) v /= 1000;
    return `${+v.toPrecision(3)} ${["bytes", ..."kMGTPEZY"][unit]}${unit ? "B" : ""}`;
  }

  const scale = (from, to, low, high) => (v) => low + ((v - from) / (to - from)) * (high - low);
  const logScale = (from, to, low, high) => {
    const linear = scale(Math.log(from), Math.log(to), low, high);
    return (v) => linear(Math.log(v));
  };

  const round = (v) => Math.round(clamp(v, -1e4, 1e4) * 10) / 10;
  const tag = (name, attributes, content = "") =>
    `<${name}${Object.entries(attributes)
      .map(([key, v]) => ` ${key}="${typeof v === "number" ? round(v) : v}"`)
      .join("")}>${content}</${name}>`;
  const text = (x, y, words, look = "", anchor = "start") =>
    tag("text", { x, y, class: look, "text-anchor": anchor }, words);
  const box = (x, y, width, height, look) =>
    tag("rect", { x, y, width: Math.max(width, 0), height: Math.max(height, 0), class: look });
  const line = (x1, y1, x2, y2, look = "axis") => tag("line", { x1, y1, x2, y2, class: look });
  const curve = (points, look) =>
    tag("path", { d: "M" + points.map(([x, y]) => `${round(x)} ${round(y)}`).join("L"), class: look });
  const dots = (points, look) =>
    tag("path", { d: points.map(([x, y]) => `M${round(x)} ${round(y)}h0`).join(""), class: look });
  // What is drawn outside of a frame is cut off.
  const frame = (x, y, width, height, content) => tag("svg", { x, y, width, height }, content);

  // 3 The figures --------------------------------------------------------------------------

  const number = (label, value, min, max, more) => ({ label, value, min, max, ...more });
  const whole = { whole: true, step: 1 };
  const log = { log: true };

  const FIGURES = {
    race: {
      about: "SGD and AdaGrad race down a bowl that you can stretch, turn and start from anywhere.",
      settings: {
        lr: number("learning rate η", 0.9, 0.01, 3, log),
        ratio: number("curvature ratio κ", 50, 1, 100, { log: true, step: 0.1 }),
        rotation: number("rotation", 0, 0, 90, { step: 1, unit: "°" }),
        step: number("step", 30, 0, 30, { ...whole, play: 8 }),
        x: number("start, along the valley", -4, -4.5, 4.5, { dragged: true }),
        y: number("start, across the valley", 2, -4.5, 4.5, { dragged: true }),
      },
      simulate: race,
      draw: drawRace,
      say: sayRace,
    },
    root: {
      about: "Share a budget of scale over four coordinates and compare with the best in hindsight.",
      settings: {
        p: number("exponent p of G", 0, 0, 1, { step: 0.01, clears: "shares" }),
        unequal: number("ratio of lengths", 2, 1, 4, { step: 0.1 }),
        shares: { label: "shares", value: null, list: 4, dragged: true },
      },
      simulate: share,
      draw: drawShares,
      say: sayShares,
    },
    features: {
      about: "A frequent and a rare feature: their accumulators grow, their rates only ever fall.",
      settings: {
        often: number("A appears in", 0.5, 0.01, 1, { log: true, unit: "%" }),
        rare: number("B appears in", 0.04, 0.01, 1, { log: true, unit: "%" }),
        step: number("step", 200, 0, 200, { ...whole, play: 40 }),
      },
      simulate: features,
      draw: drawFeatures,
      say: sayFeatures,
    },
    arrive: {
      about: "How far each method can travel before its rates have shrunk away.",
      settings: {
        distance: number("distance", 10, 0.1, 100, log),
        lr: number("learning rate η", 0.05, 0.001, 1, log),
        size: number("gradient size", 1, 0.01, 100, log),
        first: number("first gradient ×", 1, 1, 100, log),
        horizon: number("steps", 400, 10, 10000, { log: true, whole: true }),
      },
      simulate: travel,
      draw: drawTravel,
      say: sayTravel,
    },
    memory: {
      about: "Weights, gradients and optimizer state of an embedding table, drawn to scale.",
      settings: {
        rows: number("rows", 1e6, 1e3, 1e9, { log: true, whole: true }),
        dimension: number("dimension", 64, 1, 1024, { log: true, whole: true }),
        optimizer: {
          label: "optimizer",
          value: "AdaGrad",
          options: {
            SGD: "SGD",
            Momentum: "Momentum",
            AdaGrad: "AdaGrad",
            Adam: "Adam",
            RowWiseAdaGrad: "row-wise AdaGrad",
            SM3: "SM3",
            FullMatrixAdaGrad: "full-matrix AdaGrad",
          },
        },
        precision: {
          label: "precision",
          value: "float32",
          options: {
            float32: "float32",
            bfloat16: "bfloat16",
            mixed: "bfloat16, state in float32",
          },
        },
        ranks: number("ranks", 1, 1, 64, whole),
      },
      simulate: memory,
      draw: drawMemory,
      say: sayMemory,
    },
  };

  for (const figure of Object.values(FIGURES)) {
    const dragged = (key) => figure.settings[key].dragged;
    figure.sliders = Object.keys(figure.settings).filter((key) => !dragged(key));
  }

  // Race -------------------------------------------------------------------------------------

  function drawRace(state, sim, width) {
    const wide = width >= 560;
    const side = Math.min(wide ? 0.53 * width : width, 400);
    const reach = Math.max(4.8, Math.hypot(...sim.start) + 0.3);
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
    for (const [dx, dy] of [[9, 0], [0, 9]]) {
      map += line(middle - dx, middle - dy, middle + dx, middle + dy, "ink");
    }
    map += text(middle + 14, middle + 4, "minimum", "muted halo");
    const ends = [];
    for (const method of METHODS_RACING) {
      const points = sim[method].points.slice(0, state.step + 1);
      const visible = points.filter(([x, y]) => Math.hypot(x, y) < 300).map(place);
      ends.push(last(points).map((v) => clamp(v, -reach, reach)));
      map += curve(visible, `run ${method}`) + dots(visible, `dots ${method}`);
    }
    METHODS_RACING.forEach((method, i) => {
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
    map += text(clamp(x, 30, side - 30), y < 60 ? y + 26 : y - 16, "drag me", "muted halo", "middle");

    const left = wide ? side + 36 : 0;
    const half = wide ? width - left : (width - 24) / 2;
    const top = wide ? 0 : side + 18;
    const lossTop = wide ? 172 : top;
    const bars = drawRates(state, sim, left, top, half);
    const curves = drawLosses(state, sim, wide ? left : half + 24, lossTop, half, wide ? side - 172 : 138);
    const moved = (w) => startAt(sim.landscape.turnBack(w));
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
          min: -4.5,
          max: 4.5,
          moved: (toX, toY) => moved([back(toX), -back(toY)]),
          nudged: (dx, dy) => moved([sim.start[0] + 0.25 * dx, sim.start[1] + 0.25 * dy]),
        },
      ],
      grab: (toX, toY) => (toX < side && toY < side ? 0 : -1),
    };
  }
  const METHODS_RACING = ["SGD", "AdaGrad"];

  function startAt([x, y]) {
    const shrink = Math.min(1, 4.5 / Math.hypot(x, y));
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
      METHODS_RACING.forEach((method, j) => {
        const rate = rates(method)[i];
        const long = length(Math.min(rate, longest));
        drawn += box(from + 4, top + 23 * j, Math.max(long, 1.5), 17, `fill ${method}`);
        const name = roomy && !i && long < width - 130 ? ` ${method}` : "";
        drawn += text(from + long + 10, top + 23 * j + 13, (rate > longest ? "›" : show(rate)) + name, `name ${method}`);
      });
    });
    return drawn + line(from + 4, y + 22, from + 4, y + 132, "axis");
  }

  function drawLosses(state, sim, x, y, width, height) {
    const [top, bottom, left] = [y + 26, y + height - 20, x + 34];
    const px = scale(0, sim.SGD.losses.length - 1, left, x + width - 4);
    const py = logScale(10, 1e-6, top, bottom);
    let drawn = text(x, y + 13, "loss / first loss", "title");
    for (const [value, label] of [[1, "1"], [1e-3, "10⁻³"], [1e-6, "10⁻⁶"]]) {
      drawn += line(left, py(value), x + width, py(value), "grid");
      drawn += text(left - 5, py(value) + 4, label, "small", "end");
    }
    drawn += text(px(0), bottom + 16, "0", "small", "middle");
    drawn += text(x + width, bottom + 16, "step 30", "small", "end");
    let curves = "";
    for (const method of METHODS_RACING) {
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

  function sayRace(state, sim) {
    if (state.step === 0) return "Both start here, with the same learning rate. Press Play.";
    if (!sim.SGD.losses[0]) return "Both start at the minimum: no gradient, no step.";
    const way = (method) => {
      const { points, losses } = sim[method];
      const arrived = losses.findIndex((loss) => loss <= 1e-3 * losses[0]);
      if (arrived >= 0 && arrived <= state.step) return `gets to a thousandth of the loss in ${plural(arrived, "step")}`;
      const left = Math.hypot(...points[state.step]) / Math.hypot(...points[0]);
      return `has ${percent(left)} of its way to go`;
    };
    // With each step SGD multiplies its ways along and across the valley by these.
    const [along, across] = [state.x, state.y].map((v, i) => v && 1 - state.lr * sim.h[i]);
    const least = Math.min(along, across);
    let sgd = way("SGD");
    if (least < -1) sgd = `diverges: η = ${show(state.lr, 3)} > 2/L = ${show(2 / STEEP)}`;
    else if (least < 0 && sgd.startsWith("has")) {
      sgd = `${along > 0.8 ? "zigzags across the valley, creeps along it" : "overshoots"} and ${sgd}`;
    }
    const [a, b] = sim.AdaGrad.rates[state.step - 1];
    const apart = Math.max(a / b, b / a);
    let why = `its two rates differ by a factor of ${show(apart)}`;
    if (!(apart < 1e6)) why = "one coordinate has had no gradient";
    else if (apart < 1.5) {
      why = "its two rates are nearly equal";
      if (state.ratio > 1.5 && Math.abs(state.rotation - 45) < 15) {
        why += ", as each coordinate sees the same mixture of steep and shallow";
      }
    }
    return `After ${plural(state.step, "step")} SGD ${sgd}. AdaGrad ${way("AdaGrad")}; ${why}.`;
  }

  // Why the root -----------------------------------------------------------------------------

  function drawShares(state, sim, width) {
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
        drawn += text(x + w / 2, bottom + 54, `‖g‖ ${show(state.unequal ** (3 - i))}`, "small", "middle");
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
    const worst = Math.max(share({ ...state, p: 0, shares: null }).cost, 1.2);
    const qy = scale(1, Math.max(worst, 1.6), low, high + 30);
    drawn += text(left - 34, high + 13, "cost / least cost", "title");
    const powers = Array.from({ length: 41 }, (_, i) => i / 40);
    drawn += curve(
      powers.map((p) => [qx(p), qy(share({ ...state, p, shares: null }).cost)]),
      "line AdaGrad",
    );
    drawn += line(left, low, width, low, "axis") + text(left - 6, low + 4, "1", "small", "end");
    [[0, "p = 0"], [0.5, "½, the root"], [1, "1"]].forEach(([p, words]) => {
      drawn += text(qx(p), low + 18, words, "small", p ? "middle" : "start");
    });
    const cx = state.shares ? (left + width - 8) / 2 : qx(state.p);
    const cy = qy(Math.min(sim.cost, 1.08 * Math.max(worst, 1.6)));
    if (state.shares) drawn += line(left, cy, width - 8, cy, "level-line");
    drawn += tag("circle", { cx, cy, r: 6, class: "fill AdaGrad ring" });
    drawn += text(Math.min(cx, width - 18), cy - 12, show(sim.cost, 3), "name halo AdaGrad", "middle");

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
  }

  function sayShares(state, sim) {
    const [high, low] = [Math.max, Math.min].map((f) => sim.heights.indexOf(f(...sim.heights)) + 1);
    const whose = state.shares
      ? "Your shares cost"
      : state.p ? `Shares proportional to G to the power ${show(state.p)} cost` : "Equal shares cost";
    if (sim.cost < 1.0005) {
      return `${whose} the least possible: all columns are level. Each share is proportional to the gradient's length, the root of G.`;
    }
    return `${whose} ${show(sim.cost, 3)} times the least possible. Column ${high} is the highest: give it more. Column ${low} can spare some.`;
  }

  // Frequent and rare ------------------------------------------------------------------------

  const NAMES = ["A", "B"];

  function drawFeatures(state, sim, width) {
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
        drawn += box(x, 30 + side - edge, edge, edge, k === G ? `square AdaGrad shade${2 * i}` : "ring-line");
      }
      drawn += text(x, 30 + side + 18, `${NAMES[i]}: G = ${G}`, "title");
      drawn += text(x, 30 + side + 36, `side √G = ${show(Math.sqrt(G))}`, "small");
    });

    const [top, low] = wide ? [30, 30 + side] : [side + 112, side + 262];
    const px = scale(0, sim[0].events.length, left, width - 64);
    const py = scale(0, 1.12, low, top);
    drawn += text(left - 34, top - 17, "effective rate", "title");
    for (const v of [0, 0.5, 1]) {
      drawn += line(left, py(v), width - 64, py(v), v ? "grid" : "axis");
      drawn += text(left - 6, py(v) + 4, v ? (v === 1 ? "η" : "η/2") : "0", "small", "end");
    }
    drawn += curve([[px(0), py(1)], [px(t), py(1)]], "line SGD");
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
        drawn += text(x + 6, Math.max(y + 4 + apart, py(1) + 20), `${NAMES[i]} ${show(rates[t - 1])} η`, "name halo AdaGrad");
      }
      const raster = low + 24 + 17 * i;
      drawn += text(left - 6, raster + 10, NAMES[i], "small", "end");
      for (let k = 0; k < t; k++) {
        if (events[k]) drawn += line(px(k + 0.5), raster, px(k + 0.5), raster + 11, `tick AdaGrad shade${2 * i}`);
      }
    });
    drawn += text(px(0), low + 17, "0", "small") + text(px(200), low + 17, "step 200", "small", "end");
    return { height: low + 62, scene: drawn, handles: [] };
  }

  function sayFeatures({ step: t }, sim) {
    if (t === 0) return "Neither feature has appeared yet. Press Play.";
    const [m, n] = sim.map(({ accumulators }) => accumulators[t - 1]);
    const start = `After ${plural(t, "step")} A has appeared ${plural(m, "time")} and B ${plural(n, "time")}.`;
    const [a, b] = sim.map(({ rates }) => rates[t - 1]);
    if (!a || !b) return `${start} What has not appeared has no rate yet: its first step will have length η.`;
    const compare =
      m === n ? "Their rates are equal"
      : n < m ? `B's rate is ${show(b / a)} times A's, the root of ${m}/${n}`
      : `A's rate is ${show(a / b)} times B's, the root of ${n}/${m}`;
    return `${start} ${compare}. AdaGrad raised neither rate: they fell from η to ${show(a)} η and ${show(b)} η.`;
  }

  // Can it arrive? ---------------------------------------------------------------------------

  function drawTravel(state, sim, width) {
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
      drawn += text(x + 6, y + 15, show(far) + (far > 1.25 * goal ? " →" : ""), `name halo ${method}`);
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
    drawn += text(left - 6, qy(goal) + 4, show(goal), "small", "end") + text(left - 6, low + 4, "0", "small", "end");
    let curves = "";
    for (const method of methods) {
      const { travelled, arrival } = sim[method];
      const every = Math.max(1, Math.floor(state.horizon / 150));
      const points = travelled
        .map((far, t) => [t, far])
        .filter(([t, far], i) => (i % every === 0 || t === state.horizon || i < 20) && far < 9 * goal)
        .map(([t, far]) => [qx(t) - left, qy(far) - top]);
      curves += curve(points, `line ${method}`);
      if (arrival !== null) {
        curves += tag("circle", { cx: qx(arrival) - left, cy: qy(goal) - top, r: 5, class: `fill ${method}` });
      }
    }
    return {
      height: low + 26,
      scene: drawn + frame(left, top, width - left, low - top, curves),
      handles: [],
    };
  }

  function sayTravel(state, sim) {
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
    return `In ${show(horizon)} steps AdaGrad can travel ${show(far)} of ${show(distance)}; it would need about ${show(needed)} steps.${poisoned} ${others}`;
  }

  // Memory calculator ------------------------------------------------------------------------

  // The colour of an optimizer that has none of its own is that of its family.
  const FAMILY = { RowWiseAdaGrad: "AdaGrad shade2", FullMatrixAdaGrad: "AdaGrad", SM3: "other" };

  function drawMemory(state, sim, width) {
    const names = FIGURES.memory.settings.optimizer.options;
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
      drawn += text(wide ? left - 10 : 0, y + 15, words, style, wide ? "end" : "start");
      drawn += text(wide ? x + 6 : width, y + 15, amount, style, wide ? "start" : "end");
    };
    let y = 30;
    for (const [key, words] of Object.entries(names)) {
      row(y, words, sim[key], sim[key].state, look(key), key === state.optimizer ? "title" : "small");
      y += pitch;
    }
    drawn += line(0, y + 4, width, y + 4, "grid");
    const mine = sim[state.optimizer];
    row(y + 14, "on each rank", mine, mine.rank, look(state.optimizer), "title");
    return { height: y + 14 + pitch, scene: drawn, handles: [] };
  }

  function sayMemory(state, sim) {
    const { weights, state: mine, total, rank } = sim[state.optimizer];
    const name = FIGURES.memory.settings.optimizer.options[state.optimizer];
    const table = `${plural(state.rows, "row")} of ${show(state.dimension)} numbers: ${bytes(weights)} of weights and as much of gradients.`;
    if (!mine) return `${table} SGD keeps no state.`;
    const times = mine / weights;
    const size = times > 1e4 ? `${show(times)} times` : `${percent(times)} of`;
    const shared = state.ranks > 1 ? ` Shared by ${show(state.ranks)} ranks, each holds ${bytes(rank)} of it.` : "";
    return `${table} With ${name} the state takes ${bytes(mine)}, ${bytes(total)} in all. That is ${size} the weights.${shared}`;
  }

  // 4 Settings and links -------------------------------------------------------------------

  // A link ends in, say, #race:lr=1.2,rotation=45; a list of numbers is written 0.5_0.3_0.1_0.1.
  const parse = (words) =>
    Object.fromEntries(words.split(",").filter(Boolean).map((pair) => pair.split(/=(.*)/s, 2)));
  const write = (settings) =>
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
  function clean(name, raw, defaults = {}) {
    const specs = FIGURES[name].settings;
    const state = Object.fromEntries(Object.entries(specs).map(([key, { value }]) => [key, value]));
    Object.assign(state, defaults);
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

  // 5 A figure at work ---------------------------------------------------------------------

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
    const v = +(spec.min * (spec.max / spec.min) ** (position / POSITIONS)).toPrecision(2 + !spec.whole);
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
  function mount(root, name, home, changed = () => {}) {
    const figure = FIGURES[name];
    const prefix = `x${++mounted}-`;
    const state = { ...home };
    const calm = matchMedia("(prefers-reduced-motion: reduce)");
    const playable = Object.keys(figure.settings).find((key) => figure.settings[key].play);
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
    for (const key of figure.sliders) {
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
      for (const key of figure.sliders) shows[key](state[key]);
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

  // 6 Page, widget, Node -------------------------------------------------------------------

  // All figures of a page; the second of a kind is called race-2, and so on.
  function hydrate() {
    const figures = {};
    const counts = {};
    for (const root of document.querySelectorAll("[data-explorable]")) {
      const name = root.dataset.explorable;
      counts[name] = (counts[name] || 0) + 1;
      const key = counts[name] > 1 ? `${name}-${counts[name]}` : name;
      const home = clean(name, parse(root.dataset.settings || "")).state;
      let saving = 0;
      const view = mount(root, name, home, (state) => {
        clearTimeout(saving);
        saving = setTimeout(() => {
          const changed = Object.entries(state).filter(([k, v]) => String(v) !== String(home[k]));
          const words = write(Object.fromEntries(changed));
          const place = location.pathname + location.search;
          history.replaceState(history.state, "", words ? `#${key}:${words}` : place);
        }, 300);
      });
      figures[key] = { root, view, name, home };
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
    }
    const follow = () => {
      let hash = location.hash.slice(1);
      try {
        hash = decodeURIComponent(hash);
      } catch {
        // taken as it is
      }
      const [key, words] = hash.split(/:(.*)/s, 2);
      if (!Object.hasOwn(figures, key) || (words === undefined && document.getElementById(key))) return;
      const { root, view, name, home } = figures[key];
      const { state, note } = clean(name, parse(words || ""), home);
      view.set(state);
      view.say(note);
      root.scrollIntoView({ block: "nearest" });
    };
    follow();
    addEventListener("hashchange", follow);
  }

  // For anywidget: the model's traits are the figure's settings.
  function render({ model, el }) {
    const name = model.get("_figure");
    const keys = Object.keys(FIGURES[name].settings);
    const read = () => clean(name, Object.fromEntries(keys.map((key) => [key, model.get(key)])));
    const root = el.appendChild(make("div", { class: "explorable" }));
    // Else JupyterLab takes the arrow keys.
    root.dataset.lmSuppressShortcuts = "";
    root.addEventListener("keydown", (event) => event.stopPropagation());
    const first = read();
    const home = clean(name, {}).state;
    const view = mount(root, name, { ...home, ...first.state }, (state) => {
      for (const key of keys) model.set(key, state[key]);
      model.save_changes();
    });
    const follow = () => {
      const { state, note } = read();
      view.set(state);
      view.say(model.get("_note") || note);
    };
    view.say(model.get("_note") || first.note);
    for (const key of [...keys, "_note"]) model.on(`change:${key}`, follow);
    return () => {
      model.off(null, follow);
      view.remove();
    };
  }

  const simulations = { race, share, features, travel, memory };
  return { FIGURES, simulations, clean, parse, write, tag, hydrate, render };
})();

if (typeof module !== "undefined") module.exports = explorables;
else if (document.currentScript) explorables.hydrate();
