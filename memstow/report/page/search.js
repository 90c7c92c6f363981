// The search field: dims what does not match while one types, and offers the matches as a list.

const search = { field: document.getElementById("search"), list: document.getElementById("found"), active: -1, hits: [], total: 0 };
const MAX_HITS = 12;

/** Tensors, then instructions, whose name holds the text; names that begin with it first. */
function findNames(text) {
  const rank = (name) => {
    const at = name.toLowerCase().indexOf(text);
    return at < 0 ? -1 : at === 0 ? 0 : 1;
  };
  const ranked = [];
  tensors.name.forEach((_, row) => {
    const ranks = tensorNames(row).map(rank).filter((found) => found >= 0);
    if (ranks.length > 0) ranked.push({ type: "tensor", row, rank: Math.min(...ranks) });
  });
  instructions.name.forEach((name, row) => {
    if (rank(name) >= 0) ranked.push({ type: "instruction", row, rank: 2 + rank(name) });
  });
  return ranked.sort((a, b) => a.rank - b.rank);
}

function hitOption(hit, k) {
  const option = element("li", { id: `found-${k}`, role: "option", "aria-selected": String(k === search.active) });
  if (hit.type === "tensor") {
    option.append(swatch(kindOf(hit.row)), element("span", { class: "name" }, ...breakable(tensors.name[hit.row])),
      element("span", { class: "muted" }, `${kindOf(hit.row)}, ${formatBytes(tensors.size[hit.row])}`));
  } else {
    option.append(swatch("overhead"), element("span", { class: "name" }, instructions.name[hit.row]),
      element("span", { class: "muted" }, `instruction ${hit.row}`));
  }
  option.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    take(hit);
  });
  return option;
}

function fillFound() {
  const open = view.query !== "" && document.activeElement === search.field;
  search.list.hidden = !open;
  search.field.setAttribute("aria-expanded", String(open));
  search.field.setAttribute("aria-activedescendant", search.active >= 0 ? `found-${search.active}` : "");
  const options = search.hits.map(hitOption);
  const more = search.total - search.hits.length;
  if (search.total === 0) options.push(element("li", { class: "muted", role: "presentation" }, "no tensor or kernel of this name"));
  if (more > 0) options.push(element("li", { class: "muted", role: "presentation" }, `and ${formatCount(more)} more`));
  search.list.replaceChildren(...options);
}

function searchFor(text) {
  view.query = text.trim().toLowerCase();
  const hits = view.query === "" ? [] : findNames(view.query);
  search.hits = hits.slice(0, MAX_HITS);
  search.active = search.hits.length > 0 ? 0 : -1;
  search.total = hits.length;
  if (view.followed !== null && view.query !== "") follow(null);
  fillFound();
  if (view.query !== "") announce(`${hits.length} found`);
  paint();
  fillTable();
}

function closeFound() {
  search.list.hidden = true;
  search.field.setAttribute("aria-expanded", "false");
}

/** What Enter does to a match: a tensor is followed, an instruction brought into sight. */
function take(hit) {
  search.field.value = "";
  searchFor("");
  if (hit.type === "tensor") {
    follow(hit.row);
    revealTensor(hit.row);
  } else {
    showInstruction(view.shown[0], hit.row);
  }
  stage.focus({ preventScroll: true });
  document.getElementById("picture").scrollIntoView({ block: "nearest" });
}

function connectSearch() {
  const move = (step) => {
    search.active = (search.active + step + search.hits.length) % search.hits.length;
    fillFound();
  };
  search.field.addEventListener("input", () => searchFor(search.field.value));
  search.field.addEventListener("focus", () => fillFound());
  search.field.addEventListener("blur", closeFound);
  search.field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.preventDefault();
      if (search.field.value === "") stage.focus();
      search.field.value = "";
      searchFor("");
    } else if (search.hits.length > 0 && ["ArrowDown", "ArrowUp", "Enter"].includes(event.key)) {
      event.preventDefault();
      if (event.key === "Enter") take(search.hits[Math.max(0, search.active)]);
      else move(event.key === "ArrowDown" ? 1 : -1);
    }
  });
}
