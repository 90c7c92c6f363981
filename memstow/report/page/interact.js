// Pointer, keyboard and buttons.

const tooltip = document.getElementById("tooltip");

function inside(box, x, y) {
  return x >= box.x - 1 && x <= box.x + box.width + 1 && y >= box.y && y <= box.y + box.height;
}

function within(panel, y) {
  return y >= panel.y && y <= panel.y + panel.height;
}

/** What lies under a point: its kind, its index, and the tensor it belongs to. */
function hitTest(x, y) {
  const area = panels();
  if (count === 0 || x < MARGIN.left || x > view.width - MARGIN.right || y > area.bottom) return null;
  if (within(area.memory, y)) {
    for (let k = allocations.buffer.length - 1; k >= 0; k -= 1) {
      if (inside(allocationBox(k, area.memory), x, y)) return { type: "allocation", k, buffer: allocations.buffer[k] };
    }
  }
  if (within(area.prefetch, y) || within(area.evict, y)) {
    for (let k = copies.buffer.length - 1; k >= 0; k -= 1) {
      if (inside(copyBox(k, area), x, y)) return { type: "copy", k, buffer: copies.buffer[k] };
    }
  }
  return { type: "kernel", k: instructionAt(valueAt(x)), buffer: null };
}

function instructionLabel(t) {
  if (t < 0) return "before the program";
  return t < count ? `${t} · ${kernels.name[t]}` : `${t} · end of the program`;
}

function allocationRows(k) {
  const buffer = allocations.buffer[k];
  const [from, to] = [clampTime(allocations.start[k]), clampTime(allocations.end[k] + 1)];
  return [
    ["kind", data.kinds[buffers.kind[buffer]]],
    ["size", formatBytes(allocations.size[k])],
    ["offset", `${formatBytes(allocations.offset[k])} to ${formatBytes(allocations.offset[k] + allocations.size[k])}`],
    ["stays", `instructions ${allocations.start[k]} to ${allocations.end[k]}, ${formatTime(edges.time[to] - edges.time[from])}`],
    ["live range", `${buffers.from[buffer] < 0 ? "program start" : buffers.from[buffer]} to ${buffers.to[buffer]}`],
    ["came in", data.texts[allocations.came[k]]],
    ["went out", data.texts[allocations.left[k]]],
  ];
}

function copyRows(k) {
  return [
    ["direction", copies.evict[k] ? "eviction, fast to slow" : "prefetch, slow to fast"],
    ["bytes", formatBytes(copies.bytes[k])],
    ["issued at", instructionLabel(copies.start[k])],
    ["done before", instructionLabel(copies.done[k])],
    ["in the queue", formatTime(Math.max(0, copies.begin[k] - copies.issue[k]))],
    ["on the bus", `${formatTime(copies.begin[k])} to ${formatTime(copies.finish[k])}`],
  ];
}

function kernelRows(t) {
  const rows = [
    ["instruction", String(t)],
    ["opcode", data.opcodes[kernels.opcode[t]]],
    ["takes", `${formatTime(kernels.time[t])}, bound by ${data.bounds[kernels.bound[t]]}`],
    ["compute", formatTime(kernels.compute[t])],
    ["slow memory", formatBytes(kernels.slow[t])],
    ["fast memory", formatBytes(kernels.fast[t])],
    ["allocated", formatBytes(occupancy[t])],
  ];
  if (kernels.stall[t] > 0) {
    rows.push(["stall before", formatTime(kernels.stall[t])], ["waits for", data.stall_causes[t] ?? ""]);
  }
  if (t === count - 1 && data.final_stall > 0) {
    rows.push(["stall after", formatTime(data.final_stall)], ["waits for", data.stall_causes[count] ?? ""]);
  }
  return rows.filter(([, text]) => text !== "");
}

function showTooltip(hit, x, y) {
  const rows = { allocation: allocationRows, copy: copyRows, kernel: kernelRows }[hit.type](hit.k);
  const list = element("dl");
  for (const [key, text] of rows) list.append(element("dt", {}, key), element("dd", {}, text));
  const name = hit.type === "kernel" ? kernels.name[hit.k] : buffers.name[hit.buffer];
  tooltip.replaceChildren(element("h3", {}, name), list);
  tooltip.hidden = false;
  const left = x + 18 + tooltip.offsetWidth > view.width ? x - 14 - tooltip.offsetWidth : x + 18;
  tooltip.style.left = `${Math.max(0, left)}px`;
  tooltip.style.top = `${Math.max(0, Math.min(y + 14, canvas.clientHeight - tooltip.offsetHeight))}px`;
}

