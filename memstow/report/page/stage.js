// The panels of the plans shown, one below the other, and the strip that says which part of the run they show.

const stage = document.getElementById("stage");

function planHead(model) {
  const s = model.summary;
  const stalls = model.stalls.time.length;
  const waiting = stalls === 0 ? "no stalls" : `${formatCount(stalls)} ${stalls === 1 ? "stall" : "stalls"}, ${formatTime(micro(s.time_shares.stall_seconds))}`;
  return element("div", { class: "plan-head" },
    badge(model), element("b", {}, model.name),
    element("span", { class: "strong" }, formatTime(micro(s.planned_seconds))),
    element("span", { class: "muted" }, [gapText(s), waiting].filter(Boolean).join(" · ")));
}

/** Panels anew, for the plans that are shown. */
function buildPanels() {
  for (const panel of stage.querySelectorAll(".plan-panel")) panel.remove();
  for (const model of view.shown) {
    model.canvas = element("canvas", { role: "img", "aria-label": describeModel(model) });
    connectPointer(model);
    stage.insertBefore(element("div", { class: "plan-panel", "data-plan": model.letter }, planHead(model), model.canvas), tooltip);
  }
}

function describeModel(model) {
  const s = model.summary;
  return `Plan ${model.letter}, ${model.name}: ${model.allocations.tensor.length} stays in fast memory, ` +
    `${model.copies.tensor.length} copies, ${model.stalls.time.length} stalls, ` +
    `${formatBytes(model.arena)} of ${formatBytes(model.capacity)} used, ${formatTime(micro(s.planned_seconds))}. ` +
    "The tables on this page give the same as text.";
}

/** Shows these plans, in this order; the part of the run in sight stays, as far as it can. */
function showModels(models) {
  const whole = view.high - view.low >= fullSpan() * 0.999;
  view.shown = models;
  view.hover = null;
  if (view.stall !== null && !models.includes(view.stall.model)) view.stall = null;
  buildPanels();
  drawPlanToggles();
  fillFollowed();
  tooltip.hidden = true;
  if (whole) setSpan(0, fullSpan());
  else setSpan(view.low, view.high);
  paint();
}

function drawPlanToggles() {
  const known = knownModels();
  const row = document.getElementById("plan-toggles");
  row.hidden = known.length < 2;
  row.replaceChildren(...known.map((model) => {
    const on = view.shown.includes(model);
    const button = element("button", { type: "button", class: "toggle", "aria-pressed": String(on), "data-toggle": model.letter,
      title: on ? "hide this plan" : "show this plan" }, badge(model), model.name);
    button.addEventListener("click", () => {
      const next = known.filter((other) => (other === model ? !on : view.shown.includes(other)));
      if (next.length > 0) showModels(next);
      row.querySelector(`[data-toggle="${model.letter}"]`).focus();
    });
    return button;
  }));
}

const navigator_ = document.getElementById("navigator");

/** The strip: the run of the first plan in small, its stalls, and a window over the part in sight. */
function paintNavigator() {
  const full = fullSpan();
  const [from, to] = [view.low / full, view.high / full];
  const thumb = navigator_.firstElementChild;
  thumb.style.left = `${100 * from}%`;
  thumb.style.width = `${100 * Math.min(1 - from, to - from)}%`;
  navigator_.setAttribute("aria-valuenow", String(Math.round((100 * (from + to)) / 2)));
  navigator_.setAttribute("aria-valuetext", `${spanText(view.low)} to ${spanText(view.high)}`);
  navigator_.classList.toggle("whole", to - from > 0.999);
}

function spanText(value) {
  return view.axis === "time" ? formatTime(value) : `instruction ${Math.round(value)}`;
}
