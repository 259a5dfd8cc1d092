/* What a page of the site shows: packed with gzip, because a plain file server packs nothing. */

import { element, find } from "../dom.js";

/** @param {string} address below the page @returns {Promise<Uint8Array>} */
export async function loaded(address) {
  const answer = await fetch(address);
  if (!answer.ok || !answer.body) throw new Error(answer.statusText);
  return new Uint8Array(await new Response(answer.body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
}

/**
 * Draw a page from the data that its HTML names; one sentence if they can't be had.
 * @param {(main: HTMLElement, data: Uint8Array) => void | Promise<void>} draw
 */
export async function open(draw) {
  const main = /** @type {HTMLElement} */ (find(document, "main")), { content = "", unreachable = "" } = main.dataset;
  try {
    const data = await loaded(content);
    main.replaceChildren();
    await draw(main, data);
  } catch (error) {
    main.prepend(element("p", "unfit", unreachable));
    throw error;
  }
}
