/* A table of models: sorted and filtered here; on a narrow screen its rows are cards. */

import { element, find } from "./dom.js";

/** @import { Column, Comparison, ComparisonRow, Component } from "./types" */

/** How many models are shown at first. */
const FIRST = { wide: 15, narrow: 6 };
/** Pixels below which rows are cards, as in the styles. */
const NARROW = 640;

/** @type {WeakMap<Element, ReturnType<typeof comparisonTable>>} */
const standing = new WeakMap();

/** @param {Component<Comparison>} component */
export function mount({ parentElement, data, setTriggerValue }) {
  const host = find(parentElement, ".comparison"), shown = standing.get(host) ?? comparisonTable(host);
  standing.set(host, shown);
  shown.show(data, (look) => setTriggerValue("look", look));
}

/** @param {HTMLElement} host */
function comparisonTable(host) {
  const bar = element("div", "comparison-bar"), field = element("input", "", "", { type: "search" });
  const by = element("select"), count = element("span", "comparison-count", "", { role: "status" }), place = element("div", "comparison-place");
  const search = element("label", "comparison-search"), order = element("label", "comparison-order");
  host.replaceChildren(bar, place);
  /** @type {Comparison} */
  let given;
  let sort = "", said = "", whole = false;
  /** @param {{ sort?: string, filter?: string }} look */
  let told = (look) => { void look; };

  field.oninput = draw;
  field.onchange = () => { if (field.value !== said) told({ filter: said = field.value }); };
  by.onchange = () => sorted(by.value);

  /** @param {string} wanted */
  function sorted(wanted) {
    sort = wanted;
    told({ sort });
    draw();
  }

  function draw() {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean), [key, way] = split(sort);
    const rows = given.rows.filter((row) => words.every((word) => textOf(row).includes(word)));
    if (given.columns.some((column) => column.key === key)) rows.sort((a, b) => compare(a, b, key, way === "up" ? 1 : -1));
    const most = host.clientWidth > NARROW ? FIRST.wide : FIRST.narrow, cut = !whole && rows.length > most + 2;
    const table = element("table"), head = element("tr"), body = element("tbody");
    head.append(element("th", "", given.words.model, { scope: "col" }), ...given.columns.map(header));
    body.append(...(cut ? rows.slice(0, most) : rows).map(line));
    const top = element("thead");
    top.append(head);
    table.append(top, body);
    const all = element("button", "comparison-all", given.words.all.replace("{all}", String(rows.length)), { type: "button" });
    all.onclick = () => { whole = true; draw(); };
    place.replaceChildren(table, ...(cut ? [all] : []));
    by.value = sort;
    count.textContent = words.length ? given.words.count.replace("{count}", String(rows.length)).replace("{all}", String(given.rows.length)) : "";
  }

  /** @param {Column} column */
  function header(column) {
    const [key, way] = split(sort), own = key === column.key, cell = element("th", "", "", { scope: "col" });
    const button = element("button", "", column.label, { type: "button", title: column.meaning });
    if (own) cell.setAttribute("aria-sort", way === "up" ? "ascending" : "descending");
    button.append(element("span", "comparison-way", own ? (way === "up" ? "\u00a0▲" : "\u00a0▼") : "\u00a0↕", { "aria-hidden": "true" }));
    button.onclick = () => sorted(`${column.key}-${own ? (way === "up" ? "down" : "up") : column.down ? "down" : "up"}`);
    cell.append(button);
    return cell;
  }

  return {
    /** @param {Comparison} data @param {(look: { sort?: string, filter?: string }) => void} tell */
    show(data, tell) {
      told = tell;
      if (!given || data.filter !== said) field.value = said = data.filter;
      given = data;
      sort = data.sort;
      field.placeholder = data.words.filterHint;
      search.replaceChildren(`${data.words.filter} `, field);
      const options = data.columns.flatMap((column) => ["down", "up"].map((way) => {
        const option = element("option", "", `${column.label}, ${way === "up" ? data.words.up : data.words.down}`);
        option.value = `${column.key}-${way}`;
        return option;
      }));
      const none = element("option", "", data.words.unsorted);
      none.value = "";
      by.replaceChildren(none, ...options);
      order.replaceChildren(`${data.words.sort} `, by);
      bar.hidden = data.rows.length < 2;
      if (!search.isConnected) bar.replaceChildren(search, order, count);
      draw();
    },
  };

  /** @param {ComparisonRow} row */
  function line(row) {
    const node = element("tr", row.baseline ? "is-baseline" : ""), name = element("th", "", "", { scope: "row" }), glyph = element("span", "", `${row.glyph} `, { "aria-hidden": "true" });
    glyph.style.color = row.color;
    const title = element("span", "comparison-name");
    title.append(glyph, row.name);
    name.append(title, element("small", "", row.about));
    node.append(name, ...given.columns.map((column) => {
      const cell = row.cells[column.key], box = element("td", "", "", { "data-label": column.label });
      const both = element("span");
      both.append(element("span", "comparison-value", cell.text), element("small", "", cell.note));
      box.append(both);
      return box;
    }));
    return node;
  }
}

/** A key and a way, "up" or "down". @param {string} sort @returns {[string, string]} */
function split(sort) {
  const at = sort.lastIndexOf("-");
  return [sort.slice(0, at), sort.slice(at + 1)];
}

/** Everything that a filter looks at. @param {ComparisonRow} row */
function textOf(row) {
  return [row.name, row.about, ...Object.values(row.cells).map((cell) => cell.text)].join(" ").toLowerCase();
}

/** Rows without a value come last whatever the way. @param {ComparisonRow} a @param {ComparisonRow} b @param {string} key @param {number} sign */
export function compare(a, b, key, sign) {
  const [x, y] = [a.cells[key].value, b.cells[key].value];
  if (x === null || y === null) return (x === null ? 1 : 0) - (y === null ? 1 : 0);
  return sign * (x - y);
}
