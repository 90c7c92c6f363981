// Painting. The picture is painted once per view; hovering only adds an overlay.

const canvas = document.getElementById("picture");
const base = document.createElement("canvas");
const FONT = "11.5px system-ui, sans-serif";
const BOUND_COLOURS = { compute: "compute", "slow memory": "memory", "fast memory": "fast", overhead: "overhead" };
let colours = {};
let hatch = null;

function readColours() {
  const style = getComputedStyle(document.documentElement);
  const names = ["ink", "muted", "line", "grid", "plot", "panel", "accent", "parameter", "constant", "input", "intermediate",
    "output", "compute", "memory", "stall", "overhead", "prefetch", "evict", "fast"];
  colours = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  const tile = document.createElement("canvas");
  tile.width = tile.height = 6;
  const pen = tile.getContext("2d");
  pen.strokeStyle = colours.stall;
  pen.globalAlpha = 0.55;
  for (const shift of [-6, 0, 6]) {
    pen.moveTo(shift, 6);
    pen.lineTo(shift + 6, 0);
  }
  pen.stroke();
  hatch = pen.createPattern(tile, "repeat");
}

function paint() {
  const ratio = window.devicePixelRatio || 1;
  const area = panels();
  for (const surface of [canvas, base]) {
    surface.width = Math.round(view.width * ratio);
    surface.height = Math.round(area.total * ratio);
  }
  canvas.style.height = `${area.total}px`;
  const pen = base.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.font = FONT;
  const inner = view.width - MARGIN.left - MARGIN.right;
  for (const name of ["kernels", "memory", "occupancy", "prefetch", "evict"]) {
    pen.fillStyle = colours.plot;
    pen.fillRect(MARGIN.left, area[name].y, inner, area[name].height);
  }
  paintHorizontalAxis(pen, area);
  paintMemoryAxis(pen, area);
  pen.save();
  pen.beginPath();
  pen.rect(MARGIN.left, 0, inner, area.bottom + 1);
  pen.clip();
  paintStalls(pen, area);
  paintKernels(pen, area.kernels);
  paintAllocations(pen, area.memory);
  paintOccupancy(pen, area.occupancy);
  paintCopies(pen, area);
  pen.restore();
  paintTitles(pen, area);
  paintOverlay();
}

function paintTitles(pen, area) {
  pen.fillStyle = colours.muted;
  pen.textAlign = "left";
  pen.textBaseline = "alphabetic";
  const unit = view.axis === "time" ? "" : " (between issue and deadline)";
  const titles = [
    [area.kernels, "kernels, by what bounds them (launch overhead aside)"],
    [area.memory, `offset in fast memory, of ${formatBytes(capacity)}`],
    [area.occupancy, "bytes allocated"],
    [area.prefetch, `copies${unit}`],
  ];
  for (const [panel, text] of titles) pen.fillText(text, MARGIN.left, panel.y - 6);
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  pen.fillText("prefetch", MARGIN.left - 8, area.prefetch.y + area.prefetch.height / 2);
  pen.fillText("evict", MARGIN.left - 8, area.evict.y + area.evict.height / 2);
}

function paintHorizontalAxis(pen, area) {
  const [, unit] = view.axis === "time" ? timeParts(view.high) : [0, ""];
  const factor = { s: 1e-6, ms: 1e-3, "µs": 1, ns: 1e3, "": 1 }[unit];
  const found = ticks(view.low * factor, view.high * factor, Math.max(3, view.width / 130), false);
  pen.textAlign = "center";
  pen.textBaseline = "top";
  found.forEach((tick, k) => {
    const x = xAt(tick / factor);
    pen.fillStyle = colours.grid;
    pen.fillRect(x, area.kernels.y, 1, area.bottom - area.kernels.y);
    const step = found.length > 1 ? Math.abs(found[1] - found[0]) : 1;
    const digits = Math.max(0, -Math.floor(Math.log10(step)));
    const label = `${tick.toFixed(Math.min(6, digits))} ${unit}`.trim();
    pen.fillStyle = colours.muted;
    if (x < view.width - 40) pen.fillText(k === 0 && view.axis === "index" ? `instruction ${label}` : label, x, area.bottom + 8);
  });
}

function byteTicks(pen, panel, top, wanted) {
  const unit = byteUnit(top);
  const found = ticks(0, top, wanted, true);
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (const tick of found) {
    const y = yAt(panel, tick, top);
    pen.fillStyle = colours.grid;
    pen.fillRect(MARGIN.left, y, view.width - MARGIN.left - MARGIN.right, 1);
    pen.fillStyle = colours.muted;
    pen.fillText(`${Number((tick / 2 ** (10 * unit)).toPrecision(4))} ${BYTE_UNITS[unit]}`, MARGIN.left - 8, y);
  }
}

function paintMemoryAxis(pen, area) {
  byteTicks(pen, area.memory, memoryTop(), 8);
  byteTicks(pen, area.occupancy, occupancyTop(), 2);
}

function occupancyTop() {
  return Math.max(1, memoryTop());
}

function paintStalls(pen, area) {
  const scale = edges[view.axis];
  const longest = Math.max(...kernels.stall, data.final_stall, 1e-12);
  for (let t = 0; t <= count; t += 1) {
    const stall = t < count ? kernels.stall[t] : data.final_stall;
    if (stall <= 0) continue;
    const x = xAt(scale[t]);
    const end = view.axis === "time" ? xAt(scale[t] + stall) : xAt(scale[t] + 1);
    pen.globalAlpha = view.axis === "time" ? 1 : 0.25 + (0.75 * stall) / longest;
    pen.fillStyle = hatch;
    pen.fillRect(x, area.kernels.y, Math.max(1, end - x), area.bottom - area.kernels.y);
  }
  pen.globalAlpha = 1;
}

