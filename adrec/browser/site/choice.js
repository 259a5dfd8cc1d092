/* A labelled list of choices. */

import { element } from "../dom.js";

/** @param {string} label @param {string[][]} options value and words of each @param {(value: string) => void} chosen */
export function choice(label, options, chosen) {
  const root = element("label", "choice", label), list = element("select");
  list.onchange = () => chosen(list.value);
  root.append(list);
  let filled = "";
  const self = {
    root,
    /** @param {string} value */
    show(value) { list.value = value; },
    /** @param {string[][]} next @param {string} value */
    fill(next, value) {
      if (filled !== next.join("\n")) list.replaceChildren(...next.map(([key, words]) => element("option", "", words, { value: key })));
      filled = next.join("\n");
      list.value = value;
    },
  };
  if (options.length) self.fill(options, options[0][0]);
  return self;
}
