// Puts the page together.

function drawLegend() {
  const kinds = data.kinds.filter((_, kind) => allocations.buffer.some((buffer) => buffers.kind[buffer] === kind));
  const items = kinds.map((kind) => [kind, kind]);
  if (copies.evict.includes(0)) items.push(["prefetch", "prefetch"]);
  if (copies.evict.includes(1)) items.push(["evict", "eviction"]);
  const bounds = new Set(kernels.bound.map((bound) => data.bounds[bound]));
  for (const bound of bounds) items.push([BOUND_COLOURS[bound], `kernel bound by ${bound}`]);
  if (data.final_stall > 0 || kernels.stall.some((stall) => stall > 0)) items.push(["stall", "stall"]);
  document.getElementById("legend").append(...items.map(([colour, text]) => element("li", {}, swatch(colour), text)));
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
