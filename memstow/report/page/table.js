// The tensors left in slow memory: sortable, filtered by the search field; one plan at a time.

const explained = given.filter((model) => model.slow !== undefined);
const table = { model: explained[0], column: "cost", descending: true, all: false };
const FIRST_ROWS = 15;

const COLUMNS = [
  { key: "name", title: "tensor", value: (s, k) => tensors.name[s.tensor[k]], className: "name" },
  { key: "kind", title: "kind", value: (s, k) => kindOf(s.tensor[k]), className: "kind" },
  { key: "size", title: "size", value: (s, k) => tensors.size[s.tensor[k]], text: formatBytes, className: "number" },
  { key: "accesses", title: "slow accesses", value: (s, k) => s.slow_accesses[k], className: "number",
    text: (value, s, k) => `${value} of ${s.accesses[k]}` },
  { key: "cost", title: "costs", value: (s, k) => s.cost[k], text: formatTime, className: "number" },
  { key: "reason", title: "why", value: (s, k) => table.model.texts[s.reason[k]] },
];

function selectedRows() {
  const { slow } = table.model;
  const column = COLUMNS.find(({ key }) => key === table.column);
  const wanted = (row) => view.query === "" || tensorNames(row).some((name) => name.toLowerCase().includes(view.query));
  const rows = slow.tensor.map((_, k) => k).filter((k) => wanted(slow.tensor[k]));
  const sign = table.descending ? -1 : 1;
  return rows.sort((a, b) => {
    const [left, right] = [column.value(slow, a), column.value(slow, b)];
    return sign * (typeof left === "string" ? left.localeCompare(right) : left - right) || a - b;
  });
}

function headerCell(column) {
  const active = table.column === column.key;
  const arrow = active ? (table.descending ? " ↓" : " ↑") : "";
  const button = element("button", { type: "button" }, column.title + arrow);
  button.addEventListener("click", () => {
    table.descending = active ? !table.descending : column.className === "number";
    table.column = column.key;
    fillTable();
  });
  const sort = active ? (table.descending ? "descending" : "ascending") : "none";
  return element("th", { scope: "col", class: column.className ?? "", "aria-sort": sort }, button);
}

function bodyCell(column, k) {
  const { slow } = table.model;
  const value = column.value(slow, k);
  const cell = element("td", { class: column.className ?? "" });
  if (column.key === "name") cell.append(tensorLink(slow.tensor[k]));
  else if (column.key === "kind") cell.append(swatch(value), value);
  else cell.append(column.text ? column.text(value, slow, k) : value);
  return cell;
}

function fillTable() {
  if (table.model === undefined) return;
  const { slow, slow_omitted: omitted } = table.model;
  const rows = selectedRows();
  const shown = table.all ? rows : rows.slice(0, FIRST_ROWS);
  document.getElementById("slow").replaceChildren(...(slow.tensor.length === 0 ? [] : [
    element("thead", {}, element("tr", {}, ...COLUMNS.map(headerCell))),
    element("tbody", {}, ...shown.map((k) => element("tr", {}, ...COLUMNS.map((column) => bodyCell(column, k))))),
  ]));
  const more = document.getElementById("slow-more");
  more.hidden = shown.length === rows.length;
  more.textContent = `show all ${rows.length}`;
  const tail = omitted.count > 0 ? `; ${formatCount(omitted.count)} cheaper ones left out (${formatTime(omitted.cost)})` : "";
  document.getElementById("slow-note").textContent = slow.tensor.length === 0
    ? "none: every access is served from fast memory"
    : `${formatCount(slow.tensor.length + omitted.count)} tensors with at least one access in slow memory${tail}`;
}

function drawTablePlans() {
  const row = document.getElementById("slow-plans");
  row.hidden = explained.length < 2;
  row.replaceChildren(...explained.map((model) => {
    const button = element("button", { type: "button", "data-slow-plan": model.letter, "aria-pressed": String(model === table.model) }, badge(model), model.name);
    button.addEventListener("click", () => {
      table.model = model;
      press("slow-plan", button);
      fillTable();
    });
    return button;
  }));
}

function drawTable() {
  document.getElementById("slow-panel").hidden = table.model === undefined;
  document.getElementById("slow-more").addEventListener("click", () => { table.all = true; fillTable(); });
  drawTablePlans();
  fillTable();
}
