/* Saves a figure of the page: Plotly's SVG layers and canvases become one SVG, which a canvas turns into a PNG at twice the size. */

const SPACE = "http://www.w3.org/2000/svg";

export default function (component) {
  const host = component.parentElement.querySelector(".pictures"), { figure, name } = component.data;
  const key = `st-key-${figure.trim().replace(/[^a-zA-Z0-9_-]/g, "-")}`;
  const paper = () => getComputedStyle(host).getPropertyValue("--st-background-color").trim() || "#fff";
  host.replaceChildren(...["PNG", "SVG"].map((kind) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = kind;
    button.title = `Save the figure as ${kind}`;
    button.onclick = async () => {
      const plot = document.querySelector(`.${key} .js-plotly-plot`);
      if (!plot) return;
      const { text, width, height } = await drawn(plot, paper());
      const svg = new Blob([text], { type: "image/svg+xml" });
      save(kind === "SVG" ? svg : await raster(svg, width, height), `${name}.${kind.toLowerCase()}`);
    };
    return button;
  }));
}

async function drawn(plot, paper) {
  const frame = plot.getBoundingClientRect(), width = Math.round(frame.width), height = Math.round(frame.height);
  const root = document.createElementNS(SPACE, "svg");
  const set = (node, values) => { for (const [k, v] of Object.entries(values)) node.setAttribute(k, v); return node; };
  set(root, { xmlns: SPACE, width, height, viewBox: `0 0 ${width} ${height}` });
  root.append(set(document.createElementNS(SPACE, "rect"), { width, height, fill: paper }));
  for (const layer of plot.querySelectorAll(".gl-container canvas, .main-svg")) {
    const place = layer.getBoundingClientRect(), at = { x: place.left - frame.left, y: place.top - frame.top, width: place.width, height: place.height };
    if (!at.width || !at.height) continue;
    if (layer.tagName === "CANVAS") {
      const image = document.createElementNS(SPACE, "image");
      root.append(set(image, { ...at, href: layer.toDataURL() }));
    } else {
      const copy = layer.cloneNode(true);
      copy.style.background = "none";
      copy.querySelectorAll(".hoverlayer, .modebar-container").forEach((node) => node.remove());
      root.append(set(copy, at));
    }
  }
  root.querySelectorAll("text").forEach((node) => { node.style.fontFamily ||= "sans-serif"; });
  return { text: new XMLSerializer().serializeToString(root), width, height };
}

async function raster(svg, width, height) {
  const image = new Image(), url = URL.createObjectURL(svg);
  image.src = url;
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: 2 * width, height: 2 * height });
  canvas.getContext("2d").drawImage(image, 0, 0, 2 * width, 2 * height);
  URL.revokeObjectURL(url);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

function save(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