function hover(x, y) {
  const hit = hitTest(x, y);
  view.hover = hit === null ? null : { ...hit, x };
  if (hit === null) tooltip.hidden = true;
  else showTooltip(hit, x, y);
  paintOverlay();
}

function leave() {
  view.hover = null;
  tooltip.hidden = true;
  paintOverlay();
}

function setSpan(low, high) {
  const full = fullSpan();
  const width = Math.min(full, Math.max(high - low, full / 20000));
  view.low = Math.max(0, Math.min(low, full - width));
  view.high = view.low + width;
  paint();
}

function zoom(factor, centre) {
  setSpan(centre - (centre - view.low) * factor, centre + (view.high - centre) * factor);
}

function pan(share) {
  const shift = share * (view.high - view.low);
  setSpan(view.low + shift, view.high + shift);
}

function press(group, button) {
  for (const other of document.querySelectorAll(`[data-${group}]`)) other.setAttribute("aria-pressed", String(other === button));
}

/** Keeps the instructions in sight when the horizontal axis changes. */
function switchAxis(axis) {
  const shown = [view.low, view.high].map((value) => {
    const t = instructionAt(value);
    const width = edges[view.axis][t + 1] - edges[view.axis][t];
    return [t, width > 0 ? Math.min(1, (value - edges[view.axis][t]) / width) : 0];
  });
  const whole = view.high - view.low >= fullSpan() * 0.999;
  view.axis = axis;
  const [low, high] = shown.map(([t, part]) => edges[axis][t] + part * (edges[axis][t + 1] - edges[axis][t]));
  if (whole) setSpan(0, fullSpan());
  else setSpan(low, high);
}

function connectPointer() {
  let drag = null;
  canvas.addEventListener("pointerdown", (event) => {
    drag = { x: event.offsetX, low: view.low, high: view.high };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointerup", () => {
    drag = null;
    canvas.classList.remove("dragging");
  });
  canvas.addEventListener("pointermove", (event) => {
    if (drag === null || Math.abs(event.offsetX - drag.x) < 3) {
      hover(event.offsetX, event.offsetY);
      return;
    }
    canvas.classList.add("dragging");
    leave();
    const shift = ((drag.x - event.offsetX) / (view.width - MARGIN.left - MARGIN.right)) * (drag.high - drag.low);
    setSpan(drag.low + shift, drag.high + shift);
  });
  canvas.addEventListener("pointerleave", leave);
  canvas.addEventListener("dblclick", () => setSpan(0, fullSpan()));
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && document.activeElement !== canvas) return;
    event.preventDefault();
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) pan(event.deltaX / view.width);
    else zoom(Math.exp(event.deltaY * 0.0015), valueAt(event.offsetX));
  }, { passive: false });
}

function connectKeys() {
  const middle = () => (view.low + view.high) / 2;
  const actions = {
    ArrowLeft: () => pan(-0.15), ArrowRight: () => pan(0.15), Home: () => setSpan(0, fullSpan()),
    "+": () => zoom(0.7, middle()), "=": () => zoom(0.7, middle()), "-": () => zoom(1.4, middle()), Escape: () => canvas.blur(),
  };
  canvas.addEventListener("keydown", (event) => {
    if (!(event.key in actions) || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    actions[event.key]();
  });
}

function connectButtons() {
  for (const button of document.querySelectorAll("[data-axis]")) {
    button.addEventListener("click", () => { press("axis", button); switchAxis(button.dataset.axis); });
  }
  for (const button of document.querySelectorAll("[data-range]")) {
    button.addEventListener("click", () => { press("range", button); view.range = button.dataset.range; paint(); });
  }
  const zooms = { in: () => zoom(0.6, (view.low + view.high) / 2), out: () => zoom(1.67, (view.low + view.high) / 2),
    reset: () => setSpan(0, fullSpan()) };
  for (const button of document.querySelectorAll("[data-zoom]")) button.addEventListener("click", zooms[button.dataset.zoom]);
  document.getElementById("search").addEventListener("input", (event) => {
    view.query = event.target.value.trim().toLowerCase();
    paint();
    fillTable();
  });
}
