// Marks above the painted panel: the tensor followed, the stall chosen, the pointer. Cheap enough for every movement.

function paintMarks(model) {
  const parts = partsOf(model);
  const pen = model.canvas.getContext("2d");
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, model.canvas.width, model.canvas.height);
  pen.drawImage(model.base, 0, 0);
  const marker = penOf(model.canvas);
  marker.save();
  clipToPlot(marker, parts);
  if (view.hover !== null) paintPointer(marker, model, parts);
  if (view.followed !== null) paintFollowed(marker, model, parts);
  if (view.stall !== null && view.stall.model === model) paintChosenStall(marker, model, parts, view.stall.k);
  marker.restore();
}

function paintAllMarks() {
  for (const model of view.shown) paintMarks(model);
}

function outline(pen, box, colour, width) {
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.strokeRect(box.x, box.y, box.width, box.height);
}

function outlineTensor(pen, model, parts, row, colour, width) {
  for (const k of model.allocationsOf.get(row) ?? []) outline(pen, allocationBox(model, k, parts.memory), colour, width);
  for (const k of model.copiesOf.get(row) ?? []) outline(pen, copyBox(model, k, parts), colour, width);
}

function paintPointer(pen, model, parts) {
  pen.fillStyle = colours.muted;
  pen.fillRect(view.hover.x, parts.kernels.y, 1, parts.bottom - parts.kernels.y);
  if (view.hover.tensor !== null) outlineTensor(pen, model, parts, view.hover.tensor, colours.ink, 1.5);
}

/** Stays and copies outlined; a triangle at every use: filled where it is served from fast memory, hollow from slow. */
function paintFollowed(pen, model, parts) {
  const row = view.followed;
  outlineTensor(pen, model, parts, row, colours.ink, 2);
  const scale = model.edges[view.axis];
  const y = parts.memory.y + 1;
  for (const use of usesOf.get(row) ?? []) {
    const t = uses.time[use];
    const stall = view.axis === "time" ? model.kernels.stall[t] : 0;
    const x = (xAt(scale[t] + stall) + xAt(scale[t + 1])) / 2;
    const fast = model.memory[use] === "1";
    pen.beginPath();
    pen.moveTo(x - 5, y);
    pen.lineTo(x + 5, y);
    pen.lineTo(x, y + 8);
    pen.closePath();
    pen.lineWidth = 1.5;
    pen.fillStyle = fast ? colours.ink : colours.plot;
    pen.strokeStyle = colours.ink;
    pen.fill();
    pen.stroke();
    if (!fast) {
      pen.setLineDash([3, 3]);
      pen.beginPath();
      pen.moveTo(x, y + 9);
      pen.lineTo(x, parts.memory.y + parts.memory.height);
      pen.stroke();
      pen.setLineDash([]);
    }
  }
}

/** The stall in a frame, the copies waited for outlined, those ahead of them dashed, and the cause in words. */
function paintChosenStall(pen, model, parts, k) {
  const [x, end] = stallSpan(model, k);
  const box = { x, y: parts.kernels.y + 1, width: Math.max(2, end - x), height: parts.bottom - parts.kernels.y - 2 };
  outline(pen, box, colours.stall, 2);
  for (const row of model.stalls.waited[k]) outline(pen, copyBox(model, row, parts), colours.stall, 2.5);
  pen.setLineDash([4, 3]);
  for (const [row] of aheadOf(model, k)) outline(pen, copyBox(model, row, parts), colours.stall, 2);
  pen.setLineDash([]);
  const text = `${formatTime(model.stalls.length[k])} for the ${causeText(model, k, shortNames)}`;
  const width = Math.min(innerWidth() - 8, pen.measureText(text).width + 14);
  const left = Math.max(MARGIN.left + 4, Math.min(x, view.width - MARGIN.right - width - 4));
  const top = parts.memory.y + 12;
  pen.fillStyle = colours.stall;
  pen.fillRect(left, top, width, 20);
  pen.fillStyle = colours.panel;
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  pen.fillText(text, left + 7, top + 10.5, width - 14);
}
