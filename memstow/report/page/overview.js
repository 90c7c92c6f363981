// Header, cards, bars of times, and the figures of the plans side by side.

const SHARES = [
  ["compute", "compute", "waiting for the compute unit alone"],
  ["memory", "memory", "operands and results arriving slower than compute"],
  ["stall", "stalls", "waiting for a prefetch or eviction to finish"],
  ["overhead", "launch overhead", "fixed cost of every kernel"],
];
const single = given.length === 1;

function micro(seconds) {
  return seconds * 1e6;
}

function gapText(summary) {
  return summary.gap_ratio === null ? "" : `${formatPercent(summary.gap_ratio)} above the bound`;
}

function describeFallbacks(f) {
  const each = f.reason_count === f.count ? "each" : `${f.reason_count} of them`;
  return `${f.count} of ${f.instructions} instructions have the roofline's prices, ${each} because ${f.reason}`;
}

function drawHeader() {
  const s = given[0].summary;
  document.getElementById("eyebrow").textContent = single ? "memstow · memory plan" : `memstow · ${given.length} memory plans compared`;
  document.getElementById("subtitle").textContent =
    `${formatCount(s.kernels)} kernels, ${s.flops > 0 ? `${formatFlops(s.flops)}, ` : ""}${formatBytes(s.weight_bytes)} of weights, ` +
    `${formatBytes(s.activation_bytes)} of activations`;
  const chips = [["accelerator", s.accelerator], ["fast memory", formatBytes(s.fast_memory_capacity_bytes)]];
  if (single) chips.push(["planner", s.planner || "unnamed"], ["seed", String(s.seed)]);
  chips.push(["cost model", s.cost_model]);
  if (single && s.budget_seconds !== null) chips.push(["budget", `${s.budget_seconds} s`]);
  document.getElementById("chips").append(
    ...chips.map(([key, value]) => element("li", {}, `${key} `, element("b", {}, value))));
  document.getElementById("footer").textContent =
    `Written by memstow ${data.version}. Times are simulated with memstow's timing model, not measured on the part. ` +
    (s.fallbacks ? `${describeFallbacks(s.fallbacks)}. ` : "") +
    `Program ${s.program_fingerprint.slice(0, 12)}.`;
}

function card(label, [value, unit], note, extra = {}) {
  const node = element("div", { class: `card ${extra.lead ? "lead" : ""}` },
    element("div", { class: "label" }, ...[label].flat()),
    element("div", { class: "value" }, value, element("small", {}, unit ? ` ${unit}` : "")),
    element("div", { class: `note ${extra.tone ?? ""}` }, note));
  if (extra.colour) node.style.borderTop = `3px solid var(--${extra.colour})`;
  if (extra.meter !== undefined) {
    const width = `${Math.min(100, 100 * extra.meter)}%`;
    node.append(element("div", { class: "meter" }, element("i", { style: { width } })));
  }
  return node;
}

function timeCard(label, seconds, note, extra) {
  const [value, unit] = timeParts(micro(seconds));
  return card(label, [significant(value, 4), unit], note, extra);
}

function ratioTo(reference, seconds) {
  return seconds > 0 ? `${(reference / seconds).toFixed(2)} ×` : "–";
}

function singleCards(s) {
  const used = s.fast_memory_capacity_bytes > 0 ? s.fast_memory_arena_bytes / s.fast_memory_capacity_bytes : 0;
  const gap = s.gap_ratio === null ? ["–", ""] : [(100 * s.gap_ratio).toFixed(1), "%"];
  return [
    timeCard("planned", s.planned_seconds, `${ratioTo(s.all_slow_seconds, s.planned_seconds)} as fast as all slow`, { lead: true }),
    timeCard("all in slow memory", s.all_slow_seconds, "no planning at all"),
    timeCard("all in fast memory", s.all_fast_seconds, "as if it all fitted, at no cost"),
    card("above the lower bound", gap, `no plan is faster than ${formatTime(micro(s.lower_bound_seconds))}`),
    card("fast memory used", byteParts(s.fast_memory_arena_bytes),
      `${formatPercent(used)} of ${formatBytes(s.fast_memory_capacity_bytes)}`, { meter: used }),
    card("copies", [formatCount(s.prefetches + s.evictions), ""],
      `${formatBytes(s.prefetch_bytes + s.evict_bytes)}: ${formatCount(s.prefetches)} in, ${formatCount(s.evictions)} out`),
  ];
}

function planCard(model, best) {
  const s = model.summary;
  const slower = s.planned_seconds / best - 1;
  const rank = slower < 5e-5 ? "the fastest" : `${formatPercent(slower)} slower`;
  const note = [rank, gapText(s)].filter(Boolean).join(", ");
  return timeCard([badge(model), model.name], s.planned_seconds, note, { colour: model.colour, tone: slower < 5e-5 ? "good" : "" });
}

