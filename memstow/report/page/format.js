// Figures as people read them. Times are microseconds, sizes are bytes.

function significant(value, digits) {
  if (value === 0) return "0";
  const text = value.toPrecision(digits);
  return text.includes("e") ? String(Number(text)) : text;
}

function timeParts(microseconds) {
  const size = Math.abs(microseconds);
  if (size >= 1e6) return [microseconds / 1e6, "s"];
  if (size >= 1e3) return [microseconds / 1e3, "ms"];
  if (size >= 1 || size === 0) return [microseconds, "µs"];
  return [microseconds * 1e3, "ns"];
}

function formatTime(microseconds) {
  const [value, unit] = timeParts(microseconds);
  // The data has a resolution of 0.1 ns: trailing zeros there would claim more.
  const text = unit === "ns" ? String(Number(value.toPrecision(4))) : significant(value, 4);
  return microseconds === 0 ? "0" : `${text}\u00a0${unit}`;
}

const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

function byteUnit(bytes) {
  const power = bytes > 0 ? Math.floor(Math.log2(bytes) / 10) : 0;
  return Math.max(0, Math.min(power, BYTE_UNITS.length - 1));
}

function byteParts(bytes) {
  const unit = byteUnit(bytes);
  const value = bytes / 2 ** (10 * unit);
  return [String(Number(value.toPrecision(value >= 1000 ? 4 : 3))), BYTE_UNITS[unit]];
}

function formatBytes(bytes) {
  return byteParts(bytes).join("\u00a0");
}

function formatCount(value) {
  return Math.round(value).toLocaleString("en-US");
}

function formatPercent(ratio) {
  const percent = 100 * ratio;
  return `${Math.abs(percent) >= 100 ? percent.toFixed(0) : percent.toFixed(1)}\u00a0%`;
}

function formatFlops(value) {
  const units = ["", "k", "M", "G", "T", "P"];
  const power = value > 0 ? Math.max(0, Math.min(5, Math.floor(Math.log10(value) / 3))) : 0;
  return `${significant(value / 1000 ** power, 3)} ${units[power]}FLOP`;
}

/** An element with attributes, text and children; text never becomes markup. */
function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "style") Object.assign(node.style, value);
    else node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** A name that may break after each of its words. */
function breakable(name) {
  return name.split(/(?<=[_./])/).flatMap((word, k) => (k === 0 ? [word] : [document.createElement("wbr"), word]));
}

function swatch(name) {
  return element("span", { class: "swatch", style: { background: `var(--${name})` } });
}

/** Tick positions at 1, 2 or 5 times a power of ten; or at powers of two for bytes. */
function ticks(low, high, count, binary) {
  const rough = (high - low) / Math.max(1, count);
  if (!(rough > 0)) return [];
  let step;
  if (binary) {
    step = 2 ** Math.ceil(Math.log2(rough));
  } else {
    const power = 10 ** Math.floor(Math.log10(rough));
    step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  }
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k += 1) found.push(k * step);
  return found;
}
