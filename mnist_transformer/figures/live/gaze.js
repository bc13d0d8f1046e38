// A second pen: paint on the drawing where the decoder is to look, or name a place.
//
//   const stop = drawGaze(element, data, {store, step, looked})
//
// data is `gaze_data` of gaze.py. looked({patches}) is told what was painted when the pen is lifted,
// a number for each patch, looked({place}) which place was named; {} takes all back. step(n) is told
// when another step is chosen on the page. Needs follow.js and paper.js.

const PEN = 1.4; // radius in patches

function drawGaze(element, data, { store = pageStore(), step = () => {}, looked = () => {} } = {}) {
  const gaze = (element.mnistGaze ??= buildGaze(element, store));
  gaze.tell = { step, looked };
  gaze.show(data);
  return gaze.stop;
}

function buildGaze(element, store) {
  const root = document.createElement("section");
  root.className = "mnist-gaze";
  root.innerHTML = `<canvas aria-label="Paint here where the model is to look"></canvas>
    <div class="mnist-places"></div>`;
  element.append(root);
  const canvas = root.querySelector("canvas");
  const places = root.querySelector(".mnist-places");
  let data = null;
  let paint = []; // of each patch, 0 to 1
  let isPainting = false;
  let unsubscribe = null;

  const gaze = {
    tell: {},
    show(fresh) {
      data = fresh;
      if (!isPainting) paint = [...data.weights];
      draw();
      places.replaceChildren(...data.places.map((place) => placeButton(gaze, place, data.place)));
      unsubscribe ??= followStep(store, () => data, (step) => gaze.tell.step(step));
    },
    stop() {
      unsubscribe?.();
      observer.disconnect();
      root.remove();
      delete element.mnistGaze;
    },
  };

  const draw = () => paintGaze(canvas, data, paint);
  const touch = (event) => {
    paint = withPen(paint, placeOf(event, canvas, data), data.grid[1]);
    draw();
  };

  canvas.onpointerdown = (event) => {
    canvas.setPointerCapture(event.pointerId);
    isPainting = true;
    if (!data.isPainted) paint = paint.map(() => 0); // a map of the model's makes way
    touch(event);
  };
  canvas.onpointermove = (event) => isPainting && touch(event);
  canvas.onpointerup = canvas.onpointercancel = () => {
    if (!isPainting) return;
    isPainting = false;
    data.isPainted = true;
    gaze.tell.looked({ patches: paint });
  };
  const observer = new ResizeObserver(() => data && draw());
  observer.observe(canvas);
  return gaze;
}

function paintGaze(canvas, data, paint) {
  const { brush, size, corner } = paintPaper(canvas, data);
  const top = Math.max(...paint, 1e-9);
  paint.forEach((weight, n) => {
    brush.fillStyle = `rgba(217, 72, 15, ${0.75 * Math.sqrt(weight / top) * (weight > 0)})`;
    brush.fillRect(...corner(n), size, size);
  });
}

// What is painted once the pen has been at a place, in patches.
function withPen(paint, [row, column], columns) {
  return paint.map((weight, n) => {
    const far = Math.hypot(Math.floor(n / columns) + 0.5 - row, (n % columns) + 0.5 - column);
    return far < PEN ? 1 : weight;
  });
}

function placeButton(gaze, { name, label }, chosen) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.place = name;
  button.textContent = label;
  button.setAttribute("aria-pressed", chosen === name);
  button.onclick = () => gaze.tell.looked(name === "own" ? {} : { place: name });
  return button;
}
