// Header, cards and the two bar panels.

const SHARES = [
  ["compute", "compute", "waiting for the compute unit alone"],
  ["memory", "memory", "operands and results arriving slower than compute"],
  ["stall", "stalls", "waiting for a prefetch or eviction to finish"],
  ["overhead", "launch overhead", "fixed cost of every kernel"],
];

function micro(seconds) {
  return seconds * 1e6;
}

function describeFallbacks(f) {
  const each = f.reason_count === f.count ? "each" : `${f.reason_count} of them`;
  return `${f.count} of ${f.instructions} instructions have the roofline's prices, ${each} because ${f.reason}`;
}

function drawHeader() {
  const s = data.summary;
  document.getElementById("subtitle").textContent =
    `${formatCount(s.kernels)} kernels, ${s.flops > 0 ? `${formatFlops(s.flops)}, ` : ""}${formatBytes(s.weight_bytes)} of weights, ` +
    `${formatBytes(s.activation_bytes)} of activations`;
  const chips = [["accelerator", s.accelerator], ["planner", s.planner || "unnamed"], ["seed", String(s.seed)],
    ["cost model", s.cost_model]];
  if (s.budget_seconds !== null) chips.push(["budget", `${s.budget_seconds} s`]);
  document.getElementById("chips").append(
    ...chips.map(([key, value]) => element("li", {}, `${key} `, element("b", {}, value))),
  );
  document.getElementById("footer").textContent =
    `Written by memstow ${data.version}. Times are simulated with memstow's timing model, not measured on the part. ` +
    (s.fallbacks ? `${describeFallbacks(s.fallbacks)}. ` : "") +
    `Program ${s.program_fingerprint.slice(0, 12)}.`;
}

function card(label, [value, unit], note, extra = {}) {
  const node = element("div", { class: `card ${extra.lead ? "lead" : ""}` },
    element("div", { class: "label" }, label),
    element("div", { class: "value" }, value, element("small", {}, unit ? ` ${unit}` : "")),
    element("div", { class: `note ${extra.tone ?? ""}` }, note));
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
  return seconds > 0 ? `${(reference / seconds).toFixed(2)} ×` : "";
}

function drawCards() {
  const s = data.summary;
  const capacity = s.fast_memory_capacity_bytes;
  const used = capacity > 0 ? s.fast_memory_arena_bytes / capacity : 0;
  const gap = s.gap_ratio === null ? ["–", ""] : [(100 * s.gap_ratio).toFixed(1), "%"];
  const moved = s.prefetch_bytes + s.evict_bytes;
  const cards = [
    timeCard("planned", s.planned_seconds, `${ratioTo(s.all_slow_seconds, s.planned_seconds) || "–"} as fast as all slow`,
      { lead: true }),
    timeCard("everything in slow memory", s.all_slow_seconds, "no planning at all"),
    timeCard("everything in fast memory", s.all_fast_seconds, "as if it all fitted, at no cost"),
    card("gap to the lower bound", gap, `no plan is faster than ${formatTime(micro(s.lower_bound_seconds))}`),
    card("fast memory used", byteParts(s.fast_memory_arena_bytes),
      `${formatPercent(used)} of ${formatBytes(capacity)}`, { meter: used }),
    card("copies", [formatCount(s.prefetches + s.evictions), ""],
      `${formatBytes(moved)}: ${formatCount(s.prefetches)} in, ${formatCount(s.evictions)} out`),
  ];
  if (s.numerics) cards.push(numericsCard(s.numerics));
  document.getElementById("cards").append(...cards);
}

function numericsCard(numerics) {
  const error = numerics.max_scaled_error;
  const verdict = numerics.passed ? "equal to PyTorch" : "differs from PyTorch";
  return card("numerics", [error === null ? "–" : error.toExponential(1), "max error"],
    `${verdict}, tolerance ${numerics.tolerance.toExponential(0)}`, { tone: numerics.passed ? "good" : "bad" });
}

function sharesOf(total) {
  return SHARES.map(([key]) => [key, total > 0 ? data.summary.time_shares[`${key}_seconds`] / total : 0]);
}

function drawTimes() {
  const s = data.summary;
  const rows = [
    ["all slow", s.all_slow_seconds, [["overhead", 1]]],
    ["plan", s.planned_seconds, sharesOf(s.planned_seconds)],
    ["all fast", s.all_fast_seconds, [["overhead", 1]]],
    ["lower bound", s.lower_bound_seconds, [["bound", 1]]],
  ];
  const longest = Math.max(...rows.map(([, seconds]) => seconds), 1e-30);
  const bars = element("div", { class: "bars" });
  for (const [name, seconds, parts] of rows) {
    const track = element("div", { class: "track" });
    for (const [colour, share] of parts) {
      const width = `${(100 * share * seconds) / longest}%`;
      track.append(element("i", { style: { width, background: `var(--${colour})` } }));
    }
    bars.append(
      element("div", { class: `name ${name === "plan" ? "strong" : ""}` }, name), track,
      element("div", { class: "number" }, formatTime(micro(seconds))),
      element("div", { class: "ratio" }, s.lower_bound_seconds > 0 ? `${(seconds / s.lower_bound_seconds).toFixed(2)} × bound` : ""));
  }
  document.getElementById("times").append(bars);
}

function drawShares() {
  const s = data.summary;
  const bar = element("div", { class: "stacked" });
  const table = element("table", { class: "shares" });
  for (const [[key, name, meaning], [, share]] of SHARES.map((row, k) => [row, sharesOf(s.planned_seconds)[k]])) {
    bar.append(element("i", { title: `${name}: ${formatPercent(share)}`,
      style: { width: `${100 * share}%`, background: `var(--${key})`, display: share > 0 ? "block" : "none" } }));
    table.append(element("tr", {},
      element("td", {}, swatch(key), name, element("span", { class: "muted" }, ` · ${meaning}`)),
      element("td", { class: "number" }, formatTime(micro(s.time_shares[`${key}_seconds`]))),
      element("td", { class: "number" }, formatPercent(share))));
  }
  document.getElementById("shares").append(bar, table);
}
