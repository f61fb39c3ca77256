// Sorts boards by a click, Enter or Space on a header. Without scripts the table stays ranked.
// Not DataTables (as in itables): it is 100 times as long, rebuilds the table in the browser and needs pandas, and a board
// of a few dozen rows needs no paging or search.
"use strict";

const collator = new Intl.Collator("en", { numeric: true }); // sorts text such as "1-2" and "10" by its numbers

// A lower limit ("> 411": no background event passed) sorts above all numbers, and limits among themselves.
function key(cell) {
  const { value = "", limit } = cell?.dataset ?? {};
  return { limited: limit !== undefined, value: limit ?? value };
}

function compare(a, b, numeric, sign) {
  if (a.value === "" || b.value === "") return (a.value === "") - (b.value === ""); // missing values are last in both directions
  if (a.limited !== b.limited) return sign * (a.limited - b.limited);
  return sign * (numeric ? Number(a.value) - Number(b.value) : collator.compare(a.value, b.value));
}

function sort(table, headers, chosen) {
  const header = headers[chosen];
  const previous = header.getAttribute("aria-sort");
  const direction = previous === null ? header.dataset.first : previous === "ascending" ? "descending" : "ascending";
  const numeric = header.classList.contains("number");
  const body = table.tBodies[0];
  const sign = direction === "ascending" ? 1 : -1;
  const rows = [...body.rows].sort((a, b) => compare(key(a.cells[chosen]), key(b.cells[chosen]), numeric, sign));
  body.append(...rows);
  headers.forEach((other) => other.removeAttribute("aria-sort"));
  header.setAttribute("aria-sort", direction);
}

document.querySelectorAll("table.sortable").forEach((table) => {
  const headers = [...table.tHead.rows[0].cells];
  headers.forEach((header, index) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    button.addEventListener("click", () => sort(table, headers, index));
    header.append(button);
  });
});

// a link to a row opens its details
function open() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) target.open = true;
}
window.addEventListener("hashchange", open);
open();
