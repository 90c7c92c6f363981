// Where things are: the horizontal scale of the run, the panels of the picture, the lanes of the copies.

const kernels = data.kernels;
const allocations = data.allocations;
const copies = data.copies;
const buffers = data.buffers;
const count = kernels.name.length;
const capacity = data.summary.fast_memory_capacity_bytes;
const arena = data.summary.fast_memory_arena_bytes;

/** Boundary t is where instruction t's window (its stall, then itself) begins; count + 1 is the end of the run. */
const edges = { time: new Float64Array(count + 2), index: new Float64Array(count + 2) };
for (let t = 0; t <= count; t += 1) {
  const window = t < count ? kernels.stall[t] + kernels.time[t] : data.final_stall;
  edges.time[t + 1] = edges.time[t] + window;
  edges.index[t + 1] = Math.min(t + 1, count);
}

/** Bytes allocated at each instruction time 0..count. */
const occupancy = new Float64Array(count + 2);
for (let k = 0; k < allocations.buffer.length; k += 1) {
  occupancy[Math.max(0, allocations.start[k])] += allocations.size[k];
  occupancy[Math.min(count + 1, allocations.end[k] + 1)] -= allocations.size[k];
}
for (let t = 1; t <= count + 1; t += 1) occupancy[t] += occupancy[t - 1];

const MARGIN = { left: 78, right: 14, top: 8, bottom: 28 };
const KERNEL_HEIGHT = 14;
const MEMORY_HEIGHT = 400;
const OCCUPANCY_HEIGHT = 78;
const TITLE_HEIGHT = 20;
const MAX_LANES = 6;

const view = { axis: "time", range: "used", low: 0, high: 1, hover: null, query: "", width: 0 };

function fullSpan() {
  return Math.max(edges[view.axis][count + 1], 1e-9);
}

function xAt(value) {
  const inner = view.width - MARGIN.left - MARGIN.right;
  return MARGIN.left + ((value - view.low) / (view.high - view.low)) * inner;
}

function valueAt(x) {
  const inner = view.width - MARGIN.left - MARGIN.right;
  return view.low + ((x - MARGIN.left) / inner) * (view.high - view.low);
}

/** The instruction whose window holds a value of the horizontal axis. */
function instructionAt(value) {
  const scale = edges[view.axis];
  let low = 0;
  let high = Math.max(0, count - 1);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (scale[middle] <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

function clampTime(t) {
  return Math.max(0, Math.min(count + 1, t));
}

function allocationSpan(k) {
  const scale = edges[view.axis];
  return [scale[clampTime(allocations.start[k])], scale[clampTime(allocations.end[k] + 1)]];
}

function copySpan(k) {
  if (view.axis === "time") return [copies.begin[k], copies.finish[k]];
  return [edges.index[clampTime(copies.start[k])], edges.index[clampTime(copies.done[k])]];
}

/** Lane of every copy, so that copies open at one time lie below each other; by direction. */
function assignLanes() {
  const order = copies.buffer.map((_, k) => k).sort((a, b) => copySpan(a)[0] - copySpan(b)[0]);
  const ends = [[], []];
  const lanes = [];
  for (const k of order) {
    const [begin, end] = copySpan(k);
    const used = ends[copies.evict[k]];
    let lane = used.findIndex((free) => free <= begin + 1e-6);
    if (lane < 0) lane = used.length < MAX_LANES ? used.length : used.indexOf(Math.min(...used));
    used[lane] = end;
    lanes[k] = lane;
  }
  return { lane: lanes, rows: ends.map((used) => Math.max(1, used.length)) };
}

const laneCache = {};

function lanes() {
  laneCache[view.axis] ??= assignLanes();
  return laneCache[view.axis];
}

function laneHeight() {
  return Math.max(...lanes().rows) === 1 ? 16 : 9;
}

/** Top and height of every panel, and the height of the whole picture. */
function panels() {
  let y = MARGIN.top;
  const place = (height, title) => {
    y += title ? TITLE_HEIGHT : 0;
    const panel = { y, height };
    y += height + 6;
    return panel;
  };
  const [ins, outs] = lanes().rows;
  const all = {
    kernels: place(KERNEL_HEIGHT, true),
    memory: place(MEMORY_HEIGHT, true),
    occupancy: place(OCCUPANCY_HEIGHT, true),
    prefetch: place(ins * laneHeight() + 4, true),
    evict: place(outs * laneHeight() + 4, false),
  };
  all.bottom = y - 6;
  all.total = all.bottom + MARGIN.bottom;
  return all;
}

function memoryTop() {
  if (capacity === 0) return 1;
  return view.range === "used" && arena > 0 ? Math.min(capacity, arena * 1.03) : capacity;
}

function yAt(panel, bytes, top) {
  return panel.y + panel.height * (1 - bytes / top);
}

function matches(k) {
  return view.query === "" || buffers.name[k].toLowerCase().includes(view.query);
}