function paintKernels(pen, panel) {
  const scale = edges[view.axis];
  for (let t = 0; t < count; t += 1) {
    const begin = view.axis === "time" ? scale[t] + kernels.stall[t] : scale[t];
    const x = xAt(begin);
    const width = xAt(scale[t + 1]) - x;
    pen.fillStyle = colours[BOUND_COLOURS[data.bounds[kernels.bound[t]]]];
    pen.globalAlpha = view.query === "" || kernels.name[t].toLowerCase().includes(view.query) ? 1 : 0.2;
    pen.fillRect(x, panel.y, width > 3 ? width - 0.75 : width, panel.height);
  }
  pen.globalAlpha = 1;
}

function allocationBox(k, panel) {
  const [begin, end] = allocationSpan(k);
  const top = memoryTop();
  const y = yAt(panel, allocations.offset[k] + allocations.size[k], top);
  const x = xAt(begin);
  return { x, y, width: Math.max(0.75, xAt(end) - x), height: Math.max(0.75, yAt(panel, allocations.offset[k], top) - y) };
}

function paintAllocations(pen, panel) {
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  for (let k = 0; k < allocations.buffer.length; k += 1) {
    const box = allocationBox(k, panel);
    if (box.x > view.width || box.x + box.width < MARGIN.left) continue;
    const buffer = allocations.buffer[k];
    pen.globalAlpha = matches(buffer) ? 0.9 : 0.12;
    pen.fillStyle = colours[data.kinds[buffers.kind[buffer]]];
    pen.fillRect(box.x, box.y, box.width, box.height);
    if (box.width > 4 && box.height > 4) {
      pen.strokeStyle = colours.panel;
      pen.strokeRect(box.x, box.y, box.width, box.height);
    }
    if (matches(buffer)) paintLabel(pen, box, buffers.name[buffer]);
  }
  pen.globalAlpha = 1;
  if (allocations.buffer.length === 0) {
    pen.fillStyle = colours.muted;
    pen.textAlign = "center";
    pen.fillText("No tensor is in fast memory in this plan.", view.width / 2, panel.y + panel.height / 2);
  }
}

function paintLabel(pen, box, name) {
  const left = Math.max(box.x, MARGIN.left);
  const room = Math.min(box.x + box.width, view.width) - left - 10;
  if (room < 32 || box.height < 13) return;
  const width = pen.measureText(name).width;
  const letters = Math.floor((name.length * room) / width) - 2;
  pen.fillStyle = "#10151d";
  pen.fillText(width > room ? `${name.slice(0, letters)}…` : name, left + 5, box.y + box.height / 2 + 0.5);
}

function paintOccupancy(pen, panel) {
  const top = occupancyTop();
  const scale = edges[view.axis];
  pen.beginPath();
  pen.moveTo(xAt(scale[0]), yAt(panel, 0, top));
  for (let t = 0; t <= count; t += 1) {
    pen.lineTo(xAt(scale[t]), yAt(panel, occupancy[t], top));
    pen.lineTo(xAt(scale[t + 1]), yAt(panel, occupancy[t], top));
  }
  pen.lineTo(xAt(scale[count + 1]), yAt(panel, 0, top));
  pen.fillStyle = pen.strokeStyle = colours.accent;
  pen.globalAlpha = 0.28;
  pen.fill();
  pen.globalAlpha = 1;
  pen.stroke();
  if (capacity > 0 && top >= capacity) {
    pen.fillStyle = colours.stall;
    pen.fillRect(MARGIN.left, panel.y, view.width, 1.5);
  }
}

function copyBox(k, area) {
  const panel = copies.evict[k] ? area.evict : area.prefetch;
  const [begin, end] = copySpan(k);
  const x = xAt(begin);
  const y = panel.y + 2 + lanes().lane[k] * laneHeight();
  return { x, y, width: Math.max(1, xAt(end) - x), height: laneHeight() - 2 };
}

function paintCopies(pen, area) {
  for (let k = 0; k < copies.buffer.length; k += 1) {
    const box = copyBox(k, area);
    pen.globalAlpha = matches(copies.buffer[k]) ? 0.9 : 0.15;
    pen.fillStyle = copies.evict[k] ? colours.evict : colours.prefetch;
    pen.fillRect(box.x, box.y, box.width > 3 ? box.width - 0.75 : box.width, box.height);
  }
  pen.globalAlpha = 1;
}

/** The painted picture, the pointer's line, and an outline around all that belongs to the tensor under the pointer. */
function paintOverlay() {
  const pen = canvas.getContext("2d");
  const ratio = window.devicePixelRatio || 1;
  const area = panels();
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(base, 0, 0);
  if (view.hover === null) return;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.beginPath();
  pen.rect(MARGIN.left, 0, view.width - MARGIN.left - MARGIN.right, area.bottom + 1);
  pen.clip();
  pen.fillStyle = colours.muted;
  pen.fillRect(view.hover.x, area.kernels.y, 1, area.bottom - area.kernels.y);
  pen.strokeStyle = colours.ink;
  pen.lineWidth = 2;
  const outline = (box) => pen.strokeRect(box.x, box.y, box.width, box.height);
  allocations.buffer.forEach((buffer, k) => buffer === view.hover.buffer && outline(allocationBox(k, area.memory)));
  copies.buffer.forEach((buffer, k) => buffer === view.hover.buffer && outline(copyBox(k, area)));
}
