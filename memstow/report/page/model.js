// The plans as the page works with them: clocks, occupancy, lanes of copies, rows by tensor.

const { instructions, tensors, uses } = data;
const count = instructions.name.length;
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const PLAN_COLOURS = ["plan-a", "plan-b", "plan-c", "plan-d"];
const MAX_LANES = 6;

function rowsBy(column) {
  const found = new Map();
  column.forEach((key, k) => {
    if (!found.has(key)) found.set(key, []);
    found.get(key).push(k);
  });
  return found;
}

const usesOf = rowsBy(uses.tensor);

/** Names for labels with little room: without the beginning that most tensors of their kind share. */
const shortNames = tensors.name.map((name, row) => name.slice(tensors.shared[row]));

/** Boundary t is where instruction t's window (its stall, then itself) begins; count + 1 is the end of the run. */
function clockOf(plan) {
  const edges = { time: new Float64Array(count + 2), index: new Float64Array(count + 2) };
  for (let t = 0; t <= count; t += 1) {
    const span = t < count ? plan.kernels.stall[t] + plan.kernels.time[t] : plan.final_stall;
    edges.time[t + 1] = edges.time[t] + span;
    edges.index[t + 1] = Math.min(t + 1, count);
  }
  return edges;
}

/** Bytes allocated at each instruction time 0..count. */
function occupancyOf({ allocations }) {
  const bytes = new Float64Array(count + 2);
  for (let k = 0; k < allocations.tensor.length; k += 1) {
    bytes[Math.max(0, allocations.start[k])] += allocations.size[k];
    bytes[Math.min(count + 1, allocations.end[k] + 1)] -= allocations.size[k];
  }
  for (let t = 1; t <= count + 1; t += 1) bytes[t] += bytes[t - 1];
  return bytes;
}

/** Stalls by copy: the stall whose end a copy was waited for. */
function waitsOf({ stalls }) {
  const found = new Map();
  stalls.waited.forEach((rows, k) => rows.forEach((row) => found.set(row, k)));
  return found;
}

function modelOf(plan, letter, colour, name) {
  return {
    ...plan, letter, colour, name,
    edges: clockOf(plan),
    occupancy: occupancyOf(plan),
    capacity: plan.summary.fast_memory_capacity_bytes,
    arena: plan.summary.fast_memory_arena_bytes,
    allocationsOf: rowsBy(plan.allocations.tensor),
    copiesOf: rowsBy(plan.copies.tensor),
    stallAt: new Map(plan.stalls.time.map((t, k) => [t, k])),
    waits: waitsOf(plan),
    lanes: {},
    canvas: null,
  };
}

const given = data.plans.map((plan, k) =>
  modelOf(plan, LETTERS[k % LETTERS.length], PLAN_COLOURS[k % PLAN_COLOURS.length], plan.label));

function totalTime(model) {
  return model.edges.time[count + 1];
}

function clampTime(t) {
  return Math.max(0, Math.min(count + 1, t));
}

function allocationSpan(model, k, axis) {
  const scale = model.edges[axis];
  return [scale[clampTime(model.allocations.start[k])], scale[clampTime(model.allocations.end[k] + 1)]];
}

function copySpan(model, k, axis) {
  const { copies, edges } = model;
  if (axis === "time") return [copies.begin[k], copies.finish[k]];
  return [edges.index[clampTime(copies.start[k])], edges.index[clampTime(copies.done[k])]];
}

/** Lane of every copy, so that copies open at one time lie below each other; by direction. */
function assignLanes(model, axis) {
  const spans = model.copies.tensor.map((_, k) => copySpan(model, k, axis));
  const order = spans.map((_, k) => k).sort((a, b) => spans[a][0] - spans[b][0]);
  const ends = [[], []];
  const lane = [];
  for (const k of order) {
    const [begin, end] = spans[k];
    const used = ends[model.copies.evict[k]];
    let free = used.findIndex((last) => last <= begin + 1e-6);
    if (free < 0) free = used.length < MAX_LANES ? used.length : used.indexOf(Math.min(...used));
    used[free] = end;
    lane[k] = free;
  }
  return { lane, rows: ends.map((used) => used.length) };
}

function lanesOf(model, axis) {
  model.lanes[axis] ??= assignLanes(model, axis);
  return model.lanes[axis];
}

function tensorNames(row) {
  return [tensors.name[row], ...(data.aliases[row] ?? [])];
}

function kindOf(row) {
  return data.kinds[tensors.kind[row]];
}

function instructionLabel(t) {
  if (t < 0) return "before the program";
  return t < count ? `${t} · ${instructions.name[t]}` : "the end of the program";
}

function copyLabel(model, k, names = tensors.name) {
  return `${model.copies.evict[k] ? "eviction" : "prefetch"} of ${names[model.copies.tensor[k]]}`;
}

function badge(model) {
  return element("span", { class: "badge", style: { background: `var(--${model.colour})` } }, model.letter);
}
