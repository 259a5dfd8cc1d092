/* The chosen item's nearest neighbours in each stage. Also tells the maps which item is chosen. */

import { element, find } from "./dom.js";

/** @import { Component, Lists, Neighbour } from "./types" */

/** @param {Component<Lists>} component */
export function mount({ data, parentElement, setTriggerValue }) {
  const root = find(parentElement, ".lists"), hover = (/** @type {number} */ item) => window.dispatchEvent(new CustomEvent("item-hover", { detail: item }));
  Object.assign(window, { itemMaps: data });
  window.dispatchEvent(new CustomEvent("item-maps", { detail: data }));
  root.style.setProperty("--stages", String(data.stages.length));
  root.replaceChildren(...data.stages.map((stage, i) => {
    const near = data.neighbours[stage.key], section = element("section", "list"), title = element("h4"), glyph = element("span", "", stage.glyph);
    glyph.style.color = stage.color;
    title.append(glyph, ` ${stage.label}`, element("span", "soft", i ? `: ${near.filter((n) => n.kept).length} of ${near.length} kept` : ""));
    const rows = element("ol");
    rows.append(...near.map(row));
    section.append(title, rows);
    return section;
  }));

  /** @param {Neighbour} neighbour */
  function row(neighbour) {
    const item = element("li"), title = data.titles[neighbour.row], button = element("button", "", "", { type: "button", title });
    button.append(
      element("span", "sign", neighbour.kept ? "●" : "○", { "aria-hidden": "true" }),
      element("span", "text", title),
      element("span", "word", neighbour.kept === null ? "" : neighbour.kept ? "kept" : "new"),
      element("span", "number", neighbour.number.toFixed(2)),
    );
    button.onclick = () => setTriggerValue("pick", neighbour.row);
    button.onmouseenter = button.onfocus = () => hover(neighbour.row);
    button.onmouseleave = button.onblur = () => hover(-1);
    item.append(button);
    return item;
  }
}
