// Puts the page together.

function drawLegend() {
  const kinds = data.kinds.filter((_, kind) => allocations.buffer.some((buffer) => buffers.kind[buffer] === kind));
  const moves = [["prefetch", "prefetch"], ["evict", "eviction"]].filter((_, evict) => copies.evict.includes(evict));
  const found = new Set(kernels.bound.map((bound) => data.bounds[bound]));
  const bounds = Object.entries(BOUND_COLOURS).filter(([bound]) => found.has(bound)).map(([bound, colour]) => [colour, bound]);
  const stalls = data.final_stall > 0 || kernels.stall.some((stall) => stall > 0) ? [["stall", "stall"]] : [];
  const groups = [["tensors", kinds.map((kind) => [kind, kind])], ["copies", moves], ["kernels bound by", bounds], ["waiting", stalls]];
  for (const [title, items] of groups.filter(([, listed]) => listed.length > 0)) {
    const entries = items.map(([colour, text]) => element("li", {}, swatch(colour), text));
    document.getElementById("legend").append(element("li", { class: "group" }, title), ...entries);
  }
}

function describePicture() {
  canvas.setAttribute("aria-label",
    `Fast memory over the run: ${allocations.buffer.length} allocations, ${copies.buffer.length} copies, ` +
    `${formatBytes(arena)} of ${formatBytes(capacity)} used. The tables on this page give the same figures as text.`);
}

function resize() {
  const width = canvas.parentElement.clientWidth;
  if (width === view.width) return;
  view.width = width;
  paint();
}

drawHeader();
drawCards();
drawTimes();
drawShares();
drawLegend();
drawTable();
describePicture();
readColours();
view.high = fullSpan();
connectPointer();
connectKeys();
connectButtons();
resize();
new ResizeObserver(resize).observe(canvas.parentElement);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(); paint(); });
