// The life of a tensor in one plan as a list: born, copied in, used, written back, dropped.

/** Events at one instruction follow in this order. */
const PHASES = { born: 0, placed: 1, copy: 2, use: 3, dropped: 4, end: 5 };

function bornEvent(model, row) {
  const t = tensors.from[row];
  if (t < 0) return { t: -1, phase: "born", title: "born in slow memory", detail: `a ${kindOf(row)} exists before the program begins` };
  const first = (usesOf.get(row) ?? []).find((use) => uses.write[use] === 1);
  const where = first === undefined ? "" : ` in ${model.memory[first] === "1" ? "fast" : "slow"} memory`;
  return { t, phase: "born", title: `born${where}`, detail: `instruction ${instructionLabel(t)} produces it` };
}

function stayEvents(model, k) {
  const { allocations, copies, texts } = model;
  const [from, to] = [allocations.start[k], allocations.end[k]];
  const row = allocations.tensor[k];
  const offset = `offset ${formatBytes(allocations.offset[k])}`;
  const copied = (model.copiesOf.get(row) ?? []).some((c) => !copies.evict[c] && copies.start[c] >= from && copies.start[c] <= to);
  const came = copied ? "for the copy" : texts[allocations.came[k]];
  return [
    { t: from, phase: "placed", title: `gets ${formatBytes(allocations.size[k])} of fast memory`, detail: `${offset}, ${came}` },
    { t: to, at: model.edges.time[clampTime(to + 1)], phase: "dropped", title: "leaves fast memory", detail: texts[allocations.left[k]] },
  ];
}

function copyEvent(model, k) {
  const { copies, stalls, waits } = model;
  const queued = Math.max(0, copies.begin[k] - copies.issue[k]);
  const waiting = queued > 0 ? `, after ${formatTime(queued)} in the queue` : "";
  const bus = copies.start[k] < 0 ? "before the program begins" :
    `on the bus from ${formatTime(copies.begin[k])} to ${formatTime(copies.finish[k])}${waiting}`;
  const event = {
    t: copies.start[k], at: copies.begin[k], phase: "copy",
    title: copies.evict[k] ? "written back to slow memory" : "copied into fast memory",
    detail: `${bus}; needed by ${instructionLabel(copies.done[k])}`,
  };
  if (waits.has(k)) {
    event.stall = waits.get(k);
    event.warning = `${instructionLabel(stalls.time[event.stall])} waits ${formatTime(stalls.length[event.stall])} for it`;
  }
  return event;
}

function useEvent(model, use) {
  const fast = model.memory[use] === "1";
  const verb = uses.write[use] ? "written" : "read";
  return {
    t: uses.time[use], phase: "use", fast,
    title: `${verb} in ${fast ? "fast" : "slow"} memory`,
    detail: `${formatBytes(uses.bytes[use])} by ${instructionLabel(uses.time[use])}`,
  };
}

function lifeOf(model, row) {
  const events = [bornEvent(model, row)];
  for (const k of model.allocationsOf.get(row) ?? []) events.push(...stayEvents(model, k));
  for (const k of model.copiesOf.get(row) ?? []) events.push(copyEvent(model, k));
  for (const use of usesOf.get(row) ?? []) {
    const isBirth = uses.write[use] === 1 && uses.time[use] === tensors.from[row];
    if (!isBirth) events.push(useEvent(model, use));
  }
  if (tensors.output[row]) {
    events.push({ t: count, phase: "end", title: "an output of the program", detail: "it is in slow memory at the end" });
  }
  return events.sort((a, b) => a.t - b.t || PHASES[a.phase] - PHASES[b.phase]);
}

function eventTime(model, t) {
  return model.edges.time[clampTime(t)] + (t >= 0 && t < count ? model.kernels.stall[t] : 0);
}

function eventItem(model, event) {
  const when = event.t < 0 ? "before" : event.t >= count ? "end" : formatTime(event.at ?? eventTime(model, event.t));
  const detail = element("span", { class: "detail" }, event.detail);
  if (event.warning) detail.append(element("span", { class: "bad" }, ` ${event.warning}.`));
  const button = element("button", { type: "button", class: `event ${event.phase}${event.fast === false ? " slow" : ""}` },
    element("span", { class: "when" }, when), element("span", { class: "what" }, event.title, detail));
  button.addEventListener("click", () => {
    if (event.stall !== undefined) chooseStall(model, event.stall);
    else showInstruction(model, event.t);
  });
  return element("li", {}, button);
}

function lifeList(model, row) {
  const events = lifeOf(model, row);
  const stays = (model.allocationsOf.get(row) ?? []).length;
  const served = (usesOf.get(row) ?? []).filter((use) => model.memory[use] === "1").length;
  const total = (usesOf.get(row) ?? []).length;
  const note = `${served} of ${total} accesses in fast memory, ${stays === 1 ? "1 stay" : `${stays} stays`}`;
  return element("section", { class: "life-plan", "aria-label": `Plan ${model.letter}` },
    element("h4", {}, badge(model), model.name, element("span", { class: "muted" }, note)),
    element("ol", { class: "events" }, ...events.map((event) => eventItem(model, event))));
}
