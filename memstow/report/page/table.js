// The tensors left in slow memory: sortable, filtered by the search field.

const slow = data.slow;
const table = { column: "cost", descending: true, all: false };
const FIRST_ROWS = 40;

const COLUMNS = [
  { key: "name", title: "tensor", value: (k) => buffers.name[slow.buffer[k]], className: "name" },
  { key: "kind", title: "kind", value: (k) => data.kinds[buffers.kind[slow.buffer[k]]], className: "kind" },
  { key: "size", title: "size", value: (k) => buffers.size[slow.buffer[k]], text: formatBytes, className: "number" },
  { key: "accesses", title: "slow accesses", value: (k) => slow.slow_accesses[k], className: "number",
    text: (value, k) => `${value} of ${slow.accesses[k]}` },
  { key: "cost", title: "costs", value: (k) => slow.cost[k], text: formatTime, className: "number" },
  { key: "reason", title: "why", value: (k) => data.texts[slow.reason[k]] },
];

function selectedRows() {
  const column = COLUMNS.find(({ key }) => key === table.column);
  const rows = slow.buffer.map((_, k) => k).filter((k) => matches(slow.buffer[k]));
  const sign = table.descending ? -1 : 1;
  rows.sort((a, b) => {
    const [left, right] = [column.value(a), column.value(b)];
    return sign * (typeof left === "string" ? left.localeCompare(right) : left - right) || a - b;
  });
  return rows;
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
  const value = column.value(k);
  const cell = element("td", { class: column.className ?? "" }, column.text ? column.text(value, k) : value);
  if (column.key === "kind") cell.prepend(swatch(value));
  return cell;
}

function fillTable() {
  const rows = selectedRows();
  const shown = table.all ? rows : rows.slice(0, FIRST_ROWS);
  document.getElementById("slow").replaceChildren(
    element("thead", {}, element("tr", {}, ...COLUMNS.map(headerCell))),
    element("tbody", {}, ...shown.map((k) => element("tr", {}, ...COLUMNS.map((column) => bodyCell(column, k))))),
  );
  const more = document.getElementById("slow-more");
  more.hidden = shown.length === rows.length;
  more.textContent = `show all ${rows.length}`;
}

function drawTable() {
  document.getElementById("slow-more").addEventListener("click", () => { table.all = true; fillTable(); });
  const omitted = data.slow_omitted.count;
  const tail = omitted > 0 ? `; ${formatCount(omitted)} cheaper ones left out (${formatTime(data.slow_omitted.cost)})` : "";
  document.getElementById("slow-note").textContent = slow.buffer.length === 0
    ? "none: every access is served from fast memory"
    : `${formatCount(slow.buffer.length + omitted)} tensors with at least one access in slow memory${tail}`;
  if (slow.buffer.length > 0) fillTable();
}
