/* One choice of a few, as buttons in a row: arrow keys go from one to the next. */

import { element } from "../dom.js";

/**
 * @param {HTMLElement} parent @param {string} label @param {[string, string][]} options each a value and its words @param {(value: string) => void} changed
 * @returns {{ root: HTMLElement, show: (value: string) => void }}
 */
export function choices(parent, label, options, changed) {
  const root = element("div", "choices"), group = element("div", "group", "", { role: "radiogroup", "aria-label": label });
  const buttons = options.map(([value, words]) => {
    const button = element("button", "", words, { type: "button", role: "radio" });
    button.dataset.value = value;
    button.onclick = () => choose(value);
    return button;
  });
  group.onkeydown = (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by) return;
    const at = buttons.findIndex((button) => button.getAttribute("aria-checked") === "true"), next = buttons[(at + by + buttons.length) % buttons.length];
    event.preventDefault();
    choose(next.dataset.value ?? "");
    next.focus();
  };
  group.append(...buttons);
  root.append(element("span", "says", label), group);
  parent.append(root);

  /** @param {string} value */
  function show(value) {
    for (const button of buttons) {
      const own = button.dataset.value === value;
      button.setAttribute("aria-checked", String(own));
      button.tabIndex = own ? 0 : -1;
    }
  }

  /** @param {string} value */
  function choose(value) {
    show(value);
    changed(value);
  }

  return { root, show };
}
