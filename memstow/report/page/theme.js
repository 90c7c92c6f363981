// Light and dark: the system's choice unless the reader makes one; the colours that the canvases paint with.

const THEMES = ["auto", "light", "dark"];
const COLOUR_NAMES = ["ink", "muted", "line", "grid", "plot", "panel", "accent", "label", "parameter", "constant", "input",
  "intermediate", "output", "compute", "memory", "stall", "overhead", "prefetch", "evict", "fast"];
let colours = {};
let hatch = null;

/** A custom property as a plain colour: the browser resolves light-dark() on a real element alone. */
function resolveColours(names) {
  const probe = element("span", { hidden: "" });
  document.body.append(probe);
  const found = names.map((name) => {
    probe.style.color = `var(--${name})`;
    return [name, getComputedStyle(probe).color];
  });
  probe.remove();
  return Object.fromEntries(found);
}

function readColours() {
  colours = resolveColours(COLOUR_NAMES);
  const tile = document.createElement("canvas");
  tile.width = tile.height = 6;
  const pen = tile.getContext("2d");
  pen.strokeStyle = colours.stall;
  pen.globalAlpha = 0.55;
  for (const shift of [-6, 0, 6]) {
    pen.moveTo(shift, 6);
    pen.lineTo(shift + 6, 0);
  }
  pen.stroke();
  hatch = pen.createPattern(tile, "repeat");
}

/** Pages opened from a file may have no storage: the choice then lasts as long as the page. */
function storedTheme() {
  try {
    return localStorage.getItem("memstow-theme");
  } catch {
    return null;
  }
}

function storeTheme(theme) {
  try {
    localStorage.setItem("memstow-theme", theme);
  } catch {
    // Nothing to do: see storedTheme.
  }
}

function applyTheme(theme) {
  const chosen = THEMES.includes(theme) ? theme : "auto";
  document.documentElement.dataset.theme = chosen;
  for (const button of document.querySelectorAll("[data-choose-theme]")) {
    button.setAttribute("aria-pressed", String(button.dataset.chooseTheme === chosen));
  }
  readColours();
}

function nextTheme() {
  return THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length];
}

function connectTheme(repaint) {
  const choose = (theme) => {
    applyTheme(theme);
    storeTheme(theme);
    repaint();
  };
  for (const button of document.querySelectorAll("[data-choose-theme]")) {
    button.addEventListener("click", () => choose(button.dataset.chooseTheme));
  }
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(); repaint(); });
  return () => choose(nextTheme());
}
