// The chosen item's nearest neighbours in each stage, and the voice that tells the maps what is chosen.

function element(tag, className, text, attributes = {}) {
  const node = document.createElement(tag);
  node.className = className;
  if (text) node.textContent = text;
  for (const [k, v] of Object.entries(attributes)) node.setAttribute(k, v);
  return node;
}

const hover = (row) => window.dispatchEvent(new CustomEvent("item-hover", { detail: row }));

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".lists");
  window.itemMaps = data;
  window.dispatchEvent(new CustomEvent("item-maps", { detail: data }));
  const pick = (row) => setTriggerValue("pick", row);
  root.style.setProperty("--stages", data.stages.length);
  root.replaceChildren(...data.stages.map((stage, i) => {
    const list = data.neighbours[stage.key], section = element("section", "list");
    const title = element("h4", "");
    const glyph = element("span", "", stage.glyph);
    glyph.style.color = stage.color;
    const kept = list.filter((n) => n.kept).length;
    title.append(glyph, " " + stage.label, element("span", "soft", i ? `: ${kept} of ${list.length} stayed` : ""));
    const rows = element("ol", "");
    for (const n of list) {
      const item = element("li", ""), button = element("button", "", "", { type: "button", title: data.titles[n.row] });
      const word = n.kept === null ? "" : n.kept ? "stayed" : "new";
      button.append(
        element("span", "sign", n.kept === true ? "●" : "○", { "aria-hidden": "true" }),
        element("span", "text", data.titles[n.row]),
        element("span", "word", word),
        element("span", "number", n.number.toFixed(2)),
      );
      button.onclick = () => pick(n.row);
      button.onmouseenter = button.onfocus = () => hover(n.row);
      button.onmouseleave = button.onblur = () => hover(-1);
      item.append(button);
      rows.append(item);
    }
    section.append(title, rows);
    return section;
  }));
}
