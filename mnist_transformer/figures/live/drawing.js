// The drawing as the model saw it, its own pixels, with the weights of one map glowing over it.

const FADE = 160; // milliseconds in which the glow goes from one map to the next

// `placed` is told where the drawing lies: pixels of the page a pixel of the drawing, its left, and
// how wide the whole is.
function makeDrawing(canvas, placed) {
  const drawing = {
    canvas,
    placed,
    ink: document.createElement("canvas"),
    data: null,
    shown: null, // the weights as they glow now, on the way to those of the step
    marked: null,
    frame: 0,
    // Known from the observer: to ask for it while things change makes the browser lay out all.
    size: null,
  };
  const observer = new ResizeObserver(() => {
    drawing.size = sizeOf(canvas);
    if (drawing.data) redraw(drawing);
  });
  observer.observe(canvas);
  return {
    load(data) {
      drawing.data = data;
      putInk(drawing.ink, data.canvas);
    },
    paint(map, patch, step, head) {
      drawing.marked = patch;
      labelMap(canvas, map, step, head);
      fadeTo(drawing, map);
    },
    onpatch(tell) {
      const at = (event) => patchAt(drawing, event);
      canvas.onpointermove = (event) => event.pointerType === "mouse" && tell(at(event), false);
      canvas.onpointerleave = () => tell(null, false);
      canvas.onclick = (event) => at(event) !== null && tell(at(event), true);
    },
    stop() {
      cancelAnimationFrame(drawing.frame);
      observer.disconnect();
    },
  };
}

function sizeOf(canvas) {
  return { width: canvas.clientWidth, height: canvas.clientHeight, room: canvas.offsetWidth };
}

// What part of the model's canvas is seen: all ink, and as much paper as there is room for.
function viewOf({ size: { width, height }, data }) {
  const [left, right] = data.ink;
  const scale = Math.min(height / data.canvas.height, width / (right - left));
  const middle = (left + right) / 2;
  const half = width / scale / 2;
  // The paper's edge stays at the edge where there is paper enough to fill the width.
  const start =
    2 * half < data.canvas.width
      ? Math.max(0, Math.min(data.canvas.width - 2 * half, middle - half))
      : data.canvas.width / 2 - half;
  return { scale, x: -start * scale, y: (height - data.canvas.height * scale) / 2 };
}

function redraw(drawing) {
  const { canvas, ink, data, shown, marked, placed } = drawing;
  const size = (drawing.size ??= sizeOf(canvas));
  const brush = canvas.getContext("2d");
  const pixels = devicePixelRatio || 1;
  const [width, height] = [size.width, size.height].map((side) => Math.round(side * pixels));
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  brush.resetTransform();
  brush.clearRect(0, 0, width, height);
  const { scale, x, y } = viewOf(drawing);
  brush.setTransform(pixels * scale, 0, 0, pixels * scale, pixels * x, pixels * y);
  brush.imageSmoothingEnabled = false;
  brush.drawImage(ink, 0, 0);
  if (data.grid && shown) paintGlow(brush, data, shown, marked, scale);
  data.unread.forEach((box) => hatch(brush, box));
  placed({ scale, x, room: size.room });
}

function labelMap(canvas, map, step, head) {
  if (map) {
    canvas.dataset.attention = Math.max(...map).toFixed(4);
    canvas.dataset.step = step + 1;
    canvas.dataset.head = head;
    canvas.setAttribute("aria-label", `Attention at step ${step + 1} over the drawing`);
  } else {
    ["attention", "step", "head"].forEach((name) => delete canvas.dataset[name]);
    canvas.setAttribute("aria-label", "The drawing as the model sees it: empty");
  }
}

function fadeTo(drawing, map) {
  cancelAnimationFrame(drawing.frame);
  const from = drawing.shown;
  const begin = performance.now();
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (!map || !from || from.length !== map.length || isCalm) {
    drawing.shown = map;
    redraw(drawing);
    return;
  }
  const advance = () => {
    const share = Math.min(1, (performance.now() - begin) / FADE);
    drawing.shown = map.map((weight, n) => from[n] + (weight - from[n]) * share);
    redraw(drawing);
    if (share < 1) drawing.frame = requestAnimationFrame(advance);
  };
  advance();
}

function patchAt(drawing, event) {
  const { data } = drawing;
  if (!data.grid) return null;
  const { scale, x, y } = viewOf(drawing);
  const [rows, columns] = data.grid;
  const column = Math.floor((((event.offsetX - x) / scale) * columns) / data.canvas.width);
  const row = Math.floor((((event.offsetY - y) / scale) * rows) / data.canvas.height);
  const inside = column >= 0 && column < columns && row >= 0 && row < rows;
  return inside ? row * columns + column : null;
}

function paintGlow(brush, data, weights, marked, scale) {
  const [rows, columns] = data.grid;
  const width = data.canvas.width / columns;
  const height = data.canvas.height / rows;
  const peak = Math.max(...weights) || 1;
  weights.forEach((weight, n) => {
    brush.fillStyle = glow(weight / peak);
    brush.fillRect((n % columns) * width, Math.floor(n / columns) * height, width, height);
  });
  if (marked !== null && marked < weights.length) {
    brush.strokeStyle = "#1971c2";
    brush.lineWidth = 2 / scale;
    brush.strokeRect((marked % columns) * width, Math.floor(marked / columns) * height, width, height);
  }
}

// Over a mark that no digit was read from.
function hatch(brush, [left, top, right, bottom]) {
  brush.save();
  brush.beginPath();
  brush.rect(left, top, right - left, bottom - top);
  brush.clip();
  brush.strokeStyle = "#d9480f";
  brush.lineWidth = 0.8;
  brush.beginPath();
  for (let x = left - (bottom - top); x < right; x += 3) {
    brush.moveTo(x, bottom);
    brush.lineTo(x + bottom - top, top);
  }
  brush.stroke();
  brush.restore();
}
