// Painting a plan's panel. It is painted once per view, on a canvas of its own; marks are added on the visible one.

const FONT = "11.5px system-ui, sans-serif";
const PARTS = ["kernels", "memory", "occupancy", "prefetch", "evict"];
const BOUND_COLOURS = { compute: "compute", "slow memory": "memory", "fast memory": "fast", overhead: "overhead" };

function sizeCanvas(surface, height) {
  const ratio = window.devicePixelRatio || 1;
  surface.width = Math.round(view.width * ratio);
  surface.height = Math.round(height * ratio);
}

function penOf(surface) {
  const ratio = window.devicePixelRatio || 1;
  const pen = surface.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.font = FONT;
  return pen;
}

function clipToPlot(pen, parts) {
  pen.beginPath();
  pen.rect(MARGIN.left, 0, innerWidth(), parts.bottom + 1);
  pen.clip();
}

function paintModel(model) {
  const parts = partsOf(model);
  model.base ??= document.createElement("canvas");
  for (const surface of [model.canvas, model.base]) sizeCanvas(surface, parts.total);
  model.canvas.style.height = `${parts.total}px`;
  const pen = penOf(model.base);
  pen.fillStyle = colours.plot;
  for (const name of PARTS) pen.fillRect(MARGIN.left, parts[name].y, innerWidth(), parts[name].height);
  paintHorizontalAxis(pen, model, parts);
  byteTicks(pen, parts.memory, view.top, Math.max(2, parts.memory.height / 48));
  paintCapacityLabel(pen, model, parts.occupancy);
  pen.save();
  clipToPlot(pen, parts);
  paintAfterTheEnd(pen, model, parts);
  paintStalls(pen, model, parts);
  paintKernels(pen, model, parts.kernels);
  paintAllocations(pen, model, parts.memory);
  paintOccupancy(pen, model, parts.occupancy);
  paintCopies(pen, model, parts);
  pen.restore();
  paintTitles(pen, model, parts);
}

function paint() {
  view.top = memoryTop();
  for (const model of view.shown) {
    paintModel(model);
    paintMarks(model);
  }
  paintNavigator();
}

let painting = null;

/** Paints with the next frame, once however often it is asked for. */
function paintSoon() {
  paintNavigator();
  painting ??= requestAnimationFrame(() => {
    painting = null;
    paint();
  });
}

function paintTitles(pen, model, parts) {
  pen.fillStyle = colours.muted;
  pen.textAlign = "left";
  pen.textBaseline = "alphabetic";
  pen.fillText(`offset in fast memory, ${formatBytes(model.arena)} of ${formatBytes(model.capacity)} used`,
    MARGIN.left, parts.memory.y - 6);
  const peak = Math.max(...model.occupancy);
  const share = model.capacity > 0 ? ` (${formatPercent(peak / model.capacity)})` : "";
  pen.fillText(`bytes allocated, at most ${formatBytes(peak)} of ${formatBytes(model.capacity)}${share}`,
    MARGIN.left, parts.occupancy.y - 6);
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (const [name, text] of [["kernels", "kernels"], ["prefetch", "prefetch"], ["evict", "evict"]]) {
    const part = parts[name];
    if (part.height > 0) pen.fillText(text, MARGIN.left - 8, part.y + part.height / 2);
  }
}

function paintHorizontalAxis(pen, model, parts) {
  const [, unit] = view.axis === "time" ? timeParts(view.high) : [0, ""];
  const factor = { s: 1e-6, ms: 1e-3, "µs": 1, ns: 1e3, "": 1 }[unit];
  const found = ticks(view.low * factor, view.high * factor, Math.max(3, view.width / 130), false);
  const step = found.length > 1 ? Math.abs(found[1] - found[0]) : 1;
  const digits = Math.min(6, Math.max(0, -Math.floor(Math.log10(step))));
  pen.textAlign = "center";
  pen.textBaseline = "top";
  for (const tick of found) {
    const x = xAt(tick / factor);
    pen.fillStyle = colours.grid;
    for (const name of PARTS) pen.fillRect(x, parts[name].y, 1, parts[name].height);
    pen.fillStyle = colours.muted;
    if (isLast(model) && x < view.width - 40) pen.fillText(`${tick.toFixed(digits)} ${unit}`.trim(), x, parts.bottom + 7);
  }
  if (!isLast(model)) return;
  pen.textAlign = "right";
  pen.fillText(view.axis === "time" ? "time" : "instruction", MARGIN.left - 20, parts.bottom + 7);
}

function byteTicks(pen, part, top, wanted) {
  const unit = byteUnit(top);
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (const tick of ticks(0, top, wanted, true)) {
    const y = yAt(part, tick, top);
    pen.fillStyle = colours.grid;
    pen.fillRect(MARGIN.left, y, innerWidth(), 1);
    pen.fillStyle = colours.muted;
    pen.fillText(`${Number((tick / 2 ** (10 * unit)).toPrecision(4))} ${BYTE_UNITS[unit]}`, MARGIN.left - 8, y);
  }
}

/** On one axis of time the plans end at different places. */
function paintAfterTheEnd(pen, model, parts) {
  const end = xAt(model.edges[view.axis][count + 1]);
  if (end >= view.width - MARGIN.right - 0.5) return;
  pen.fillStyle = colours.panel;
  pen.fillRect(end, 0, view.width - end, parts.bottom + 1);
  pen.fillStyle = colours.muted;
  pen.fillRect(end, parts.kernels.y, 1.5, parts.bottom - parts.kernels.y);
}

