// Pointer, keyboard and buttons: zoom and pan of the one horizontal axis.

function setSpan(low, high) {
  const full = fullSpan();
  const width = Math.min(full, Math.max(high - low, full / 20000));
  view.low = Math.max(0, Math.min(low, full - width));
  view.high = view.low + width;
  paintSoon();
}

function zoom(factor, centre = (view.low + view.high) / 2) {
  setSpan(centre - (centre - view.low) * factor, centre + (view.high - centre) * factor);
}

function pan(share) {
  const shift = share * (view.high - view.low);
  setSpan(view.low + shift, view.high + shift);
}

function showAll() {
  setSpan(0, fullSpan());
}

/** Brings a stretch into sight with some run around it, zooming in if it would be hard to see. */
function reveal(begin, end) {
  const width = Math.min(view.high - view.low, Math.max(12 * (end - begin), fullSpan() / 12));
  const middle = (begin + end) / 2;
  setSpan(middle - width / 2, middle + width / 2);
}

function showInstruction(model, t) {
  const at = clampTime(Math.min(t, count));
  const scale = model.edges[view.axis];
  reveal(scale[at], scale[Math.min(at + 1, count + 1)]);
}

/** Moves the window only if nothing of the tensor is in sight. */
function revealTensor(row) {
  const model = view.shown[0];
  const spans = (model.allocationsOf.get(row) ?? []).map((k) => allocationSpan(model, k, view.axis));
  const uses_ = (usesOf.get(row) ?? []).map((use) => [uses.time[use], uses.time[use] + 1].map((t) => model.edges[view.axis][t]));
  const all = [...spans, ...uses_];
  if (all.length === 0 || all.some(([begin, end]) => end >= view.low && begin <= view.high)) return;
  reveal(...all[0]);
}

function press(group, button) {
  for (const other of document.querySelectorAll(`[data-${group}]`)) other.setAttribute("aria-pressed", String(other === button));
}

/** Keeps the instructions in sight when the horizontal axis changes. */
function switchAxis(axis) {
  const model = view.shown[0];
  const whole = view.high - view.low >= fullSpan() * 0.999;
  const shown = [view.low, view.high].map((value) => {
    const t = instructionAt(model, value);
    const width = model.edges[view.axis][t + 1] - model.edges[view.axis][t];
    return [t, width > 0 ? Math.min(1, (value - model.edges[view.axis][t]) / width) : 0];
  });
  view.axis = axis;
  const scale = model.edges[axis];
  if (whole) showAll();
  else setSpan(...shown.map(([t, part]) => scale[t] + part * (scale[t + 1] - scale[t])));
}

/** A drag pans; a click follows what lies under the pointer, or shows the stall's cause. */
function connectPointer(model) {
  const { canvas } = model;
  let drag = null;
  canvas.addEventListener("pointerdown", (event) => {
    drag = { x: event.offsetX, low: view.low, high: view.high, moved: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointerup", (event) => {
    if (drag !== null && !drag.moved) click(hitTest(model, event.offsetX, event.offsetY));
    drag = null;
    canvas.classList.remove("dragging");
  });
  canvas.addEventListener("pointercancel", () => { drag = null; });
  canvas.addEventListener("pointermove", (event) => {
    if (drag === null || (!drag.moved && Math.abs(event.offsetX - drag.x) < 4)) {
      hover(model, event.offsetX, event.offsetY);
      return;
    }
    drag.moved = true;
    canvas.classList.add("dragging");
    if (view.hover !== null) leave();
    const shift = ((drag.x - event.offsetX) / innerWidth()) * (drag.high - drag.low);
    setSpan(drag.low + shift, drag.high + shift);
  });
  canvas.addEventListener("pointerleave", leave);
  canvas.addEventListener("dblclick", showAll);
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && document.activeElement !== stage) return;
    event.preventDefault();
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) pan(event.deltaX / view.width);
    else zoom(Math.exp(event.deltaY * 0.0015), valueAt(event.offsetX));
  }, { passive: false });
}

function click(hit) {
  stage.focus({ preventScroll: true });
  if (hit === null) return;
  if (hit.tensor !== null) follow(hit.tensor);
  else if (hit.type === "stall") chooseStall(hit.model, hit.k);
  else if (view.followed !== null || view.stall !== null) letGo();
}

/** Forgets stall and tensor. */
function letGo() {
  view.stall = null;
  follow(null);
}

function escape() {
  if (view.followed !== null || view.stall !== null) letGo();
  else if (view.query !== "") {
    search.field.value = "";
    searchFor("");
  } else stage.blur();
}

const STAGE_KEYS = {
  ArrowLeft: () => pan(-0.15), ArrowRight: () => pan(0.15), ArrowDown: () => followNext(1), ArrowUp: () => followNext(-1),
  Home: showAll, "0": showAll, "+": () => zoom(0.7), "=": () => zoom(0.7), "-": () => zoom(1.4),
  s: () => nextStall(1), S: () => nextStall(-1), Escape: escape,
};

function connectKeys(changeTheme) {
  stage.addEventListener("keydown", (event) => {
    if (!(event.key in STAGE_KEYS) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    STAGE_KEYS[event.key]();
  });
  document.addEventListener("keydown", (event) => {
    const typing = ["INPUT", "TEXTAREA", "SELECT"].includes(event.target.tagName) && event.target.type !== "range";
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") {
      event.preventDefault();
      search.field.focus();
      search.field.select();
    } else if (event.key === "d") {
      changeTheme();
    } else if (event.key === "Escape" && event.target.closest("#followed")) {
      letGo();
      stage.focus();
    }
  });
}

function connectNavigator() {
  let dragging = false;
  const centreOn = (event) => {
    const box = navigator_.getBoundingClientRect();
    const half = (view.high - view.low) / 2;
    const centre = ((event.clientX - box.left) / box.width) * fullSpan();
    setSpan(centre - half, centre + half);
  };
  navigator_.addEventListener("pointerdown", (event) => {
    dragging = true;
    navigator_.setPointerCapture(event.pointerId);
    centreOn(event);
  });
  navigator_.addEventListener("pointermove", (event) => { if (dragging) centreOn(event); });
  navigator_.addEventListener("pointerup", () => { dragging = false; });
}

function connectButtons() {
  for (const button of document.querySelectorAll("[data-axis]")) {
    button.addEventListener("click", () => { press("axis", button); switchAxis(button.dataset.axis); });
  }
  for (const button of document.querySelectorAll("[data-range]")) {
    button.addEventListener("click", () => { press("range", button); view.range = button.dataset.range; paint(); });
  }
  const zooms = { in: () => zoom(0.6), out: () => zoom(1.67), reset: showAll };
  for (const button of document.querySelectorAll("[data-zoom]")) button.addEventListener("click", zooms[button.dataset.zoom]);
}
