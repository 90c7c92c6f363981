// What lies under the pointer, and its details.

const tooltip = document.getElementById("tooltip");

function inside(box, x, y) {
  return x >= box.x - 1 && x <= box.x + box.width + 1 && y >= box.y && y <= box.y + box.height;
}

function within(part, y) {
  return y >= part.y && y <= part.y + part.height;
}

function lastUnder(columns, boxAt, x, y) {
  for (let k = columns.tensor.length - 1; k >= 0; k -= 1) if (inside(boxAt(k), x, y)) return k;
  return -1;
}

/** What lies under a point of a plan's panel: its type, its row, and the tensor it belongs to. */
function hitTest(model, x, y) {
  const parts = partsOf(model);
  const end = model.edges[view.axis][count + 1];
  if (count === 0 || x < MARGIN.left || x > view.width - MARGIN.right || y > parts.bottom || valueAt(x) > end) return null;
  if (within(parts.memory, y)) {
    const k = lastUnder(model.allocations, (row) => allocationBox(model, row, parts.memory), x, y);
    if (k >= 0) return { model, type: "allocation", k, tensor: model.allocations.tensor[k] };
  }
  if (within(parts.prefetch, y) || within(parts.evict, y)) {
    const k = lastUnder(model.copies, (row) => copyBox(model, row, parts), x, y);
    if (k >= 0) return { model, type: "copy", k, tensor: model.copies.tensor[k] };
  }
  const stall = model.stalls.time.findIndex((_, k) => {
    const [from, to] = stallSpan(model, k);
    return x >= Math.min(from, to - 2) && x <= Math.max(to, from + 2);
  });
  if (stall >= 0 && view.axis === "time") return { model, type: "stall", k: stall, tensor: null };
  return { model, type: "kernel", k: instructionAt(model, valueAt(x)), tensor: null };
}

function allocationRows(model, k) {
  const { allocations, edges, texts } = model;
  const row = allocations.tensor[k];
  const [from, to] = [clampTime(allocations.start[k]), clampTime(allocations.end[k] + 1)];
  return [
    ["kind", kindOf(row)],
    ["size", formatBytes(allocations.size[k])],
    ["offset", `${formatBytes(allocations.offset[k])} to ${formatBytes(allocations.offset[k] + allocations.size[k])}`],
    ["stays", `instructions ${allocations.start[k]} to ${allocations.end[k]}, ${formatTime(edges.time[to] - edges.time[from])}`],
    ["live range", `${tensors.from[row] < 0 ? "program start" : tensors.from[row]} to ${tensors.to[row]}`],
    ["came in", texts[allocations.came[k]]],
    ["went out", texts[allocations.left[k]]],
  ];
}

function copyRows(model, k) {
  const { copies, stalls, waits } = model;
  const rows = [
    ["direction", copies.evict[k] ? "eviction, fast to slow" : "prefetch, slow to fast"],
    ["bytes", formatBytes(copies.bytes[k])],
    ["issued at", instructionLabel(copies.start[k])],
    ["done before", instructionLabel(copies.done[k])],
    ["in the queue", formatTime(Math.max(0, copies.begin[k] - copies.issue[k]))],
    ["on the bus", `${formatTime(copies.begin[k])} to ${formatTime(copies.finish[k])}`],
  ];
  if (waits.has(k)) rows.push(["waited for", formatTime(stalls.length[waits.get(k)])]);
  return rows;
}

function stallRows(model, k) {
  return [
    ["waits", instructionLabel(model.stalls.time[k])],
    ["for", waitedText(model, k)],
    ["queue busy with", queueText(model, k)],
  ];
}

function kernelRows(model, t) {
  const { kernels } = model;
  const rows = [
    ["instruction", String(t)],
    ["opcode", data.opcodes[instructions.opcode[t]]],
    ["takes", `${formatTime(kernels.time[t])}, bound by ${model.bounds[kernels.bound[t]]}`],
    ["compute", formatTime(instructions.compute[t])],
    ["slow memory", formatBytes(kernels.slow[t])],
    ["fast memory", formatBytes(kernels.fast[t])],
    ["allocated", formatBytes(model.occupancy[t])],
  ];
  const stall = model.stallAt.get(t);
  if (stall !== undefined) rows.push(["stall before", formatTime(kernels.stall[t])], ...stallRows(model, stall).slice(1));
  return rows.filter(([, text]) => text !== "");
}

const ROWS_OF = { allocation: allocationRows, copy: copyRows, kernel: kernelRows, stall: stallRows };

function titleOf({ model, type, k, tensor }) {
  if (type === "kernel") return instructions.name[k];
  if (type === "stall") return `stall of ${formatTime(model.stalls.length[k])}`;
  return tensors.name[tensor];
}

function showTooltip(hit, x, y) {
  const list = element("dl");
  for (const [key, text] of ROWS_OF[hit.type](hit.model, hit.k)) list.append(element("dt", {}, key), element("dd", {}, text));
  tooltip.replaceChildren(element("h3", {}, titleOf(hit)), list);
  tooltip.hidden = false;
  const stage = tooltip.offsetParent;
  const left = x + 18 + tooltip.offsetWidth > stage.clientWidth ? x - 14 - tooltip.offsetWidth : x + 18;
  tooltip.style.left = `${Math.max(0, left)}px`;
  tooltip.style.top = `${Math.max(0, Math.min(y + 14, stage.clientHeight - tooltip.offsetHeight))}px`;
}

function hover(model, x, y) {
  const hit = hitTest(model, x, y);
  view.hover = hit === null ? null : { ...hit, x };
  if (hit === null) tooltip.hidden = true;
  else showTooltip(hit, x, y + model.canvas.offsetTop);
  paintAllMarks();
}

function leave() {
  view.hover = null;
  tooltip.hidden = true;
  paintAllMarks();
}
