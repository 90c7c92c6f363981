// What another amount of fast memory would give: a slider over capacities that were planned beforehand.

const whatIf = { ...(data.what_if ?? { points: [], planner: "" }), at: 0, home: 0, model: null };
const CURVE = { width: 460, height: 150, left: 56, right: 12, top: 12, bottom: 34 };

/** The plans given and, where the slider is away from home, the one of that capacity. */
function knownModels() {
  return whatIf.model === null ? given : [...given, whatIf.model];
}

function pointModel(point) {
  if (point.plan === null) return null;
  point.model ??= modelOf(point.plan, "W", "plan-w", `${whatIf.planner}, ${formatBytes(point.capacity)}`);
  return point.model;
}

function pointText(point) {
  return `${formatBytes(point.capacity)}: ${formatTime(point.time)}, ${formatPercent(point.time / point.bound - 1)} above the bound`;
}

/** The slider at its home shows the plans given; elsewhere the plan of that capacity takes the first one's place. */
function moveSlider(at) {
  whatIf.at = at;
  const point = whatIf.points[at];
  const slider = document.getElementById("capacity");
  slider.value = String(at);
  slider.setAttribute("aria-valuetext", pointText(point));
  whatIf.model = at === whatIf.home ? null : pointModel(point);
  const others = given.slice(1).filter((model) => view.shown.includes(model));
  showModels(whatIf.model === null ? [given[0], ...others] : [whatIf.model, ...others]);
  fillWhatIf();
  fillStalls();
}

function figure(label, value, note, tone = "") {
  return element("div", { class: "figure" }, element("div", { class: "label" }, label),
    element("div", { class: `value ${tone}` }, value), element("div", { class: "note" }, note));
}

function changeText(time, reference) {
  const change = time / reference - 1;
  if (Math.abs(change) < 5e-4) return ["no change", ""];
  return [`${formatPercent(Math.abs(change))} ${change < 0 ? "faster" : "slower"}`, change < 0 ? "good" : "bad"];
}

function fillWhatIf() {
  const point = whatIf.points[whatIf.at];
  const home = whatIf.points[whatIf.home];
  const [change, tone] = changeText(point.time, home.time);
  const drawn = point.plan === null ? "too large to draw" : whatIf.at === whatIf.home ? "as given" : "drawn as W";
  document.getElementById("what-if-figures").replaceChildren(
    figure("fast memory", formatBytes(point.capacity), drawn),
    figure("time", formatTime(point.time), whatIf.at === whatIf.home ? `by ${whatIf.planner}` : change, tone),
    figure("above bound", point.bound > 0 ? formatPercent(point.time / point.bound - 1) : "–", formatTime(point.bound)),
    figure("stalls", formatTime(point.stall), `${formatCount(point.stalls)} of them`),
    figure("used", formatBytes(point.arena), point.capacity > 0 ? formatPercent(point.arena / point.capacity) : ""),
    figure("copied", formatBytes(point.moved), "in and out"));
  document.getElementById("what-if-home").disabled = whatIf.at === whatIf.home;
  drawCurve();
}

function svg(tag, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function curveScales() {
  const sizes = whatIf.points.map(({ capacity }) => Math.log2(Math.max(1, capacity)));
  const [low, high] = [Math.min(...sizes), Math.max(...sizes)];
  const top = 1.08 * Math.max(...whatIf.points.map(({ time }) => time), ...given.map(totalTime));
  const { width, height, left, right, bottom } = CURVE;
  return {
    top,
    x: (capacity) => left + 14 + (high > low ? (Math.log2(Math.max(1, capacity)) - low) / (high - low) : 0.5) * (width - left - right - 28),
    y: (time) => CURVE.top + (height - CURVE.top - bottom) * (1 - time / top),
  };
}

function curveLine(scales, key, attributes) {
  const points = whatIf.points.map((point) => `${scales.x(point.capacity).toFixed(1)},${scales.y(point[key]).toFixed(1)}`).join(" ");
  return svg("polyline", { points, fill: "none", ...attributes });
}

function curveAxes(scales) {
  const [, unit] = timeParts(scales.top);
  const factor = { s: 1e-6, ms: 1e-3, "µs": 1, ns: 1e3 }[unit];
  const rows = ticks(0, scales.top * factor, 4, false).flatMap((tick) => {
    const y = scales.y(tick / factor);
    return [svg("line", { x1: CURVE.left, x2: CURVE.width - CURVE.right, y1: y, y2: y, class: "grid" }),
      svg("text", { x: CURVE.left - 8, y: y + 4, class: "tick end" }, `${Number(tick.toPrecision(6))} ${unit}`)];
  });
  const crowded = whatIf.points.length > 6;
  const columns = whatIf.points.filter((_, k) => !crowded || k % 2 === whatIf.home % 2).map((point) =>
    svg("text", { x: scales.x(point.capacity), y: CURVE.height - 12, class: "tick middle" }, formatBytes(point.capacity)));
  return [...rows, ...columns];
}

function drawCurve() {
  const scales = curveScales();
  const here = scales.x(whatIf.points[whatIf.at].capacity);
  const dots = whatIf.points.map((point, k) => {
    const dot = svg("circle", { cx: scales.x(point.capacity), cy: scales.y(point.time), r: k === whatIf.at ? 6 : 4, class: "dot" },
      svg("title", {}, pointText(point)));
    dot.addEventListener("click", () => moveSlider(k));
    return dot;
  });
  document.getElementById("curve").replaceChildren(
    ...curveAxes(scales),
    svg("line", { x1: here, x2: here, y1: CURVE.top, y2: CURVE.height - CURVE.bottom, class: "here" }),
    curveLine(scales, "bound", { class: "bound-line" }),
    curveLine(scales, "stall", { class: "stall-line" }),
    curveLine(scales, "time", { class: "time-line" }),
    ...dots,
    ...given.map((model) => givenMark(scales, model)));
}

/** The plans given, at their capacity: a diamond in the plan's colour. */
function givenMark(scales, model) {
  const [x, y] = [scales.x(model.capacity), scales.y(totalTime(model))];
  return svg("path", { d: `M${x} ${y - 5}l5 5-5 5-5-5z`, style: `fill:var(--${model.colour})`, class: "given" },
    svg("title", {}, `plan ${model.letter}, ${model.name}: ${formatTime(totalTime(model))}`));
}

function drawWhatIf() {
  const panel = document.getElementById("what-if");
  panel.hidden = whatIf.points.length < 2;
  if (panel.hidden) return;
  const own = given[0].capacity;
  whatIf.home = Math.max(0, whatIf.points.findIndex(({ capacity }) => capacity === own));
  whatIf.at = whatIf.home;
  document.getElementById("what-if-note").textContent =
    `planned anew by ${whatIf.planner} for each amount, all else equal`;
  const slider = document.getElementById("capacity");
  slider.max = String(whatIf.points.length - 1);
  slider.value = String(whatIf.home);
  slider.setAttribute("aria-valuetext", pointText(whatIf.points[whatIf.home]));
  slider.addEventListener("input", () => moveSlider(Number(slider.value)));
  document.getElementById("capacity-ticks").replaceChildren(...whatIf.points.map(({ capacity }, k) =>
    element("span", { class: k === whatIf.home ? "strong" : "" }, formatBytes(capacity))));
  document.getElementById("what-if-home").addEventListener("click", () => moveSlider(whatIf.home));
  fillWhatIf();
}