function paintStalls(pen, model, parts) {
  const longest = Math.max(...model.stalls.length, 1e-12);
  model.stalls.time.forEach((_, k) => {
    const [x, end] = stallSpan(model, k);
    if (end < MARGIN.left || x > view.width) return;
    const width = Math.max(1, end - x);
    const strength = view.axis === "time" ? 1 : 0.3 + (0.7 * model.stalls.length[k]) / longest;
    pen.globalAlpha = strength;
    pen.fillStyle = hatch;
    for (const name of PARTS) pen.fillRect(x, parts[name].y, width, parts[name].height);
    pen.fillStyle = colours.stall;
    pen.fillRect(x, parts.kernels.y, width, view.axis === "time" ? parts.kernels.height : 3);
  });
  pen.globalAlpha = 1;
}

function paintKernels(pen, model, part) {
  const scale = model.edges[view.axis];
  const top = view.axis === "time" ? 0 : 3;
  for (let t = 0; t < count; t += 1) {
    const x = xAt(view.axis === "time" ? scale[t] + model.kernels.stall[t] : scale[t]);
    const width = xAt(scale[t + 1]) - x;
    if (x > view.width || x + width < MARGIN.left) continue;
    pen.fillStyle = colours[BOUND_COLOURS[model.bounds[model.kernels.bound[t]]]];
    const found = view.query === "" || view.followed !== null || instructions.name[t].toLowerCase().includes(view.query);
    pen.globalAlpha = found ? 1 : 0.2;
    pen.fillRect(x, part.y + top, width > 3 ? width - 0.75 : width, part.height - top);
  }
  pen.globalAlpha = 1;
}

function paintAllocations(pen, model, part) {
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  const rows = model.allocations.tensor;
  for (let k = 0; k < rows.length; k += 1) {
    const box = allocationBox(model, k, part);
    if (box.x > view.width || box.x + box.width < MARGIN.left) continue;
    const lit = matches(rows[k]);
    pen.globalAlpha = lit ? 0.92 : 0.14;
    pen.fillStyle = colours[kindOf(rows[k])];
    pen.fillRect(box.x, box.y, box.width, box.height);
    if (box.width > 4 && box.height > 4) {
      pen.strokeStyle = colours.panel;
      pen.strokeRect(box.x, box.y, box.width, box.height);
    }
    if (lit) paintLabel(pen, box, shortNames[rows[k]]);
  }
  pen.globalAlpha = 1;
  if (rows.length > 0) return;
  pen.fillStyle = colours.muted;
  pen.textAlign = "center";
  pen.fillText("No tensor is in fast memory in this plan.", view.width / 2, part.y + part.height / 2);
}

function paintLabel(pen, box, name) {
  const left = Math.max(box.x, MARGIN.left);
  const room = Math.min(box.x + box.width, view.width - MARGIN.right) - left - 10;
  const width = pen.measureText(name).width;
  const letters = Math.floor((name.length * room) / width) - 1;
  if (box.height < 13 || (width > room && letters < 3)) return;
  pen.globalAlpha = 1;
  pen.fillStyle = colours.label;
  pen.fillText(width > room ? `${name.slice(0, letters)}…` : name, left + 5, box.y + box.height / 2 + 0.5);
}

function paintOccupancy(pen, model, part) {
  const top = occupancyTop(model);
  const scale = model.edges[view.axis];
  pen.beginPath();
  pen.moveTo(xAt(scale[0]), yAt(part, 0, top));
  for (let t = 0; t <= count; t += 1) {
    pen.lineTo(xAt(scale[t]), yAt(part, model.occupancy[t], top));
    pen.lineTo(xAt(scale[t + 1]), yAt(part, model.occupancy[t], top));
  }
  pen.lineTo(xAt(scale[count + 1]), yAt(part, 0, top));
  pen.fillStyle = pen.strokeStyle = colours.accent;
  pen.globalAlpha = 0.28;
  pen.fill();
  pen.globalAlpha = 1;
  pen.stroke();
  paintCapacity(pen, model, part, top);
}

function paintCapacityLabel(pen, model, part) {
  pen.fillStyle = colours.muted;
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  pen.fillText(formatBytes(model.capacity), MARGIN.left - 8, yAt(part, model.capacity, occupancyTop(model)));
  pen.fillText("0", MARGIN.left - 8, part.y + part.height - 3);
}

function paintCapacity(pen, model, part, top) {
  if (model.capacity === 0) return;
  const y = yAt(part, model.capacity, top);
  pen.strokeStyle = colours.ink;
  pen.setLineDash([5, 4]);
  pen.beginPath();
  pen.moveTo(MARGIN.left, y);
  pen.lineTo(xAt(model.edges[view.axis][count + 1]), y);
  pen.stroke();
  pen.setLineDash([]);
}

function paintCopies(pen, model, parts) {
  const { tensor, evict } = model.copies;
  for (let k = 0; k < tensor.length; k += 1) {
    const box = copyBox(model, k, parts);
    if (box.x > view.width || box.x + box.width < MARGIN.left) continue;
    pen.globalAlpha = matches(tensor[k]) ? 0.92 : 0.18;
    pen.fillStyle = evict[k] ? colours.evict : colours.prefetch;
    pen.fillRect(box.x, box.y, box.width > 3 ? box.width - 0.75 : box.width, box.height);
    if (model.waits.has(k)) {
      pen.fillStyle = colours.stall;
      pen.fillRect(box.x, box.y + box.height - 3, Math.max(1.5, box.width - 0.75), 3);
    }
  }
  pen.globalAlpha = 1;
}
