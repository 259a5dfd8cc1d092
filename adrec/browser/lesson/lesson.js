/* The lesson as one component: what it is sent, and the shell that shows it. */

import { find } from "../dom.js";
import { blocks } from "../wire.js";
import { Shell } from "./shell.js";

/** @import { Component } from "../types" */
/** @import { Content } from "./types" */

/** @type {WeakMap<Element, Shell>} */
const shells = new WeakMap();

/** @param {Component<Uint8Array>} component data: a block with the setup, one with the content */
export function mount({ parentElement, data, setTriggerValue }) {
  const host = find(parentElement, ".lesson"), start = new DataView(data.buffer, data.byteOffset).getUint32(0, true);
  const known = shells.get(host);
  if (known?.digest === start) known.tell = setTriggerValue;
  else {
    known?.stop();
    const [setup, content] = blocks(data);
    shells.set(host, new Shell(host, setup, unpacked(content), setTriggerValue));
  }
  return () => { if (!host.isConnected) { shells.get(host)?.stop(); shells.delete(host); } };
}

/** The arrays of each part beside its other fields: "5.film" becomes content[5].film. @param {any} block @returns {Content} */
export function unpacked(block) {
  for (const name of Object.keys(block.arrays)) {
    const dot = name.indexOf("."), part = name.slice(0, dot);
    block[part] ??= {};
    block[part][name.slice(dot + 1)] = block[name];
    delete block[name];
  }
  delete block.arrays;
  return block;
}
