// Following one tensor: its life beside the picture, everything else dimmed, and the same in every plan shown.

const status_ = document.getElementById("status");

function announce(text) {
  status_.textContent = text;
}

function follow(row) {
  view.followed = row;
  if (row !== null) announce(`Following ${tensors.name[row]}, ${kindOf(row)}, ${formatBytes(tensors.size[row])}`);
  else announce("No tensor is followed");
  fillFollowed();
  paint();
}

function followedFacts(row) {
  const born = tensors.from[row] < 0 ? "program start" : `instruction ${tensors.from[row]}`;
  const facts = [kindOf(row), formatBytes(tensors.size[row]), `live from ${born} to ${tensors.to[row]}`];
  const aliases = data.aliases[row] ?? [];
  if (aliases.length > 0) facts.push(`also named ${aliases.slice(0, 3).join(", ")}${aliases.length > 3 ? ", …" : ""}`);
  return facts.join(" · ");
}

function fillFollowed() {
  const aside = document.getElementById("followed");
  const row = view.followed;
  aside.hidden = row === null;
  document.getElementById("picture").classList.toggle("with-aside", row !== null);
  if (row === null) return;
  const close = element("button", { type: "button", class: "close", "aria-label": "Stop following", title: "stop following (Escape)" }, "×");
  close.addEventListener("click", () => {
    follow(null);
    stage.focus();
  });
  aside.replaceChildren(
    element("div", { class: "followed-head" },
      element("div", {}, element("h3", {}, swatch(kindOf(row)), element("span", {}, ...breakable(tensors.name[row]))),
        element("p", { class: "muted" }, followedFacts(row))), close),
    ...view.shown.map((model) => lifeList(model, row)),
    element("p", { class: "muted small" }, "▼ a use served from fast memory, ▽ from slow memory"));
}

/** A tensor's name as a link to the picture that follows it there. */
function tensorLink(row) {
  const link = element("a", { class: "link", href: "#picture", title: "follow this tensor" }, ...breakable(tensors.name[row]));
  link.addEventListener("click", (event) => {
    event.preventDefault();
    follow(row);
    revealTensor(row);
    document.getElementById("picture").scrollIntoView({ block: "nearest" });
  });
  return link;
}

/** Tensors with a stay in the first plan shown, by when they first enter. */
function staysInOrder() {
  const { tensor, start } = view.shown[0].allocations;
  const order = tensor.map((_, k) => k).sort((a, b) => start[a] - start[b] || a - b);
  return [...new Set(order.map((k) => tensor[k]))];
}

/** Follows the tensor that comes ``step`` after the one followed, in the order in which they enter fast memory. */
function followNext(step) {
  const rows = staysInOrder();
  if (rows.length === 0) return;
  const now = rows.indexOf(view.followed);
  const next = now < 0 ? (step > 0 ? 0 : rows.length - 1) : (now + step + rows.length) % rows.length;
  follow(rows[next]);
}
