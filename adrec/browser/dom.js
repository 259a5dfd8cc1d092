/* Elements, canvases and files. */

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string>} attributes
 */
export function element(tag, className = "", text = "", attributes = {}) {
  const node = document.createElement(tag);
  node.className = className;
  if (text) node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

/**
 * @param {Element} parent
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {string | number | null} text
 */
export function svg(parent, tag, attributes = {}, text = null) {
  const node = /** @type {SVGElement} */ (document.createElementNS("http://www.w3.org/2000/svg", tag));
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  if (text !== null) node.textContent = String(text);
  parent.append(node);
  return node;
}

/** By how much an element is drawn larger than it is laid out, as while presenting. @param {HTMLElement} node */
export const scaleOf = (node) => node.getBoundingClientRect().width / node.offsetWidth || 1;

/**
 * The first element that matches a selector; it must exist.
 * @template {string} S
 * @param {ParentNode} root
 * @param {S} selector
 * @returns {S extends keyof HTMLElementTagNameMap ? HTMLElementTagNameMap[S] : HTMLElement}
 */
export function find(root, selector) {
  const found = root.querySelector(selector);
  if (!found) throw new Error(`There is no ${selector} here.`);
  return /** @type {any} */ (found);
}

/** @param {HTMLCanvasElement} canvas */
export function context(canvas) {
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
}

/** Match a canvas's pixels to its size on screen; returns whether that changed. @param {HTMLCanvasElement} canvas */
export function resized(canvas) {
  const ratio = devicePixelRatio || 1, width = Math.round(canvas.clientWidth * ratio), height = Math.round(canvas.clientHeight * ratio);
  if (canvas.width === width && canvas.height === height) return false;
  Object.assign(canvas, { width, height });
  return true;
}

/** The colours and the font that the page gives an element. @param {Element} root */
export function themeOf(root) {
  const style = getComputedStyle(root), ink = style.color;
  const [r, g, b] = (ink.match(/[\d.]+/g) ?? ["0", "0", "0"]).map(Number);
  return { ink, paper: style.getPropertyValue("--st-background-color").trim() || "#fff", font: style.fontFamily, dark: r + g + b > 380 };
}

/** @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const link = element("a", "", "", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