function comparedCards() {
  const s = given[0].summary;
  const best = Math.min(...given.map((model) => model.summary.planned_seconds));
  return [
    ...given.map((model) => planCard(model, best)),
    timeCard("lower bound", s.lower_bound_seconds, "no plan takes less"),
    timeCard("all in slow memory", s.all_slow_seconds, `${ratioTo(s.all_slow_seconds, best)} the fastest plan`),
  ];
}

function drawCards() {
  const s = given[0].summary;
  const cards = single ? singleCards(s) : comparedCards();
  if (s.numerics) cards.push(numericsCard(s.numerics));
  document.getElementById("cards").append(...cards);
}

function numericsCard(numerics) {
  const error = numerics.max_scaled_error;
  const verdict = numerics.passed ? "equal to PyTorch" : "differs from PyTorch";
  return card("numerics", [error === null ? "–" : error.toExponential(1), "max error"],
    `${verdict}, tolerance ${numerics.tolerance.toExponential(0)}`, { tone: numerics.passed ? "good" : "bad" });
}

function sharesOf(summary) {
  const total = summary.planned_seconds;
  return SHARES.map(([key]) => [key, total > 0 ? summary.time_shares[`${key}_seconds`] / total : 0]);
}

function drawTimes() {
  const s = given[0].summary;
  const rows = [
    ["all slow", s.all_slow_seconds, [["overhead", 1]], false],
    ...given.map((model) => [single ? ["plan"] : [badge(model), model.name], model.summary.planned_seconds, sharesOf(model.summary), true]),
    ["all fast", s.all_fast_seconds, [["overhead", 1]], false],
    ["lower bound", s.lower_bound_seconds, [["bound", 1]], false],
  ];
  const longest = Math.max(...rows.map(([, seconds]) => seconds), 1e-30);
  const bars = element("div", { class: "bars" });
  for (const [name, seconds, parts, strong] of rows) {
    const track = element("div", { class: "track" });
    for (const [colour, share] of parts) {
      const width = `${(100 * share * seconds) / longest}%`;
      track.append(element("i", { style: { width, background: `var(--${colour})` } }));
    }
    bars.append(
      element("div", { class: `name ${strong ? "strong" : ""}` }, ...[name].flat()), track,
      element("div", { class: "number" }, formatTime(micro(seconds))),
      element("div", { class: "ratio" }, s.lower_bound_seconds > 0 ? `${(seconds / s.lower_bound_seconds).toFixed(2)} × bound` : ""));
  }
  document.getElementById("times").append(bars);
}

function stackedBar(summary) {
  const bar = element("div", { class: "stacked" });
  const shares = sharesOf(summary);
  SHARES.forEach(([key, name], k) => {
    const share = shares[k][1];
    bar.append(element("i", { title: `${name}: ${formatPercent(share)}`,
      style: { width: `${100 * share}%`, background: `var(--${key})`, display: share > 0 ? "block" : "none" } }));
  });
  return bar;
}

function shareRows(cells) {
  return SHARES.map(([key, name, meaning], k) => element("tr", {},
    element("th", { scope: "row" }, swatch(key), name, single ? element("span", { class: "muted" }, ` · ${meaning}`) : ""),
    ...given.flatMap(({ summary }) => cells(summary.time_shares[`${key}_seconds`], sharesOf(summary)[k][1]))));
}

function numberCell(text) {
  return element("td", { class: "number" }, text);
}

const COMPARED = [
  ["above the bound", (s) => (s.gap_ratio === null ? "–" : formatPercent(s.gap_ratio))],
  ["fast memory used", (s) => formatBytes(s.fast_memory_arena_bytes)],
  ["prefetched", (s) => `${formatBytes(s.prefetch_bytes)} in ${formatCount(s.prefetches)}`],
  ["evicted", (s) => (s.evictions > 0 ? `${formatBytes(s.evict_bytes)} in ${formatCount(s.evictions)}` : "–")],
  ["slow-memory traffic", (s) => formatBytes(s.slow_traffic_bytes)],
];

function drawShares() {
  const place = document.getElementById("shares");
  if (single) {
    place.append(stackedBar(given[0].summary),
      element("table", { class: "shares" }, ...shareRows((seconds, share) => [numberCell(formatTime(micro(seconds))), numberCell(formatPercent(share))])));
    return;
  }
  document.getElementById("shares-heading").textContent = "Side by side";
  const head = element("tr", {}, element("td", {}), ...given.map((model) => element("th", { scope: "col", class: "number" }, badge(model), model.name)));
  const rows = COMPARED.map(([name, text]) => element("tr", {}, element("th", { scope: "row" }, name), ...given.map(({ summary }) => numberCell(text(summary)))));
  place.append(element("div", { class: "scroll" },
    element("table", { class: "shares compared" }, head, ...shareRows((seconds) => [numberCell(formatTime(micro(seconds)))]), ...rows)));
}
