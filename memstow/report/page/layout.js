// Where things are: the one horizontal scale of all plans, and the parts of a plan's panel.

const MARGIN = { left: 78, right: 14, top: 4, bottom: 4 };
const AXIS_HEIGHT = 24;
const KERNEL_HEIGHT = 14;
const TITLE_HEIGHT = 19;
const GAP = 6;
/** Heights of memory map and occupancy by the number of plans that are shown. */
const HEIGHTS = [[380, 70], [200, 48], [150, 40]];

const view = {
  axis: "time", range: "used", low: 0, high: 1, top: 1, width: 0, shown: [...given],
  query: "", followed: null, stall: null, hover: null,
};

function fullSpan() {
  return Math.max(...view.shown.map((model) => model.edges[view.axis][count + 1]), 1e-9);
}

function innerWidth() {
  return view.width - MARGIN.left - MARGIN.right;
}

function xAt(value) {
  return MARGIN.left + ((value - view.low) / (view.high - view.low)) * innerWidth();
}

function valueAt(x) {
  return view.low + ((x - MARGIN.left) / innerWidth()) * (view.high - view.low);
}

/** The instruction whose window holds a value of the horizontal axis. */
function instructionAt(model, value) {
  const scale = model.edges[view.axis];
  let low = 0;
  let high = Math.max(0, count - 1);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (scale[middle] <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

function laneHeight(model) {
  return Math.max(...lanesOf(model, view.axis).rows) <= 1 ? 16 : 9;
}

/** Top and height of every part of a plan's panel, and the height of the whole. */
function partsOf(model) {
  const [memory, occupied] = HEIGHTS[Math.min(view.shown.length, HEIGHTS.length) - 1];
  let y = MARGIN.top;
  const place = (height, title = false) => {
    y += title ? TITLE_HEIGHT : 0;
    const part = { y, height };
    y += height > 0 ? height + GAP : 0;
    return part;
  };
  const parts = { kernels: place(KERNEL_HEIGHT), memory: place(memory, true), occupancy: place(occupied, true) };
  const [ins, outs] = lanesOf(model, view.axis).rows;
  y += 4;
  parts.prefetch = place(ins * laneHeight(model) + (ins > 0 ? 4 : 0));
  parts.evict = place(outs * laneHeight(model) + (outs > 0 ? 4 : 0));
  parts.bottom = y - GAP;
  parts.total = parts.bottom + (isLast(model) ? AXIS_HEIGHT : MARGIN.bottom);
  return parts;
}

function isLast(model) {
  return view.shown[view.shown.length - 1] === model;
}

/** Top of the offsets, the same for all plans shown: what the largest needs. */
function memoryTop() {
  const tops = view.shown.map(({ capacity, arena }) =>
    view.range === "used" && arena > 0 ? Math.min(capacity, arena * 1.03) : capacity);
  return Math.max(1, ...tops);
}

/** Top of the occupancy: a little above the plan's own capacity. */
function occupancyTop(model) {
  return Math.max(1, model.capacity) * 1.06;
}

function yAt(part, bytes, top) {
  return part.y + part.height * (1 - bytes / top);
}

/** Whether a tensor is in the light: the one followed, else those that the search finds. */
function matches(row) {
  if (view.followed !== null) return row === view.followed;
  return view.query === "" || tensorNames(row).some((name) => name.toLowerCase().includes(view.query));
}

function allocationBox(model, k, part) {
  const [begin, end] = allocationSpan(model, k, view.axis);
  const { top } = view;
  const { offset, size } = model.allocations;
  const y = yAt(part, offset[k] + size[k], top);
  const x = xAt(begin);
  return { x, y, width: Math.max(0.75, xAt(end) - x), height: Math.max(0.75, yAt(part, offset[k], top) - y) };
}

function copyBox(model, k, parts) {
  const part = model.copies.evict[k] ? parts.evict : parts.prefetch;
  const [begin, end] = copySpan(model, k, view.axis);
  const x = xAt(begin);
  const y = part.y + 2 + lanesOf(model, view.axis).lane[k] * laneHeight(model);
  return { x, y, width: Math.max(1, xAt(end) - x), height: laneHeight(model) - 2 };
}

/** Left and right of a stall; by instruction, the whole window of the one that waits. */
function stallSpan(model, k) {
  const { time, begin, length } = model.stalls;
  if (view.axis === "time") return [xAt(begin[k]), xAt(begin[k] + length[k])];
  const scale = model.edges.index;
  return time[k] < count ? [xAt(scale[time[k]]), xAt(scale[time[k]] + 1)] : [xAt(scale[count]) - 3, xAt(scale[count])];
}
