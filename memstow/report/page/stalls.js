// Stalls and their causes: a table of all plans, and the one that is chosen.

const FIRST_STALLS = 8;
const stallTable = { all: false };

function listed(texts) {
  return texts.length <= 3 ? texts.join(", ") : `${texts.slice(0, 3).join(", ")} and ${texts.length - 3} more`;
}

function waitedText(model, k, names = tensors.name) {
  return listed(model.stalls.waited[k].map((row) => copyLabel(model, row, names)));
}

function aheadOf(model, k) {
  return model.stalls.queue[k].filter(([row]) => !model.stalls.waited[k].includes(row));
}

function causeText(model, k, names = tensors.name) {
  const ahead = aheadOf(model, k).map(([row]) => copyLabel(model, row, names));
  return `${waitedText(model, k, names)}${ahead.length > 0 ? `, behind the ${listed(ahead)}` : ""}`;
}

function queueText(model, k) {
  return listed(model.stalls.queue[k].map(([row, part]) => `${copyLabel(model, row)} (${formatTime(part)})`));
}

function chooseStall(model, k) {
  view.stall = { model, k };
  const { time, begin, length } = model.stalls;
  announce(`Stall of ${formatTime(length[k])} before ${instructionLabel(time[k])}, for the ${causeText(model, k)}`);
  if (!view.shown.includes(model)) showModels(knownModels().filter((other) => other === model || view.shown.includes(other)));
  if (view.axis === "time") reveal(begin[k], begin[k] + length[k]);
  else reveal(model.edges.index[time[k]], model.edges.index[time[k]] + 1);
}

/** The stall after or before the one chosen, plan after plan. */
function nextStall(step) {
  const all = view.shown.flatMap((model) => model.stalls.time.map((_, k) => ({ model, k })));
  if (all.length === 0) {
    announce("There are no stalls");
    return;
  }
  const now = view.stall === null ? -1 : all.findIndex(({ model, k }) => model === view.stall.model && k === view.stall.k);
  const next = now < 0 ? (step > 0 ? 0 : all.length - 1) : (now + step + all.length) % all.length;
  chooseStall(all[next].model, all[next].k);
}

function copyPhrase(model, row, part) {
  const verb = model.copies.evict[row] ? "eviction of " : "prefetch of ";
  return element("span", { class: "phrase" }, verb, tensorLink(model.copies.tensor[row]), part === null ? "" : ` for ${formatTime(part)}`);
}

function phrases(model, items) {
  const shown = items.slice(0, 3).map(([row, part]) => copyPhrase(model, row, part));
  if (items.length > 3) shown.push(element("span", { class: "muted" }, `and ${items.length - 3} more`));
  return element("td", {}, ...shown);
}

function stallRow(model, k) {
  const { time, begin, length, waited, queue } = model.stalls;
  const show = element("a", { class: "link strong", href: "#picture", "data-stall": `${model.letter}${k}`, title: "show this stall" }, formatTime(length[k]));
  show.addEventListener("click", (event) => {
    event.preventDefault();
    chooseStall(model, k);
    document.getElementById("picture").scrollIntoView({ block: "nearest" });
  });
  const ahead = aheadOf(model, k);
  const behind = ahead.length > 0 ? phrases(model, ahead) : element("td", { class: "muted" }, "nothing else");
  return element("tr", {},
    ...(knownModels().length > 1 ? [element("td", {}, badge(model))] : []),
    element("td", { class: "number" }, show),
    element("td", { class: "number" }, formatTime(begin[k])),
    element("td", { class: "instruction", title: instructionLabel(time[k]) }, instructionLabel(time[k])),
    phrases(model, waited[k].map((row) => [row, queue[k].find(([other]) => other === row)?.[1] ?? null])),
    behind);
}

function stallNote(model) {
  const { length } = model.stalls;
  const prefix = knownModels().length > 1 ? `${model.letter}: ` : "";
  if (length.length === 0) return `${prefix}none`;
  const sum = length.reduce((a, b) => a + b, 0);
  return `${prefix}${formatCount(length.length)}, ${formatTime(sum)} in all, ${formatPercent(sum / totalTime(model))} of the run`;
}

function fillStalls() {
  const models = knownModels();
  const rows = models.flatMap((model) => model.stalls.time.map((_, k) => [model, k]));
  rows.sort(([a, i], [b, j]) => b.stalls.length[j] - a.stalls.length[i]);
  const shown = stallTable.all ? rows : rows.slice(0, FIRST_STALLS);
  document.getElementById("stalls-note").textContent = models.map(stallNote).join(" · ");
  const titles = [...(models.length > 1 ? ["plan"] : []), "waits", "at", "instruction", "for", "behind, in the queue"];
  document.getElementById("stalls").replaceChildren(...(rows.length === 0 ? [] : [
    element("thead", {}, element("tr", {}, ...titles.map((title) =>
      element("th", { scope: "col", class: ["waits", "at"].includes(title) ? "number" : "" }, title)))),
    element("tbody", {}, ...shown.map(([model, k]) => stallRow(model, k))),
  ]));
  const more = document.getElementById("stalls-more");
  more.hidden = shown.length === rows.length;
  more.textContent = `show all ${rows.length}`;
}

function drawStalls() {
  document.getElementById("stalls-more").addEventListener("click", () => { stallTable.all = true; fillStalls(); });
  fillStalls();
}
