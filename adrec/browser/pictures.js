/* Saves a figure of the page: Plotly's SVG layers and canvases become one SVG, which a canvas turns into a PNG at twice the size. */

import { context, element, find, save, svg, themeOf } from "./dom.js";

/** @import { Component } from "./types" */

/** figure: the Streamlit key of a Plotly figure; name: of the files. @param {Component<{ figure: string, name: string }>} component */
export function mount({ parentElement, data: { figure, name } }) {
  const host = find(parentElement, ".pictures"), key = `st-key-${figure.trim().replace(/[^a-zA-Z0-9_-]/g, "-")}`;
  host.replaceChildren(...["PNG", "SVG"].map((kind) => {
    const button = element("button", "", kind, { type: "button", title: `Save the figure as ${kind}` });
    button.onclick = async () => {
      const plot = document.querySelector(`.${key} .js-plotly-plot`);
      if (!plot) return;
      const { text, width, height } = drawing(plot, themeOf(host).paper), blob = new Blob([text], { type: "image/svg+xml" });
      save(kind === "SVG" ? blob : await raster(blob, width, height), `${name}.${kind.toLowerCase()}`);
    };
    return button;
  }));
}

/** The figure as the text of an SVG. @param {Element} plot @param {string} paper */
function drawing(plot, paper) {
  const frame = plot.getBoundingClientRect(), width = Math.round(frame.width), height = Math.round(frame.height);
  const root = svg(document.createElement("div"), "svg", { width, height, viewBox: `0 0 ${width} ${height}` });
  svg(root, "rect", { width, height, fill: paper });
  for (const layer of plot.querySelectorAll(".gl-container canvas, .main-svg")) {
    const place = layer.getBoundingClientRect(), at = { x: place.left - frame.left, y: place.top - frame.top, width: place.width, height: place.height };
    if (!at.width || !at.height) continue;
    if (layer instanceof HTMLCanvasElement) {
      svg(root, "image", { ...at, href: layer.toDataURL() });
      continue;
    }
    const copy = /** @type {SVGElement} */ (layer.cloneNode(true));
    copy.style.background = "none";
    copy.querySelectorAll(".hoverlayer, .modebar-container").forEach((node) => node.remove());
    for (const [side, value] of Object.entries(at)) copy.setAttribute(side, String(value));
    root.append(copy);
  }
  root.querySelectorAll("text").forEach((node) => { node.style.fontFamily ||= "sans-serif"; });
  return { text: new XMLSerializer().serializeToString(root), width, height };
}

/** @param {Blob} drawn an SVG @param {number} width @param {number} height @returns {Promise<Blob>} */
async function raster(drawn, width, height) {
  const image = new Image(), url = URL.createObjectURL(drawn), canvas = element("canvas");
  image.src = url;
  await image.decode();
  Object.assign(canvas, { width: 2 * width, height: 2 * height });
  context(canvas).drawImage(image, 0, 0, 2 * width, 2 * height);
  URL.revokeObjectURL(url);
  return new Promise((done, fail) => canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error("The picture is too large."))), "image/png"));
}
