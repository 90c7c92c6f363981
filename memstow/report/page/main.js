// Puts the page together.

function drawLegend() {
  const used = new Set(given.flatMap((model) => model.allocations.tensor.map(kindOf)));
  const kinds = data.kinds.filter((kind) => used.has(kind));
  const moves = [["prefetch", "prefetch"], ["evict", "eviction"]].filter((_, evict) =>
    given.some((model) => model.copies.evict.includes(evict)));
  const found = new Set(given.flatMap((model) => model.kernels.bound.map((bound) => model.bounds[bound])));
  const bounds = Object.entries(BOUND_COLOURS).filter(([bound]) => found.has(bound)).map(([bound, colour]) => [colour, bound]);
  const stalls = given.some((model) => model.stalls.time.length > 0) ? [["stall", "stall, and the copy waited for"]] : [];
  const groups = [["tensors", kinds.map((kind) => [kind, kind])], ["copies", moves], ["kernels bound by", bounds], ["waiting", stalls]];
  for (const [title, items] of groups.filter(([, listed]) => listed.length > 0)) {
    const entries = items.map(([colour, text]) => element("li", {}, swatch(colour), text));
    document.getElementById("legend").append(element("ul", { class: "group", "aria-label": title }, element("li", { class: "title" }, title), ...entries));
  }
}

function resize() {
  const width = stage.clientWidth;
  if (width === view.width || width === 0) return;
  view.width = width;
  paint();
}

applyTheme(storedTheme());
drawHeader();
drawCards();
drawTimes();
drawShares();
drawLegend();
drawTable();
view.width = stage.clientWidth;
view.high = fullSpan();
buildPanels();
drawPlanToggles();
drawWhatIf();
drawStalls();
connectSearch();
connectButtons();
connectNavigator();
connectKeys(connectTheme(paint));
paint();
new ResizeObserver(resize).observe(stage);
