/* The item map: all items on a canvas, once; history, list, target and the two paths above it as vectors. */

function itemMap(figure, scene, all, clock) {
  /* all: the scenes on the same map, which share its frame. */
  const plane = figure.querySelector(".plane"), canvas = figure.querySelector("canvas"), root = figure.querySelector("svg");
  const tip = figure.querySelector(".tip"), key = figure.querySelector(".key");
  const { layout, x0_path: estimate, xt_path: noised } = scene;
  const box = extent(all.flatMap((s) => [s.layout, s.x0_path, s.xt_path]));
  let place = null, parts = null, current = 0;

  function draw() {
    const width = plane.clientWidth, height = plane.clientHeight;
    if (!width) return;
    place = fit(box, width, height);
    points(width, height);
    root.setAttribute("width", width);
    root.setAttribute("height", height);
    root.replaceChildren();
    const whole = (path) => [...Array(path.length / 2).keys()].map((i) => place(path, i).join(",")).join(" ");
    svg(root, "polyline", { class: "path noised faint", points: whole(noised) });
    svg(root, "polyline", { class: "path estimate faint", points: whole(estimate) });
    for (const item of new Set(scene.history)) at(glyph(root, "history", 5), layout, item - 1);
    for (const [path, kind] of [[noised, "noised"], [estimate, "estimate"]])
      for (let i = 0; i < path.length / 2; i++) at(svg(root, "circle", { class: `stop ${kind}`, r: 2 }), path, i);
    const list = svg(root, "g");
    if (scene.target) at(glyph(root, "target", 8), layout, scene.target - 1);
    parts = {
      list,
      noised: svg(root, "polyline", { class: "path noised" }),
      estimate: svg(root, "polyline", { class: "path estimate" }),
      noisedHead: head("xₜ", "noised"),
      estimateHead: head("x̂₀", "estimate"),
    };
    move(current);
  }

  function head(name, kind) {
    const group = svg(root, "g", { class: `at ${kind}` });
    svg(group, "circle", { r: 5 });
    svg(group, "text", { class: "head", x: 9, y: kind === "noised" ? 14 : -6 }, name);
    return group;
  }

  function at(element, path, i) {
    const [px, py] = place(path, i);
    element.setAttribute("transform", `translate(${px},${py})`);
    return element;
  }

  function points(width, height) {
    const ratio = window.devicePixelRatio || 1, pen = canvas.getContext("2d"), frame = [width, height, ratio, ...box];
    if (canvas.shown && sameNumbers(canvas.shown.frame, frame) && sameNumbers(canvas.shown.layout, layout)) return;
    canvas.shown = { frame, layout };
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    pen.scale(ratio, ratio);
    pen.fillStyle = "#8A929B";
    pen.globalAlpha = layout.length > 20000 ? 0.25 : 0.45;
    const size = layout.length > 20000 ? 1.2 : 2.4;
    for (let i = 0; i < layout.length / 2; i++) {
      const [px, py] = place(layout, i);
      pen.fillRect(px - size / 2, py - size / 2, size, size);
    }
  }

  function move(step) {
    current = step;
    if (!parts) return;
    const until = (path, count) => [...Array(count).keys()].map((i) => place(path, i).join(",")).join(" ");
    parts.noised.setAttribute("points", until(noised, step + 1));
    parts.estimate.setAttribute("points", until(estimate, step));
    at(parts.noisedHead, noised, step);
    parts.estimateHead.style.display = step ? "" : "none";
    if (step) at(parts.estimateHead, estimate, step - 1);
    parts.list.replaceChildren();
    scene.list(step).slice().reverse().forEach((item, i) => at(glyph(parts.list, "answer", i === scene.k - 1 ? 7 : 4.5), layout, item - 1));
    const error = step ? scene.x0_error[step - 1] : scene.xt_error[0];
    const of = Math.min(10, scene.items), kept = Math.round(of * (1 - error));
    const near = [...scene.near.subarray(step * scene.near_k, (step + 1) * scene.near_k)].map(scene.title).join(", ");
    key.textContent = `Nearest to ${step ? "x̂₀" : "xₜ"} by cosine: ${near}. Of its ${of} nearest items the flat map keeps ${kept} nearest${error > 0.5 ? ": trust the names, not the place" : ""}.`;
  }

  function stop(mx, my) {
    /* The step of the path's point under the pointer, the present one before others; -1 if there is none. */
    let best = 49, found = -1;
    for (const [path, first] of [[estimate, 1], [noised, 0]]) {
      for (let i = 0; i < path.length / 2; i++) {
        const [px, py] = place(path, i), d = (px - mx) ** 2 + (py - my) ** 2;
        if (d < best - 1e-6 || (found !== current && i + first === current && d <= best)) [best, found] = [d, i + first];
      }
    }
    return found;
  }

  plane.onpointermove = (event) => {
    if (!place) return;
    const frame = plane.getBoundingClientRect(), mx = event.clientX - frame.left, my = event.clientY - frame.top;
    const step = event.pointerType === "mouse" ? stop(mx, my) : -1;
    if (step >= 0) clock.hover(step);
    let best = 100, found = -1;
    for (let i = 0; i < layout.length / 2; i++) {
      const [px, py] = place(layout, i), d = (px - mx) ** 2 + (py - my) ** 2;
      if (d < best) [best, found] = [d, i];
    }
    const title = found >= 0 ? scene.title(found + 1) : null;
    tip.hidden = !title;
    if (!title) return;
    const what = found + 1 === scene.target ? " (target)" : scene.history.includes(found + 1) ? " (history)" : "";
    tip.textContent = title + what;
    const [px, py] = place(layout, found);
    tip.style.top = `${py + 10}px`;
    tip.style.left = px > frame.width / 2 ? "" : `${px}px`;
    tip.style.right = px > frame.width / 2 ? `${frame.width - px}px` : "";
  };
  plane.onpointerleave = () => { tip.hidden = true; clock.leave(); };
  return { draw, move };
}

function extent(paths) {
  const box = [Infinity, -Infinity, Infinity, -Infinity];
  for (const path of paths) {
    for (let i = 0; i < path.length; i += 2) {
      box[0] = Math.min(box[0], path[i]);
      box[1] = Math.max(box[1], path[i]);
      box[2] = Math.min(box[2], path[i + 1]);
      box[3] = Math.max(box[3], path[i + 1]);
    }
  }
  return box;
}

function fit([left, right, low, high], width, height) {
  /* Both axes in the same scale, the whole in the middle. */
  const margin = 18, scale = Math.min((width - 2 * margin) / (right - left || 1), (height - 2 * margin) / (high - low || 1));
  const x = width / 2 - (scale * (left + right)) / 2, y = height / 2 + (scale * (low + high)) / 2;
  return (path, i) => [x + scale * path[2 * i], y - scale * path[2 * i + 1]];
}
