"use strict";
// Tables are sorted by their headers; agents and tasks are chosen, and the address keeps the choice.
(() => {
  const number = (text) => {
    const found = text.replace(/,/g, "").match(/^[>~\s]*([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|∞)/i);
    return found ? (found[1] === "∞" ? Infinity : parseFloat(found[1])) : NaN;
  };
  const compare = (a, b) => {
    const x = number(a), y = number(b);
    if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1;
    return Number.isNaN(x) ? a.localeCompare(b) : x === y ? 0 : x - y;
  };
  const sort = (table, column, header) => {
    const down = header.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = (row) => row.cells[column].textContent.trim();
    const rows = [...table.tBodies[0].rows].sort((a, b) => compare(key(a), key(b)));
    if (down) rows.reverse();
    table.tBodies[0].append(...rows);
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((header, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      button.addEventListener("click", () => sort(table, column, header));
      header.append(button);
    });
  }

  const boxes = [...document.querySelectorAll("#chooser input")];
  if (!boxes.length) return;
  const show = () => {
    const off = { agent: new Set(), task: new Set() };
    for (const box of boxes) if (!box.checked) off[box.name].add(box.value);
    for (const part of document.querySelectorAll("[data-agent], [data-task]")) {
      const { agent, task } = part.dataset;
      part.toggleAttribute("hidden", off.agent.has(agent) || off.task.has(task));
    }
    return off;
  };
  const wanted = new URLSearchParams(location.hash.slice(1)).get("hide");
  const hidden = new Set(wanted ? wanted.split(",") : []);
  for (const box of boxes) {
    box.checked = !hidden.has(box.name + box.value);
    box.addEventListener("change", () => {
      const off = show();
      const names = ["agent", "task"].flatMap((kind) => [...off[kind]].map((n) => kind + n));
      const hash = names.length ? "#hide=" + names.join(",") : " ";
      try { history.replaceState(null, "", hash.trim() || location.pathname); } catch { /* a page from a mail */ }
    });
  }
  document.getElementById("chooser").hidden = false;
  show();
})();
